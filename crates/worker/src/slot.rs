//! A segment on its way from the input to the output: its raw bytes and its coded bytes.
//!
//! Invariant: `coded[..written]` is what the encoder made of the first `consumed` bytes of `input`; of
//! no bytes, for the end segment.

use std::sync::Arc;

use lepta_codec::{RestartCost, SEGMENT_INPUT};
use lepta_sandbox::SealedBuffer;

use crate::report::Report;

/// Most raw bytes in a slot of its own.
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

/// A stretch of the input that is held whole: an image of several scans, from some byte on. All slots
/// that need it share it; the coding side lets go of it last.
#[derive(Clone, Debug)]
pub(crate) struct Lookahead {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) start: usize,
}

/// The raw bytes that a slot begins with, and those behind them that the encoder is shown.
#[derive(Debug)]
pub(crate) struct RawBytes {
    /// Always [`RAW_LENGTH`] long.
    pub(crate) own: Vec<u8>,
    /// How many of them were read.
    pub(crate) filled: usize,
    /// In place of its own.
    pub(crate) lookahead: Option<Lookahead>,
}

impl RawBytes {
    /// All of them.
    pub(crate) fn shown(&self) -> &[u8] {
        match &self.lookahead {
            Some(lookahead) => &lookahead.bytes[lookahead.start..],
            None => &self.own[..self.filled],
        }
    }
}

/// The raw and the coded bytes of one segment.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) input: RawBytes,
    /// How many of these the segment holds; those behind are the next segment's first.
    pub(crate) consumed: usize,
    pub(crate) coded: SealedBuffer,
    pub(crate) written: usize,
    pub(crate) part: Part,
    /// Whether verification may prove it wrong without a fault: see [`lepta_codec::Encoded`].
    pub(crate) takes_for_granted: bool,
    /// Segments before this one in the output.
    pub(crate) number: u64,
    /// Stored segments among these and this one.
    pub(crate) segments_stored: u64,
    /// Restarts in front of these and this one.
    pub(crate) restarts: u64,
    /// What they cost.
    pub(crate) restart_cost: RestartCost,
    /// The job so far, for whoever has to end it while owning the slot.
    pub(crate) report: Report,
}

impl Slot {
    /// An empty slot. `coded` must hold what the encoder writes in one call.
    pub(crate) fn new(coded: SealedBuffer, report: &Report) -> Self {
        Self {
            input: RawBytes {
                own: vec![0; RAW_LENGTH],
                filled: 0,
                lookahead: None,
            },
            consumed: 0,
            coded,
            written: 0,
            part: Part::Coded,
            takes_for_granted: false,
            number: 0,
            segments_stored: 0,
            restarts: 0,
            restart_cost: RestartCost::default(),
            report: report.clone(),
        }
    }
}
