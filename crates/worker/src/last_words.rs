//! The report of a process that a panic, exhausted memory or used-up processor time ends.
//!
//! Invariant: what runs here may be inside the allocator or a signal handler, so it neither allocates
//! nor waits. Numbers are those of the last segment that was finished; what was not noted is null.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use lepta_codec::Level;
use lepta_sandbox::{JsonText, LastWords, Line, set_last_words};
use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use crate::arguments::ReportForm;
use crate::report::{Report, level_name};

static AS_JSON: AtomicBool = AtomicBool::new(false);
static JAILED: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicU8 = AtomicU8::new(1);
/// One more than the index in [`Operation::ALL`]; 0: none yet.
static OPERATION: AtomicU8 = AtomicU8::new(0);
/// 0: none, 1: fast, 2: default, 3: max.
static LEVEL: AtomicU8 = AtomicU8::new(0);
static BYTES_IN: AtomicU64 = AtomicU64::new(0);
static BYTES_OUT: AtomicU64 = AtomicU64::new(0);
static SEGMENTS: AtomicU64 = AtomicU64::new(0);
static SEGMENTS_STORED: AtomicU64 = AtomicU64::new(0);
static RESTARTS: AtomicU64 = AtomicU64::new(0);
static ALARMS: AtomicU64 = AtomicU64::new(0);

/// Sets the form of the last line.
pub(crate) fn prepare_last_words(form: ReportForm) {
    AS_JSON.store(form == ReportForm::Json, Ordering::Relaxed);
    set_last_words(write_last_words);
}

/// Makes last words say that the jail is up.
pub(crate) fn note_jailed() {
    JAILED.store(true, Ordering::Relaxed);
}

/// Notes how far the job has come.
pub(crate) fn note_progress(report: &Report) {
    let is_reported = |operation: &Operation| Some(*operation) == report.operation;
    let operation = (1..)
        .zip(&Operation::ALL)
        .find(|(_, operation)| is_reported(operation));
    OPERATION.store(operation.map_or(0, |(number, _)| number), Ordering::Relaxed);
    let level = match report.level {
        None => 0,
        Some(Level::Fast) => 1,
        Some(Level::Default) => 2,
        Some(Level::Max) => 3,
    };
    LEVEL.store(level, Ordering::Relaxed);
    THREADS.store(report.threads, Ordering::Relaxed);
    BYTES_IN.store(report.bytes_in, Ordering::Relaxed);
    BYTES_OUT.store(report.tally.bytes_out, Ordering::Relaxed);
    SEGMENTS.store(report.tally.segments, Ordering::Relaxed);
    SEGMENTS_STORED.store(report.tally.segments_stored, Ordering::Relaxed);
    RESTARTS.store(report.tally.restarts, Ordering::Relaxed);
    ALARMS.store(report.tally.alarms, Ordering::Relaxed);
}

fn write_last_words(line: &mut Line, words: &LastWords<'_>) {
    let status = Status::from_code(words.status).unwrap_or(Status::Other);
    let (code, name) = (status.code(), status.name());
    let message = words.message;
    // Writing to a `Line` cannot fail.
    let _ = match AS_JSON.load(Ordering::Relaxed) {
        true => write_json(line, status, message),
        false => write!(line, "lepta-worker: {message} (status {code} {name})"),
    };
}

/// The keys of a report, in its order.
fn write_json(
    line: &mut impl fmt::Write,
    status: Status,
    message: fmt::Arguments<'_>,
) -> fmt::Result {
    let operation = usize::from(OPERATION.load(Ordering::Relaxed)).checked_sub(1);
    let operation = operation.and_then(|index| Operation::ALL.get(index));
    write!(
        line,
        "{{\"operation\":{}",
        Name(operation.map(|operation| operation.name()))
    )?;
    write!(
        line,
        ",\"status\":{},\"status_name\":\"{}\"",
        status.code(),
        status.name()
    )?;
    write_number(line, "bytes_in", &BYTES_IN)?;
    write_number(line, "bytes_out", &BYTES_OUT)?;
    line.write_str(",\"saving_percent\":null,\"kind\":null,\"width\":null,\"height\":null")?;
    write_number(line, "segments", &SEGMENTS)?;
    write_number(line, "segments_stored", &SEGMENTS_STORED)?;
    write_number(line, "restarts", &RESTARTS)?;
    line.write_str(",\"restart_cost\":null,\"reasons\":[],\"missing\":[],\"verified\":false")?;
    write_number(line, "alarms", &ALARMS)?;
    let level = match LEVEL.load(Ordering::Relaxed) {
        1 => Some(level_name(Level::Fast)),
        2 => Some(level_name(Level::Default)),
        3 => Some(level_name(Level::Max)),
        _ => None,
    };
    write!(line, ",\"peak_rss_bytes\":null,\"level\":{}", Name(level))?;
    let (threads, jailed) = (
        THREADS.load(Ordering::Relaxed),
        JAILED.load(Ordering::Relaxed),
    );
    write!(
        line,
        ",\"threads\":{threads},\"jailed\":{jailed},\"error\":\""
    )?;
    // The line holds 1024 bytes; what stands around the message takes half of them at most.
    JsonText::new(line, 400).write_fmt(message)?;
    line.write_str("\"}")
}

fn write_number(line: &mut impl fmt::Write, key: &str, value: &AtomicU64) -> fmt::Result {
    write!(line, ",\"{key}\":{}", value.load(Ordering::Relaxed))
}

/// A word as a JSON string, or null.
struct Name(Option<&'static str>);

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(formatter, "\"{name}\""),
            None => formatter.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_a_whole_report_that_fits_a_line() {
        let numbers = [
            &BYTES_IN,
            &BYTES_OUT,
            &SEGMENTS,
            &SEGMENTS_STORED,
            &RESTARTS,
            &ALARMS,
        ];
        for number in numbers {
            number.store(u64::MAX, Ordering::Relaxed);
        }
        let mut line = String::new();
        let message = "\"".repeat(1000);
        write_json(&mut line, Status::Internal, format_args!("{message}")).expect("never fails");
        assert!(line.len() < 1000, "{}", line.len());
        let report: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(report["status"], 61);
        assert_eq!(report["segments"], u64::MAX);
        let whole = Report::new().line(ReportForm::Json, Ok(()));
        let whole: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        assert_eq!(keys(&report), keys(&whole));
    }
}
