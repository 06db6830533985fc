//! A coder that writes nothing: models driven with it only learn.

use crate::entropy::{Coder, SymbolPart};

/// Takes every decision as it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener;

impl Coder for Listener {
    const ENCODES: bool = true;

    #[inline(always)]
    fn bit(&mut self, _probability_of_one: u32, bit: bool) -> bool {
        bit
    }

    #[inline(always)]
    fn raw_bits(&mut self, _count: u32, value: u32) -> u32 {
        value
    }

    fn symbol_zero(&mut self, _: &[u16; 16], is_zero: bool) -> bool {
        is_zero
    }

    #[inline(always)]
    fn symbol_by<F>(&mut self, _ends: &[u16; 16], symbol: usize, _search: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart,
    {
        symbol
    }
}
