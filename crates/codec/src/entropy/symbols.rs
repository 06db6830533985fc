//! Adaptive distributions over 16 symbols, coded at one stroke.
//!
//! After T. Duda's and D. Bulatov's adaptive cumulative distributions, as AV1 uses them: every
//! cumulative probability moves a fraction of the way to the one that would have made the symbol
//! certain. Invariant: the ends of symbols stay in ascending order, since all on one side of the symbol
//! move by the same non-decreasing function.

use super::Coder;
use crate::simd::VectorInstructions;
use fearless_simd::{prelude::*, u16x16};

/// Cumulative probabilities of 16 symbols, in units of 1/65536.
///
/// Element `s` is the probability of all symbols up to `s`. That of symbol 15 is one, and in its
/// place stands the rate of adaptation, so that one vector holds all and is updated as one.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Distribution([u16; 16]);

const FIRST_RATE: u16 = 32_768;
/// The first rate where something is known beforehand.
const EXPECTING_RATE: u16 = 16_384;
/// The slowest rate: a distribution remembers some 160 symbols.
const SLOWEST: u16 = 400;

/// Lower limits of the elements: only the rate has one.
const LOWEST: [u16; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SLOWEST];

/// By symbol and element: all ones where the element moves up. The rate moves down, which makes it
/// fall by the square of itself: as one over the number of symbols seen.
static MOVES_UP: [[u16; 16]; 16] = moves_up();

const fn moves_up() -> [[u16; 16]; 16] {
    let mut masks = [[0; 16]; 16];
    let mut symbol = 0;
    while symbol < 16 {
        let mut end = symbol;
        while end < 15 {
            masks[symbol][end] = 0xFFFF;
            end += 1;
        }
        symbol += 1;
    }
    masks
}

impl Distribution {
    /// Expects all 16 symbols alike.
    pub(crate) const EVEN: Self = Self::even(16);

    /// Expects the first `symbols` (1..=16) symbols alike.
    pub(crate) const fn even(symbols: usize) -> Self {
        let mut ends = [0; 16];
        let mut symbol = 0;
        while symbol < 15 {
            let passed = if symbol < symbols {
                symbol + 1
            } else {
                symbols
            };
            ends[symbol] = (passed * 65535 / symbols) as u16;
            symbol += 1;
        }
        ends[15] = FIRST_RATE;
        Self(ends)
    }

    /// Expects symbols up to `s` with probability `ends[s]` in units of 1/65536.
    pub(crate) fn expecting(mut ends: [u16; 16]) -> Self {
        ends[15] = EXPECTING_RATE;
        Self(ends)
    }

    /// One that has seen something: the ends of symbols, and the rate at which it moves in the place of
    /// the last one, in units of 1/65536.
    pub(crate) fn learned(ends: [u16; 16], rate: u16) -> Self {
        let mut elements = ends;
        elements[15] = rate.clamp(SLOWEST, FIRST_RATE);
        Self(elements)
    }

    /// What [`Coder::weighted_mean`] takes: the ends of the symbols, and the rate.
    #[inline(always)]
    pub(crate) fn elements(&self) -> &[u16; 16] {
        &self.0
    }

    /// How far it moves at the next symbol, in units of 1/65536: the less, the more it has seen.
    #[inline(always)]
    pub(crate) fn rate(&self) -> u16 {
        self.0[15]
    }

    /// The probability of a symbol (0..=15) in units of 1/65536.
    #[inline(always)]
    pub(crate) fn probability(&self, symbol: usize) -> u32 {
        let end = if symbol == 15 {
            65_535
        } else {
            self.0[symbol & 15]
        };
        let start = if symbol == 0 {
            0
        } else {
            self.0[symbol.wrapping_sub(1) & 15]
        };
        u32::from(end.wrapping_sub(start))
    }

    /// Learns that this symbol came.
    #[inline(always)]
    pub(crate) fn adapt<C: Coder>(&mut self, coder: &C, symbol: usize) {
        coder.adapt(&mut self.0, symbol);
    }

    /// Codes one symbol and learns from it.
    #[inline(always)]
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, symbol: usize) -> usize {
        let symbol = coder.symbol(&self.0, symbol) & 15;
        coder.adapt(&mut self.0, symbol);
        symbol
    }

    /// The same where symbol 0 is the likeliest.
    #[inline(always)]
    pub(crate) fn code_mostly_zero<C: Coder>(&mut self, coder: &mut C, symbol: usize) -> usize {
        if coder.symbol_zero(&self.0, symbol == 0) {
            coder.adapt(&mut self.0, 0);
            return 0;
        }
        self.code(coder, symbol)
    }
}

/// The mean of four distributions' elements by weights in units of 1/65536, whose sum is at most
/// 65535: ends in ascending order, as [`Coder::symbol`] takes them.
#[inline(always)]
pub(super) fn weighted_mean(distributions: [&[u16; 16]; 4], weights: [u16; 4]) -> [u16; 16] {
    let mut mean = [0u16; 16];
    for (elements, weight) in distributions.into_iter().zip(weights) {
        for (mean, &element) in mean.iter_mut().zip(elements) {
            *mean = mean.wrapping_add(high_product(element, weight));
        }
    }
    mean
}

/// The vector twin of [`weighted_mean`].
#[inline(always)]
pub(super) fn weighted_mean_vector<S: VectorInstructions>(
    simd: S,
    distributions: [&[u16; 16]; 4],
    weights: [u16; 4],
) -> [u16; 16] {
    let mut mean = u16x16::splat(simd, 0);
    for (&elements, weight) in distributions.into_iter().zip(weights) {
        let elements = u16x16::simd_from(simd, elements);
        mean += simd.high_product(elements, u16x16::splat(simd, weight));
    }
    mean.into()
}

/// Codes one symbol by the mean of two distributions, which both learn from it.
#[inline(always)]
pub(crate) fn code_by_mean<C: Coder>(
    coder: &mut C,
    first: &mut Distribution,
    second: &mut Distribution,
    symbol: usize,
) -> usize {
    let mut mean = [0; 16];
    for ((mean, first), second) in mean.iter_mut().zip(&first.0).zip(&second.0) {
        *mean = (first >> 1).wrapping_add(second >> 1);
    }
    let is_zero = coder.symbol_zero(&mean, symbol == 0);
    if is_zero {
        coder.adapt(&mut first.0, 0);
        coder.adapt(&mut second.0, 0);
        return 0;
    }
    let symbol = coder.symbol(&mean, symbol) & 15;
    coder.adapt(&mut first.0, symbol);
    coder.adapt(&mut second.0, symbol);
    symbol
}

/// Moves the elements of a distribution towards `symbol`.
#[inline(always)]
pub(super) fn adapt(elements: &mut [u16; 16], symbol: usize) {
    let rate = elements[15];
    let masks = &MOVES_UP[symbol & 15];
    for ((element, mask), lowest) in elements.iter_mut().zip(masks).zip(&LOWEST) {
        let distance = *element ^ mask;
        *element = (distance.wrapping_sub(high_product(distance, rate)) ^ mask).max(*lowest);
    }
}

/// The vector twin of [`adapt`].
#[inline(always)]
pub(super) fn adapt_vector<S: VectorInstructions>(
    simd: S,
    elements: &mut [u16; 16],
    symbol: usize,
) {
    let rate = u16x16::splat(simd, elements[15]);
    let mask = u16x16::simd_from(simd, MOVES_UP[symbol & 15]);
    let distance = u16x16::simd_from(simd, *elements) ^ mask;
    let moved = (distance - simd.high_product(distance, rate)) ^ mask;
    *elements = moved.max(u16x16::simd_from(simd, LOWEST)).into();
}

/// The upper half of a 16 × 16-bit product.
#[inline(always)]
fn high_product(left: u16, right: u16) -> u16 {
    (u32::from(left).wrapping_mul(u32::from(right)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{RangeDecoder, RangeEncoder};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounds_stay_in_order_and_symbols_come_back(
            symbols in proptest::collection::vec(prop_oneof![Just(3usize), 0usize..16], 0..800),
        ) {
            let mut buffer = vec![0; 4096];
            let mut encoder = RangeEncoder::new(&mut buffer);
            let mut distribution = Distribution::even(16);
            for &symbol in &symbols {
                distribution.code(&mut encoder, symbol);
                prop_assert!(distribution.0[..15].is_sorted());
            }
            let length = encoder.finish().expect("the buffer is large enough");
            let mut decoder = RangeDecoder::new(&buffer[..length]);
            let mut distribution = Distribution::even(16);
            for &symbol in &symbols {
                prop_assert_eq!(distribution.code(&mut decoder, 0), symbol);
            }
        }
    }
}
