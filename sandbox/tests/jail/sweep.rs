//! Every system call number, by every way in, from both threads.

use std::arch::asm;
use std::collections::BTreeMap;

use lepta_sandbox::policy::POLICY;
use lepta_sandbox::{leave, status};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;

use crate::fork::{Outcome, attempt, attempt_in_thread};
use crate::world::{Place, SURVIVED, World, in_jail};
use crate::{child, expect_exit};

/// The highest number tried. Linux 6.18 has fewer than 500.
const LAST: i64 = 500;
/// What makes a number one of the x32 interface.
const X32_BIT: i64 = 0x4000_0000;
/// Status of a child that called `exit` or `exit_group`.
const EXITED: u8 = 77;

/// A way into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Native,
    X32,
    Int80,
}

impl Entry {
    const NAMES: [&str; 3] = ["native", "x32", "int80"];

    fn from_name(name: &str) -> Self {
        match name {
            "native" => Self::Native,
            "x32" => Self::X32,
            "int80" => Self::Int80,
            _ => panic!("no such entry: {name}"),
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for entry in Entry::NAMES {
        for place in Place::NAMES {
            let name = format!("sweep::{entry}_in_{place}");
            trials.push(Trial::test(name, move || sweep(entry, place)));
        }
    }
    trials
}

fn sweep(entry: &str, place: &str) -> Result<(), Failed> {
    let output = expect_exit(&mut child(&["sweep", entry, place]), 0)?;
    let report = String::from_utf8_lossy(&output.stdout);
    print!("{report}");
    let expected_count = format!("{} numbers tried", LAST + 1);
    if report.lines().any(|line| line == expected_count) {
        Ok(())
    } else {
        Err(format!("not all were tried:\n{report}").into())
    }
}

/// Tries all numbers; exits 0 if each outcome is the right one.
pub(crate) fn play(entry: &str, place: &str) -> ! {
    let (entry, place) = (Entry::from_name(entry), Place::from_name(place));
    let killed = match entry {
        Entry::Int80 if !has_int80() => {
            println!("this kernel has no 32-bit entry: int 0x80 is a memory fault");
            Outcome::Exited(status::INTERNAL.into())
        }
        _ => Outcome::Killed(Signal::SIGSYS),
    };
    let mut wrong = 0;
    for number in 0..=LAST {
        let outcome = try_number(entry, place, number);
        let expected = match entry {
            Entry::Native => survivor(number),
            Entry::X32 | Entry::Int80 => None,
        };
        if !expected.unwrap_or(vec![killed]).contains(&outcome) {
            println!("{number}: {outcome}");
            wrong += 1;
        }
    }
    println!("{} numbers tried", LAST + 1);
    std::process::exit(i32::from(wrong > 0))
}

fn try_number(entry: Entry, place: Place, number: i64) -> Outcome {
    attempt_in_thread(|| {
        in_jail(place, move |world| {
            let arguments = arguments(entry, number, &world);
            call(entry, number, arguments);
            leave(SURVIVED);
        })
    })
}

/// How a native call may end that the policy allows, with the arguments that `arguments` gives, or
/// that the kernel lets through.
fn survivor(number: i64) -> Option<Vec<Outcome>> {
    let survived = Outcome::Exited(SURVIVED.into());
    if let Some((_, ends)) = UNFILTERED.iter().find(|(other, _)| *other == number) {
        return Some(vec![Outcome::Killed(Signal::SIGSYS), *ends]);
    }
    let row = POLICY.iter().find(|row| row.number == number)?;
    Some(match row.call {
        "read" | "write" | "mprotect" => vec![survived],
        // The jail of this test was not granted it.
        "futex" => return None,
        "exit_group" => vec![Outcome::Exited(EXITED.into())],
        // The other thread goes on.
        "exit" => vec![Outcome::ThreadGone],
        // There is no signal to return from: the kernel finds no frame and faults the memory.
        "rt_sigreturn" => vec![
            Outcome::Exited(status::INTERNAL.into()),
            Outcome::Killed(Signal::SIGSEGV),
        ],
        other => panic!("the policy allows {other}, and this test does not know it"),
    })
}

/// Numbers that Linux on x86-64 lets through whatever the filter says, since 6.12 and 6.18, and how
/// they end. They are `uretprobe` and `uprobe`, by which code that an administrator has put probes
/// into comes back from them; called from anywhere else they do nothing, or fault.
const UNFILTERED: [(i64, Outcome); 2] = [
    (335, Outcome::Killed(Signal::SIGILL)),
    (336, Outcome::Exited(SURVIVED as i32)),
];

/// Arguments with which an allowed call is allowed, and zeros for all others.
fn arguments(entry: Entry, number: i64, world: &World) -> [u64; 3] {
    let names: BTreeMap<i64, &str> = match entry {
        Entry::Native | Entry::X32 => POLICY.iter().map(|row| (row.number, row.call)).collect(),
        Entry::Int80 => BTreeMap::from([
            (1, "exit"),
            (3, "read"),
            (4, "write"),
            (125, "mprotect"),
            (252, "exit_group"),
        ]),
    };
    let buffer = &world.buffers[0];
    let address = buffer.as_ptr().addr() as u64;
    match names.get(&number) {
        Some(&"read") => [0, address, 0],
        Some(&"write") => [1, address, 0],
        Some(&"mprotect") => [address, buffer.len() as u64, 1],
        Some(&("exit" | "exit_group")) => [EXITED.into(), 0, 0],
        _ => [0; 3],
    }
}

fn call(entry: Entry, number: i64, [first, second, third]: [u64; 3]) -> i64 {
    let number = match entry {
        Entry::Native | Entry::Int80 => number,
        Entry::X32 => number | X32_BIT,
    };
    let mut result = number;
    // SAFETY: either the kernel ends the process, or the call is one that this test knows, with
    // arguments that touch no memory of the program. `rbx` is not an operand that asm may name, so
    // it is swapped in and out.
    unsafe {
        match entry {
            Entry::Native | Entry::X32 => asm!(
                "syscall",
                inlateout("rax") result,
                in("rdi") first,
                in("rsi") second,
                in("rdx") third,
                in("r10") 0, in("r8") 0, in("r9") 0,
                lateout("rcx") _, lateout("r11") _,
            ),
            Entry::Int80 => asm!(
                "xchg {first}, rbx",
                "int 0x80",
                "xchg {first}, rbx",
                first = inout(reg) first => _,
                inlateout("rax") result,
                in("rcx") second,
                in("rdx") third,
                in("rsi") 0, in("rdi") 0,
            ),
        }
    }
    result
}

/// Whether the kernel takes 32-bit calls at all: number 20 of those is `getpid`.
fn has_int80() -> bool {
    let outcome = attempt(|| {
        let process = call(Entry::Int80, 20, [0; 3]);
        let is_right = process == i64::from(std::process::id());
        leave(if is_right { 0 } else { 1 });
    });
    outcome == Outcome::Exited(0)
}
