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

    /// One that has seen something: its probability of one, cut to 512..=65024, and the rate at which
    /// it moves, 3000 to 16,000, both in units of 1/65536.
    pub(crate) fn learned(probability: u32, rate: u32) -> Self {
        Self(probability.clamp(512, 65_024) << 16 | rate.min(EXPECTING_RATE))
    }

    /// How far it moves at the next decision, in units of 1/65536: the less, the more it has seen.
    #[cfg(any(test, feature = "training"))]
    pub(crate) fn rate(self) -> u32 {
        self.0 & 0xFFFF
    }

    /// The probability of one in the upper half, the rate in the lower one.
    #[inline(always)]
    pub(super) fn state(self) -> u32 {
        self.0
    }

    /// The reverse of [`Slot::state`].
    #[inline(always)]
    pub(super) fn of_state(state: u32) -> Self {
        Self(state)
    }

    /// The probability of one in units of 1/65536.
    #[inline(always)]
    pub(crate) fn probability(self) -> u32 {
        self.0 >> 16
    }

    /// The same of a slot that began even or learned, and never moved slower than by 300 / 65536: its
    /// steps are rounded to nothing before it comes to where a coder's probabilities end.
    #[inline(always)]
    pub(crate) fn codable_probability(self) -> u32 {
        debug_assert!((PROBABILITY_FLOOR..=65536 - PROBABILITY_FLOOR).contains(&(self.0 >> 16)));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate does not depend on the outcomes, and of two probabilities the lower one stays the
    /// lower: nothing leads further out than the same outcome for ever.
    fn assert_stays_codable(start: Slot, bit: bool) {
        for slowest in [300, 301, 400, 1000] {
            let mut slot = start;
            for _ in 0..2000 {
                slot.update(bit, slowest);
                let codable = PROBABILITY_FLOOR..=65536 - PROBABILITY_FLOOR;
                assert!(codable.contains(&slot.probability()), "{start:?} {bit}");
            }
        }
    }

    #[test]
    fn a_slot_stays_codable() {
        for bit in [false, true] {
            assert_stays_codable(Slot::EVEN, bit);
            for rate in (3000..=66_000).step_by(100) {
                assert_stays_codable(Slot::learned(if bit { 65_535 } else { 0 }, rate), bit);
            }
        }
    }
}
