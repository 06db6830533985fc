//! What a jailed process can and cannot do, each case in a process of its own.
//!
//! Invariant: a child is this program again, with `child ROLE ...` as its arguments, one thread and
//! the arena as its allocator, as a worker has it. A role that tries many things forks for each.
#![allow(missing_docs)]

mod arguments;
mod ends;
mod fork;
mod installation;
mod surroundings;
mod sweep;
mod work;
mod world;

use std::ffi::OsStr;
use std::process::{Command, Output};

use lepta_sandbox::ArenaAllocator;
use libtest_mimic::{Arguments, Failed, Trial};

#[global_allocator]
static ALLOCATOR: ArenaAllocator = ArenaAllocator::new();

/// With this first argument the program is a child.
const CHILD: &str = "child";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == CHILD
    {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        play(&rest);
    }
    let trials = [
        sweep::trials(),
        arguments::trials(),
        ends::trials(),
        installation::trials(),
        surroundings::trials(),
        work::trials(),
    ]
    .concat_all();
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// What a child does; it never comes back.
fn play(role: &[&str]) -> ! {
    match *role {
        ["sweep", entry, place] => sweep::play(entry, place),
        ["arguments", place] => arguments::play(place),
        ["end", end, place] => ends::play(end, place),
        ["install", case] => installation::play(case),
        ["surroundings", case] => surroundings::play(case),
        ["work", case] => work::play(case),
        _ => panic!("no such role: {role:?}"),
    }
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Trial>;
}

impl<const N: usize> ConcatAll for [Vec<Trial>; N] {
    fn concat_all(self) -> Vec<Trial> {
        self.into_iter().flatten().collect()
    }
}

/// This program as a child with this role.
fn child(role: &[&str]) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg(CHILD).args(role.iter().map(OsStr::new));
    command
}

/// Starts the child, waits for its end, and checks its status.
fn expect_exit(command: &mut Command, status: i32) -> Result<Output, Failed> {
    let output = command.output()?;
    if output.status.code() == Some(status) {
        return Ok(output);
    }
    Err(format!(
        "{} instead of status {status}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}
