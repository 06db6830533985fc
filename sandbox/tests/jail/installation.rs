//! Where the jail can be installed, and what happens where it cannot.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use lepta_sandbox::{Jail, JailError, write_output};
use libtest_mimic::{Failed, Trial};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, geteuid, setgid, setgroups, setuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use crate::fork::{Outcome, attempt, end, start};
use crate::world::{Place, SURVIVED, descriptors, in_jail};
use crate::{child, expect_exit};

const CASES: [&str; 8] = [
    "under_another_filter",
    "without_close_range",
    "refused_by_another_filter",
    "pretended_by_another_filter",
    "as_an_unprivileged_user",
    "undumpable",
    "beside_a_foreign_thread",
    "stays_outside_when_told",
];

/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |case| Trial::test(format!("installation::{case}"), move || installed(case));
    CASES.map(trial).into_iter().collect()
}

fn installed(case: &str) -> Result<(), Failed> {
    expect_exit(&mut child(&["install", case]), 0).map(drop)
}

pub(crate) fn play(case: &str) -> ! {
    match case {
        "under_another_filter" => {
            filter_before(libc::SYS_uselib, SeccompAction::KillProcess);
            assert_jail_holds();
        }
        "without_close_range" => {
            let not_there = SeccompAction::Errno(Errno::ENOSYS as u32);
            filter_before(libc::SYS_close_range, not_there);
            assert_jail_holds();
            assert_other_descriptors_are_closed();
        }
        "refused_by_another_filter" => {
            filter_before(libc::SYS_seccomp, SeccompAction::Errno(Errno::EPERM as u32));
            assert!(matches!(Jail::new().enter(), Err(JailError::Filter(_))));
        }
        "pretended_by_another_filter" => {
            filter_before(libc::SYS_seccomp, SeccompAction::Errno(0));
            let error = Jail::new().enter().expect_err("no jail");
            let gained_none = matches!(
                error,
                JailError::NotInForce {
                    filters: Some(0),
                    ..
                }
            );
            assert!(gained_none, "{error}");
        }
        "as_an_unprivileged_user" => {
            become_nobody();
            assert_jail_holds();
            assert_other_descriptors_are_closed();
        }
        "undumpable" => assert_undumpable(),
        "beside_a_foreign_thread" => beside_a_foreign_thread(),
        "stays_outside_when_told" => stays_outside(),
        _ => panic!("no such case: {case}"),
    }
    std::process::exit(0)
}

/// Installs a filter that allows all but one system call.
fn filter_before(number: i64, action: SeccompAction) {
    let program: BpfProgram = SeccompFilter::new(
        [(number, Vec::new())].into_iter().collect(),
        SeccompAction::Allow,
        action,
        TargetArch::x86_64,
    )
    .and_then(BpfProgram::try_from)
    .expect("a program");
    apply_filter(&program).expect("a filter");
}

fn become_nobody() {
    if geteuid().is_root() {
        setgroups(&[]).expect("no groups");
        setgid(Gid::from_raw(NOBODY)).expect("another group");
        setuid(Uid::from_raw(NOBODY)).expect("another user");
    }
    assert!(!geteuid().is_root());
}

/// What may be done can be done, and what may not ends the process.
fn assert_jail_holds() {
    for place in [Place::Main, Place::Thread] {
        let allowed = attempt(|| {
            in_jail(place, |mut world| {
                world.buffers[0].seal();
                world.buffers[0].unseal();
                write_output(b"").expect("standard output");
            });
        });
        assert_eq!(allowed, Outcome::Exited(SURVIVED.into()));
        let forbidden = attempt(|| in_jail(place, |_| _ = nix::unistd::getpid()));
        assert_eq!(forbidden, Outcome::Killed(Signal::SIGSYS));
    }
}

/// A pipe whose writing end only a jailed process has not closed itself is at its end.
pub(crate) fn assert_other_descriptors_are_closed() {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK).expect("a pipe");
    let jailed = start_jailed();
    drop(writer);
    assert_eq!(nix::unistd::read(&reader, &mut [0]), Ok(0));
    assert!(lives(jailed));
    end(jailed);
}

fn lives(process: Pid) -> bool {
    waitpid(process, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive)
}

/// The kernel gives what is told about an undumpable process to root.
fn assert_undumpable() {
    become_nobody();
    // Changing the user has made the process undumpable already.
    prctl::set_dumpable(true).expect("its own process");
    let owner = |process: Pid| {
        let path = format!("/proc/{process}/environ");
        std::fs::metadata(path).expect("/proc").uid()
    };
    let free = start(|| std::thread::sleep(Duration::MAX));
    assert_eq!(owner(free), geteuid().as_raw());
    end(free);
    let jailed = start_jailed();
    assert_eq!(owner(jailed), 0);
    end(jailed);
}

/// A process that has gone into a jail and stays there.
fn start_jailed() -> Pid {
    let jailed = start(|| {
        in_jail(Place::Main, |world| {
            let mut byte = [0];
            // SAFETY: a read into a byte of its own. Nothing comes, as both ends are its own.
            unsafe { libc::read(world.pipe[0], byte.as_mut_ptr().cast(), 1) };
        })
    });
    let outside = filters("self");
    while filters(jailed) == outside {
        assert!(lives(jailed), "it ended before it was jailed");
        std::thread::sleep(Duration::from_millis(1));
    }
    jailed
}

/// What the kernel says of a process's filters.
fn filters(process: impl Display) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find(|line| line.starts_with("Seccomp_filters:"))?;
    Some(line.to_owned())
}

fn beside_a_foreign_thread() {
    std::thread::spawn(|| std::thread::sleep(Duration::MAX));
    let error = Jail::new().enter().expect_err("a refusal");
    assert!(matches!(
        error,
        JailError::ForeignThreads {
            threads: 2,
            expected: 1
        }
    ));
    // Refused before anything was taken away.
    assert!(std::env::vars_os().count() > 0);
}

fn stays_outside() {
    let mut jail = Jail::new();
    let (mut question, mut asked) = jail.channel::<u32>(1).expect("a pipe");
    let (mut reply, mut answer) = jail.channel::<u32>(1).expect("a pipe");
    jail.spawn(move || {
        loop {
            reply.send(asked.receive() + 1).expect("room");
        }
    })
    .expect("a thread");
    jail.stay_outside().expect("no jail");
    question.send(6).expect("room");
    assert_eq!(answer.receive(), 7);
    assert!(!descriptors().is_empty(), "files can be opened");
}
