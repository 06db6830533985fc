//! Predicts the byte that followed the last time the same bytes came by.
//!
//! Invariant: the history always holds the last 65536 bytes (zeros before the first), and every
//! place is a place in it, so that any state of the tables is a legal one.

use super::node::Node;
use crate::entropy::logistic::stretch;

/// Bytes remembered: as many as a `u16` can tell apart.
const HISTORY: usize = 1 << 16;

/// Places remembered.
const PLACES: usize = 1 << 13;

/// Bytes that must agree before a place is followed.
const LEAST: u32 = 4;

/// Bytes of agreement after which no better place is looked for.
const SURE: u32 = 16;

/// Agreement is counted up to this.
const LONGEST: u32 = 32;

/// Number of failed predictions among the last eight at which a place is given up.
const TOLERATED: u32 = 8;

/// Number of classes of trust: by agreement, whether the last prediction failed, and whether one
/// of the seven before it did.
const TRUSTS: usize = Matcher::CLASSES * 4;

/// The match model.
#[derive(Debug)]
pub(super) struct Matcher {
    history: Box<[u8]>,
    /// By hash of the last four bytes: the place behind them when they came last.
    places: Box<[u16]>,
    /// The place of the next byte.
    position: u16,
    /// The place of the byte predicted.
    source: u16,
    /// Bytes before the two places that agree, as far as is known.
    length: u32,
    /// Which of the last eight predictions failed, the latest lowest.
    misses: u8,
    /// The byte predicted behind a leading one, or 0 for none.
    expected: usize,
    /// The next bit predicted, if the byte agrees so far.
    predicted: Option<bool>,
    trust_class: usize,
    /// By class of trust: how likely a predicted bit is right.
    trusts: [Node; TRUSTS],
}

impl Matcher {
    /// Number of values of [`Matcher::class`].
    pub(super) const CLASSES: usize = 7;

    pub(super) fn new() -> Self {
        Self {
            history: vec![0; HISTORY].into_boxed_slice(),
            places: vec![0; PLACES].into_boxed_slice(),
            position: 0,
            source: 0,
            length: 0,
            misses: 0,
            expected: 0,
            predicted: None,
            trust_class: 0,
            trusts: [Node::NEW; TRUSTS],
        }
    }

    pub(super) fn reset(&mut self) {
        self.history.fill(0);
        self.places.fill(0);
        self.position = 0;
        self.source = 0;
        self.length = 0;
        self.misses = 0;
        self.expected = 0;
        self.predicted = None;
        self.trusts = [Node::NEW; TRUSTS];
    }

    /// The byte predicted behind a leading one, or 0 if none is or the bits so far contradict it.
    #[inline(always)]
    pub(super) fn expected(&self) -> usize {
        match self.predicted {
            Some(_) => self.expected,
            None => 0,
        }
    }

    /// How much agrees, in classes; 0 if nothing is predicted.
    #[inline(always)]
    pub(super) fn class(&self) -> usize {
        match (self.predicted, self.length) {
            (None, _) => 0,
            (_, 0) => 1,
            (_, 1..6) => 2,
            (_, 6..8) => 3,
            (_, 8..12) => 4,
            (_, 12..20) => 5,
            _ => 6,
        }
    }

    /// Predicts the bit behind `path` (the bits of the byte so far behind a leading one): log-odds
    /// of one, in units of 1/256.
    #[inline(always)]
    pub(super) fn predict(&mut self, path: usize) -> i32 {
        let behind = path.leading_zeros().wrapping_sub(usize::BITS - 9);
        if self.expected >> behind != path {
            self.predicted = None;
            return 0;
        }
        let bit = self.expected >> behind.wrapping_sub(1) & 1 == 1;
        self.predicted = Some(bit);
        let missed = usize::from(self.misses & 1) + 2 * usize::from(self.misses > 1);
        self.trust_class = self.class() * 4 + missed;
        let log_odds = stretch(self.trusts[self.trust_class].probability());
        if bit { log_odds } else { -log_odds }
    }

    /// Learns whether the prediction was right.
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        if let Some(predicted) = self.predicted {
            self.trusts[self.trust_class].update(predicted == bit);
        }
    }

    /// Appends a byte to the history; `last_four` ends with it, the latest lowest.
    pub(super) fn push(&mut self, byte: u8, last_four: u32) {
        self.history[usize::from(self.position)] = byte;
        self.position = self.position.wrapping_add(1);
        if self.expected > 0 {
            let missed = self.expected != usize::from(byte) | 256;
            self.length = if missed {
                0
            } else {
                (self.length + 1).min(LONGEST)
            };
            self.misses = self.misses << 1 | u8::from(missed);
            self.source = self.source.wrapping_add(1);
        }
        let key = (last_four.wrapping_mul(0x9E37_79B1) >> 19) as usize;
        if self.length < SURE {
            self.look_for_better(self.places[key]);
        }
        self.places[key] = self.position;
        self.expected = match self.source == self.position || self.misses.count_ones() >= TOLERATED
        {
            true => 0,
            false => usize::from(self.history[usize::from(self.source)]) | 256,
        };
    }

    /// Follows `place` if more bytes agree before it than before the current source.
    fn look_for_better(&mut self, place: u16) {
        let before = |place: u16, back: u32| {
            self.history[usize::from(place.wrapping_sub(1).wrapping_sub(back as u16))]
        };
        let agrees = |back: &u32| before(place, *back) == before(self.position, *back);
        let length = (0..SURE).take_while(agrees).count() as u32;
        if place != self.position && length >= LEAST && length > self.length {
            self.length = length;
            self.source = place;
            self.misses = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of `text` that are predicted rightly and wrongly.
    fn follow(text: &[u8]) -> (usize, usize) {
        let mut matcher = Matcher::new();
        let (mut right, mut wrong, mut last_four) = (0, 0, 0u32);
        for &byte in text {
            let mut path = 1;
            for shift in (0..8).rev() {
                let bit = byte >> shift & 1 == 1;
                let log_odds = matcher.predict(path);
                right += usize::from(log_odds != 0 && (log_odds > 0) == bit);
                wrong += usize::from(log_odds != 0 && (log_odds > 0) != bit);
                matcher.update(bit);
                path = path << 1 | usize::from(bit);
            }
            last_four = last_four << 8 | u32::from(byte);
            matcher.push(byte, last_four);
        }
        (right, wrong)
    }

    #[test]
    fn a_repetition_is_predicted_across_the_end_of_the_history() {
        let text: Vec<u8> = (0..100_000u32)
            .map(|i| ((i % 1000 * 7919) >> 5) as u8)
            .collect();
        let (right, wrong) = follow(&text);
        assert!(right > 90_000 * 8, "{right} right, {wrong} wrong");
        assert!(wrong < 2_000, "{wrong} wrong");
    }

    #[test]
    fn one_difference_does_not_end_a_repetition() {
        let mut text: Vec<u8> = (0..2000u32)
            .map(|i| ((i % 1000 * 7919) >> 5) as u8)
            .collect();
        text[1500] ^= 0x55;
        let (right, wrong) = follow(&text);
        assert!(
            right > 950 * 8 && wrong < 100,
            "{right} right, {wrong} wrong"
        );
    }
}
