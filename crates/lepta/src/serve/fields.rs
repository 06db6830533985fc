//! The names and values of our own header and trailer fields.
//!
//! Invariant: no value holds a byte that a header may not hold, whatever a worker says.

use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use lepta_worker::job::Operation;

use super::reason::Reason;
use crate::worker::WorkerReport;

/// The name of the reason.
pub(crate) const REASON: HeaderName = HeaderName::from_static("lepta-reason");
/// `verified`: all of the answer is right.
pub(crate) const VERDICT: HeaderName = HeaderName::from_static("lepta-verdict");
/// How much smaller the result of a compression is, in percent of the original.
pub(crate) const SAVING: HeaderName = HeaderName::from_static("lepta-saving");
/// Bytes of the request's body.
pub(crate) const BYTES_IN: HeaderName = HeaderName::from_static("lepta-bytes-in");
/// Bytes of the answer's body.
pub(crate) const BYTES_OUT: HeaderName = HeaderName::from_static("lepta-bytes-out");
/// Why parts were not modelled as images.
pub(crate) const NOTES: HeaderName = HeaderName::from_static("lepta-notes");
/// That compression stores at the moment.
pub(crate) const SHUT_OFF: HeaderName = HeaderName::from_static("lepta-shut-off");
/// Names a request in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a streamed answer announces as its trailers.
pub(crate) const TRAILERS: &str =
    "lepta-verdict, lepta-reason, lepta-saving, lepta-bytes-in, lepta-bytes-out, lepta-notes";

/// Most bytes of [`NOTES`].
const NOTES_MAX: usize = 200;

/// The fields of a success, for headers or trailers.
pub(crate) fn of_success(operation: Operation, report: &WorkerReport) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(VERDICT, HeaderValue::from_static("verified"));
    fields.insert(REASON, HeaderValue::from_static(Reason::DONE.name()));
    fields.insert(BYTES_IN, HeaderValue::from(report.bytes_in));
    fields.insert(BYTES_OUT, HeaderValue::from(report.bytes_out));
    let saving = saving_percent(report).filter(|_| operation != Operation::Decompress);
    if let Some(Ok(saving)) = saving.map(|saving| HeaderValue::try_from(format!("{saving:.3}"))) {
        fields.insert(SAVING, saving);
    }
    if let (false, Ok(notes)) = (report.reasons.is_empty(), notes(&report.reasons)) {
        fields.insert(NOTES, notes);
    }
    fields
}

/// How much smaller the output is than the input, in percent of the input.
pub(crate) fn saving_percent(report: &WorkerReport) -> Option<f64> {
    (report.bytes_in > 0).then(|| 100.0 * (1.0 - report.bytes_out as f64 / report.bytes_in as f64))
}

fn notes(reasons: &[String]) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    let joined = reasons.join("; ");
    let printable = joined
        .chars()
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .take(NOTES_MAX);
    HeaderValue::try_from(printable.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_hold_nothing_but_printable_characters() {
        let value = notes(&["a\r\nSet-Cookie: b".to_owned(), "ü".repeat(500)]).expect("a value");
        assert!(value.as_bytes().starts_with(b"a??Set-Cookie: b; ??"));
        assert_eq!(value.len(), NOTES_MAX);
    }
}
