//! Jailed `lepta-import` processes, from outside.
//!
//! Invariant: as for workers: a job counts as done only if its process ended with status 0 and reported that
//! it was jailed.

use std::io::{Read, Write};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use lepta_worker::status::Status;
use serde::Deserialize;

use super::binary::find_program;
use super::outcome::{Ending, WorkerFailure};
use super::process::{JobError, run_process};
use crate::interruption::Interruption;
use crate::problem::Problem;

/// The program that reads what other tools have compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportBinary {
    path: PathBuf,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportJob {
    /// A `.lep` file; its JPEG comes out.
    Lep,
    /// A difference as a JPEG XL; the frame comes out.
    Delta {
        /// A descriptor that the process inherits, of the frame before.
        before: RawFd,
    },
}

/// What of its report counts.
#[derive(Deserialize)]
struct ImportReport {
    operation: Option<String>,
    status: u8,
    jailed: bool,
    error: Option<String>,
}

impl ImportJob {
    const fn name(self) -> &'static str {
        match self {
            Self::Lep => "lep",
            Self::Delta { .. } => "delta",
        }
    }
}

impl ImportBinary {
    /// The program that is `named`, else the one that the environment names in `LEPTA_IMPORT`, else
    /// `lepta-import` in the folder of the running program.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn find(named: Option<&Path>) -> Result<Self, Problem> {
        let path = find_program(named, "lepta-import", "--import-program", "LEPTA_IMPORT")?;
        Ok(Self { path })
    }

    fn command(&self, job: ImportJob) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().args(["--report", "json"]);
        if let ImportJob::Delta { before } = job {
            command.args(["--before-fd", &before.to_string()]);
        }
        command.arg(job.name());
        command
    }

    /// Runs one process on all of `input` and writes what it restores to `output`.
    ///
    /// # Errors
    /// The first thing that failed.
    pub fn run(
        &self,
        job: ImportJob,
        input: &mut (impl Read + Send),
        output: &mut impl Write,
        interruption: &Interruption,
    ) -> Result<(), JobError> {
        let (exit, messages) = run_process(self.command(job), input, output, interruption)?;
        judge(job, exit.into(), &messages).map_err(JobError::Worker)
    }
}

fn judge(job: ImportJob, ending: Ending, messages: &[u8]) -> Result<(), WorkerFailure> {
    let mut lines = messages.split(|&byte| byte == b'\n');
    let report: Option<ImportReport> = lines.find_map(|line| serde_json::from_slice(line).ok());
    let fail = |status, message: &str| {
        Err(WorkerFailure {
            status,
            message: message.to_owned(),
        })
    };
    match (ending, report) {
        (Ending::Status(Status::Done), Some(report)) => {
            let is_whole = report.status == Status::Done.code()
                && report.operation.as_deref() == Some(job.name());
            match (is_whole, report.jailed) {
                (true, true) => Ok(()),
                (true, false) => fail(Status::NoSandbox, "the importing process was not jailed"),
                (false, _) => fail(Status::Internal, "the importing process did something else"),
            }
        }
        (Ending::Status(Status::Done), None) => {
            fail(Status::Internal, "the importing process gave no report")
        }
        (ending, report) => Err(ending.failure(report.and_then(|report| report.error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_jailed_success_is_one() {
        let right = "{\"operation\":\"lep\",\"status\":0,\"jailed\":true,\"error\":null}\n";
        let status = |code: Status, report: &str| {
            judge(ImportJob::Lep, Ending::Status(code), report.as_bytes())
                .map_err(|failure| failure.status)
        };
        assert_eq!(status(Status::Done, right), Ok(()));
        assert_eq!(status(Status::Done, ""), Err(Status::Internal));
        assert_eq!(status(Status::Malformed, right), Err(Status::Malformed));
        for (from, to, expected) in [
            ("true", "false", Status::NoSandbox),
            ("lep", "delta", Status::Internal),
            (":0", ":54", Status::Internal),
        ] {
            assert_eq!(
                status(Status::Done, &right.replace(from, to)),
                Err(expected)
            );
        }
    }
}
