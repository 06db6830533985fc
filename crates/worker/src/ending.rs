//! How the process ends: one report line, then the exit status.
//!
//! Invariant: every way out, panics and exhausted memory included, writes one line in the form that
//! was asked for, and nothing else goes to standard error.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use lepta_sandbox::{LastWords, Line, PeakMemory, leave, set_last_words, write_error_line};
use lepta_worker::status::Status;

use crate::arguments::ReportForm;
use crate::failure::Failure;
use crate::report::Report;

/// What one thread needs to report and leave.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) form: ReportForm,
    /// `None` as long as it is not opened.
    pub(crate) peak_memory: Option<PeakMemory>,
}

impl Ending {
    /// Reports and ends the process, all threads of it.
    pub(crate) fn leave(self, mut report: Report, outcome: Result<(), Failure>) -> ! {
        report.peak_rss_bytes = self.peak_memory.and_then(PeakMemory::read);
        let mut line = report.line(self.form, outcome.as_ref().copied());
        line.push('\n');
        write_error_line(line.as_bytes());
        let status = outcome.map_or_else(|failure| failure.status, |()| Status::Done);
        leave(status.code())
    }
}

static LAST_WORDS_AS_JSON: AtomicBool = AtomicBool::new(false);
static JAILED: AtomicBool = AtomicBool::new(false);

/// Sets the form of the line with which a panic, exhausted memory or used-up time ends the process.
pub(crate) fn prepare_last_words(form: ReportForm) {
    LAST_WORDS_AS_JSON.store(form == ReportForm::Json, Ordering::Relaxed);
    set_last_words(write_last_words);
}

/// Makes last words say that the jail is up.
pub(crate) fn note_jailed() {
    JAILED.store(true, Ordering::Relaxed);
}

/// Runs in signal handlers and in the allocator: it neither allocates nor waits. Of the job nothing
/// can be known here, so most of the report is null.
fn write_last_words(line: &mut Line, words: &LastWords<'_>) {
    let status = Status::from_code(words.status).unwrap_or(Status::Other);
    // Writing to a `Line` cannot fail.
    let _ = match LAST_WORDS_AS_JSON.load(Ordering::Relaxed) {
        true => write_json(line, status, words.message),
        false => {
            let (code, name) = (status.code(), status.name());
            write!(
                line,
                "lepta-worker: {} (status {code} {name})",
                words.message
            )
        }
    };
}

fn write_json(line: &mut Line, status: Status, message: fmt::Arguments<'_>) -> fmt::Result {
    write!(
        line,
        "{{\"operation\":null,\"status\":{},\"status_name\":\"{}\",\"bytes_in\":null,\
         \"bytes_out\":null,\"saving_percent\":null,\"kind\":null,\"width\":null,\"height\":null,\
         \"segments\":null,\"segments_stored\":null,\"reasons\":[],\"verified\":false,\
         \"alarms\":null,\"peak_rss_bytes\":null,\"level\":null,\"threads\":null,\"jailed\":{},\
         \"error\":\"",
        status.code(),
        status.name(),
        JAILED.load(Ordering::Relaxed)
    )?;
    Escaped {
        line,
        // The line holds 1024 bytes; what stands around the message takes less than half of them.
        room: 400,
    }
    .write_fmt(message)?;
    line.write_str("\"}")
}

/// Text inside of a JSON string, cut after `room` bytes. The line itself replaces control characters.
struct Escaped<'a> {
    line: &'a mut Line,
    room: usize,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let escape = matches!(character, '"' | '\\');
            let length = character.len_utf8() + usize::from(escape);
            let Some(room) = self.room.checked_sub(length) else {
                self.room = 0;
                return Ok(());
            };
            self.room = room;
            if escape {
                self.line.write_char('\\')?;
            }
            self.line.write_char(character)?;
        }
        Ok(())
    }
}
