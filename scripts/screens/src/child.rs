//! One child process, measured.
//!
//! Invariant: at most one child runs at a time, so what the children's resource usage grew by
//! belongs to the one that has just ended.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;

/// How often a child's memory is looked at.
const PAUSE: Duration = Duration::from_millis(2);

/// What runs of a program took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// User CPU time in seconds.
    pub(crate) user: f64,
    /// The highest `VmHWM` that was seen, in bytes.
    pub(crate) memory: u64,
}

impl Cost {
    /// Adds a further run.
    pub(crate) fn add(&mut self, other: Self) {
        self.user += other.user;
        self.memory = self.memory.max(other.memory);
    }
}

/// Runs a program from the file `input` to the file `output`, which is replaced; null devices where
/// there is none.
pub(crate) fn run(
    program: &Path,
    arguments: &[String],
    input: Option<&Path>,
    output: Option<&Path>,
) -> io::Result<Cost> {
    let before = children_user_seconds()?;
    let input = input.map(File::open).transpose()?;
    let output = output.map(File::create).transpose()?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(input.map_or_else(Stdio::null, Stdio::from))
        .stdout(output.map_or_else(Stdio::null, Stdio::from))
        .stderr(Stdio::null())
        .spawn()?;
    let mut memory = 0;
    let status = loop {
        memory = memory.max(highest_resident(child.id()));
        match child.try_wait()? {
            Some(status) => break status,
            None => thread::sleep(PAUSE),
        }
    };
    if !status.success() {
        let message = format!("{} {}: {status}", program.display(), arguments.join(" "));
        return Err(io::Error::other(message));
    }
    Ok(Cost {
        user: children_user_seconds()? - before,
        memory,
    })
}

fn children_user_seconds() -> io::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(usage.user_time().num_microseconds() as f64 / 1e6)
}

/// `VmHWM` of a process; 0 once it is gone.
fn highest_resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kibibytes.map_or(0, |kibibytes: u64| kibibytes * 1024)
}

/// Confines this process and its children to the last core that it may use.
pub(crate) fn pin_to_one_core() -> io::Result<()> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let last = (0..CpuSet::count()).rfind(|core| allowed.is_set(*core) == Ok(true));
    let mut set = CpuSet::new();
    set.set(last.ok_or(io::ErrorKind::NotFound)?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}
