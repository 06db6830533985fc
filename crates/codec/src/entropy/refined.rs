//! Decisions predicted by three contexts at once, with weights from two sets.
//!
//! As [`super::mixed`], but the weights are the means of two sets', each set selected by something else,
//! and there is a constant input besides. All is done in the lanes of one vector. Invariant: weights stay
//! within ±[`WEIGHT_MAX`], so that no sum overflows: nearly certain decisions let them grow without end.

use super::Coder;
use super::adaptive::Slot;
use super::logistic::{squash, stretch};
use fearless_simd::{Simd, i32x4, prelude::*, u32x4};

/// How many slots predict a decision.
pub(crate) const INPUTS: usize = 3;

/// The inputs, and the constant one behind them.
const LANES: usize = INPUTS + 1;

/// Something for each lane.
pub(super) type Lanes<T> = [T; LANES];

/// The constant input, in units of 1/256.
const CONSTANT: i32 = 64;

/// The slowest rate of a slot: it remembers some 300 decisions.
const SLOWEST: u32 = 220;

/// Greatest weight; inputs are below 2^11 in size.
const WEIGHT_MAX: i32 = (1 << 17) - 1;

/// Weights of one set, in units of 1/65536.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(crate) struct LaneWeights(Lanes<i32>);

impl LaneWeights {
    /// Equal weights that trust the inputs together by 1.3.
    pub(crate) const INITIAL: Self = {
        let mut weights = [(85_197 / INPUTS as u32).cast_signed(); LANES];
        weights[INPUTS] = 0;
        Self(weights)
    };

    /// One for each lane.
    pub(crate) fn all(&mut self) -> &mut [i32] {
        &mut self.0
    }
}

/// Codes one decision from a slot of each context, with the mean of two sets of weights.
#[inline(always)]
pub(crate) fn refined_bit<C: Coder, const PREDICTABLE: bool>(
    coder: &mut C,
    slots: [&mut Slot; INPUTS],
    [first, second]: [&mut LaneWeights; 2],
    bit: bool,
) -> bool {
    let mut inputs = [CONSTANT; LANES];
    let mut states = [0; LANES];
    for ((input, state), slot) in inputs.iter_mut().zip(&mut states).zip(&slots) {
        *state = slot.state();
        *input = stretch(slot.probability12());
    }
    let sum = coder.sum_of_products(&inputs, [&first.0, &second.0]);
    let probability = squash(sum >> 16);
    let bit = if PREDICTABLE {
        coder.bit(probability, bit)
    } else {
        coder.unpredictable_bit(probability, bit)
    };
    let target = u32::from(bit).wrapping_neg() & 0xFFFF;
    let error = target.wrapping_sub(probability).cast_signed();
    coder.learn_weights(&inputs, error, [&mut first.0, &mut second.0]);
    coder.learn_slots(&mut states, bit, SLOWEST);
    for (slot, state) in slots.into_iter().zip(states) {
        *slot = Slot::of_state(state);
    }
    bit
}

/// The sum of all inputs, each times the mean of its two weights.
#[inline(always)]
pub(super) fn sum_of_products(inputs: &Lanes<i32>, [first, second]: [&Lanes<i32>; 2]) -> i32 {
    let mut sum = 0i32;
    for ((input, first), second) in inputs.iter().zip(first).zip(second) {
        let weight = first.wrapping_add(*second) >> 1;
        sum = sum.wrapping_add(input.wrapping_mul(weight));
    }
    sum
}

/// The vector twin of [`sum_of_products`].
#[inline(always)]
pub(super) fn sum_of_products_vector<S: Simd>(
    simd: S,
    inputs: &Lanes<i32>,
    [first, second]: [&Lanes<i32>; 2],
) -> i32 {
    let lanes = |values: &Lanes<i32>| i32x4::simd_from(simd, *values);
    simd.reduce_sum_i32x4(lanes(inputs) * ((lanes(first) + lanes(second)) >> 1))
}

/// Moves both sets of weights against the error, in units of 1/65536.
#[inline(always)]
pub(super) fn learn_weights(
    inputs: &Lanes<i32>,
    error: i32,
    [first, second]: [&mut Lanes<i32>; 2],
) {
    for ((input, first), second) in inputs.iter().zip(first).zip(second) {
        let step = input.wrapping_mul(error).wrapping_add(1 << 15) >> 16;
        for weight in [first, second] {
            *weight = weight.wrapping_add(step).clamp(-WEIGHT_MAX, WEIGHT_MAX);
        }
    }
}

/// The vector twin of [`learn_weights`].
#[inline(always)]
pub(super) fn learn_weights_vector<S: Simd>(
    simd: S,
    inputs: &Lanes<i32>,
    error: i32,
    sets: [&mut Lanes<i32>; 2],
) {
    let product = i32x4::simd_from(simd, *inputs) * i32x4::splat(simd, error);
    let step = (product + i32x4::splat(simd, 1 << 15)) >> 16;
    let (least, most) = (
        i32x4::splat(simd, -WEIGHT_MAX),
        i32x4::splat(simd, WEIGHT_MAX),
    );
    for weights in sets {
        let moved = i32x4::simd_from(simd, *weights) + step;
        *weights = moved.max(least).min(most).into();
    }
}

/// Moves all slots' states towards `bit`; see [`Slot::update`].
#[inline(always)]
pub(super) fn learn_slots(states: &mut Lanes<u32>, bit: bool, slowest: u32) {
    for state in states {
        let mut slot = Slot::of_state(*state);
        slot.update(bit, slowest);
        *state = slot.state();
    }
}

/// The vector twin of [`learn_slots`].
#[inline(always)]
pub(super) fn learn_slots_vector<S: Simd>(
    simd: S,
    states: &mut Lanes<u32>,
    bit: bool,
    slowest: u32,
) {
    let target = u32::from(bit).wrapping_neg() & 0xFFFF;
    let before = u32x4::simd_from(simd, *states);
    let probability = before >> 16;
    let rate = before & u32x4::splat(simd, 0xFFFF);
    let distance: i32x4<S> = (u32x4::splat(simd, target) - probability).bitcast();
    let signed_rate: i32x4<S> = rate.bitcast();
    let step = ((distance >> 1) * signed_rate + i32x4::splat(simd, 1 << 14)) >> 15;
    let probability = probability + step.bitcast::<u32x4<S>>();
    let rate = rate - (((rate - u32x4::splat(simd, slowest)) * rate) >> 16);
    *states = ((probability << 16) | rate).into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{VectorInstructions, Vectorized, vectorized};
    use proptest::prelude::*;

    struct Twins {
        inputs: Lanes<i32>,
        weights: [Lanes<i32>; 2],
        states: Lanes<u32>,
        error: i32,
        bit: bool,
    }

    impl Vectorized for Twins {
        type Output = ();

        fn run<S: VectorInstructions>(self, simd: S) {
            let [first, second] = &self.weights;
            assert_eq!(
                sum_of_products(&self.inputs, [first, second]),
                sum_of_products_vector(simd, &self.inputs, [first, second])
            );
            let (mut scalar, mut vector) = (self.weights, self.weights);
            learn_weights(&self.inputs, self.error, scalar.each_mut());
            learn_weights_vector(simd, &self.inputs, self.error, vector.each_mut());
            assert_eq!(scalar, vector);
            let (mut scalar, mut vector) = (self.states, self.states);
            learn_slots(&mut scalar, self.bit, SLOWEST);
            learn_slots_vector(simd, &mut vector, self.bit, SLOWEST);
            assert_eq!(scalar, vector);
        }
    }

    proptest! {
        #[test]
        fn vectors_do_what_scalars_do(
            inputs in any::<Lanes<i16>>(),
            weights in any::<[Lanes<i32>; 2]>(),
            states in any::<Lanes<(u16, u16)>>(),
            error in -65_535..=65_535,
            bit in any::<bool>(),
        ) {
            let state = |(probability, rate): (u16, u16)| {
                u32::from(probability) << 16 | u32::from(rate.clamp(SLOWEST as u16, 39_321))
            };
            let weights = weights.map(|set| set.map(|weight| weight >> 14));
            vectorized(Twins { inputs: inputs.map(i32::from), weights, states: states.map(state), error, bit });
        }
    }
}
