//! The one line that says how a job went, for people or for machines.
//!
//! Invariant: nothing is reported that is not so. What is not known is null in JSON and absent
//! from the text; `verified` and `jailed` start as false and become true when it is done.

use lepta_codec::{Level, RestartCost, Summary};
use lepta_worker::job::{Job, Operation};
use lepta_worker::status::Status;

use crate::arguments::{ReportForm, Threads};
use crate::failure::Failure;
use crate::json::JsonObject;
use crate::missing::OpenRange;

/// What the codec recognised in the input of a compression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The kind of the first image.
    pub(crate) kind: Option<&'static str>,
    /// Its width and height in pixels.
    pub(crate) dimensions: Option<(u32, u32)>,
    /// Why parts were not modelled as images.
    pub(crate) reasons: Vec<String>,
}

impl From<&Summary> for Contents {
    fn from(summary: &Summary) -> Self {
        let reasons = summary.reasons.iter().map(|(reason, times)| match times {
            1 => reason.to_string(),
            times => format!("{reason} ({times} times)"),
        });
        Self {
            kind: summary.first_image.map(|image| image.kind),
            dimensions: summary.first_image.map(|image| (image.width, image.height)),
            reasons: reasons.collect(),
        }
    }
}

/// What has been put out so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Bytes written.
    pub(crate) bytes_out: u64,
    /// Segments, end segments not counted.
    pub(crate) segments: u64,
    /// How many of them are stored.
    pub(crate) segments_stored: u64,
    /// In front of how many of them all models started anew.
    pub(crate) restarts: u64,
    /// What those cost of which that is known.
    pub(crate) restart_cost: RestartCost,
    /// Failed verifications.
    pub(crate) alarms: u64,
}

/// A job so far.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Unknown while a worker that was started ahead has no job yet.
    pub(crate) operation: Option<Operation>,
    /// The level of a compression.
    pub(crate) level: Option<Level>,
    pub(crate) threads: u8,
    pub(crate) jailed: bool,
    pub(crate) bytes_in: u64,
    pub(crate) contents: Contents,
    pub(crate) tally: Tally,
    /// Compression: all output was decoded and compared. Otherwise: length and checksums of the
    /// whole were right.
    pub(crate) verified: bool,
    /// Whether only a part of the original is asked for, or of the compressed form left.
    pub(crate) is_partial: bool,
    /// What a salvage could not give back.
    pub(crate) missing: Vec<OpenRange>,
    /// Peak of resident memory.
    pub(crate) peak_rss_bytes: Option<u64>,
}

impl Report {
    /// Before anything has happened.
    pub(crate) fn new() -> Self {
        Self {
            operation: None,
            level: None,
            threads: 1,
            jailed: false,
            bytes_in: 0,
            contents: Contents::default(),
            tally: Tally::default(),
            verified: false,
            is_partial: false,
            missing: Vec::new(),
            peak_rss_bytes: None,
        }
    }

    /// Notes what is to be done, and with how many threads if it is a compression.
    pub(crate) fn begin(&mut self, job: &Job, threads: Threads) {
        self.operation = Some(job.operation);
        if job.operation == Operation::Compress {
            self.level = Some(job.level);
        }
        if matches!(job.operation, Operation::Compress | Operation::Store) {
            self.threads = threads.count();
        }
    }

    /// How much smaller the compressed form is than the original, in percent of the original;
    /// negative where it is larger. Unknown for verification, which does not count the original's
    /// bytes as output, for an empty original, and for a part of one.
    fn saving_percent(&self) -> Option<f64> {
        if self.is_partial {
            return None;
        }
        let (original, compressed) = match self.operation? {
            Operation::Compress | Operation::Store => (self.bytes_in, self.tally.bytes_out),
            Operation::Decompress | Operation::Inspect => (self.tally.bytes_out, self.bytes_in),
            Operation::Verify | Operation::Probe => return None,
        };
        (original > 0).then(|| 100.0 * (1.0 - compressed as f64 / original as f64))
    }

    /// The line, without its end.
    pub(crate) fn line(&self, form: ReportForm, outcome: Result<(), &Failure>) -> String {
        match form {
            ReportForm::Json => self.json(outcome),
            ReportForm::Text => match outcome {
                Ok(()) => format!("lepta-worker: {}", self.success()),
                Err(failure) => self.failure(failure),
            },
        }
    }

    fn json(&self, outcome: Result<(), &Failure>) -> String {
        let status = outcome.map_or_else(|failure| failure.status, |()| Status::Done);
        let error = outcome.err().map(|failure| failure.message.as_str());
        let saving = self.saving_percent().map(|saving| format!("{saving:.3}"));
        let (width, height) = self.contents.dimensions.unzip();
        let mut object = JsonObject::new();
        object
            .string("operation", self.operation.map(Operation::name))
            .literal("status", Some(status.code()))
            .string("status_name", Some(status.name()))
            .literal("bytes_in", Some(self.bytes_in))
            .literal("bytes_out", Some(self.tally.bytes_out))
            .literal("saving_percent", saving)
            .string("kind", self.contents.kind)
            .literal("width", width)
            .literal("height", height)
            .literal("segments", Some(self.tally.segments))
            .literal("segments_stored", Some(self.tally.segments_stored))
            .literal("restarts", Some(self.tally.restarts))
            .literal("restart_cost", self.restart_cost())
            .strings("reasons", &self.contents.reasons)
            .literal("missing", Some(self.missing_ranges()))
            .literal("verified", Some(self.verified))
            .literal("alarms", Some(self.tally.alarms))
            .literal("peak_rss_bytes", self.peak_rss_bytes)
            .string("level", self.level.map(level_name))
            .literal("threads", Some(self.threads))
            .literal("jailed", Some(self.jailed))
            .string("error", error);
        object.finish()
    }

    /// Of how many restarts the cost is known, and that in bytes.
    fn restart_cost(&self) -> Option<String> {
        let RestartCost { restarts, bytes } = self.tally.restart_cost;
        (restarts > 0).then(|| format!("{{\"restarts\":{restarts},\"bytes\":{bytes}}}"))
    }

    /// An array of pairs; null stands for what is not known.
    fn missing_ranges(&self) -> String {
        let number =
            |place: Option<u64>| place.map_or("null".to_owned(), |place| place.to_string());
        let pairs = self.missing.iter();
        let pairs = pairs.map(|&(start, end)| format!("[{},{}]", number(start), number(end)));
        format!("[{}]", pairs.collect::<Vec<_>>().join(","))
    }

    fn success(&self) -> String {
        let mut parts = Vec::new();
        if self.operation == Some(Operation::Probe) && self.contents.kind.is_none() {
            parts.push("no JPEG or PNG".to_owned());
        }
        if let Some(kind) = self.contents.kind {
            let size = self.contents.dimensions;
            parts.push(size.map_or_else(
                || kind.to_owned(),
                |(width, height)| format!("{kind} {width}x{height}"),
            ));
        }
        if self.operation == Some(Operation::Probe) {
            return self.finished(parts);
        }
        parts.push(match self.operation {
            Some(Operation::Verify) => format!("{} bytes are whole", self.bytes_in),
            _ => format!("{} -> {} bytes", self.bytes_in, self.tally.bytes_out),
        });
        if let Some(saving) = self.saving_percent() {
            parts.push(format!("saving {saving:.2} %"));
        }
        parts.push(match self.tally.segments_stored {
            0 => counted(self.tally.segments, "segment"),
            stored => format!(
                "{} ({stored} stored)",
                counted(self.tally.segments, "segment")
            ),
        });
        if self.tally.restarts > 0 {
            let RestartCost { restarts, bytes } = self.tally.restart_cost;
            let mut part = counted(self.tally.restarts, "restart");
            if restarts > 0 {
                part += &format!(" ({restarts} within JPEG scans cost {bytes} bytes)");
            }
            parts.push(part);
        }
        parts.extend(self.contents.reasons.iter().cloned());
        parts.push(
            if self.verified {
                "verified"
            } else {
                "NOT verified"
            }
            .to_owned(),
        );
        parts.extend(self.alarm());
        self.finished(parts)
    }

    /// The parts, and what is said of each job.
    fn finished(&self, mut parts: Vec<String>) -> String {
        if let Some(peak) = self.peak_rss_bytes {
            parts.push(format!("peak {:.1} MB", peak as f64 / 1e6));
        }
        if !self.jailed {
            parts.push("NOT jailed".to_owned());
        }
        let operation = self.operation.map_or("no job", Operation::name);
        format!("{operation}: {}", parts.join(", "))
    }

    fn alarm(&self) -> Option<String> {
        let alarms = Some(self.tally.alarms).filter(|&alarms| alarms > 0)?;
        Some(format!("ALARM: {}", counted(alarms, "failed verification")))
    }

    fn failure(&self, failure: &Failure) -> String {
        let operation = self
            .operation
            .map_or_else(String::new, |operation| format!("{}: ", operation.name()));
        let alarm = self
            .alarm()
            .map_or_else(String::new, |alarm| format!("; {alarm}"));
        format!(
            "lepta-worker: {operation}{} (status {} {}){alarm}",
            failure.message,
            failure.status.code(),
            failure.status.name()
        )
    }
}

fn counted(number: u64, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// The word for a level on the command line and in reports.
pub(crate) const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Fast => "fast",
        Level::Default => "default",
        Level::Max => "max",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(operation: Operation) -> Report {
        Report {
            bytes_in: 1000,
            tally: Tally {
                bytes_out: 780,
                segments: 3,
                segments_stored: 1,
                restarts: 0,
                restart_cost: RestartCost::default(),
                alarms: 0,
            },
            jailed: true,
            peak_rss_bytes: Some(7_340_032),
            operation: Some(operation),
            ..Report::new()
        }
    }

    #[test]
    fn success_as_text() {
        let mut report = report(Operation::Compress);
        report.verified = true;
        report.contents = Contents {
            kind: Some("jpeg"),
            dimensions: Some((40, 30)),
            reasons: vec!["arithmetic-coded JPEG".to_owned()],
        };
        assert_eq!(
            report.line(ReportForm::Text, Ok(())),
            "lepta-worker: compress: jpeg 40x30, 1000 -> 780 bytes, saving 22.00 %, \
             3 segments (1 stored), arithmetic-coded JPEG, verified, peak 7.3 MB"
        );
    }

    #[test]
    fn what_restarts_cost_is_said_where_it_is_known() {
        let mut report = report(Operation::Compress);
        report.tally.restarts = 3;
        let line = report.line(ReportForm::Text, Ok(()));
        assert!(line.contains(", 3 restarts, NOT verified"), "{line}");
        report.tally.restart_cost = RestartCost {
            restarts: 2,
            bytes: 1234,
        };
        let line = report.line(ReportForm::Text, Ok(()));
        let cost = ", 3 restarts (2 within JPEG scans cost 1234 bytes), ";
        assert!(line.contains(cost), "{line}");
        let json = report.line(ReportForm::Json, Ok(()));
        let cost = "\"restarts\":3,\"restart_cost\":{\"restarts\":2,\"bytes\":1234},";
        assert!(json.contains(cost), "{json}");
    }

    #[test]
    fn what_is_not_so_is_said() {
        let mut report = report(Operation::Compress);
        report.jailed = false;
        report.tally.alarms = 2;
        report.tally.bytes_out = 1100;
        let line = report.line(ReportForm::Text, Ok(()));
        assert!(line.contains("saving -10.00 %"), "{line}");
        assert!(line.contains("NOT verified, ALARM: 2 failed"), "{line}");
        assert!(line.ends_with("NOT jailed"), "{line}");
    }

    #[test]
    fn success_as_json() {
        let report = report(Operation::Decompress);
        assert_eq!(
            report.line(ReportForm::Json, Ok(())),
            "{\"operation\":\"decompress\",\"status\":0,\"status_name\":\"done\",\
             \"bytes_in\":1000,\"bytes_out\":780,\"saving_percent\":-28.205,\"kind\":null,\
             \"width\":null,\"height\":null,\"segments\":3,\"segments_stored\":1,\"restarts\":0,\"restart_cost\":null,\
             \"reasons\":[],\"missing\":[],\"verified\":false,\"alarms\":0,\"peak_rss_bytes\":7340032,\"level\":null,\
             \"threads\":1,\"jailed\":true,\"error\":null}"
        );
    }

    #[test]
    fn failures_say_what_and_which_status() {
        let failure = Failure::new(Status::Truncated, "the data ends within a segment");
        let report = report(Operation::Verify);
        assert_eq!(
            report.line(ReportForm::Text, Err(&failure)),
            "lepta-worker: verify: the data ends within a segment (status 50 truncated)"
        );
        let json = report.line(ReportForm::Json, Err(&failure));
        assert!(json.contains("\"status\":50,\"status_name\":\"truncated\""));
        assert!(json.contains("\"saving_percent\":null"));
        assert!(json.ends_with("\"error\":\"the data ends within a segment\"}"));
    }

    #[test]
    fn an_empty_original_saves_nothing_that_has_a_percentage() {
        let mut report = report(Operation::Compress);
        report.bytes_in = 0;
        assert_eq!(report.saving_percent(), None);
    }
}
