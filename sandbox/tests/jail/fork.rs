//! One attempt per process, by `fork`: a child costs a millisecond.

use std::fmt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

/// A process that lives longer than this hangs. Generous, as the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(30);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The process exited with this status.
    Exited(i32),
    /// A signal ended the whole process.
    Killed(Signal),
    /// One of its two threads ended, and the process went on.
    ThreadGone,
    /// It was still there at the deadline.
    Hangs,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

/// Runs `attempt` in a child and says how that ended.
pub(crate) fn attempt(attempt: impl FnOnce()) -> Outcome {
    reap(start(attempt), false)
}

/// The same, when losing one of two threads is an end as well.
pub(crate) fn attempt_in_thread(attempt: impl FnOnce()) -> Outcome {
    reap(start(attempt), true)
}

/// Starts `attempt` in a child. It must not come back.
pub(crate) fn start(attempt: impl FnOnce()) -> Pid {
    // SAFETY: a role's process has one thread when it forks, so that no lock is held in the child.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // A role that fails leaves nobody behind who holds its output open.
            prctl::set_pdeathsig(Signal::SIGKILL).expect("a signal");
            attempt();
            panic!("the attempt came back");
        }
    }
}

/// Waits for the child's end.
pub(crate) fn reap(child: Pid, watch_threads: bool) -> Outcome {
    let begin = Instant::now();
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => return Outcome::Exited(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Outcome::Killed(signal),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("waitpid: {error}"),
        }
        // Twice: the kernel gathers what it tells one by one. A thread that was seen asleep while
        // SIGKILL woke it no longer sleeps when it is looked at again.
        if watch_threads && one_thread_sleeps_alone(child) && one_thread_sleeps_alone(child) {
            end(child);
            return Outcome::ThreadGone;
        }
        if begin.elapsed() > DEADLINE {
            end(child);
            return Outcome::Hangs;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Whether a process whose jail is in force, so that it has had two threads, has one that sleeps. One
/// that is on its way out has one thread for a moment, too, but with SIGKILL pending for it.
fn one_thread_sleeps_alone(child: Pid) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{child}/task")) else {
        return false;
    };
    let statuses: Vec<String> = threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("status")).ok())
        // A main thread that has ended is kept as long as the process.
        .filter(|status| !status.contains("State:\tZ"))
        .collect();
    let signs = ["Seccomp:\t2\n", "State:\tS", "SigPnd:\t0000000000000000\n"];
    statuses.len() == 1 && signs.iter().all(|sign| statuses[0].contains(sign))
}

/// Kills and reaps a child that was started here.
pub(crate) fn end(child: Pid) {
    kill(child, Signal::SIGKILL).expect("the child is there");
    waitpid(child, None).expect("the child can be reaped");
}
