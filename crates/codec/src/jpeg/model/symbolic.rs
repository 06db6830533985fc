//! The fast level: whole symbols, each predicted by its first context alone.

use super::decisions::{
    Choice, Contexts, Decisions, Magnitude, MagnitudeShape, SCALES, Shape, Sign,
};
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;
use crate::entropy::symbols::{Distribution, code_by_mean};
use crate::entropy::{Coder, code_evenly};

/// The slowest rate of a binary slot.
const SLOWEST: u32 = 400;

/// Symbols from adaptive distributions; signs from slots.
pub(crate) struct Symbolic;

impl Decisions for Symbolic {
    type Choice = SymbolChoice;
    type Magnitude = SymbolMagnitude<1, false>;
    type InteriorMagnitude = SymbolMagnitude<1, true>;
    type Sign = SlotSign;
    const PREDICTED_SIGN_ZONES: usize = 2;
}

/// One symbol, or for more than 16 values a symbol and its two low bits as another.
pub(crate) struct SymbolChoice {
    high: Vec<Distribution>,
    /// By the high symbol.
    low: [Distribution; 16],
    low_bits: u32,
    /// The largest high symbol there is; one less than a power of two.
    largest: usize,
}

impl Choice for SymbolChoice {
    fn new(shape: &Shape, bits: u32) -> Self {
        let low_bits = if bits > 4 { 2 } else { 0 };
        Self {
            high: vec![Distribution::even(1 << (bits - low_bits)); shape.contexts[0]],
            low: [Distribution::even(4); 16],
            low_bits,
            largest: (1 << (bits - low_bits)) - 1,
        }
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        _weight_set: usize,
        value: usize,
    ) -> usize {
        let high = self.high[contexts[0]].code(coder, value >> self.low_bits & 15);
        if self.low_bits == 0 {
            return high & self.largest;
        }
        high << 2 | self.low[high].code(coder, value & 3) & 3
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        visitor.distributions(&mut self.high);
        visitor.distributions(&mut self.low);
    }
}

/// The value itself up to 7, then classes of growing size with their low bits apart; predicted by
/// the mean of its first `N` contexts, one or two. Where zero is often the one, it gets a branch of
/// its own: the same bytes, sooner if the branch is guessed.
pub(crate) struct SymbolMagnitude<const N: usize, const OFTEN_ZERO: bool> {
    symbols: [Vec<Distribution>; N],
    /// By class and scale: the highest of the low bits.
    low_bits: Vec<[Slot; SCALES]>,
}

/// Symbols below this are values.
const DIRECT: u32 = 8;
/// By symbol less 8: first value, and number of low bits.
const CLASSES: [(u32, u32); 8] = [
    (8, 2),
    (12, 2),
    (16, 3),
    (24, 3),
    (32, 5),
    (64, 6),
    (128, 7),
    (256, 16),
];

impl<const N: usize, const OFTEN_ZERO: bool> Magnitude for SymbolMagnitude<N, OFTEN_ZERO> {
    fn new(shape: &MagnitudeShape) -> Self {
        let expected = |growth| Distribution::expecting(geometric(growth));
        let mut symbols: [Vec<Distribution>; N] = shape.shape.contexts.first_chunk().map_or_else(
            || std::array::from_fn(|_| Vec::new()),
            |counts| counts.map(|count| vec![Distribution::even(16); count]),
        );
        symbols[0] = shape.for_first_contexts(expected);
        Self {
            symbols,
            low_bits: vec![[Slot::EVEN; SCALES]; CLASSES.len()],
        }
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        _weight_set: usize,
        _nonzero: bool,
        scale: usize,
        value: u32,
    ) -> u32 {
        let symbol = if C::ENCODES { symbol_of(value) } else { 0 };
        let symbol = match &mut self.symbols[..] {
            [first, second] => code_by_mean(
                coder,
                &mut first[contexts[0]],
                &mut second[contexts[1]],
                symbol as usize,
            ),
            [first, ..] if OFTEN_ZERO => {
                first[contexts[0]].code_mostly_zero(coder, symbol as usize)
            }
            [first, ..] => first[contexts[0]].code(coder, symbol as usize),
            [] => 0,
        } as u32;
        if symbol < DIRECT {
            return symbol;
        }
        let class = symbol.wrapping_sub(DIRECT) as usize & 7;
        let (first, bits) = CLASSES[class];
        let low = if C::ENCODES {
            value.wrapping_sub(first)
        } else {
            0
        };
        let below = bits.wrapping_sub(1);
        let slot = &mut self.low_bits[class][scale];
        let top = code_unpredictable(coder, slot, low >> below & 1 != 0);
        let rest = code_evenly(coder, below, low & (1u32 << below).wrapping_sub(1));
        first.wrapping_add(u32::from(top) << below | rest)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        for symbols in &mut self.symbols {
            visitor.distributions(symbols);
        }
        visitor.slots(self.low_bits.as_flattened_mut());
    }
}

/// Ends of the symbols' probabilities where every value is followed by a greater one with
/// probability `growth`, in units of 1/65536.
fn geometric(growth: u32) -> [u16; 16] {
    let mut ends = [0; 16];
    let mut beyond = 65535;
    for (symbol, end) in ends.iter_mut().enumerate() {
        let values = match symbol.checked_sub(DIRECT as usize) {
            None => 1,
            Some(class) => 1 << CLASSES[class].1.min(7),
        };
        for _ in 0..values {
            beyond = (beyond * growth) >> 16;
        }
        *end = (65535 - beyond) as u16;
    }
    ends
}

#[inline(always)]
fn symbol_of(value: u32) -> u32 {
    match value {
        0..8 => value,
        8..12 => 8,
        12..16 => 9,
        16..24 => 10,
        24..32 => 11,
        32..64 => 12,
        64..128 => 13,
        128..256 => 14,
        _ => 15,
    }
}

/// Codes a decision that no branch predictor can guess, and learns from it.
#[inline(always)]
fn code_unpredictable<C: Coder>(coder: &mut C, slot: &mut Slot, bit: bool) -> bool {
    let bit = coder.unpredictable_bit(slot.codable_probability(), bit);
    slot.update(bit, SLOWEST);
    bit
}

/// Signs from their first context.
pub(crate) struct SlotSign(Vec<Slot>);

impl Sign for SlotSign {
    fn new(shape: &Shape) -> Self {
        Self(vec![Slot::EVEN; shape.contexts[0]])
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        _weight_set: usize,
        negative: bool,
    ) -> bool {
        code_unpredictable(coder, &mut self.0[contexts[0]], negative)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        visitor.slots(&mut self.0);
    }
}
