//! What adaptive models have learned from examples, in few bytes, so that new models can start with it.
//!
//! A model shows all its states, in a fixed order, to a visitor: one that writes them down or one that
//! sets them. Invariant: what is set is a function of the bytes alone, in integers.
//!
//! For each array of slots or distributions there are runs: how many elements stay as they are, how many
//! are set (both as numbers of seven bits a byte, lowest first), then these. A *log-odd* byte stands for
//! a probability p by ln(p / (1 − p)); an experience of 0 to 3 stands for how much has been seen.
//!
//! | element | bytes |
//! |---|---|
//! | slot | 1: log-odds in steps of 1/4, 6 bits; experience, 2 bits |
//! | distribution | 1: number of symbols *n*, 4 bits; experience, 2 bits; then *n* log-odd bytes in steps of 1/16: that a symbol is greater than the first, the second, ... if it is at least that one |
//! | weight | 2: in units of 8/65536, signed |

use super::adaptive::Slot;
use super::logistic::squash;
use super::symbols::Distribution;

/// A visitor of everything that a model learns.
pub(crate) trait LearnedStates {
    fn slots(&mut self, slots: &mut [Slot]);
    fn distributions(&mut self, distributions: &mut [Distribution]);
    fn weights(&mut self, weights: &mut [i32]);
}

/// By experience: the rates that slots and distributions start with.
const SLOT_RATES: [u32; 4] = [12_000, 8000, 5000, 3300];
const DISTRIBUTION_RATES: [u16; 4] = [10_000, 7000, 4500, 3000];

/// Sets states.
pub(crate) struct Recall<'a> {
    rest: &'a [u8],
    /// By the byte that stands for each.
    slots: [Slot; 256],
}

impl<'a> Recall<'a> {
    /// `bytes`: what was written down of models of the same shape.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let slot = |byte: usize| {
            let byte = byte as u8;
            let odds = i32::from(byte >> 2) * 64 - 2048 + 32;
            Slot::learned(squash(odds), SLOT_RATES[usize::from(byte & 3)])
        };
        Self {
            rest: bytes,
            slots: std::array::from_fn(slot),
        }
    }

    /// Whether all bytes have been used.
    #[cfg(test)]
    pub(crate) fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        byte
    }

    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 || shift > 28 {
                return number;
            }
        }
    }

    /// Up to `count` bytes.
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// Has the elements of an array set that are not to stay as they are, run by run.
    fn runs<T>(&mut self, elements: &mut [T], set: impl Fn(&mut Self, &mut [T])) {
        let mut next = 0;
        while next < elements.len() && !self.rest.is_empty() {
            next += self.number();
            let end = next + self.number();
            let length = elements.len();
            set(self, &mut elements[next.min(length)..end.min(length)]);
            next = end;
        }
    }
}

impl LearnedStates for Recall<'_> {
    fn slots(&mut self, slots: &mut [Slot]) {
        self.runs(slots, |recall, run| {
            let bytes = recall.bytes(run.len());
            for (slot, &byte) in run.iter_mut().zip(bytes) {
                *slot = recall.slots[usize::from(byte)];
            }
        });
    }

    fn distributions(&mut self, distributions: &mut [Distribution]) {
        self.runs(distributions, |recall, run| {
            for distribution in run {
                let head = recall.byte();
                let odds = recall.bytes(usize::from(head >> 4));
                let goes_on = odds
                    .iter()
                    .map(|&odds| squash(i32::from(odds) * 16 - 2048 + 8));
                let goes_on = goes_on.chain(std::iter::repeat(32_768));
                let mut ends = [0; 16];
                let mut beyond = 65_535;
                for (end, goes_on) in ends.iter_mut().zip(goes_on) {
                    beyond = (beyond * goes_on) >> 16;
                    *end = (65_535 - beyond) as u16;
                }
                let rate = DISTRIBUTION_RATES[usize::from(head & 3)];
                *distribution = Distribution::learned(ends, rate);
            }
        });
    }

    fn weights(&mut self, weights: &mut [i32]) {
        for weight in weights {
            if self.rest.is_empty() {
                return;
            }
            let bytes = [self.byte(), self.byte()];
            *weight = i32::from(i16::from_le_bytes(bytes)) * 8;
        }
    }
}

#[cfg(feature = "training")]
pub(crate) use notes::Notes;

#[cfg(any(test, feature = "training"))]
mod notes {
    use super::super::logistic::stretch;
    use super::{Distribution, LearnedStates, Slot};

    /// States that have hardly seen anything are not written down: their rate is above this.
    const UNTOUCHED: u32 = 11_000;

    /// Symbols are not written down behind which less than this is left, in units of 1/65536.
    const NEGLIGIBLE: u32 = 96;

    /// Writes states down.
    #[derive(Default)]
    pub(crate) struct Notes {
        pub(crate) bytes: Vec<u8>,
    }

    impl Notes {
        fn number(&mut self, mut number: usize) {
            while number >= 128 {
                self.bytes.push(number as u8 | 128);
                number >>= 7;
            }
            self.bytes.push(number as u8);
        }

        fn runs<T>(
            &mut self,
            elements: &[T],
            is_touched: impl Fn(&T) -> bool,
            note: impl Fn(&T, &mut Vec<u8>),
        ) {
            let mut rest = elements;
            while !rest.is_empty() {
                let touched = rest.iter().position(&is_touched).unwrap_or(rest.len());
                self.number(touched);
                rest = &rest[touched..];
                let end = rest.iter().position(|element| !is_touched(element));
                let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
                self.number(run.len());
                for element in run {
                    note(element, &mut self.bytes);
                }
                rest = after;
            }
        }
    }

    /// 3 for more than about twenty decisions seen.
    fn experience(rate: u32) -> u8 {
        match rate {
            0..2000 => 3,
            2000..4000 => 2,
            4000..7000 => 1,
            _ => 0,
        }
    }

    fn odds(probability: u32) -> u32 {
        (stretch((probability.min(65_535) >> 4) as usize) + 2048).cast_unsigned()
    }

    impl LearnedStates for Notes {
        fn slots(&mut self, slots: &mut [Slot]) {
            self.runs(
                slots,
                |slot| slot.rate() < UNTOUCHED,
                |slot, bytes| {
                    let odds = (odds(slot.probability()) >> 6).min(63) as u8;
                    bytes.push(odds << 2 | experience(slot.rate()));
                },
            );
        }

        fn distributions(&mut self, distributions: &mut [Distribution]) {
            self.runs(
                distributions,
                |distribution| u32::from(distribution.rate()) < UNTOUCHED,
                |distribution, bytes| {
                    let head = bytes.len();
                    bytes.push(0);
                    let mut at_least = 65_536;
                    for &end in &distribution.elements()[..15] {
                        if at_least < NEGLIGIBLE {
                            break;
                        }
                        let beyond = 65_536 - u32::from(end);
                        let goes_on = ((beyond << 15) / at_least) << 1;
                        bytes.push((odds(goes_on) >> 4).min(255) as u8);
                        at_least = beyond;
                    }
                    let count = (bytes.len() - head - 1) as u8;
                    bytes[head] = count << 4 | experience(distribution.rate().into());
                },
            );
        }

        fn weights(&mut self, weights: &mut [i32]) {
            for &mut weight in weights {
                let weight = (weight / 8).clamp(i16::MIN.into(), i16::MAX.into());
                self.bytes.extend((weight as i16).to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::notes::Notes;
    use super::*;
    use crate::entropy::RangeEncoder;

    fn trained() -> (Vec<Slot>, Vec<Distribution>, Vec<i32>) {
        let mut slots = vec![Slot::EVEN; 50];
        for (index, slot) in slots.iter_mut().enumerate().skip(10).step_by(3) {
            for step in 0..100 {
                slot.update(step % 50 < index, 300);
            }
        }
        let mut room = vec![0; 1 << 16];
        let mut coder = RangeEncoder::new(&mut room);
        let mut distributions = vec![Distribution::EVEN; 9];
        for step in 0..300 {
            distributions[4].code(&mut coder, step % 5);
            distributions[8].code(&mut coder, 15 - step % 3);
        }
        (slots, distributions, vec![42_598, -70_000, 8])
    }

    #[test]
    fn what_was_written_down_is_recalled_about_as_it_was() {
        let (mut slots, mut distributions, mut weights) = trained();
        let mut notes = Notes::default();
        notes.slots(&mut slots);
        notes.distributions(&mut distributions);
        notes.weights(&mut weights);
        let mut recall = Recall::new(&notes.bytes);
        let mut new_slots = vec![Slot::EVEN; slots.len()];
        let mut new_distributions = vec![Distribution::EVEN; distributions.len()];
        let mut new_weights = vec![0; weights.len()];
        recall.slots(&mut new_slots);
        recall.distributions(&mut new_distributions);
        recall.weights(&mut new_weights);
        assert!(recall.is_over());
        for (old, new) in slots.iter().zip(&new_slots) {
            let difference = old.probability().abs_diff(new.probability());
            assert!(difference < 2500, "{old:?} {new:?}");
        }
        for (old, new) in distributions.iter().zip(&new_distributions) {
            for symbol in 0..16 {
                let difference = old.probability(symbol).abs_diff(new.probability(symbol));
                assert!(difference < 1500, "{old:?} {new:?}");
            }
        }
        assert_eq!(new_weights, [42_592, -70_000, 8]);
    }

    #[test]
    fn any_bytes_are_recalled_without_harm() {
        let noise: Vec<u8> = (0..4000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for length in (0..noise.len()).step_by(97) {
            let mut recall = Recall::new(&noise[..length]);
            recall.slots(&mut vec![Slot::EVEN; 1000]);
            recall.distributions(&mut vec![Distribution::EVEN; 100]);
            recall.weights(&mut [0; 50]);
        }
    }
}
