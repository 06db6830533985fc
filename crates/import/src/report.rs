//! The one line that says how it went, and the end of the process.
//!
//! Invariant: whatever ends the process, a panic, exhausted memory or used-up time included, this line has
//! the same form, and what was not done is not said.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lepta_sandbox::{
    JsonText, LastWords, PeakMemory, StandardOutput, leave as leave_process, set_last_words,
    write_error_line,
};
use lepta_worker::status::Status;

use crate::arguments::{Arguments, Operation};
use crate::failure::Failure;

static AS_JSON: AtomicBool = AtomicBool::new(false);
static JAILED: AtomicBool = AtomicBool::new(false);
/// One more than the index in [`Operation::ALL`]; 0: none yet.
static OPERATION: AtomicU64 = AtomicU64::new(0);
static BYTES_IN: AtomicU64 = AtomicU64::new(0);
static BYTES_OUT: AtomicU64 = AtomicU64::new(0);
/// 0: not known.
static PEAK: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static PEAK_MEMORY: Cell<Option<PeakMemory>> = const { Cell::new(None) };
}

/// Sets the form of the last line.
pub(crate) fn prepare() {
    set_last_words(|line, words| {
        let status = Status::from_code(words.status).unwrap_or(Status::Other);
        write_line(line, status, Some(words));
    });
}

/// Notes what is to be done.
pub(crate) fn begin(arguments: &Arguments) {
    AS_JSON.store(arguments.json, Ordering::Relaxed);
    let number = (1..)
        .zip(Operation::ALL)
        .find(|(_, operation)| *operation == arguments.operation);
    OPERATION.store(number.map_or(0, |(number, _)| number), Ordering::Relaxed);
}

/// Notes whether the jail is up.
pub(crate) fn note_jailed(jailed: bool) {
    JAILED.store(jailed, Ordering::Relaxed);
}

/// Keeps what tells the peak of memory at the end.
pub(crate) fn note_peak_memory(peak: PeakMemory) {
    PEAK_MEMORY.set(Some(peak));
}

/// Counts bytes that were read.
pub(crate) fn count_input(bytes: usize) {
    BYTES_IN.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Counts bytes that were written.
pub(crate) fn count_output(bytes: usize) {
    BYTES_OUT.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Prints what was asked for instead of a job, and ends the process.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let written = StandardOutput.write_all(text.as_bytes());
    written.map_err(|error| Failure::writing(&error))?;
    leave_process(Status::Done.code())
}

/// Reports and ends the process.
pub(crate) fn leave(outcome: &Result<(), Failure>) -> ! {
    let peak = PEAK_MEMORY.take().and_then(PeakMemory::read);
    PEAK.store(peak.unwrap_or(0), Ordering::Relaxed);
    let mut line = String::new();
    let status = match outcome {
        Ok(()) => {
            write_line(&mut line, Status::Done, None);
            Status::Done
        }
        Err(failure) => {
            let words = LastWords {
                status: failure.status.code(),
                message: format_args!("{}", failure.message),
            };
            write_line(&mut line, failure.status, Some(&words));
            failure.status
        }
    };
    line.push('\n');
    write_error_line(line.as_bytes());
    leave_process(status.code())
}

fn write_line(line: &mut impl fmt::Write, status: Status, words: Option<&LastWords<'_>>) {
    let message = words.map(|words| words.message);
    // Writing to memory cannot fail.
    let _ = match AS_JSON.load(Ordering::Relaxed) {
        true => write_json(line, status, message),
        false => write_text(line, status, message),
    };
}

fn operation() -> Option<&'static str> {
    let number = OPERATION.load(Ordering::Relaxed).checked_sub(1)?;
    let operation = Operation::ALL.get(usize::try_from(number).ok()?)?;
    Some(operation.name())
}

fn write_text(
    line: &mut impl fmt::Write,
    status: Status,
    message: Option<fmt::Arguments<'_>>,
) -> fmt::Result {
    line.write_str("lepta-import: ")?;
    if let Some(operation) = operation() {
        write!(line, "{operation}: ")?;
    }
    if let Some(message) = message {
        return write!(
            line,
            "{message} (status {} {})",
            status.code(),
            status.name()
        );
    }
    let [read, written, peak] = [&BYTES_IN, &BYTES_OUT, &PEAK].map(number);
    write!(
        line,
        "{read} -> {written} bytes, peak {:.1} MB",
        peak as f64 / 1e6
    )?;
    match JAILED.load(Ordering::Relaxed) {
        true => Ok(()),
        false => line.write_str(", NOT jailed"),
    }
}

fn write_json(
    line: &mut impl fmt::Write,
    status: Status,
    message: Option<fmt::Arguments<'_>>,
) -> fmt::Result {
    match operation() {
        Some(operation) => write!(line, "{{\"operation\":\"{operation}\"")?,
        None => line.write_str("{\"operation\":null")?,
    }
    let [read, written, peak] = [&BYTES_IN, &BYTES_OUT, &PEAK].map(number);
    let (code, name) = (status.code(), status.name());
    let jailed = JAILED.load(Ordering::Relaxed);
    write!(line, ",\"status\":{code},\"status_name\":\"{name}\"")?;
    write!(line, ",\"bytes_in\":{read},\"bytes_out\":{written}")?;
    match peak {
        0 => line.write_str(",\"peak_rss_bytes\":null")?,
        peak => write!(line, ",\"peak_rss_bytes\":{peak}")?,
    }
    write!(line, ",\"jailed\":{jailed},\"error\":")?;
    match message {
        None => line.write_str("null}"),
        Some(message) => {
            line.write_char('"')?;
            // The line holds 1024 bytes; what stands around the message takes half of them at most.
            JsonText::new(line, 400).write_fmt(message)?;
            line.write_str("\"}")
        }
    }
}

fn number(value: &AtomicU64) -> u64 {
    value.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_json_whatever_the_message() {
        BYTES_IN.store(u64::MAX, Ordering::Relaxed);
        let message = "\"\n\\".repeat(500);
        let mut line = String::new();
        write_json(&mut line, Status::Internal, Some(format_args!("{message}")))
            .expect("never fails");
        assert!(line.len() < 900, "{}", line.len());
        let report: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (&report["status"], &report["jailed"]),
            (&61.into(), &false.into())
        );
    }
}
