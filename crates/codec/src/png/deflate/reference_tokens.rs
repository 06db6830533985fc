//! The tokens that were chosen for a reference: data that are mostly the same.
//!
//! zlib's choice at a position depends on the bytes that a match may reach back to, on those up to
//! 259 ahead, and on whether a match was just taken. Invariant: a token is given out only where all
//! these are as they were for the reference, so that it is the one that would be chosen.

use super::token::Token;
use std::collections::VecDeque;

/// Bytes ahead that a choice depends on: the longest match at the position after.
const AHEAD: u64 = 259;

/// The reference's tokens ahead, and where data are as they were for it.
#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceTokens {
    tokens: VecDeque<Token>,
    /// Where the first of them starts, in bytes from the start of the data.
    start: u64,
    /// Whether the token before it was a copy, or there was none.
    after_copy: bool,
    /// From here on all bytes are the same,
    equal_from: u64,
    /// up to here.
    equal_to: u64,
}

impl ReferenceTokens {
    /// Begins with another reference.
    pub(super) fn reset(&mut self) {
        self.tokens.clear();
        self.start = 0;
        self.after_copy = true;
        self.equal_from = 0;
        self.equal_to = 0;
    }

    /// Begins at a place within another reference.
    pub(super) fn begin(&mut self, place: u64) {
        self.reset();
        self.start = place;
    }

    /// Takes the tokens that follow.
    pub(super) fn extend(&mut self, tokens: &[Token]) {
        self.tokens.extend(tokens);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Says that `bytes` more are the same.
    pub(super) fn extend_equal(&mut self, bytes: usize) {
        self.equal_to += bytes as u64;
    }

    /// Says that `bytes` more are not the same, or not known to be.
    pub(super) fn extend_different(&mut self, bytes: usize) {
        self.equal_to += bytes as u64;
        self.equal_from = self.equal_to;
    }

    /// Drops the tokens that start before `position`.
    pub(super) fn drop_before(&mut self, position: u64) {
        while self.start < position
            && let Some(token) = self.tokens.pop_front()
        {
            self.start += token.length() as u64;
            self.after_copy = token.distance() > 0;
        }
    }

    /// The token that starts at `position`, if one does. Drops those before.
    pub(super) fn token_at(&mut self, position: u64) -> Option<Token> {
        self.drop_before(position);
        let token = self.tokens.front().copied();
        token.filter(|_| self.start == position)
    }

    /// How many tokens from `position` on are those to be chosen where no copy reaches back more
    /// than `reach` bytes, and bytes are known up to `end`. The last of them is a copy.
    pub(super) fn count_valid(&mut self, position: u64, reach: u64, end: u64) -> usize {
        if self.equal_from > 0 && position < self.equal_from + reach {
            return 0;
        }
        self.drop_before(position);
        if self.start != position || !self.after_copy {
            return 0;
        }
        let last = end.min(self.equal_to).checked_sub(AHEAD);
        let Some(last) = last else {
            return 0;
        };
        let mut valid = 0;
        let mut position = position;
        for (index, token) in self.tokens.iter().enumerate() {
            if position > last {
                break;
            }
            position += token.length() as u64;
            if token.distance() > 0 {
                valid = index + 1;
            }
        }
        valid
    }

    /// How many tokens ahead start at most so many bytes behind the first.
    pub(super) fn count_within(&self, most: u64) -> usize {
        let mut start = 0;
        let tokens = self.tokens.iter().take_while(|token| {
            let is_within = start <= most;
            start += token.length() as u64;
            is_within
        });
        tokens.count()
    }

    /// Moves so many tokens, at most those ahead, to the end of `taken`; gives how many bytes they stand
    /// for.
    pub(super) fn take(&mut self, count: usize, taken: &mut Vec<Token>) -> usize {
        let first = taken.len();
        taken.extend(self.tokens.drain(..count));
        let length = taken[first..].iter().map(|token| token.length()).sum();
        self.start += length as u64;
        if let Some(last) = taken[first..].last() {
            self.after_copy = last.distance() > 0;
        }
        length
    }

    /// The token ahead, which is taken.
    pub(super) fn take_first(&mut self) -> Option<Token> {
        let token = self.tokens.pop_front()?;
        self.start += token.length() as u64;
        self.after_copy = token.distance() > 0;
        Some(token)
    }
}

/// How many bytes at the start, and how many of the others at the end, are the same in `bytes` and
/// in `reference`, which may be shorter or longer and starts at the same place.
pub(crate) fn same_ends(bytes: &[u8], reference: &[u8]) -> (usize, usize) {
    let start = common_start(bytes, reference);
    if start == bytes.len() || reference.len() < bytes.len() {
        return (start, 0);
    }
    let (rest, reference) = (&bytes[start..], &reference[start..bytes.len()]);
    let equal_words = |(word, other): &(&[u8; 16], &[u8; 16])| word == other;
    let (words, other_words) = (rest.as_rchunks::<16>().1, reference.as_rchunks::<16>().1);
    let words = words.iter().rev().zip(other_words.iter().rev());
    let end = 16 * words.take_while(equal_words).count();
    let before = rest.len() - end;
    let pairs = rest[..before].iter().zip(&reference[..before]);
    let more = pairs.rev().take_while(|(byte, other)| byte == other);
    (start, end + more.count())
}

/// How many bytes at the start are the same.
fn common_start(one: &[u8], other: &[u8]) -> usize {
    let words = one
        .as_chunks::<16>()
        .0
        .iter()
        .zip(other.as_chunks::<16>().0);
    let start = 16 * words.take_while(|(word, other)| word == other).count();
    let pairs = one[start..].iter().zip(&other[start..]);
    start + pairs.take_while(|(byte, other)| byte == other).count()
}
