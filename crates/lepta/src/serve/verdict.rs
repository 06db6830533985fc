//! Whether what came out of a worker is the whole, right result.
//!
//! Invariant: it is only if the worker ended by itself with status 0, reports that it was jailed and
//! that all was verified, and has read and written exactly the bytes that went through this process; for
//! a part of the original, if it has written exactly as many bytes as the part has.

use lepta_worker::job::Job;
use lepta_worker::status::Status;

use super::pool::draining;
use super::reason::Reason;
use super::refusal::Refusal;
use super::slot::{Cut, Ended};
use crate::worker::{Ending, WorkerReport};

/// What passed between this process and the worker, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// To the worker, at most.
    pub(crate) fed: u64,
    /// That was all of the body, and the worker has seen its end.
    pub(crate) is_whole: bool,
    /// There was nothing more for the worker to do until more of the body came.
    pub(crate) waits: bool,
    /// From the worker.
    pub(crate) out: u64,
}

/// The report of a success, or why it is none.
pub(crate) fn judge(job: &Job, ended: Ended, passed: Passed) -> Result<WorkerReport, Refusal> {
    match (ended.cut, ended.outcome.ending) {
        (Some(Cut::Deadline), _) if passed.waits => return Err(Refusal::too_slow()),
        (Some(Cut::Deadline), _) => return Err(Refusal::not_done_in_time()),
        (Some(Cut::Draining), _) => return Err(draining()),
        (Some(Cut::Abandoned), _) => {
            return Err(Refusal::new(Reason::Aborted, "nobody waits for the result"));
        }
        (None, Ending::Signal(_)) => {
            return Err(Refusal::new(Reason::Killed, "the worker died"));
        }
        (None, _) => {}
    }
    let report = ended
        .outcome
        .into_success(job.operation)
        .map_err(|failure| Refusal::new(Reason::Status(failure.status), failure.message))?;
    let is_in_right = match job.range {
        // What is behind the part is not read.
        Some(_) => report.bytes_in <= passed.fed,
        None => passed.is_whole && report.bytes_in == passed.fed,
    };
    let is_part = job.range.is_none_or(|range| range.length() == passed.out);
    if !is_in_right || !is_part || report.bytes_out != passed.out {
        let detail = "the worker's report does not agree with what it read and wrote";
        return Err(Refusal::new(Reason::Status(Status::Internal), detail));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Outcome;
    use lepta_worker::job::{ByteRange, Operation};

    fn ended(ending: Ending, cut: Option<Cut>) -> Ended {
        let report = "{\"operation\":\"compress\",\"status\":0,\"bytes_in\":10,\"bytes_out\":7,\
            \"kind\":null,\"width\":null,\"height\":null,\"segments\":1,\"segments_stored\":0,\
            \"reasons\":[],\"verified\":true,\"alarms\":0,\"peak_rss_bytes\":null,\"jailed\":true,\
            \"error\":null}";
        Ended {
            outcome: Outcome {
                ending,
                report: WorkerReport::parse(report.as_bytes()),
            },
            cut,
        }
    }

    fn judged(ending: Ending, cut: Option<Cut>, passed: Passed) -> Result<u64, Reason> {
        judge(&Job::of(Operation::Compress), ended(ending, cut), passed)
            .map(|report| report.bytes_out)
            .map_err(|refusal| refusal.reason)
    }

    const ALL: Passed = Passed {
        fed: 10,
        is_whole: true,
        waits: false,
        out: 7,
    };

    #[test]
    fn only_all_of_it_is_a_success() {
        let done = Ending::Status(Status::Done);
        assert_eq!(judged(done, None, ALL), Ok(7));
        let internal = Err(Reason::Status(Status::Internal));
        for passed in [
            Passed { out: 6, ..ALL },
            Passed {
                is_whole: false,
                ..ALL
            },
            Passed { fed: 11, ..ALL },
        ] {
            assert_eq!(judged(done, None, passed), internal);
        }
    }

    #[test]
    fn a_part_is_all_of_the_part() {
        let report = ended(Ending::Status(Status::Done), None);
        let judged = |length: u64, passed: Passed| {
            let mut report = report.clone();
            if let Some(report) = &mut report.outcome.report {
                report.operation = Some("decompress".to_owned());
            }
            let job = Job {
                range: ByteRange::new(100, 100 + length),
                ..Job::of(Operation::Decompress)
            };
            judge(&job, report, passed).is_ok()
        };
        assert!(judged(7, ALL));
        let declined = Passed {
            fed: 65_536,
            is_whole: false,
            ..ALL
        };
        assert!(judged(7, declined));
        assert!(!judged(8, ALL));
        assert!(!judged(7, Passed { out: 6, ..declined }));
        assert!(!judged(6, Passed { out: 6, ..declined }));
        // More than it was given.
        assert!(!judged(7, Passed { fed: 9, ..declined }));
    }

    #[test]
    fn other_ends_have_their_reasons() {
        let done = Ending::Status(Status::Done);
        let time = Err(Reason::Status(Status::Time));
        assert_eq!(judged(done, Some(Cut::Deadline), ALL), time);
        assert_eq!(
            judged(done, Some(Cut::Draining), ALL),
            Err(Reason::Draining)
        );
        assert_eq!(
            judged(done, Some(Cut::Abandoned), ALL),
            Err(Reason::Aborted)
        );
        assert_eq!(judged(Ending::Signal(9), None, ALL), Err(Reason::Killed));
        let damaged = Ending::Status(Status::Checksum);
        let checksum = Err(Reason::Status(Status::Checksum));
        assert_eq!(judged(damaged, None, ALL), checksum);
    }
}
