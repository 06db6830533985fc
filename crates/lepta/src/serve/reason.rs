//! Why a request ended as it did: one word for answers, metrics and the log.
//!
//! Invariant: the words are those of the table of exit statuses and the few below that only a
//! service can have; none is made from what a worker or a client says.

use axum::http::StatusCode;
use lepta_worker::status::Status;

/// The end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// As the worker ended, or would have.
    Status(Status),
    /// The client went away or its body broke off.
    Aborted,
    /// The service is about to end.
    Draining,
    /// A signal ended the worker.
    Killed,
}

impl Reason {
    /// Everything went well.
    pub(crate) const DONE: Self = Self::Status(Status::Done);

    /// Reasons that no worker has.
    #[cfg(test)]
    const OF_THE_SERVICE: [Self; 3] = [Self::Aborted, Self::Draining, Self::Killed];

    /// Every reason there is.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let statuses = Status::ALL.iter().copied().map(Self::Status);
        statuses.chain(Self::OF_THE_SERVICE)
    }

    /// The word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Status(status) => status.name(),
            Self::Aborted => "aborted",
            Self::Draining => "draining",
            Self::Killed => "killed",
        }
    }

    /// What it says, for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Status(Status::Busy) => "all workers and all places in the queue are taken",
            Self::Status(Status::Time) => "the request took more time than it may",
            Self::Status(Status::Usage) => "the request is not one that this service knows",
            Self::Status(status) => status.meaning(),
            Self::Aborted => "the client went away or its body broke off",
            Self::Draining => "the service is about to end",
            Self::Killed => "the worker was ended by a signal",
        }
    }

    /// The status of an answer of which nothing has been sent yet.
    pub(crate) fn http_status(self) -> StatusCode {
        match self {
            Self::Status(Status::Done) => StatusCode::OK,
            Self::Status(Status::Usage) | Self::Aborted => StatusCode::BAD_REQUEST,
            Self::Status(Status::Busy) => StatusCode::TOO_MANY_REQUESTS,
            Self::Status(Status::NoSandbox) | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Killed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Status(status) => match status.code() {
                30..=39 => StatusCode::PAYLOAD_TOO_LARGE,
                10..=29 | 50..=59 => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = Reason::all().map(Reason::name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn only_success_is_2xx() {
        for reason in Reason::all() {
            let is_done = reason == Reason::DONE;
            assert_eq!(reason.http_status().is_success(), is_done, "{reason:?}");
        }
    }

    #[test]
    fn the_documented_statuses() {
        for (status, expected) in [
            (Status::Size, 413),
            (Status::Time, 413),
            (Status::Truncated, 422),
            (Status::Malformed, 422),
            (Status::VerificationFailed, 500),
            (Status::Internal, 500),
        ] {
            assert_eq!(Reason::Status(status).http_status().as_u16(), expected);
        }
    }
}
