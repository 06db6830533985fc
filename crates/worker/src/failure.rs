//! Why a job ended without success, and which status that is.
//!
//! Invariant: a message is one line, and it says what failed rather than where in the program.

use std::io::{Error, ErrorKind};

use lepta_worker::status::Status;

/// The end of a job that did not succeed.
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

    /// A read of the input failed.
    pub(crate) fn reading(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::WouldBlock => Status::Busy,
            _ => Status::Read,
        };
        Self::new(status, format!("cannot read the input: {}", cause(error)))
    }

    /// A write to the output failed.
    pub(crate) fn writing(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::WouldBlock => Status::Busy,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Status::NoSpace
            }
            _ => Status::Write,
        };
        Self::new(status, format!("cannot write the output: {}", cause(error)))
    }

    /// The decoder refused the compressed data.
    pub(crate) fn decoding(error: lepta_codec::Error) -> Self {
        let status = Status::from_code(error.status()).unwrap_or(Status::Other);
        Self::new(status, error.to_string())
    }
}

/// The kind of error and its number. The C library's own text is not asked for: it may look into
/// files for a translation, and the jail forbids that.
fn cause(error: &Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{} (errno {number})", error.kind()),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(number: i32) -> Error {
        Error::from_raw_os_error(number)
    }

    #[test]
    fn read_errors_are_told_apart() {
        assert_eq!(Failure::reading(&os(5)).status, Status::Read);
        assert_eq!(Failure::reading(&os(11)).status, Status::Busy);
        let directory = Failure::reading(&os(21));
        assert_eq!(directory.status, Status::Read);
        assert_eq!(
            directory.message,
            "cannot read the input: is a directory (errno 21)"
        );
    }

    #[test]
    fn write_errors_are_told_apart() {
        for (number, status) in [
            (5, Status::Write),
            (9, Status::Write),
            (11, Status::Busy),
            (27, Status::NoSpace),
            (28, Status::NoSpace),
            (32, Status::Write),
            (122, Status::NoSpace),
        ] {
            assert_eq!(Failure::writing(&os(number)).status, status, "{number}");
        }
    }
}
