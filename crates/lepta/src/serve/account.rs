//! The one record that each request leaves: in the metrics and as a line of the log.
//!
//! Invariant: every request that was let in is recorded once, whatever becomes of it, and no byte of
//! its content is: only words of fixed lists, numbers, and the request's name.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use lepta_worker::job::Operation;
use tokio::time::Instant;
use tracing::{info, warn};

use super::fields;
use super::metrics::{Metrics, OfOperation, OfRequest, Word};
use super::reason::Reason;
use super::refusal::Refusal;
use crate::worker::WorkerReport;

/// A request that has not been recorded yet.
pub(crate) struct Account {
    metrics: Arc<Metrics>,
    operation: Operation,
    request_id: String,
    begin: Instant,
    worker: Option<u32>,
    is_closed: bool,
}

impl Account {
    pub(crate) fn open(metrics: Arc<Metrics>, operation: Operation, request_id: String) -> Self {
        Self {
            metrics,
            operation,
            request_id,
            begin: Instant::now(),
            worker: None,
            is_closed: false,
        }
    }

    /// When the head of the request had come.
    pub(crate) fn begin(&self) -> Instant {
        self.begin
    }

    /// Notes which process the request got.
    pub(crate) fn set_worker(&mut self, process: u32) {
        self.worker = Some(process);
    }

    /// Records a success; returns the fields that say so to the client.
    pub(crate) fn succeed(mut self, report: &WorkerReport) -> HeaderMap {
        self.close(Reason::DONE, StatusCode::OK, Some(report));
        fields::of_success(self.operation, report)
    }

    /// Records a refusal and makes its answer.
    pub(crate) fn refuse(mut self, refusal: Refusal) -> Response<Body> {
        self.close(refusal.reason, refusal.http_status(), None);
        refusal.into_response(&self.request_id)
    }

    /// Records an answer that had begun and was broken off.
    pub(crate) fn break_off(mut self, reason: Reason) {
        self.close(reason, StatusCode::OK, None);
    }

    fn close(&mut self, reason: Reason, http: StatusCode, report: Option<&WorkerReport>) {
        self.is_closed = true;
        let seconds = self.begin.elapsed().as_secs_f64();
        let operation = Word(self.operation.name());
        let labels = OfRequest {
            operation,
            reason: Word(reason.name()),
        };
        self.metrics.requests.get_or_create(&labels).inc();
        let labels = OfOperation { operation };
        let times = &self.metrics.request_seconds;
        times.get_or_create(&labels).observe(seconds);
        if let Some(report) = report {
            let (bytes_in, bytes_out) = (&self.metrics.bytes_in, &self.metrics.bytes_out);
            bytes_in.get_or_create(&labels).inc_by(report.bytes_in);
            bytes_out.get_or_create(&labels).inc_by(report.bytes_out);
        }
        self.log(reason, http, seconds, report);
    }

    fn log(&self, reason: Reason, http: StatusCode, seconds: f64, report: Option<&WorkerReport>) {
        let is_alarm = http.is_server_error() || report.is_some_and(|report| report.alarms > 0);
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    request = self.request_id,
                    operation = self.operation.name(),
                    reason = reason.name(),
                    http = http.as_u16(),
                    worker = self.worker,
                    bytes_in = report.map(|report| report.bytes_in),
                    bytes_out = report.map(|report| report.bytes_out),
                    alarms = report.map(|report| report.alarms),
                    peak_rss_bytes = report.and_then(|report| report.peak_rss_bytes),
                    seconds,
                    "request"
                )
            };
        }
        if is_alarm { line!(warn) } else { line!(info) }
    }
}

impl Drop for Account {
    /// The connection was lost before there was a verdict.
    fn drop(&mut self) {
        if !self.is_closed {
            self.close(Reason::Aborted, StatusCode::BAD_REQUEST, None);
        }
    }
}
