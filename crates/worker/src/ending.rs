//! How a job ends: one report line, then the exit status. Panics and exhausted limits end in
//! [`crate::last_words`].
//!
//! Invariant: one line in the form that was asked for, and nothing else, goes to standard error.

use lepta_sandbox::{PeakMemory, leave, write_error_line};
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
