//! Turning tokens into bytes.
//!
//! Invariant: the 32 KiB before the newest byte are always at hand, so that a copy can reach them.

use super::token::{LONGEST_COPY, Token};
use super::token_reader::WINDOW;

/// The most tokens that are expanded at a time.
pub(super) const TOKENS: usize = 512;
/// The most bytes that they give.
const MOST_BYTES: usize = TOKENS * LONGEST_COPY;
/// Copies write up to two of these too far.
const CHUNK: usize = 16;
const BUFFER: usize = WINDOW + MOST_BYTES + 64;

/// The bytes of the window and those after it.
#[derive(Clone)]
pub(crate) struct Expander {
    bytes: Box<[u8]>,
    end: usize,
}

impl Expander {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER].into_boxed_slice(),
            end: 0,
        }
    }

    /// Begins another stream.
    pub(crate) fn reset(&mut self) {
        self.end = 0;
    }

    /// The bytes that `tokens` stand for: at most 512, none with a distance beyond the stream's
    /// start, as [`TokenReader`](super::token_reader::TokenReader) gives them.
    pub(crate) fn expand(&mut self, tokens: &[Token]) -> &[u8] {
        self.make_room(tokens);
        let start = self.end;
        let bytes = &mut *self.bytes;
        let mut end = start;
        for token in tokens {
            let distance = token.distance();
            if distance == 0 {
                bytes[end] = token.low_byte();
                end = end.wrapping_add(1);
            } else {
                let length = token.length();
                copy(bytes, end, distance, length);
                end = end.wrapping_add(length);
            }
        }
        self.end = end;
        &self.bytes[start..end]
    }

    /// Drops bytes beyond the window where they stand in the way.
    fn make_room(&mut self, tokens: &[Token]) {
        let bytes: usize = tokens.iter().map(|token| token.length()).sum();
        if self.end + bytes + 3 * CHUNK > BUFFER {
            self.bytes.copy_within(self.end - WINDOW..self.end, 0);
            self.end = WINDOW;
        }
    }
}

/// Copies `length` bytes to `end` from `distance` before it, in chunks that may write too far.
#[inline(always)]
fn copy(bytes: &mut [u8], end: usize, distance: usize, length: usize) {
    let stop = end.wrapping_add(length);
    if distance == 1 {
        let byte = bytes[end.wrapping_sub(1)];
        bytes[end..stop].fill(byte);
        return;
    }
    let mut to = end;
    let mut from = end.wrapping_sub(distance);
    if distance < CHUNK {
        // One chunk byte by byte; then the period is a multiple that is no shorter than a chunk.
        for _ in 0..CHUNK {
            bytes[to] = bytes[from];
            to = to.wrapping_add(1);
            from = from.wrapping_add(1);
        }
        from = to.wrapping_sub(PERIODS[distance]);
    }
    while to < stop {
        let chunk: [u8; CHUNK] = *bytes[from..].first_chunk().unwrap_or(&[0; CHUNK]);
        if let Some(target) = bytes[to..].first_chunk_mut() {
            *target = chunk;
        }
        to = to.wrapping_add(CHUNK);
        from = from.wrapping_add(CHUNK);
    }
}

/// The least multiple of a short distance that is no shorter than a chunk.
const PERIODS: [usize; CHUNK] = {
    let mut periods = [0; CHUNK];
    let mut distance = 1;
    while distance < CHUNK {
        periods[distance] = CHUNK.div_ceil(distance) * distance;
        distance += 1;
    }
    periods
};
