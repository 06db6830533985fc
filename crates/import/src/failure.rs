//! Why nothing was restored, and which status that is.

use std::io::{self, ErrorKind};

use lepta_worker::status::Status;

/// The end of a job that did not succeed: a status, and one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The input is not what it should be.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Status::Malformed, message)
    }

    /// Reading failed.
    pub(crate) fn reading(error: &io::Error) -> Self {
        let message = format!("cannot read the input: {}", cause(error));
        Self::new(Status::Read, message)
    }

    /// Writing failed.
    pub(crate) fn writing(error: &io::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Status::NoSpace
            }
            _ => Status::Write,
        };
        Self::new(status, format!("cannot write the output: {}", cause(error)))
    }
}

/// The kind of error and its number. The C library's own text is not asked for: it may look into
/// files for a translation, and the jail forbids that.
fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{} (errno {number})", error.kind()),
        None => error.kind().to_string(),
    }
}
