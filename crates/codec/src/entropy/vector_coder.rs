//! A coder whose 16-symbol operations use vector instructions.

use super::range_coder::search_symbol_vector;
use super::refined::{Lanes, learn_slots_vector, learn_weights_vector, sum_of_products_vector};
use super::symbols::{adapt_vector, weighted_mean_vector};
use super::{Coder, SymbolPart};
use crate::simd::VectorInstructions;

/// A coder that tells which vector instructions the code around it may use.
pub(crate) trait Vectorizing: Coder {
    type Simd: VectorInstructions;
    /// Stands for the instructions.
    fn simd(&self) -> Self::Simd;
}

/// Does what `coder` does, with the same results.
#[derive(Debug)]
pub(crate) struct VectorCoder<C, S> {
    pub(crate) coder: C,
    pub(crate) simd: S,
}

impl<C: Coder, S: VectorInstructions> Vectorizing for VectorCoder<C, S> {
    type Simd = S;

    #[inline(always)]
    fn simd(&self) -> S {
        self.simd
    }
}

impl<C: Coder, S: VectorInstructions> Coder for VectorCoder<C, S> {
    const ENCODES: bool = C::ENCODES;

    #[inline(always)]
    fn bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        self.coder.bit(probability_of_one, bit)
    }

    #[inline(always)]
    fn unpredictable_bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        self.coder.unpredictable_bit(probability_of_one, bit)
    }

    #[inline(always)]
    fn raw_bits(&mut self, count: u32, value: u32) -> u32 {
        self.coder.raw_bits(count, value)
    }

    #[inline(always)]
    fn symbol_by<F>(&mut self, ends: &[u16; 16], symbol: usize, search: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart,
    {
        self.coder.symbol_by(ends, symbol, search)
    }

    #[inline(always)]
    fn symbol(&mut self, ends: &[u16; 16], symbol: usize) -> usize {
        let simd = self.simd;
        self.coder.symbol_by(
            ends,
            symbol,
            #[inline(always)]
            |range, window| search_symbol_vector(simd, range, window, ends),
        )
    }

    #[inline(always)]
    fn symbol_zero(&mut self, ends: &[u16; 16], is_zero: bool) -> bool {
        self.coder.symbol_zero(ends, is_zero)
    }

    #[inline(always)]
    fn adapt(&self, elements: &mut [u16; 16], symbol: usize) {
        adapt_vector(self.simd, elements, symbol);
    }

    #[inline(always)]
    fn weighted_mean(&self, distributions: [&[u16; 16]; 4], weights: [u16; 4]) -> [u16; 16] {
        weighted_mean_vector(self.simd, distributions, weights)
    }

    #[inline(always)]
    fn sum_of_products(&self, inputs: &Lanes<i32>, weights: [&Lanes<i32>; 2]) -> i32 {
        sum_of_products_vector(self.simd, inputs, weights)
    }

    #[inline(always)]
    fn learn_weights(&self, inputs: &Lanes<i32>, error: i32, sets: [&mut Lanes<i32>; 2]) {
        learn_weights_vector(self.simd, inputs, error, sets);
    }

    #[inline(always)]
    fn learn_slots(&self, states: &mut Lanes<u32>, bit: bool, slowest: u32) {
        learn_slots_vector(self.simd, states, bit, slowest);
    }
}
