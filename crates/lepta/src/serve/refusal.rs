//! Answers that are no result: `application/problem+json` (RFC 9457).
//!
//! Invariant: an answer says its reason by the name that metrics and the log use.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use lepta_worker::status::Status;
use serde::Serialize;

use super::fields;
use super::reason::Reason;

/// Seconds after which to try again.
const RETRY_SECONDS: u16 = 1;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    http: StatusCode,
    detail: String,
}

/// The body, with the members that RFC 9457 defines and our own.
#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    reason: &'a str,
    retry: bool,
    request_id: &'a str,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            http: reason.http_status(),
            detail: detail.into(),
        }
    }

    /// A mistake of the client's.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::new(Reason::Status(Status::Usage), detail)
    }

    /// The client or its body was too slow.
    pub(crate) fn too_slow() -> Self {
        let detail = "the body took longer to come than a request may take";
        Self::new(Reason::Status(Status::Time), detail).answered_by(StatusCode::REQUEST_TIMEOUT)
    }

    /// The worker was, as on a machine with too much to do; the client was not.
    pub(crate) fn not_done_in_time() -> Self {
        let detail = "the work took longer than a request may take";
        let refusal = Self::new(Reason::Status(Status::Time), detail);
        refusal.answered_by(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Answers with another HTTP status than the reason's own.
    pub(crate) fn answered_by(mut self, http: StatusCode) -> Self {
        self.http = http;
        self
    }

    pub(crate) fn http_status(&self) -> StatusCode {
        self.http
    }

    /// Whether the same request may succeed soon.
    fn is_passing(&self) -> bool {
        let passing = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        passing.contains(&self.http)
    }

    /// The whole answer.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let is_passing = self.is_passing();
        let problem = Problem {
            title: self.reason.meaning(),
            status: self.http.as_u16(),
            detail: &self.detail,
            reason: self.reason.name(),
            retry: is_passing,
            request_id,
        };
        // Texts and numbers can always be written as JSON.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.http;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(fields::REASON, HeaderValue::from_static(self.reason.name()));
        if is_passing {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        response
    }
}
