//! What all requests share.
//!
//! Invariant: nothing of one request is kept for another but counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue};
use tokio_util::sync::CancellationToken;

use super::buffers::Buffers;
use super::fields;
use super::health::Health;
use super::metrics::Metrics;
use super::pool::Pool;
use super::shut_off::ShutOff;

/// The service.
pub(crate) struct Service {
    pub(crate) pool: Arc<Pool>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) buffers: Buffers,
    pub(crate) health: Health,
    pub(crate) shut_off: ShutOff,
    pub(crate) names: RequestNames,
    /// Cancelled when no new request is taken.
    pub(crate) draining: CancellationToken,
    pub(crate) deadline: Duration,
    pub(crate) queue_timeout: Duration,
    /// Most bytes of a body.
    pub(crate) input_limit: u64,
}

/// Names for requests that come without one.
#[derive(Debug)]
pub(crate) struct RequestNames {
    /// Microseconds since 1970 at the start, so that names of two runs differ.
    start: u128,
    count: AtomicU64,
}

/// Most bytes of a name that a client gives.
const NAME_MAX: usize = 64;

impl RequestNames {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            start: now.unwrap_or_default().as_micros(),
            count: AtomicU64::new(0),
        }
    }

    /// The name that the client gave its request, if it is a decent one, or a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> String {
        let given = headers.get(fields::REQUEST_ID);
        let given = given.and_then(|value| value.to_str().ok());
        given.filter(|name| is_decent(name)).map_or_else(
            || {
                let number = self.count.fetch_add(1, Ordering::Relaxed);
                format!("{:x}-{number:x}", self.start)
            },
            str::to_owned,
        )
    }
}

fn is_decent(name: &str) -> bool {
    let is_decent = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_decent)
}

/// A name as the value of a header field.
pub(crate) fn name_field(name: &str) -> HeaderValue {
    // Names hold nothing that a value may not.
    HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decent_names_are_kept_and_others_replaced() {
        let names = RequestNames::new();
        let named = |value: &str| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            headers.insert(fields::REQUEST_ID, value);
            names.of(&headers)
        };
        assert_eq!(named("abc-1.2_3"), "abc-1.2_3");
        for bad in ["", "a b", "ü", &"a".repeat(65)] {
            assert_ne!(named(bad), bad);
        }
        assert_ne!(names.of(&HeaderMap::new()), names.of(&HeaderMap::new()));
    }
}
