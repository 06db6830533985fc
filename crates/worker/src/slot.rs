//! A segment on its way from the input to the output: its raw bytes and its coded bytes.
//!
//! Invariant: `coded[..written]` is what the encoder made of `raw[..consumed]`; of no raw bytes, for
//! the end segment.

use lepta_codec::SEGMENT_INPUT;
use lepta_sandbox::SealedBuffer;

use crate::report::Report;

/// Most raw bytes in a slot.
pub(crate) const RAW_LENGTH: usize = SEGMENT_INPUT;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A segment as the models code it.
    Coded,
    /// The same segment stored, after its verification failed.
    StoredInstead,
    /// The end segment.
    End,
}

/// The raw and the coded bytes of one segment.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Always [`RAW_LENGTH`] long.
    pub(crate) raw: Vec<u8>,
    /// How many of them were read.
    pub(crate) filled: usize,
    /// How many of these the segment holds; those behind are the next segment's first.
    pub(crate) consumed: usize,
    pub(crate) coded: SealedBuffer,
    pub(crate) written: usize,
    pub(crate) part: Part,
    /// Segments before this one in the output.
    pub(crate) number: u64,
    /// Stored segments among these and this one.
    pub(crate) segments_stored: u64,
    /// The job so far, for whoever has to end it while owning the slot.
    pub(crate) report: Report,
}

impl Slot {
    /// An empty slot. `coded` must hold what the encoder writes in one call.
    pub(crate) fn new(coded: SealedBuffer, report: &Report) -> Self {
        Self {
            raw: vec![0; RAW_LENGTH],
            filled: 0,
            consumed: 0,
            coded,
            written: 0,
            part: Part::Coded,
            number: 0,
            segments_stored: 0,
            report: report.clone(),
        }
    }
}
