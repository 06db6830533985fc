//! The worker's report as JSON.
//!
//! Invariant: a report with an unknown or a missing key is refused, so that the
//! documented keys are the ones there are.

use serde::Deserialize;

/// What restarts cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartCost {
    /// How many.
    pub restarts: u64,
    /// In bytes.
    pub bytes: i64,
}

/// The one line on standard error of `--report json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `compress`, `decompress` or `verify`.
    pub operation: Option<String>,
    /// Exit status.
    pub status: u8,
    /// Its name.
    pub status_name: String,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Saving in percent of the original.
    pub saving_percent: Option<f64>,
    /// Kind of the first image.
    pub kind: Option<String>,
    /// Its width in samples.
    pub width: Option<u32>,
    /// Its height in samples.
    pub height: Option<u32>,
    /// Segments in the container.
    pub segments: u64,
    /// How many of them are stored.
    pub segments_stored: u64,
    /// In front of how many all models started anew.
    pub restarts: u64,
    /// What those cost of which that is known.
    pub restart_cost: Option<RestartCost>,
    /// Why something was not modelled.
    pub reasons: Vec<String>,
    /// What a salvage could not give back: from the first byte to behind the last.
    pub missing: Vec<(Option<u64>, Option<u64>)>,
    /// Whether every byte was decoded and compared.
    pub verified: bool,
    /// Failed verifications.
    pub alarms: u64,
    /// `VmHWM` as the worker read it last.
    pub peak_rss_bytes: Option<u64>,
    /// Level of a compression.
    pub level: Option<String>,
    /// Threads, 1 or 2.
    pub threads: u8,
    /// Whether the jail was up.
    pub jailed: bool,
    /// What went wrong.
    pub error: Option<String>,
}

impl Report {
    /// Reads a report.
    ///
    /// # Panics
    /// If standard error is anything else than one such line.
    pub fn parse(standard_error: &str) -> Self {
        let line = standard_error.strip_suffix('\n').unwrap_or(standard_error);
        assert!(
            !line.contains('\n'),
            "more than one line on standard error:\n{standard_error}"
        );
        match serde_json::from_str(line) {
            Ok(report) => report,
            Err(error) => panic!("no report ({error}): {standard_error:?}"),
        }
    }
}
