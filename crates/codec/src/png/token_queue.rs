//! Tokens of a zlib stream that were read ahead of the bytes they are needed for.

use super::deflate::Token;

/// Tokens that were read and not yet used.
pub(super) struct TokenQueue {
    /// Most tokens that are held.
    most: usize,
    held: Vec<Token>,
    /// How many of them were used.
    used: usize,
    /// Where the first of the others starts, in bytes of scanlines.
    start: u64,
    /// There were too many, or they are of no use.
    given_up: bool,
}

impl TokenQueue {
    /// A queue of at most so many tokens; if there are more, it gives up.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            held: Vec::with_capacity(most),
            used: 0,
            start: 0,
            given_up: false,
        }
    }

    /// A queue that holds nothing, whatever is added.
    pub(super) fn unused() -> Self {
        Self {
            given_up: true,
            ..Self::new(0)
        }
    }

    /// Where the first token starts that was not taken, in bytes of scanlines.
    pub(super) fn next_start(&self) -> u64 {
        self.start
    }

    /// Whether there were too many tokens.
    pub(super) fn has_given_up(&self) -> bool {
        self.given_up
    }

    pub(super) fn add(&mut self, tokens: &[Token]) {
        if self.given_up {
            return;
        }
        // Seldom, so that what is moved is less than what was used.
        let is_full = self.held.len() + tokens.len() > self.most;
        if is_full || self.used > self.held.len() / 2 {
            self.held.drain(..self.used);
            self.used = 0;
        }
        self.given_up = self.held.len() + tokens.len() > self.most;
        if self.given_up {
            self.held = Vec::new();
            self.used = 0;
        } else {
            self.held.extend_from_slice(tokens);
        }
    }

    /// Takes those that start before `end`.
    pub(super) fn take_before(&mut self, end: u64) -> &[Token] {
        let rest = &self.held[self.used..];
        let mut count = 0;
        for token in rest {
            if self.start >= end {
                break;
            }
            self.start += token.length() as u64;
            count += 1;
        }
        self.used += count;
        &rest[..count]
    }
}
