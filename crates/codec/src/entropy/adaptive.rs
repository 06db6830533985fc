//! Adaptive probabilities of single decisions.
//!
//! Invariant: a [`Slot`]'s probability stays within 0..=65535 whatever it is fed, because it only
//! ever moves a fraction of the way to either end.

use super::Coder;
use super::range_coder::PROBABILITY_FLOOR;

/// A probability of one in units of 1/65536, above the rate at which it moves, in the same units.
///
/// The rate falls as 1 / (decisions seen + 1.67) down to a floor; it is its own counter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot(u32);

const FIRST_RATE: u32 = 39_321;
/// The first rate where something is known beforehand.
const EXPECTING_RATE: u32 = 16_000;

impl Slot {
    /// A slot that has seen nothing and expects both outcomes alike.
    pub(crate) const EVEN: Self = Self(1 << 31 | FIRST_RATE);

    /// A slot that has seen nothing, but expects one with a probability in units of 1/65536.
    pub(crate) fn expecting(probability: u32) -> Self {
        Self(probability.min(65535) << 16 | EXPECTING_RATE)
    }

    /// One that has seen something: its probability of one, and the rate at which it moves, both in units
    /// of 1/65536.
    pub(crate) fn learned(probability: u32, rate: u32) -> Self {
        Self(probability.min(65535) << 16 | rate.min(FIRST_RATE))
    }

    /// How far it moves at the next decision, in units of 1/65536: the less, the more it has seen.
    #[cfg(any(test, feature = "training"))]
    pub(crate) fn rate(self) -> u32 {
        self.0 & 0xFFFF
    }

    /// The probability of one in units of 1/65536.
    #[inline(always)]
    pub(crate) fn probability(self) -> u32 {
        self.0 >> 16
    }

    /// The probability of one in units of 1/4096.
    #[inline(always)]
    pub(crate) fn probability12(self) -> usize {
        (self.0 >> 20) as usize
    }

    /// Moves towards `bit`, no slower than by about `slowest` in 1/65536.
    #[inline(always)]
    pub(crate) fn update(&mut self, bit: bool, slowest: u32) {
        let target = u32::from(bit).wrapping_neg() & 0xFFFF;
        let probability = self.0 >> 16;
        let rate = self.0 & 0xFFFF;
        let distance = target.wrapping_sub(probability).cast_signed();
        // 16 bits and a sign, halved, times 16 bits: below 2^31 in size. Rounded to nearest, a
        // step is never longer than the distance, since the rate is below 0.61.
        let step = (distance >> 1)
            .wrapping_mul(rate.cast_signed())
            .wrapping_add(1 << 14)
            >> 15;
        let probability = probability.wrapping_add(step.cast_unsigned());
        let rate = rate.wrapping_sub(rate.wrapping_sub(slowest).wrapping_mul(rate) >> 16);
        self.0 = probability << 16 | rate;
    }

    /// Codes one decision and learns from it.
    #[inline(always)]
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, bit: bool, slowest: u32) -> bool {
        let floor = PROBABILITY_FLOOR;
        let bit = coder.bit(self.probability().clamp(floor, 65536 - floor), bit);
        self.update(bit, slowest);
        bit
    }
}
