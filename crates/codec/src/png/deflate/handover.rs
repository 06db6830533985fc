//! Where an exact replay stands, for corrections to go on from there.
//!
//! Invariant: what is handed over follows from what zlib has put out and holds back, not from how its
//! choices were found, so that it is the same wherever they were the same.

use super::bit_writer::BitWriter;
use super::token::Token;

/// What a replay has done between two pieces of its input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handover {
    /// Behind the last byte that was put out.
    pub(super) bits: BitWriter,
    /// Those of the block in hand.
    pub(super) tokens: Vec<Token>,
    /// Where the next token starts, in bytes from the start of the data.
    pub(super) place: u64,
    /// The bytes around that place that are still there,
    pub(super) bytes: Vec<u8>,
    /// and how many of them are before it.
    pub(super) before: usize,
}

impl Handover {
    /// Bits of the next byte of the stream that belong to what was put out.
    pub(crate) fn passed_bits(&self) -> u32 {
        self.bits.pending()
    }

    /// Where the block in hand starts, in bytes from the start of the data.
    pub(crate) fn block_start(&self) -> u64 {
        let lengths = self.tokens.iter().map(|token| token.length() as u64);
        self.place - lengths.sum::<u64>()
    }
}

/// What of a replay can be compared with a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing<'r> {
    /// Where the block in hand starts, in bytes from the start of the data.
    pub(crate) block_start: u64,
    /// Where its last token ends.
    pub(crate) place: u64,
    pub(crate) tokens: &'r [Token],
}
