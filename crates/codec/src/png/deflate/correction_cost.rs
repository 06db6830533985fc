//! A coder that only counts what coding would cost.

use crate::entropy::{Coder, SymbolPart};

/// Counts bits, and learns nothing but their number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BitCount {
    /// In units of 1/256 of a bit.
    parts: u64,
}

impl BitCount {
    /// Whole bits so far.
    pub(crate) fn bits(self) -> u64 {
        self.parts >> 8
    }
}

/// The bits of an outcome of this probability, in units of 1/65536, times 256: the logarithm, between
/// powers of two along a line.
fn cost(probability: u32) -> u64 {
    let probability = probability.clamp(1, 1 << 16);
    let whole = probability.ilog2();
    let rest = (probability << (16 - whole)) - (1 << 16);
    u64::from((16 - whole) * 256 - (rest >> 8))
}

impl Coder for BitCount {
    const ENCODES: bool = true;

    #[inline(always)]
    fn bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        let probability = match bit {
            true => probability_of_one,
            false => 65_536 - probability_of_one.min(65_535),
        };
        self.parts += cost(probability);
        bit
    }

    fn raw_bits(&mut self, count: u32, value: u32) -> u32 {
        self.parts += u64::from(count) << 8;
        value
    }

    fn symbol_zero(&mut self, _: &[u16; 16], is_zero: bool) -> bool {
        self.parts += 4 << 8;
        is_zero
    }

    fn symbol_by<F>(&mut self, _: &[u16; 16], symbol: usize, _: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart,
    {
        self.parts += 4 << 8;
        symbol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_a_coder_within_a_tenth_of_a_bit() {
        for (probability, bits) in [(32_768, 1.0), (65_520, 0.0), (16, 12.0), (6554, 3.32)] {
            let mut count = BitCount::default();
            for _ in 0..100 {
                count.bit(probability, true);
            }
            let mean = count.bits() as f64 / 100.0;
            assert!((mean - bits).abs() < 0.1, "{probability}: {mean}");
        }
    }
}
