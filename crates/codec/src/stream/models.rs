//! The models of one direction.

use super::Level;
use crate::bytes::BytesModel;
use crate::jpeg::{Jpeg, MemoryBudget};

/// Everything that coded segments adapt.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) bytes: BytesModel,
    pub(super) jpeg: Jpeg,
}

impl Models {
    /// Models that have seen nothing.
    pub(super) fn new(level: Level, budget: MemoryBudget) -> Self {
        Self {
            bytes: BytesModel::new(level),
            jpeg: Jpeg::new(level, budget),
        }
    }

    /// Back to the state of [`Models::new`].
    pub(super) fn reset(&mut self) {
        self.bytes.reset();
        self.jpeg.reset();
    }
}
