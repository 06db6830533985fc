//! Logistic mixing of many predictions (M. Mahoney, "Adaptive weighing of context models for
//! lossless data compression", 2005), in integers of 16 bits.
//!
//! Invariant: inputs are log-odds within ± 2047 and weights 16-bit numbers, so that no sum of
//! products overflows.

use crate::entropy::logistic::squash;

/// A weight of one.
const ONE: i32 = 1 << WEIGHT_BITS;

const WEIGHT_BITS: u32 = 13;

/// Weights of a mixer that has learned nothing.
const INITIAL_WEIGHT: i16 = (ONE / 4) as i16;

/// Weights for `N` inputs, in several sets of which a context chooses one.
#[derive(Debug)]
pub(super) struct Mixer<const N: usize> {
    sets: Box<[[i16; N]]>,
    chosen: usize,
    /// Of one, in units of 1/65536.
    probability: u32,
}

impl<const N: usize> Mixer<N> {
    pub(super) fn new(sets: usize) -> Self {
        Self {
            sets: vec![[INITIAL_WEIGHT; N]; sets].into_boxed_slice(),
            chosen: 0,
            probability: 1 << 15,
        }
    }

    pub(super) fn reset(&mut self) {
        self.sets.fill([INITIAL_WEIGHT; N]);
    }

    /// The log-odds of one, in units of 1/256, that the inputs add up to.
    #[inline(always)]
    pub(super) fn mix(&mut self, inputs: &[i16; N], set: usize) -> i32 {
        self.chosen = set;
        let mut sum = 0i32;
        for (input, weight) in inputs.iter().zip(&self.sets[set]) {
            sum = sum.wrapping_add(i32::from(*input).wrapping_mul(i32::from(*weight)));
        }
        let log_odds = sum >> WEIGHT_BITS;
        self.probability = squash(log_odds);
        log_odds
    }

    /// Moves the weights chosen last towards what would have cost less.
    #[inline(always)]
    pub(super) fn update(&mut self, inputs: &[i16; N], bit: bool) {
        let target = if bit { 65535 } else { 0 };
        let error = (target - self.probability.cast_signed()) >> 1;
        for (weight, input) in self.sets[self.chosen].iter_mut().zip(inputs) {
            let doubled = i32::from(input.wrapping_mul(2));
            let product = (doubled.wrapping_mul(i32::from(error as i16)) >> 16) as i16;
            *weight = weight.saturating_add(product.wrapping_add(1) >> 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_that_knows_gets_the_weight() {
        let mut mixer = Mixer::<8>::new(2);
        for step in 0..4000u32 {
            let bit = step.wrapping_mul(step) & 8 != 0;
            let knows = if bit { 500 } else { -500 };
            let guesses = if step % 3 == 0 { 300 } else { -300 };
            let inputs = [knows, guesses, 0, 0, 0, 0, 0, 0];
            mixer.mix(&inputs, 1);
            mixer.update(&inputs, bit);
        }
        let sure = mixer.mix(&[500, -300, 0, 0, 0, 0, 0, 0], 1);
        assert!(sure > 1000, "{sure}");
        let untouched = mixer.mix(&[500, -300, 0, 0, 0, 0, 0, 0], 0);
        assert_eq!(untouched, 50);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut mixer = Mixer::<8>::new(1);
        for bit in [true, false] {
            for _ in 0..10_000 {
                mixer.mix(&[if bit { 2047 } else { -2047 }; 8], 0);
                mixer.update(&[2047; 8], bit);
            }
        }
    }
}
