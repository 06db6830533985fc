//! Figures for Prometheus.
//!
//! Invariant: labels come from fixed lists, so the number of series is bounded.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The type of what [`Metrics::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the classes of times, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

/// A word of a fixed list.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct OfRequest {
    pub(crate) operation: Word,
    pub(crate) reason: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct OfOperation {
    pub(crate) operation: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct OfDeath {
    pub(crate) cause: Word,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Family<OfRequest, Counter>,
    pub(crate) bytes_in: Family<OfOperation, Counter>,
    pub(crate) bytes_out: Family<OfOperation, Counter>,
    pub(crate) request_seconds: Family<OfOperation, Histogram>,
    pub(crate) queue_seconds: Histogram,
    pub(crate) verify_failures: Counter,
    pub(crate) sandbox_kills: Counter,
    pub(crate) worker_deaths: Family<OfDeath, Counter>,
    pub(crate) queue_depth: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) workers_idle: Gauge,
    pub(crate) workers_busy: Gauge,
    pub(crate) held_bytes: Gauge,
    pub(crate) peak_rss: Gauge<u64, AtomicU64>,
    pub(crate) shut_off: Gauge,
    pub(crate) ready: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let seconds = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("lepta"),
            requests: Family::default(),
            bytes_in: Family::default(),
            bytes_out: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            queue_seconds: seconds(),
            verify_failures: Counter::default(),
            sandbox_kills: Counter::default(),
            worker_deaths: Family::default(),
            queue_depth: Gauge::default(),
            connections: Gauge::default(),
            workers_idle: Gauge::default(),
            workers_busy: Gauge::default(),
            held_bytes: Gauge::default(),
            peak_rss: Gauge::default(),
            shut_off: Gauge::default(),
            ready: Gauge::default(),
        };
        metrics.register_traffic();
        metrics.register_state();
        metrics
    }

    fn register_traffic(&mut self) {
        let registry = &mut self.registry;
        let help = "Requests that ended, by operation and reason";
        registry.register("requests", help, self.requests.clone());
        let help = "Bytes of requests' bodies";
        registry.register("bytes_in", help, self.bytes_in.clone());
        let help = "Bytes of answers' bodies";
        registry.register("bytes_out", help, self.bytes_out.clone());
        let help = "Time from the head of a request to its verdict";
        registry.register_with_unit("request", help, Unit::Seconds, self.request_seconds.clone());
        let help = "Time that a request waited for a worker";
        registry.register_with_unit("queue", help, Unit::Seconds, self.queue_seconds.clone());
        let help = "Segments that failed verification and were stored instead";
        registry.register("verify_failures", help, self.verify_failures.clone());
        let help = "Workers that the jail ended";
        registry.register("sandbox_kills", help, self.sandbox_kills.clone());
        let help = "Workers that ended otherwise than by themselves, by cause";
        registry.register("worker_deaths", help, self.worker_deaths.clone());
    }

    fn register_state(&mut self) {
        let registry = &mut self.registry;
        let help = "Requests that wait for a worker";
        registry.register("queue_depth", help, self.queue_depth.clone());
        let help = "Connections";
        registry.register("connections", help, self.connections.clone());
        let help = "Workers that wait for a request";
        registry.register("workers_idle", help, self.workers_idle.clone());
        let help = "Workers that have a request";
        registry.register("workers_busy", help, self.workers_busy.clone());
        let help = "Memory set aside for answers that are held until their verdict";
        registry.register_with_unit("held", help, Unit::Bytes, self.held_bytes.clone());
        let help = "Highest peak of memory of any worker since the start";
        registry.register_with_unit("worker_peak_rss", help, Unit::Bytes, self.peak_rss.clone());
        let help = "1 while compression only stores";
        registry.register("shut_off", help, self.shut_off.clone());
        let help = "1 while the service is ready";
        registry.register("ready", help, self.ready.clone());
    }

    /// All of it, in the text format of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
