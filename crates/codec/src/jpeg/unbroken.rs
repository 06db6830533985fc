//! What the MCUs of a scan would take in models that had not started anew within it.
//!
//! Invariant: an unbroken scan is shown what the scan itself codes, goes on in the models of before, and
//! changes nothing of what is coded.

use super::any_models::AnyModels;
use super::scan::Scan;
use crate::entropy::RangeEncoder;

/// A scan that goes on beside the one in new models.
#[derive(Debug)]
pub(crate) struct UnbrokenScan {
    scan: Scan,
    models: AnyModels,
    /// Without room, it only counts.
    coder: RangeEncoder<'static>,
}

impl UnbrokenScan {
    /// Goes on with a scan in the models that have coded what is before.
    pub(super) fn new(scan: Scan, models: AnyModels) -> Self {
        Self {
            scan,
            models,
            coder: RangeEncoder::new(&mut []),
        }
    }

    /// Codes what [`Scan::encode`] does, shown the same; how many bytes that takes.
    pub(super) fn encode(&mut self, input: &[u8], limit: usize, end_of_input: bool) -> usize {
        let before = self.coder.size();
        self.models
            .encode(&mut self.scan, &mut self.coder, input, limit, end_of_input);
        self.coder.size() - before
    }
}
