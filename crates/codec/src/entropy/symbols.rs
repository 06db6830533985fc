//! Adaptive distributions over 16 symbols, coded at one stroke.
//!
//! After T. Duda's and D. Bulatov's adaptive cumulative distributions, as AV1 uses them: every
//! cumulative probability moves a fraction of the way to the one that would have made the symbol
//! certain. Invariant: the bounds stay in ascending order, since all on one side of the symbol
//! move by the same non-decreasing function.

use super::Coder;

/// Cumulative probabilities of 16 symbols, in units of 1/65536.
///
/// Element `s` is the probability of all symbols below `s`. That of symbol 0 is zero, and in its
/// place stands the rate of adaptation.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Distribution([u16; 16]);

const FIRST_RATE: u16 = 32_768;
/// The slowest rate: a distribution remembers some 160 symbols.
const SLOWEST: u16 = 400;

/// By symbol and bound: all ones where the bound moves up.
static MOVES_UP: [[u16; 16]; 16] = moves_up();

const fn moves_up() -> [[u16; 16]; 16] {
    let mut masks = [[0; 16]; 16];
    let mut symbol = 0;
    while symbol < 16 {
        let mut bound = symbol + 1;
        while bound < 16 {
            masks[symbol][bound] = 0xFFFF;
            bound += 1;
        }
        symbol += 1;
    }
    masks
}

impl Distribution {
    /// Expects the first `symbols` (1..=16) symbols alike.
    pub(crate) fn even(symbols: usize) -> Self {
        let mut bounds = [0; 16];
        for (index, bound) in bounds.iter_mut().enumerate() {
            *bound = (index.min(symbols) * 65535 / symbols) as u16;
        }
        bounds[0] = FIRST_RATE;
        Self(bounds)
    }

    /// Codes one symbol and learns from it.
    #[inline(always)]
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, symbol: usize) -> usize {
        let mut bounds = self.0;
        let rate = bounds[0];
        bounds[0] = 0;
        let symbol = coder.symbol(&bounds, symbol) & 15;
        for (bound, mask) in bounds.iter_mut().zip(&MOVES_UP[symbol]) {
            let distance = *bound ^ mask;
            *bound = distance.wrapping_sub(high_product(distance, rate)) ^ mask;
        }
        bounds[0] = rate.wrapping_sub(high_product(rate.wrapping_sub(SLOWEST), rate));
        self.0 = bounds;
        symbol
    }
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
                prop_assert!(distribution.0[1..].is_sorted());
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
