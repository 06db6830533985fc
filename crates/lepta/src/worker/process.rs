//! One job: bytes into a worker, bytes out of it, its verdict.
//!
//! Invariant: success means that the worker saw the input's end and that everything it wrote went
//! to the output. Whatever else happens, the worker is gone when [`run_job`] returns.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread;

use lepta_worker::status::Status;

use super::binary::{WorkerBinary, WorkerOptions};
use super::outcome::{Outcome, WorkerFailure, WorkerReport};
use crate::interruption::Interruption;
use crate::problem::Problem;

/// Bytes moved at once.
const PIECE: usize = 128 << 10;

/// Most bytes of a worker's messages that are looked at.
const MESSAGES_MAX: u64 = 64 << 10;

/// Why a job failed.
#[derive(Debug)]
pub enum JobError {
    /// The worker could not be started, or waited for.
    Start(io::Error),
    /// Reading the input failed.
    Input(io::Error),
    /// Writing the output failed.
    Output(io::Error),
    /// The worker did not succeed.
    Worker(WorkerFailure),
    /// The process was asked to end.
    Interrupted,
}

impl JobError {
    /// As a problem of the file `input` or `output`.
    pub fn into_problem(self, input: &str, output: &str) -> Problem {
        match self {
            Self::Start(error) => Problem::new(
                Status::Other,
                format!("a worker cannot be started: {error}"),
            ),
            Self::Input(error) => Problem::reading(&error).at(input),
            Self::Output(error) => Problem::writing(&error).at(output),
            Self::Worker(failure) => {
                let problem = Problem::new(failure.status, failure.message).at(input);
                match failure.status {
                    Status::Reference => {
                        problem.advise("name the file that it was compressed against: --patch-from")
                    }
                    _ => problem,
                }
            }
            Self::Interrupted => Problem::new(Status::Other, "interrupted").at(input),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(formatter, "a worker cannot be started: {error}"),
            Self::Input(error) => write!(formatter, "cannot read the input: {error}"),
            Self::Output(error) => write!(formatter, "cannot write the output: {error}"),
            Self::Worker(failure) => failure.fmt(formatter),
            Self::Interrupted => formatter.write_str("interrupted"),
        }
    }
}

impl std::error::Error for JobError {}

/// Runs one worker on all of `input` and writes what it puts out to `output`.
///
/// # Errors
/// The first thing that failed, as the innermost cause: a failed read or write here comes before
/// what the worker made of it.
pub fn run_job(
    binary: &WorkerBinary,
    options: &WorkerOptions,
    input: &mut (impl Read + Send),
    output: &mut impl Write,
    interruption: &Interruption,
) -> Result<WorkerReport, JobError> {
    let mut child = binary
        .command(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(JobError::Start)?;
    let moved = move_bytes(&mut child, input, output, interruption);
    let messages = messages(&mut child);
    let exit = child.wait().map_err(JobError::Start)?;
    moved?;
    let outcome = Outcome::new(exit, &messages);
    outcome
        .into_success(options.operation)
        .map_err(JobError::Worker)
}

/// Feeds the worker and takes what it writes, both at once. If either fails, the worker is killed: one
/// that just saw its input end would take a part for the whole.
fn move_bytes(
    child: &mut Child,
    input: &mut (impl Read + Send),
    output: &mut impl Write,
    interruption: &Interruption,
) -> Result<(), JobError> {
    let (Some(mut to_worker), Some(mut from_worker)) = (child.stdin.take(), child.stdout.take())
    else {
        unreachable!("both were asked to be pipes");
    };
    let child = Mutex::new(child);
    let kill_after = |moved: Result<(), Stop>| {
        if moved.is_err()
            && let Ok(mut child) = child.lock()
        {
            // It may have ended by itself; then there is nothing to kill.
            let _ = child.kill();
        }
        moved
    };
    let (fed, drained) = thread::scope(|scope| {
        let feeder = scope.spawn(move || {
            let fed = match copy(input, &mut to_worker, interruption) {
                // The worker has had enough; its status says why.
                Err(Stop::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                fed => fed,
            };
            // The pipe is closed only afterwards.
            kill_after(fed)
        });
        let drained = kill_after(copy(&mut from_worker, output, interruption));
        (feeder.join(), drained)
    });
    let fed = fed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    fed.map_err(|stop| match stop {
        Stop::Read(error) => JobError::Input(error),
        Stop::Write(error) => JobError::Start(error),
        Stop::Interrupted => JobError::Interrupted,
    })?;
    drained.map_err(|stop| match stop {
        Stop::Read(error) => JobError::Start(error),
        Stop::Write(error) => JobError::Output(error),
        Stop::Interrupted => JobError::Interrupted,
    })
}

/// Why bytes stopped moving.
enum Stop {
    Read(io::Error),
    Write(io::Error),
    Interrupted,
}

fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    interruption: &Interruption,
) -> Result<(), Stop> {
    let mut piece = vec![0; PIECE];
    loop {
        if interruption.is_requested() {
            return Err(Stop::Interrupted);
        }
        match from.read(&mut piece) {
            Ok(0) => return to.flush().map_err(Stop::Write),
            Ok(count) => to.write_all(&piece[..count]).map_err(Stop::Write)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Stop::Read(error)),
        }
    }
}

fn messages(child: &mut Child) -> Vec<u8> {
    let mut messages = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // What cannot be read is missing from the report, and then there is none.
        let _ = stderr.take(MESSAGES_MAX).read_to_end(&mut messages);
    }
    messages
}
