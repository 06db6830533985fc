//! Adaptive probabilities in two bytes, and their mixing.
//!
//! Tables of contexts are large and visited at random, so their slots are small: a probability of
//! 12 bits, above 4 bits that count. Steps too small for the 12 bits are rounded at random, by
//! numbers that both directions draw alike. Invariant: a probability stays within 0..=4095.

use crate::entropy::Coder;
use crate::entropy::logistic::{squash, stretch};

/// A source of numbers to round by: a linear congruential generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dither(u32);

impl Dither {
    pub(super) const NEW: Self = Self(0x2545_F491);

    #[inline(always)]
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }
}

/// Probability of one in units of 1/4096, above a count that sets the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u16);

/// By count: how far a step goes, in units of 1/65536; one over (decisions seen + 1.6).
const RATES: [u32; 16] = {
    let seen = [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 34, 44, 60];
    let mut rates = [0; 16];
    let mut count = 0;
    while count < 16 {
        rates[count] = 655_360 / (10 * seen[count] + 16);
        count += 1;
    }
    rates
};

/// By count: bits of a random number that must be 0 for the count to go up, so that it stands for
/// about as many decisions as [`RATES`] says.
const PATIENCE: [u32; 16] = [0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 3, 7, 7, 15, 15, 0];

/// Greatest counts: slots that follow fast, and slots that remember long.
pub(super) const FOLLOWING: u16 = 11;
pub(super) const REMEMBERING: u16 = 15;

impl Slot {
    /// Expects both outcomes alike.
    pub(super) const EVEN: Self = Self(1 << 15);

    /// The probability of one in units of 1/4096.
    #[inline(always)]
    fn probability12(self) -> usize {
        usize::from(self.0 >> 4)
    }

    /// Moves towards `bit`.
    #[inline(always)]
    fn update(&mut self, bit: bool, limit: u16, random: u32) {
        let probability = i32::from(self.0 >> 4);
        let count = self.0 & 15;
        let target = if bit { 4095 } else { 0 };
        let distance = target - probability;
        let rate = RATES[usize::from(count)].cast_signed();
        let round = (random & 0xFFFF).cast_signed();
        let step = distance.wrapping_mul(rate).wrapping_add(round) >> 16;
        let probability = probability.wrapping_add(step).cast_unsigned() as u16;
        let counts = count < limit && random >> 16 & PATIENCE[usize::from(count)] == 0;
        self.0 = probability << 4 | (count + u16::from(counts));
    }

    /// Codes one decision and learns from it.
    #[inline(always)]
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        limit: u16,
        bit: bool,
    ) -> bool {
        let bit = coder.bit(expand(self.probability12()), bit);
        self.update(bit, limit, dither.next());
        bit
    }
}

/// A probability in units of 1/4096 as the coder wants it.
#[inline(always)]
fn expand(probability12: usize) -> u32 {
    (probability12 as u32 * 16 + 8).clamp(16, 65520)
}

/// Weights of `N` inputs, in units of 1/65536.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<const N: usize>([i32; N]);

impl<const N: usize> Weights<N> {
    /// Equal weights that trust the inputs together by 1.3.
    pub(super) const INITIAL: Self = Self([(85_197 / N as u32).cast_signed(); N]);
}

/// Codes one decision by the slots at `places`, mixed (M. Mahoney, "Adaptive weighing of context
/// models for lossless data compression", 2005). Weights wrap around where hostile data drives
/// them far enough, in both directions alike.
#[inline(always)]
pub(super) fn code_mixed<C: Coder, const N: usize>(
    coder: &mut C,
    dither: &mut Dither,
    slots: &mut [Slot],
    places: [usize; N],
    weights: &mut Weights<N>,
    limit: u16,
    bit: bool,
) -> bool {
    let mut inputs = [0i32; N];
    let mut sum = 0i32;
    for ((input, weight), place) in inputs.iter_mut().zip(&weights.0).zip(places) {
        *input = stretch(slots[place].probability12());
        sum = sum.wrapping_add(input.wrapping_mul(*weight));
    }
    let probability = squash(sum >> 16).clamp(16, 65520);
    let bit = coder.bit(probability, bit);
    let target = if bit { 65535 } else { 0 };
    let error = target - probability.cast_signed();
    for (input, weight) in inputs.iter().zip(&mut weights.0) {
        let step = input.wrapping_mul(error).wrapping_add(1 << 13) >> 14;
        *weight = weight.wrapping_add(step);
    }
    let random = dither.next();
    for place in places {
        slots[place].update(bit, limit, random);
    }
    bit
}

/// The same where the first slot is not sure; by the first slot alone where it is. All learn.
#[inline(always)]
pub(super) fn code_mixed_if_unsure<C: Coder, const N: usize>(
    coder: &mut C,
    dither: &mut Dither,
    slots: &mut [Slot],
    places: [usize; N],
    weights: &mut Weights<N>,
    bit: bool,
) -> bool {
    if (80..4016).contains(&slots[places[0]].probability12()) {
        code_mixed(coder, dither, slots, places, weights, REMEMBERING, bit)
    } else {
        slots[places[0]].code(coder, dither, REMEMBERING, bit)
    }
}
