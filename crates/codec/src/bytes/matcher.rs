//! Predicts the byte that followed the last time the same bytes came by.

use super::node::Node;
use crate::entropy::logistic::stretch;

/// Bytes remembered.
const HISTORY: usize = 1 << 16;

/// Places remembered.
const PLACES: usize = 1 << 13;

/// Bytes that must be equal before a place is trusted.
const LEAST: u32 = 4;

/// The match model.
#[derive(Debug)]
pub(super) struct Matcher {
    history: Box<[u8]>,
    /// By hash of the last bytes: where they ended last, modulo the size of the history, plus 1.
    places: Box<[u32]>,
    /// Bytes pushed.
    position: u32,
    /// Where in the history the predicted byte stands.
    source: u32,
    /// Bytes that agreed so far, 0 when nothing is predicted.
    length: u32,
    /// The byte predicted, with a leading one; 0 when nothing is.
    expected: usize,
    /// By length class: how often the prediction held.
    trust: [Node; Matcher::LENGTHS],
    predicted: Option<bool>,
}

impl Matcher {
    /// Number of length classes.
    pub(super) const LENGTHS: usize = 8;

    pub(super) fn new() -> Self {
        Self {
            history: vec![0; HISTORY].into_boxed_slice(),
            places: vec![0; PLACES].into_boxed_slice(),
            position: 0,
            source: 0,
            length: 0,
            expected: 0,
            trust: [Node::NEW; Self::LENGTHS],
            predicted: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.places.fill(0);
        self.position = 0;
        self.length = 0;
        self.expected = 0;
        self.trust = [Node::NEW; Self::LENGTHS];
        self.predicted = None;
    }

    /// A class of the length of the current match, 0 for none.
    #[inline(always)]
    pub(super) fn length_class(&self) -> usize {
        if self.predicted.is_none() {
            return 0;
        }
        match self.length {
            0..6 => 1,
            6..8 => 2,
            8..12 => 3,
            12..16 => 4,
            16..24 => 5,
            24..32 => 6,
            _ => 7,
        }
    }

    /// Log-odds of one for the next bit behind `path`, and the same at full strength.
    #[inline(always)]
    pub(super) fn predict(&mut self, path: usize) -> (i32, i32) {
        let behind = 8 - path.ilog2();
        if self.expected >> behind != path {
            self.predicted = None;
            return (0, 0);
        }
        let bit = self.expected >> (behind - 1) & 1 == 1;
        self.predicted = Some(bit);
        let trust = self.trust[self.length_class()];
        let log_odds = stretch(trust.probability());
        let strength = 32 * self.length.min(32) as i32;
        if bit {
            (log_odds, strength)
        } else {
            (-log_odds, -strength)
        }
    }

    /// Learns whether the prediction held.
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        let class = self.length_class();
        if let Some(predicted) = self.predicted {
            self.trust[class].update(predicted == bit, 15);
        }
    }

    /// Appends a byte to the history; `recent` holds the last eight bytes.
    pub(super) fn push(&mut self, byte: u8, recent: u64) {
        let mask = HISTORY as u32 - 1;
        self.history[(self.position & mask) as usize] = byte;
        self.position = self.position.wrapping_add(1);
        if self.length > 0 && self.expected == usize::from(byte) | 256 {
            self.length = self.length.wrapping_add(1).min(65535);
            self.source = self.source.wrapping_add(1);
        } else {
            self.length = 0;
        }
        let key = ((recent as u32).wrapping_mul(0x9E37_79B1) >> 19) as usize & (PLACES - 1);
        if self.length == 0 {
            self.look_up(key);
        }
        self.places[key] = self.position;
        self.expected = match self.length {
            0 => 0,
            _ => usize::from(self.history[(self.source & mask) as usize]) | 256,
        };
    }

    fn look_up(&mut self, key: usize) {
        let mask = HISTORY as u32 - 1;
        self.source = self.places[key];
        if self.source == 0 || self.position.wrapping_sub(self.source) >= mask {
            return;
        }
        let mut length = 0;
        while length < 32 {
            let back = length + 1;
            let here = self.history[(self.position.wrapping_sub(back) & mask) as usize];
            let there = self.history[(self.source.wrapping_sub(back) & mask) as usize];
            if here != there || back > self.source {
                break;
            }
            length = back;
        }
        self.length = if length >= LEAST { length } else { 0 };
    }
}
