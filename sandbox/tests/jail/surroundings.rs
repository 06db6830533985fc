//! What a jailed process finds around it, and what others see of it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lepta_sandbox::{
    Jail, leave, read_input, standard_descriptor_was_closed, write_error_line, write_output,
};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::unistd::Pid;

use crate::installation::assert_other_descriptors_are_closed;
use crate::world::{Place, SURVIVED, in_jail, in_this_jail};
use crate::{child, expect_exit};

/// Bytes that the child writes to a regular file.
const FILE_LENGTH: usize = 1 << 20;
/// The child's limit of processor time, in seconds.
const TIME_LIMIT: u64 = 1000;

type Runner = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Runner); 7] = [
        ("the_kernel_confirms_the_jail_before_any_input", confirmed),
        ("limits_are_set", limits),
        ("a_regular_file_may_grow", regular_file),
        ("the_environment_is_gone", environment),
        ("other_descriptors_are_closed", descriptors),
        ("handlers_return_and_reads_go_on", interrupted),
        ("closed_standard_descriptors_are_known", closed),
    ];
    trials
        .map(|(name, trial)| Trial::test(format!("surroundings::{name}"), trial))
        .into_iter()
        .collect()
}

pub(crate) fn play(case: &str) -> ! {
    match case {
        "waits" => {
            let mut jail = Jail::new();
            jail.time_limit(TIME_LIMIT);
            in_this_jail(jail, Place::Main, |_| wait_for_input());
        }
        "writes" => in_jail(Place::Main, |_| {
            let mut rest = FILE_LENGTH;
            while rest > 0 {
                rest -= write_output(&vec![7; rest]).expect("a file without a limit");
            }
        }),
        "environment" => environment_in_jail(),
        "descriptors" => {
            assert_other_descriptors_are_closed();
            leave(SURVIVED)
        }
        "interrupted" => interrupted_in_jail(),
        "closed" => leave((0..3).fold(0, |bits, number| {
            bits | u8::from(standard_descriptor_was_closed(number)) << number
        })),
        _ => panic!("no such case: {case}"),
    }
}

/// Says that the jail is in force, and waits for a byte.
fn wait_for_input() {
    write_output(b"in").expect("standard output");
    assert_eq!(read_input(&mut [0]).expect("standard input"), 1);
}

/// A child that has said that it is in the jail and waits for its input.
fn waiting(case: &str) -> Result<Child, Failed> {
    let mut process = child(&["surroundings", case])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = [0; 2];
    process
        .stdout
        .as_mut()
        .ok_or("no pipe")?
        .read_exact(&mut said)?;
    if said == *b"in" {
        Ok(process)
    } else {
        Err("it says something else".into())
    }
}

/// Gives the child its byte and checks that it goes on to its end.
fn release(mut process: Child) -> Result<(), Failed> {
    process.stdin.take().ok_or("no pipe")?.write_all(b"x")?;
    let output = process.wait_with_output()?;
    match output.status.code() {
        Some(status) if status == i32::from(SURVIVED) => Ok(()),
        _ => Err(format!("{output:?}").into()),
    }
}

fn confirmed() -> Result<(), Failed> {
    let process = waiting("waits")?;
    let mut threads = 0;
    for thread in std::fs::read_dir(format!("/proc/{}/task", process.id()))? {
        let status = std::fs::read_to_string(thread?.path().join("status"))?;
        for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
            if !status.lines().any(|found| found == line) {
                return Err(format!("no {line:?} in\n{status}").into());
            }
        }
        threads += 1;
    }
    assert_eq!(threads, 2);
    release(process)
}

fn limits() -> Result<(), Failed> {
    let process = waiting("waits")?;
    let text = std::fs::read_to_string(format!("/proc/{}/limits", process.id()))?;
    for (name, soft, hard) in [
        ("Max open files", 0, 0),
        ("Max processes", 0, 0),
        ("Max core file size", 0, 0),
        ("Max file size", 0, 0),
        ("Max cpu time", TIME_LIMIT, TIME_LIMIT + 1),
    ] {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let values: Vec<&str> = line.ok_or(name)?.split_whitespace().take(2).collect();
        assert_eq!(values, [soft.to_string(), hard.to_string()], "{name}");
    }
    release(process)
}

fn regular_file() -> Result<(), Failed> {
    let path = std::env::temp_dir().join(format!("lepta-sandbox-{}", std::process::id()));
    let mut command = child(&["surroundings", "writes"]);
    command.stdout(File::create(&path)?);
    let result = expect_exit(&mut command, SURVIVED.into());
    let length = std::fs::metadata(&path)?.len();
    std::fs::remove_file(&path)?;
    result?;
    assert_eq!(length, FILE_LENGTH as u64);
    Ok(())
}

fn environment() -> Result<(), Failed> {
    let mut command = child(&["surroundings", "environment"]);
    command.env("SECRET", "rosebud");
    let output = expect_exit(&mut command, SURVIVED.into())?;
    // The separators were zero before. Nothing at all is what the kernel says if it is no longer
    // told where the environment was.
    assert_eq!(output.stdout.iter().find(|&&byte| byte != 0), None);
    assert_eq!(output.stderr, b"variables: 0\n");
    Ok(())
}

fn environment_in_jail() -> ! {
    assert_eq!(std::env::var("SECRET").as_deref(), Ok("rosebud"));
    let mut jail = Jail::new();
    let file = File::open("/proc/self/environ").expect("/proc");
    let mut as_seen_outside = jail.input(file.into());
    in_this_jail(jail, Place::Main, move |_| {
        let mut bytes = vec![1; 1 << 16];
        let length = as_seen_outside.read(&mut bytes).expect("/proc");
        write_output(&bytes[..length]).expect("standard output");
        let count = std::env::vars_os().count();
        write_error_line(format!("variables: {count}\n").as_bytes());
    })
}

fn descriptors() -> Result<(), Failed> {
    expect_exit(
        &mut child(&["surroundings", "descriptors"]),
        SURVIVED.into(),
    )
    .map(drop)
}

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_signal(_: i32) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

fn interrupted_in_jail() -> ! {
    // Without SA_RESTART, so that calls are interrupted.
    let action = SigAction::new(
        SigHandler::Handler(count_signal),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: the handler does nothing but count.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
    in_jail(Place::Main, |_| {
        wait_for_input();
        assert!(SIGNALS.load(Ordering::Relaxed) > 0);
    })
}

fn interrupted() -> Result<(), Failed> {
    let process = waiting("interrupted")?;
    let number = Pid::from_raw(i32::try_from(process.id())?);
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(2));
        kill(number, Signal::SIGUSR1)?;
    }
    release(process)
}

fn closed() -> Result<(), Failed> {
    let program = std::env::current_exe()?;
    for (redirections, bits) in [("", 0), ("<&-", 1), (">&-", 2), ("<&- 2>&-", 5)] {
        let script = format!("exec \"$0\" child surroundings closed {redirections}");
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(&program);
        expect_exit(&mut shell, bits)?;
    }
    Ok(())
}
