//! Inflating a zlib stream that arrives in pieces.

use super::adler::Adler32;
use super::error::InflateError;
use super::expander::{Expander, TOKENS};
use super::parameters::Flush;
use super::token::Token;
use super::token_reader::{Progress, TokenReader};

/// Bytes of one step, and why there are no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inflated<'a> {
    /// At most 132,096 bytes; valid until the next step.
    pub(crate) bytes: &'a [u8],
    /// The tokens that stand for them, at most 512.
    pub(crate) tokens: &'a [Token],
    pub(crate) progress: Progress,
}

/// Inflates a zlib stream given in pieces.
///
/// State: 180 KB, allocated once.
#[derive(Clone)]
pub(crate) struct Inflater {
    reader: TokenReader,
    expander: Expander,
    tokens: [Token; TOKENS],
    /// Unless nobody asks for it.
    adler: Option<Adler32>,
    consumed: u64,
    produced: u64,
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self {
            reader: TokenReader::new(),
            expander: Expander::new(),
            tokens: [Token::default(); TOKENS],
            adler: Some(Adler32::new()),
            consumed: 0,
            produced: 0,
        }
    }

    /// One whose steps have bytes of one block each.
    pub(crate) fn by_blocks() -> Self {
        let mut inflater = Self::new();
        inflater.reader.stop_at_blocks();
        inflater
    }

    /// How many blocks were begun: up to that of the last step, where steps have bytes of one block each.
    pub(crate) fn blocks(&self) -> u64 {
        self.reader.blocks()
    }

    /// Whether the block of the last step is stored; where steps have bytes of one block each.
    pub(crate) fn is_stored(&self) -> bool {
        self.reader.is_stored()
    }

    /// One that does not compute a checksum.
    pub(crate) fn without_checksum() -> Self {
        Self {
            adler: None,
            ..Self::new()
        }
    }

    /// Begins another stream, without allocating.
    pub(crate) fn reset(&mut self) {
        self.reader.reset();
        self.expander.reset();
        self.adler = self.adler.map(|_| Adler32::new());
        self.consumed = 0;
        self.produced = 0;
    }

    /// Inflates a bounded amount from `input`, which is advanced past what was used.
    ///
    /// To be called until the progress is [`Progress::NeedsInput`] or [`Progress::Ended`]; nothing
    /// is taken from `input` that the stream does not need, so at its end what follows is left.
    ///
    /// # Errors
    ///
    /// The rule that the stream breaks, after all bytes before it were given out.
    pub(crate) fn inflate(&mut self, input: &mut &[u8]) -> Result<Inflated<'_>, InflateError> {
        let before = input.len();
        let (count, progress) = self.reader.read(input, &mut self.tokens)?;
        self.consumed += (before - input.len()) as u64;
        let tokens = &self.tokens[..count];
        let bytes = self.expander.expand(tokens);
        if let Some(adler) = &mut self.adler {
            adler.update(bytes);
        }
        self.produced += bytes.len() as u64;
        Ok(Inflated {
            bytes,
            tokens,
            progress,
        })
    }

    /// The two bytes of the zlib header as a big-endian number, once they were read.
    pub(crate) fn header(&self) -> Option<u16> {
        self.reader.header()
    }

    /// The Adler-32 that the stream ends with, once it was read.
    pub(crate) fn stored_checksum(&self) -> Option<u32> {
        self.reader.checksum()
    }

    /// What was flushed before the end, if nothing but the end follows; to be asked at the end.
    pub(crate) fn flush_before_end(&self) -> Flush {
        self.reader.flush_before_end()
    }

    /// The Adler-32 of the bytes given out so far; that of none if it is not computed.
    pub(crate) fn checksum(&self) -> u32 {
        self.adler.unwrap_or(Adler32::new()).value()
    }

    /// How many bytes of input the stream has taken.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// How many bytes were given out.
    pub(crate) fn produced(&self) -> u64 {
        self.produced
    }
}
