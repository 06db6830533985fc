//! When models start anew.
//!
//! Invariant: a key is the start of a PNG, and what is planned depends on the bytes shown and on the
//! images since the last key alone.

use super::segment_header::SegmentKind;
use crate::png::SIGNATURE;

/// Counts images up to the next key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeySchedule {
    /// Images from one key to the next; 0 if there are no keys.
    every: u32,
    /// Images since the last one.
    images: u64,
}

impl KeySchedule {
    pub(super) fn new(every: u32) -> Self {
        Self { every, images: 0 }
    }

    /// Takes note that models are new.
    pub(super) fn start(&mut self) {
        self.images = 0;
    }

    /// Takes note that so many images were coded.
    pub(super) fn add_images(&mut self, count: u64) {
        self.images += count;
    }

    /// What kind the segment is that begins with `window`, and how much of it the segment may take:
    /// where a key is due, it ends in front of the next PNG.
    pub(super) fn plan(&mut self, window: &[u8]) -> (SegmentKind, usize) {
        if self.every == 0 || self.images < u64::from(self.every) {
            return (SegmentKind::Coded, window.len());
        }
        if window.starts_with(&SIGNATURE) {
            self.start();
            return (SegmentKind::Key, window.len());
        }
        let next = window
            .windows(SIGNATURE.len())
            .position(|bytes| bytes == SIGNATURE);
        (SegmentKind::Coded, next.unwrap_or(window.len()))
    }
}
