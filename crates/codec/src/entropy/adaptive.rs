//! Adaptive probabilities of single decisions.
//!
//! Invariant: a [`Slot`]'s probability stays strictly between 0 and 1 whatever it is fed, because
//! it only ever moves a fraction of the way to either end.

use super::Coder;

/// A probability of one, 22 bits, above a count of the decisions seen, 10 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot(u32);

const COUNT_BITS: u32 = 10;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;

/// By count: how far a slot moves, in units of 1/65536: 1 / (count + 1.6).
static RATES: [u16; 1 << COUNT_BITS] = rates();

const fn rates() -> [u16; 1 << COUNT_BITS] {
    let mut rates = [0; 1 << COUNT_BITS];
    let mut count = 0;
    while count < rates.len() {
        rates[count] = (655_360 / (count * 10 + 16)) as u16;
        count += 1;
    }
    rates
}

impl Slot {
    /// A slot that has seen nothing and expects both outcomes alike.
    pub(crate) const EVEN: Self = Self(1 << 31);

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

    /// Moves towards `bit`; `limit` (at most 1023) bounds the count, and so the slowest rate.
    #[inline(always)]
    pub(crate) fn update(&mut self, bit: bool, limit: u32) {
        let count = self.0 & COUNT_MASK;
        let probability = i64::from(self.0 >> COUNT_BITS);
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let rate = i64::from(RATES[count as usize]);
        let moved = probability.wrapping_add((target - probability).wrapping_mul(rate) >> 16);
        let count = count.wrapping_add(u32::from(count < limit));
        self.0 = (moved as u32) << COUNT_BITS | count;
    }

    /// Codes one decision and learns from it.
    #[inline(always)]
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, bit: bool, limit: u32) -> bool {
        let bit = coder.bit(self.probability(), bit);
        self.update(bit, limit);
        bit
    }
}
