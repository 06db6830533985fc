//! Decisions predicted by several contexts at once: logistic mixing (M. Mahoney, "Adaptive
//! weighing of context models for lossless data compression", 2005), in integers.
//!
//! Each context owns a slot; the slots' log-odds are summed with weights, and the weights learn by
//! gradient descent on coding cost. Invariant: weights stay within ±[`WEIGHT_LIMIT`], so that the
//! sum of any supported number of inputs fits its type.

use super::Coder;
use super::adaptive::Slot;
use super::logistic::{squash, stretch};

/// Weights are in units of 1/65536.
const WEIGHT_LIMIT: i32 = 3 << 16;

/// Weights of one set of `N` inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<const N: usize>([i32; N]);

impl<const N: usize> Weights<N> {
    /// Equal weights that trust the inputs together by 1.3.
    pub(crate) fn initial() -> Self {
        Self([85_197 / N as i32; N])
    }
}

/// Codes one decision from `N` slots.
#[inline(always)]
pub(crate) fn mixed_bit<C: Coder, const N: usize>(
    coder: &mut C,
    mut slots: [&mut Slot; N],
    weights: &mut Weights<N>,
    limit: u32,
    bit: bool,
) -> bool {
    let mut inputs = [0i32; N];
    for (input, slot) in inputs.iter_mut().zip(&slots) {
        *input = stretch(slot.probability12());
    }
    let mut sum = 0i32;
    for (input, weight) in inputs.iter().zip(&weights.0) {
        sum = sum.wrapping_add(input.wrapping_mul(*weight) >> 2);
    }
    let probability = squash(sum >> 14);
    let bit = coder.bit(probability, bit);
    let error = if bit { 65535 } else { 0 } - probability.cast_signed();
    for (input, weight) in inputs.iter().zip(&mut weights.0) {
        let step = input.wrapping_mul(error).wrapping_add(1 << 15) >> 16;
        *weight = weight.wrapping_add(step).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
    }
    for slot in &mut slots {
        slot.update(bit, limit);
    }
    bit
}
