//! Decisions predicted by several contexts at once: logistic mixing (M. Mahoney, "Adaptive
//! weighing of context models for lossless data compression", 2005), in integers.
//!
//! Each context owns a slot; the slots' log-odds are summed with weights, and the weights learn by
//! gradient descent on coding cost. Sums and weights wrap around where hostile data drives them
//! far enough, in both directions alike: that costs ratio, never correctness.

use super::Coder;
use super::adaptive::Slot;
use super::logistic::{squash, stretch};

/// Weights of one set of `N` inputs, in units of 1/65536.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<const N: usize>([i32; N]);

impl<const N: usize> Weights<N> {
    /// Equal weights that trust the inputs together by 1.3.
    pub(crate) const INITIAL: Self = Self([(85_197 / N as u32).cast_signed(); N]);

    /// One for each input.
    pub(crate) fn all(&mut self) -> &mut [i32] {
        &mut self.0
    }
}

/// Codes one decision from the slots at `node` of `N` lines.
#[inline(always)]
pub(crate) fn mixed_bit<C: Coder, const N: usize, const NODES: usize, const PREDICTABLE: bool>(
    coder: &mut C,
    lines: &mut [&mut [Slot; NODES]; N],
    node: usize,
    weights: &mut Weights<N>,
    slowest: u32,
    bit: bool,
) -> bool {
    let mut inputs = [0i32; N];
    let mut sum = 0i32;
    for ((input, weight), line) in inputs.iter_mut().zip(&weights.0).zip(&*lines) {
        *input = stretch(line[node].probability12());
        sum = sum.wrapping_add(input.wrapping_mul(*weight));
    }
    let probability = squash(sum >> 16);
    let bit = if PREDICTABLE {
        coder.bit(probability, bit)
    } else {
        coder.unpredictable_bit(probability, bit)
    };
    let target = u32::from(bit).wrapping_neg() & 0xFFFF;
    let error = target.wrapping_sub(probability).cast_signed();
    for (input, weight) in inputs.iter().zip(&mut weights.0) {
        let step = input.wrapping_mul(error).wrapping_add(1 << 15) >> 16;
        *weight = weight.wrapping_add(step);
    }
    for line in lines {
        line[node].update(bit, slowest);
    }
    bit
}
