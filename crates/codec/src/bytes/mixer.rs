//! Logistic mixing of many predictions (M. Mahoney, "Adaptive weighing of context models for
//! lossless data compression", 2005), in integers.

use crate::entropy::logistic::squash;

/// Weights are in units of 1/65536 and stay within ± this.
const WEIGHT_LIMIT: i32 = 8 << 16;

/// Weights for `N` inputs, in several sets of which a context chooses one.
#[derive(Debug)]
pub(super) struct Mixer<const N: usize> {
    sets: Box<[[i32; N]]>,
    initial: i32,
    chosen: usize,
    /// Of one, in units of 1/65536.
    probability: u32,
}

impl<const N: usize> Mixer<N> {
    pub(super) fn new(sets: usize, initial: i32) -> Self {
        Self {
            sets: vec![[initial; N]; sets].into_boxed_slice(),
            initial,
            chosen: 0,
            probability: 1 << 15,
        }
    }

    pub(super) fn reset(&mut self) {
        self.sets.fill([self.initial; N]);
    }

    /// The log-odds of one, in units of 1/256, that the inputs add up to.
    #[inline(always)]
    pub(super) fn mix(&mut self, inputs: &[i32; N], set: usize) -> i32 {
        self.chosen = set;
        let weights = &self.sets[set];
        let mut sum = 0i64;
        for index in 0..N {
            sum = sum.wrapping_add(i64::from(inputs[index]) * i64::from(weights[index]));
        }
        let log_odds = ((sum >> 16) as i32).clamp(-2047, 2047);
        self.probability = squash(log_odds);
        log_odds
    }

    /// Moves the weights chosen last towards what would have cost less.
    #[inline(always)]
    pub(super) fn update(&mut self, inputs: &[i32; N], bit: bool, rate: i32) {
        let target = if bit { 65535 } else { 0 };
        let error = (target - self.probability.cast_signed()).wrapping_mul(rate);
        for (weight, &input) in self.sets[self.chosen].iter_mut().zip(inputs) {
            let step = (input.wrapping_mul(error >> 4)).wrapping_add(1 << 13) >> 14;
            *weight = weight.wrapping_add(step).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
        }
    }
}
