//! What bit histories turned out to mean.
//!
//! Invariant: the empty history says nothing, for ever: a context that is new must not weigh in.

use super::history::{self, History};

/// An adaptive probability for every bit history.
#[derive(Debug)]
pub(super) struct HistoryMap {
    /// Probabilities of one, in units of 1/65536.
    entries: Box<[u16; 256]>,
}

/// A probability moves by this power of one half towards each outcome.
const RATE: u32 = 6;

impl HistoryMap {
    pub(super) fn new() -> Self {
        Self {
            entries: Box::new(initial()),
        }
    }

    pub(super) fn reset(&mut self) {
        *self.entries = initial();
    }

    /// The probability of one, in units of 1/4096.
    #[inline(always)]
    pub(super) fn probability(&self, history: History) -> usize {
        usize::from(self.entries[usize::from(history)] >> 4)
    }

    /// Learns what came after `history`.
    #[inline(always)]
    pub(super) fn update(&mut self, history: History, bit: bool) {
        let entry = &mut self.entries[usize::from(history)];
        if history == history::EMPTY {
            return;
        }
        // Steps are rounded down in both directions, so that neither outcome is favoured.
        if bit {
            *entry = entry.wrapping_add((65535 - *entry) >> RATE);
        } else {
            *entry = entry.wrapping_sub(*entry >> RATE);
        }
    }
}

fn initial() -> [u16; 256] {
    std::array::from_fn(|history| history::initial_probability(history as History) as u16)
}
