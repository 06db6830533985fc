//! One child process, measured.
//!
//! Invariant: at most one child runs at a time, so what the children's resource usage grew by
//! belongs to the one that has just ended.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

/// What one run of a program took.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) success: bool,
    /// The exit status and the first line that the program wrote on standard error.
    pub(crate) message: String,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// From before the program was started to after it was gone.
    pub(crate) wall: Duration,
    /// `VmHWM` as the program itself reports it.
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Runs a program from the file `input` to the file `output`, which is replaced.
pub(crate) fn run(
    program: &Path,
    arguments: &[&str],
    input: &Path,
    output: &Path,
) -> io::Result<Run> {
    let input = File::open(input)?;
    let output = File::create(output)?;
    let (user_before, system_before) = children_times()?;
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()?;
    let mut message = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut message)?;
    }
    let status = child.wait()?;
    let wall = start.elapsed();
    let (user, system) = children_times()?;
    Ok(Run {
        success: status.success(),
        peak_rss_bytes: peak_rss_bytes(&message),
        message: format!(
            "{status}: {}",
            message.lines().next().unwrap_or("no message")
        ),
        user: user.saturating_sub(user_before),
        system: system.saturating_sub(system_before),
        wall,
    })
}

/// User and system time of all children that have ended so far.
fn children_times() -> io::Result<(Duration, Duration)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let duration = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    Ok((duration(usage.user_time()), duration(usage.system_time())))
}

/// The key `peak_rss_bytes` of the JSON report on standard error.
fn peak_rss_bytes(message: &str) -> Option<u64> {
    let report: serde_json::Value = serde_json::from_str(message.lines().last()?).ok()?;
    report.get("peak_rss_bytes")?.as_u64()
}

/// The cores that measurements run on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    /// Where everything runs that has one thread.
    pub(crate) main: usize,
    /// The second core of runs with two threads, if this process may use one.
    pub(crate) second: Option<usize>,
}

impl Cores {
    /// The wanted core, or the last one that this process may use, and another one.
    pub(crate) fn choose(wanted: Option<usize>) -> io::Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let allowed = (0..CpuSet::count()).filter(|core| allowed.is_set(*core) == Ok(true));
        let allowed: Vec<usize> = allowed.collect();
        let main = match wanted {
            Some(core) if allowed.contains(&core) => core,
            Some(core) => {
                let message = format!("core {core} is not among those allowed: {allowed:?}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            None => *allowed.last().ok_or(io::ErrorKind::NotFound)?,
        };
        let second = allowed.into_iter().rfind(|core| *core != main);
        Ok(Self { main, second })
    }

    /// Confines this process, and so the children started from now on, to the main core and, if
    /// `both`, the second one.
    pub(crate) fn pin(self, both: bool) -> io::Result<()> {
        let mut set = CpuSet::new();
        set.set(self.main)?;
        if let (true, Some(second)) = (both, self.second) {
            set.set(second)?;
        }
        Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_taken_from_the_last_line() {
        assert_eq!(peak_rss_bytes("{\"peak_rss_bytes\":4096}\n"), Some(4096));
        assert_eq!(
            peak_rss_bytes("note\n{\"status\":0,\"peak_rss_bytes\":7}"),
            Some(7)
        );
        assert_eq!(peak_rss_bytes("{\"peak_rss_bytes\":null}"), None);
        assert_eq!(peak_rss_bytes("no report"), None);
        assert_eq!(peak_rss_bytes(""), None);
    }
}
