//! The models of one direction.

use super::Level;
use crate::bytes::BytesModel;
use crate::jpeg::Jpeg;

/// Everything that coded segments adapt.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) bytes: BytesModel,
    pub(super) jpeg: Jpeg,
}

impl Models {
    /// Models that have seen nothing. `state_bytes` bounds the rows of an image.
    pub(super) fn new(level: Level, state_bytes: usize) -> Self {
        Self {
            bytes: BytesModel::new(level),
            jpeg: Jpeg::new(level, state_bytes),
        }
    }

    /// Back to the state of [`Models::new`].
    pub(super) fn reset(&mut self) {
        self.bytes.reset();
        self.jpeg.reset();
    }
}
