//! How a worker ended, and what it said.
//!
//! Invariant: [`Outcome::into_success`] believes only a worker that was jailed, verified everything, and
//! whose report and exit status agree.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;
use serde::Deserialize;

/// The worker's JSON report.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct WorkerReport {
    /// What was done.
    pub operation: Option<String>,
    /// The exit status that follows.
    pub status: u8,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// The kind of the first image.
    pub kind: Option<String>,
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Places where decoding can start.
    #[serde(default)]
    pub restarts: u64,
    /// Segments coded or decoded.
    pub segments: u64,
    /// Those of them that hold their bytes as they are.
    pub segments_stored: u64,
    /// Why parts were not modelled as images.
    pub reasons: Vec<String>,
    /// Ranges of the original that a salvage could not give back; `None`: a bound that is not known.
    #[serde(default)]
    pub missing: Vec<(Option<u64>, Option<u64>)>,
    /// Whether all of it was verified.
    pub verified: bool,
    /// Failed verifications, whose segments were stored instead.
    pub alarms: u64,
    /// Peak of resident memory in bytes.
    pub peak_rss_bytes: Option<u64>,
    /// Whether the jail was up.
    pub jailed: bool,
    /// What went wrong.
    pub error: Option<String>,
}

impl WorkerReport {
    /// The report among what a worker wrote to standard error; `None` if there is none.
    pub fn parse(messages: &[u8]) -> Option<Self> {
        let mut lines = messages.split(|&byte| byte == b'\n');
        lines.find_map(|line| serde_json::from_slice(line).ok())
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a status of the table.
    Status(Status),
    /// With another one.
    UnknownStatus(i32),
    /// By a signal.
    Signal(i32),
}

impl From<ExitStatus> for Ending {
    fn from(exit: ExitStatus) -> Self {
        match (exit.code(), exit.signal()) {
            (Some(code), _) => u8::try_from(code)
                .ok()
                .and_then(Status::from_code)
                .map_or(Self::UnknownStatus(code), Self::Status),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

/// A worker that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How.
    pub ending: Ending,
    /// What it reported, if it came to that.
    pub report: Option<WorkerReport>,
}

/// A worker that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerFailure {
    /// The status for whoever asked for the work.
    pub status: Status,
    /// What happened, for people.
    pub message: String,
}

impl fmt::Display for WorkerFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for WorkerFailure {}

impl Outcome {
    /// From the exit status of a worker and what it wrote to standard error.
    pub fn new(exit: ExitStatus, messages: &[u8]) -> Self {
        Self {
            ending: exit.into(),
            report: WorkerReport::parse(messages),
        }
    }

    /// The report of a worker that gave back what damage has left, or all.
    ///
    /// # Errors
    /// As for [`Outcome::into_success`], but what is missing is in the report.
    pub fn into_salvage(self) -> Result<WorkerReport, WorkerFailure> {
        let is_damage =
            |ending| matches!(ending, Ending::Status(Status::Checksum | Status::Truncated));
        match self.report {
            Some(report)
                if is_damage(self.ending)
                    && report.jailed
                    && report.operation.as_deref() == Some(Operation::Decompress.name()) =>
            {
                Ok(report)
            }
            report => Self { report, ..self }.into_success(Operation::Decompress),
        }
    }

    /// The report of a worker that did `operation`, all of it, jailed and verified.
    ///
    /// # Errors
    /// What the worker reported as its failure, or what is missing for a success.
    pub fn into_success(self, operation: Operation) -> Result<WorkerReport, WorkerFailure> {
        let fail = |status, message: String| Err(WorkerFailure { status, message });
        match (self.ending, self.report) {
            (Ending::Status(Status::Done), Some(report)) => {
                let is_whole = report.status == Status::Done.code()
                    && report.operation.as_deref() == Some(operation.name())
                    // A probe says what a header says; there is nothing to verify.
                    && (report.verified || operation == Operation::Probe);
                match (is_whole, report.jailed) {
                    (true, true) => Ok(report),
                    (true, false) => fail(Status::NoSandbox, "the worker was not jailed".into()),
                    (false, _) => fail(
                        Status::Internal,
                        "the worker ended well without having verified everything".into(),
                    ),
                }
            }
            (Ending::Status(Status::Done), None) => {
                fail(Status::Internal, "the worker gave no report".into())
            }
            (ending, report) => Err(ending.failure(report.and_then(|report| report.error))),
        }
    }
}

impl Ending {
    /// What a process has made of its work that ended so and said this.
    pub(super) fn failure(self, said: Option<String>) -> WorkerFailure {
        let (status, message) = match self {
            Self::Status(status) => (status, said.unwrap_or_else(|| status.meaning().into())),
            Self::UnknownStatus(code) => (
                Status::Other,
                format!("the worker ended with the unknown status {code}"),
            ),
            Self::Signal(9) => (
                Status::Memory,
                "the worker was killed, as by a machine short of memory".into(),
            ),
            Self::Signal(signal) => (
                Status::Internal,
                format!("the worker was ended by signal {signal}"),
            ),
        };
        WorkerFailure { status, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "{\"operation\":\"compress\",\"status\":0,\"status_name\":\"done\",\
        \"bytes_in\":1,\"bytes_out\":2,\"saving_percent\":null,\"kind\":null,\"width\":null,\
        \"height\":null,\"segments\":1,\"segments_stored\":1,\"reasons\":[],\"verified\":true,\
        \"alarms\":0,\"peak_rss_bytes\":null,\"level\":\"fast\",\"threads\":1,\"jailed\":true,\
        \"error\":null}";

    fn outcome(wait_status: i32, messages: &str) -> Result<WorkerReport, WorkerFailure> {
        Outcome::new(ExitStatus::from_raw(wait_status), messages.as_bytes())
            .into_success(Operation::Compress)
    }

    fn status(wait_status: i32, messages: &str) -> Status {
        outcome(wait_status, messages)
            .expect_err("no success")
            .status
    }

    #[test]
    fn a_jailed_and_verified_success_is_one() {
        let report = outcome(0, &format!("warning\n{REPORT}\n")).expect("success");
        assert_eq!((report.bytes_in, report.bytes_out), (1, 2));
    }

    #[test]
    fn nothing_less_is() {
        assert_eq!(status(0, ""), Status::Internal);
        for (right, wrong, expected) in [
            ("\"jailed\":true", "\"jailed\":false", Status::NoSandbox),
            ("\"verified\":true", "\"verified\":false", Status::Internal),
            ("\"compress\"", "\"verify\"", Status::Internal),
            ("\"status\":0", "\"status\":60", Status::Internal),
        ] {
            assert_eq!(
                status(0, &REPORT.replace(right, wrong)),
                expected,
                "{wrong}"
            );
        }
    }

    #[test]
    fn failures_keep_their_status_and_message() {
        let said = REPORT.replace("\"error\":null", "\"error\":\"no room\"");
        let failure = outcome(42 << 8, &said).expect_err("status 42");
        assert_eq!(failure.status, Status::NoSpace);
        assert_eq!(failure.to_string(), "no room");
        assert_eq!(status(51 << 8, ""), Status::Checksum);
        assert_eq!(status(99 << 8, ""), Status::Other);
        assert_eq!(status(31, ""), Status::Internal);
        assert_eq!(status(9, ""), Status::Memory);
    }
}
