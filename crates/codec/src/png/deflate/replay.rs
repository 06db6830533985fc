//! Compressing again as the writer of a stream did.

use super::handover::{Handover, Standing};
use super::miniz_replay::MinizReplay;
use super::parameters::{Compressor, Flush, Parameters, Strategy};
use super::token::Token;
use super::zlib_replay::ZlibReplay;

/// Compresses as the writer of a stream did, to a raw DEFLATE stream: without the header and the
/// checksum of the zlib format.
///
/// State: 265 KB at memory level 8 of zlib, 256 KB more once filtered data were expected, and 350 KB
/// more once `miniz_oxide` was asked for.
pub(crate) struct Replay {
    parameters: Parameters,
    zlib: ZlibReplay,
    miniz: Option<Box<MinizReplay>>,
}

impl Replay {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let mut replay = Self {
            parameters: *parameters,
            zlib: ZlibReplay::new(),
            miniz: None,
        };
        replay.reset(parameters);
        replay
    }

    /// Begins another stream. Allocates only what the parameters before had no need of.
    pub(crate) fn reset(&mut self, parameters: &Parameters) {
        self.parameters = *parameters;
        match parameters.compressor {
            Compressor::Zlib | Compressor::Unknown => self.zlib.reset(parameters),
            Compressor::MinizOxide => self
                .miniz
                .get_or_insert_with(MinizReplay::boxed)
                .reset(parameters.level),
        }
    }

    /// Compresses `input`, and appends to `out` what the writer would have put out by then.
    pub(crate) fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.flush(input, Flush::None, out);
    }

    /// Whether a reference can save work: with zlib's levels 4 to 9.
    pub(crate) fn uses_reference(&self) -> bool {
        self.parameters.compressor == Compressor::Zlib && self.zlib.is_lazy()
    }

    /// Takes tokens of a reference that the same parameters have chosen for rows of the same
    /// length: in their order, and at least those that start within the bytes given next to
    /// [`push_compared`](Self::push_compared). A reference begins where the stream does.
    ///
    /// Without tokens, or where they are of no use, all is as with [`push`](Self::push).
    pub(crate) fn add_reference(&mut self, tokens: &[Token]) {
        if self.uses_reference() {
            self.zlib.add_reference(tokens);
        }
    }

    /// Compresses `input` as [`push`](Self::push) does, faster: of it `same_start` bytes at the
    /// start and `same_end` bytes at the end are the reference's at the same place.
    ///
    /// To be used for a stream from its first byte on, or not at all.
    pub(crate) fn push_compared(
        &mut self,
        input: &[u8],
        same_start: usize,
        same_end: usize,
        out: &mut Vec<u8>,
    ) {
        match self.parameters.compressor {
            Compressor::Zlib => self.zlib.push_compared(input, same_start, same_end, out),
            Compressor::MinizOxide | Compressor::Unknown => self.push(input, out),
        }
    }

    /// Whether a stream that these parameters have made can be written from its tokens alone, much
    /// faster.
    pub(crate) fn writes_tokens(parameters: &Parameters) -> bool {
        parameters.compressor == Compressor::Zlib
            && parameters.level > 0
            && !matches!(
                parameters.strategy,
                Strategy::HuffmanOnly | Strategy::RunLength
            )
    }

    /// Compresses `input` as [`push`](Self::push) does, if the writer chose these tokens, which are
    /// those that start within `input`. For parameters that
    /// [`writes_tokens`](Self::writes_tokens) names, and a whole stream.
    pub(crate) fn push_to_tokens(&mut self, input: &[u8], tokens: &[Token], out: &mut Vec<u8>) {
        self.zlib.push_to_tokens(input, tokens, out);
    }

    /// Whether corrections can go on where a replay with these parameters goes wrong: with those whose tokens
    /// are known.
    pub(crate) fn hands_over(parameters: &Parameters) -> bool {
        parameters.compressor == Compressor::Zlib && parameters.level > 0
    }

    /// Where it stands between two pieces of input. For parameters that [`hands_over`](Self::hands_over)
    /// names.
    pub(crate) fn standing(&self) -> Standing<'_> {
        self.zlib.standing()
    }

    /// Says where it stands between two pieces of input. For parameters that
    /// [`hands_over`](Self::hands_over) names.
    pub(crate) fn hand_over(&self, to: &mut Handover) {
        self.zlib.hand_over(to);
    }

    /// Compresses `input` and flushes as said.
    pub(crate) fn flush(&mut self, input: &[u8], flush: Flush, out: &mut Vec<u8>) {
        match (self.parameters.compressor, &mut self.miniz) {
            (Compressor::Zlib, _) => self.zlib.flush(input, flush, out),
            (_, Some(miniz)) => miniz.flush(input, flush, out),
            (_, None) => {}
        }
    }

    /// Whether some choice may not be the writer's, for data that were made to take too long.
    pub(crate) fn gave_up(&self) -> bool {
        self.parameters.compressor == Compressor::Zlib && self.zlib.gave_up()
    }

    /// Ends the stream, with a flush before if one is given: [`Flush::Partial`] with some writers that
    /// use zlib, [`Flush::Sync`] with Chromium.
    pub(crate) fn finish(&mut self, before: Flush, out: &mut Vec<u8>) {
        if !matches!(before, Flush::None | Flush::Finish) {
            self.flush(&[], before, out);
        }
        self.flush(&[], Flush::Finish, out);
    }

    /// How many tokens the blocks put out have, and the tokens that are held back; `None` where
    /// they are not known.
    pub(super) fn tokens(&self) -> Option<(u64, &[Token])> {
        match (self.parameters.compressor, self.parameters.level) {
            (Compressor::Zlib, 1..) => Some(self.zlib.tokens()),
            _ => None,
        }
    }
}
