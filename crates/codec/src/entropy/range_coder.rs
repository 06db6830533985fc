//! A range coder with a 16-bit range and 16-bit probabilities.
//!
//! The coder narrows an interval `[low, low + range)` as in G. N. N. Martin, "Range encoding"
//! (1979). The range is kept in `0x8000..=0xFFFF` so that scaling a cumulative probability is one
//! 16 × 16-bit high multiply: cheap for one decision, and one vector instruction for a whole
//! alphabet. Invariant: encoder and decoder hold the same range before every decision.

use super::refined::Lanes;
#[cfg(feature = "fault-injection")]
use crate::fault::Damage;
use crate::fault::PendingDamage;
use crate::simd::VectorInstructions;
use fearless_simd::{prelude::*, u16x16};

/// Fewest units of 1/65536 that a binary decision may leave to either outcome.
pub(crate) const PROBABILITY_FLOOR: u32 = 16;

/// One direction of the entropy coder; models are generic over it.
///
/// The encoder returns the value it was given. The decoder ignores that argument and returns the
/// decoded one.
pub trait Coder {
    /// Whether this coder consumes the given values (`true`) or produces them (`false`).
    const ENCODES: bool;

    /// Codes one decision; `probability_of_one` is in units of 1/65536 and must lie in 16..=65520.
    fn bit(&mut self, probability_of_one: u32, bit: bool) -> bool;

    /// The same for an outcome that no branch predictor can guess: without a branch.
    #[inline(always)]
    fn unpredictable_bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        self.bit(probability_of_one, bit)
    }

    /// Codes the lowest `count` (0..=8) bits of `value`, each with probability one half.
    fn raw_bits(&mut self, count: u32, value: u32) -> u32;

    /// Codes one of 16 symbols. `ends[s]`, for `s` below 15 and in ascending order, is the
    /// probability of all symbols up to `s` in units of 1/65536; `ends[15]` has no meaning.
    /// Every symbol is given some of the range however close the ends are.
    ///
    /// `search` finds the symbol to decode, and its part, from the range and the window on it, as
    /// the plain search of [`Coder::symbol`] does.
    fn symbol_by<F>(&mut self, ends: &[u16; 16], symbol: usize, search: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart;

    /// The same with the plain search.
    #[inline(always)]
    fn symbol(&mut self, ends: &[u16; 16], symbol: usize) -> usize {
        self.symbol_by(
            ends,
            symbol,
            #[inline(always)]
            |range, window| search_symbol(range, window, ends),
        )
    }

    /// Codes symbol 0 as [`Coder::symbol`] does, if that is the one; whether it is. Another one is
    /// yet to be coded then.
    ///
    /// A branch for the likeliest symbol: where it is guessed, what follows need not wait for a
    /// search.
    fn symbol_zero(&mut self, ends: &[u16; 16], is_zero: bool) -> bool;

    /// Moves the elements of a distribution towards `symbol`.
    #[inline(always)]
    fn adapt(&self, elements: &mut [u16; 16], symbol: usize) {
        super::symbols::adapt(elements, symbol);
    }

    /// The mean of the elements of four distributions by weights in units of 1/65536, whose sum
    /// must be below 65536.
    #[inline(always)]
    fn weighted_mean(&self, distributions: [&[u16; 16]; 4], weights: [u16; 4]) -> [u16; 16] {
        super::symbols::weighted_mean(distributions, weights)
    }

    /// The sum of all inputs, each times the mean of its two weights; wraps around.
    #[inline(always)]
    fn sum_of_products(&self, inputs: &Lanes<i32>, weights: [&Lanes<i32>; 2]) -> i32 {
        super::refined::sum_of_products(inputs, weights)
    }

    /// Moves two sets of weights against the error of a probability, in units of 1/65536.
    #[inline(always)]
    fn learn_weights(&self, inputs: &Lanes<i32>, error: i32, sets: [&mut Lanes<i32>; 2]) {
        super::refined::learn_weights(inputs, error, sets);
    }

    /// Moves the states of slots towards `bit`, no slower than by about `slowest` in 1/65536.
    #[inline(always)]
    fn learn_slots(&self, states: &mut Lanes<u32>, bit: bool, slowest: u32) {
        super::refined::learn_slots(states, bit, slowest);
    }
}

/// Units of the range that every one of 16 symbols keeps whatever its probability.
const SYMBOL_FLOOR: u32 = 4;

/// By symbol: what it adds to its end because of the floor.
const FLOORS: [u16; 16] = {
    let mut floors = [0; 16];
    let mut symbol = 0;
    while symbol < 16 {
        floors[symbol] = (symbol as u16 + 1) * SYMBOL_FLOOR as u16;
        symbol += 1;
    }
    floors
};

/// A symbol and its part of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolPart {
    symbol: usize,
    start: u32,
    size: u32,
}

/// The symbol in whose part of the range the window lies: how many of the first 15 symbols' ends
/// it has passed.
#[inline(always)]
fn search_symbol(range: u32, window: u32, ends: &[u16; 16]) -> SymbolPart {
    let symbol = (0..15)
        .filter(|&symbol| end_of(range, ends, symbol) <= window)
        .count();
    part_of(range, ends, symbol)
}

/// The vector twin of [`search_symbol`].
#[inline(always)]
pub(super) fn search_symbol_vector<S: VectorInstructions>(
    simd: S,
    range: u32,
    window: u32,
    ends: &[u16; 16],
) -> SymbolPart {
    let free = u16x16::splat(simd, range.wrapping_sub(16 * SYMBOL_FLOOR) as u16);
    let scaled =
        simd.high_product(u16x16::simd_from(simd, *ends), free) + u16x16::simd_from(simd, FLOORS);
    let passed = scaled.simd_le(u16x16::splat(simd, window as u16));
    // Stored while the search goes on, so that the two ends are but a load away from its result.
    let mut bounds = Bounds([0; 32]);
    scaled.store_slice(&mut bounds.0[16..]);
    bounds.0[31] = range as u16;
    let symbol = simd.count_of_first_15(passed) as usize & 15;
    let start = u32::from(bounds.0[symbol.wrapping_add(15)]);
    let end = u32::from(bounds.0[symbol.wrapping_add(16)]);
    SymbolPart {
        symbol,
        start,
        size: end.wrapping_sub(start),
    }
}

/// Where symbols begin and end: that of symbol `s` begins at element `s + 15`. Aligned, so that
/// all are within a cache line.
#[repr(align(64))]
struct Bounds([u16; 32]);

/// The end of a symbol below 15 within the range.
#[inline(always)]
fn end_of(range: u32, ends: &[u16; 16], symbol: usize) -> u32 {
    let free = range.wrapping_sub(16 * SYMBOL_FLOOR);
    let scaled = free.wrapping_mul(u32::from(ends[symbol & 15])) >> 16;
    scaled.wrapping_add(u32::from(FLOORS[symbol & 15]))
}

/// One symbol's part of the range; without branches, because symbols are hard to guess.
#[inline(always)]
fn part_of(range: u32, ends: &[u16; 16], symbol: usize) -> SymbolPart {
    let mask = |condition: bool| u32::from(condition).wrapping_neg();
    let (first, last) = (mask(symbol == 0), mask(symbol == 15));
    let start = end_of(range, ends, symbol.wrapping_sub(1)) & !first;
    let end = end_of(range, ends, symbol);
    let end = end ^ ((end ^ range) & last);
    SymbolPart {
        symbol,
        start,
        size: end.wrapping_sub(start),
    }
}

/// Codes up to 16 bits without a model.
#[inline(always)]
pub(crate) fn code_evenly<C: Coder>(coder: &mut C, bits: u32, value: u32) -> u32 {
    if bits <= 8 {
        return coder.raw_bits(bits, value);
    }
    let high = coder.raw_bits(bits.wrapping_sub(8), value >> 8);
    high << 8 | coder.raw_bits(8, value & 0xFF)
}

/// Codes a number below 2^31: its length in bits, then the bits, all unmodelled.
pub(crate) fn code_number<C: Coder>(coder: &mut C, value: u32) -> u32 {
    let length = coder.raw_bits(5, 32 - value.leading_zeros());
    let mut decoded = 0;
    let mut left = length;
    while left > 0 {
        let count = left.min(8);
        left -= count;
        let bits = value >> left & ((1 << count) - 1);
        decoded = decoded << count | coder.raw_bits(count, bits);
    }
    decoded
}

#[inline(always)]
fn split(range: u32, probability_of_one: u32) -> u32 {
    debug_assert!((PROBABILITY_FLOOR..=65536 - PROBABILITY_FLOOR).contains(&probability_of_one));
    range.wrapping_mul(probability_of_one) >> 16
}

/// Writes decisions into a caller's buffer.
///
/// Bytes beyond the buffer's end are counted but dropped; [`RangeEncoder::finish`] reports it.
#[derive(Debug)]
pub struct RangeEncoder<'a> {
    output: &'a mut [u8],
    written: usize,
    /// Interval start: 16 bits aligned with `range`, above them `pending` bits not yet written,
    /// above those one carry bit.
    low: u64,
    range: u32,
    pending: u32,
    damage: PendingDamage,
}

impl<'a> RangeEncoder<'a> {
    /// An encoder that fills `output` from its start.
    #[must_use]
    pub fn new(output: &'a mut [u8]) -> Self {
        Self {
            output,
            written: 0,
            low: 0,
            range: 0xFFFF,
            pending: 0,
            damage: PendingDamage::default(),
        }
    }

    /// Bytes that the stream would take if it ended here, the final flush included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.written + (self.pending as usize + 16).div_ceil(8)
    }

    /// Ends the stream; the bytes written, or `None` if the buffer was too small.
    #[must_use]
    pub fn finish(mut self) -> Option<usize> {
        // Any value in [low, low + range) will do: pick the one with most trailing zero bits, and
        // leave out trailing zero bytes, which the decoder reads past the end anyway.
        let mut zeros = 15;
        let value = loop {
            let mask = (1u64 << zeros) - 1;
            let value = (self.low + mask) & !mask;
            if value < self.low + u64::from(self.range) {
                break value;
            }
            zeros -= 1;
        };
        self.low = value;
        let bits = self.pending + 16;
        let padded = bits.div_ceil(8) * 8;
        let aligned = self.low << (padded - bits);
        if aligned >> padded != 0 {
            propagate_carry(self.output, self.written);
        }
        for index in (0..padded / 8).rev() {
            self.put_byte((aligned >> (8 * index)) as u8);
        }
        if self.written > self.output.len() {
            return None;
        }
        while self.written > 0 && self.output[self.written - 1] == 0 {
            self.written -= 1;
        }
        Some(self.written)
    }

    #[inline(always)]
    fn narrow(&mut self, start: u32, size: u32) {
        self.low = self.low.wrapping_add(u64::from(start));
        let shift = size.leading_zeros().wrapping_sub(16);
        self.range = size.wrapping_shl(shift);
        self.low = self.low.wrapping_shl(shift);
        self.pending = self.pending.wrapping_add(shift);
        if self.pending >= 32 {
            self.put_word();
        }
    }

    /// Moves the 32 oldest pending bits to the output.
    #[inline(always)]
    fn put_word(&mut self) {
        self.pending -= 32;
        let position = self.pending + 16;
        let word = self.low >> position;
        self.low &= (1 << position) - 1;
        if word >> 32 != 0 {
            propagate_carry(self.output, self.written);
        }
        let bytes = (word as u32).to_be_bytes();
        match self
            .output
            .get_mut(self.written..self.written.wrapping_add(4))
        {
            Some(place) => place.copy_from_slice(&bytes),
            None => put_last_bytes(self.output, self.written, &bytes),
        }
        self.written = self.written.wrapping_add(4);
    }

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        if let Some(place) = self.output.get_mut(self.written) {
            *place = byte;
        }
        self.written += 1;
    }

    /// Damages one of the coming decisions.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn inject(&mut self, damage: Damage) {
        self.damage.set(damage);
    }

    /// Moves the encoder out, so that it can be a local variable, kept in registers; what is left
    /// behind has an empty buffer.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self {
            output: &mut [],
            ..*self
        };
        std::mem::replace(self, empty)
    }
}

// The rare paths take no encoder or decoder by reference, so that its fields can stay in registers.

/// Adds one to the last of the `written` bytes.
#[cold]
fn propagate_carry(output: &mut [u8], written: usize) {
    let end = written.min(output.len());
    for byte in output[..end].iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

/// Writes what still fits.
#[cold]
fn put_last_bytes(output: &mut [u8], written: usize, bytes: &[u8]) {
    if let Some(rest) = output.get_mut(written..) {
        for (place, byte) in rest.iter_mut().zip(bytes) {
            *place = *byte;
        }
    }
}

impl Coder for RangeEncoder<'_> {
    const ENCODES: bool = true;

    #[inline(always)]
    fn bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        let probability_of_one = self.damage.probability(probability_of_one);
        let ones = split(self.range, probability_of_one);
        let (start, size) = if bit {
            (0, ones)
        } else {
            (ones, self.range.wrapping_sub(ones))
        };
        self.narrow(start, size);
        bit
    }

    #[inline(always)]
    fn raw_bits(&mut self, count: u32, value: u32) -> u32 {
        let start = (self.range * value) >> count;
        let end = (self.range * (value + 1)) >> count;
        self.narrow(start, end.wrapping_sub(start));
        value
    }

    #[inline(always)]
    fn symbol_by<F>(&mut self, ends: &[u16; 16], symbol: usize, _search: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart,
    {
        let part = part_of(self.range, ends, self.damage.symbol(symbol));
        self.narrow(part.start, part.size);
        symbol
    }

    #[inline(always)]
    fn symbol_zero(&mut self, ends: &[u16; 16], is_zero: bool) -> bool {
        if is_zero {
            self.symbol(ends, 0);
        }
        is_zero
    }
}

/// Reads back the decisions of a [`RangeEncoder`].
///
/// Past the end of its input it reads zero bytes; a stream that was cut is the container's
/// business to notice (its checksums), so no decision can fail.
#[derive(Clone, Copy, Debug)]
pub struct RangeDecoder<'a> {
    input: &'a [u8],
    position: usize,
    /// Code minus interval start, its top 16 bits aligned with `range`.
    value: u64,
    range: u32,
    /// Valid bits of `value` below its top 16; negative only inside `narrow`.
    available: i32,
}

impl<'a> RangeDecoder<'a> {
    /// A decoder over one whole stream.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        let mut first = [0; 8];
        let length = input.len().min(8);
        first[..length].copy_from_slice(&input[..length]);
        let value = u64::from_be_bytes(first);
        Self {
            input,
            position: 8,
            value,
            range: 0xFFFF,
            available: 48,
        }
    }

    #[inline(always)]
    fn narrow(&mut self, start: u32, size: u32) {
        self.value = self.value.wrapping_sub(u64::from(start) << 48);
        let shift = size.leading_zeros().wrapping_sub(16);
        self.range = size.wrapping_shl(shift);
        self.value = self.value.wrapping_shl(shift);
        self.available = self.available.wrapping_sub_unsigned(shift);
        if self.available < 0 {
            self.refill();
        }
    }

    #[inline(always)]
    fn window(&self) -> u32 {
        (self.value >> 48) as u32
    }

    #[inline(always)]
    fn refill(&mut self) {
        let word = match self.input.get(self.position..self.position.wrapping_add(4)) {
            Some(bytes) => u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            None => last_word(self.input, self.position),
        };
        self.position = self.position.wrapping_add(4);
        self.value |= u64::from(word) << (16 - self.available);
        self.available += 32;
    }
}

/// The bytes that are left, then zeros.
#[cold]
fn last_word(input: &[u8], position: usize) -> u32 {
    let mut bytes = [0; 4];
    for (place, index) in bytes.iter_mut().zip(position..) {
        *place = input.get(index).copied().unwrap_or(0);
    }
    u32::from_be_bytes(bytes)
}

impl Coder for RangeDecoder<'_> {
    const ENCODES: bool = false;

    #[inline(always)]
    fn bit(&mut self, probability_of_one: u32, _: bool) -> bool {
        let ones = split(self.range, probability_of_one);
        let bit = self.window() < ones;
        let (start, size) = if bit {
            (0, ones)
        } else {
            (ones, self.range.wrapping_sub(ones))
        };
        self.narrow(start, size);
        bit
    }

    #[inline(always)]
    fn unpredictable_bit(&mut self, probability_of_one: u32, _: bool) -> bool {
        let ones = split(self.range, probability_of_one);
        // The borrow of the comparison, as a mask: all ones where the bit is one.
        let one = (self.window().wrapping_sub(ones).cast_signed() >> 31).cast_unsigned();
        let rest = self.range.wrapping_sub(ones);
        self.narrow(ones & !one, rest ^ ((rest ^ ones) & one));
        one != 0
    }

    #[inline(always)]
    fn raw_bits(&mut self, count: u32, _: u32) -> u32 {
        // Largest value whose part of the range begins at or below the window. Only in a stream
        // that no encoder wrote can the window lie beyond the range, hence the minimum.
        let value = ((((self.window() + 1) << count) - 1) / self.range).min((1 << count) - 1);
        let start = (self.range * value) >> count;
        let end = (self.range * (value + 1)) >> count;
        self.narrow(start, end.wrapping_sub(start));
        value
    }

    #[inline(always)]
    fn symbol_by<F>(&mut self, _ends: &[u16; 16], _: usize, search: F) -> usize
    where
        F: FnOnce(u32, u32) -> SymbolPart,
    {
        let part = search(self.range, self.window());
        self.narrow(part.start, part.size);
        part.symbol
    }

    #[inline(always)]
    fn symbol_zero(&mut self, ends: &[u16; 16], _: bool) -> bool {
        let end = end_of(self.range, ends, 0);
        let is_zero = self.window() < end;
        if is_zero {
            self.narrow(0, end);
        }
        is_zero
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Decision {
        Bit(u32, bool),
        Raw(u32, u32),
        Symbol([u16; 16], usize),
    }

    fn decision() -> impl Strategy<Value = Decision> {
        prop_oneof![
            (16u32..=65520, any::<bool>()).prop_map(|(p, b)| Decision::Bit(p, b)),
            (0u32..=8)
                .prop_flat_map(|n| (Just(n), 0..1u32 << n))
                .prop_map(|(n, v)| Decision::Raw(n, v)),
            (any::<[u16; 15]>(), 0usize..16).prop_map(|(mut rest, symbol)| {
                rest.sort_unstable();
                let mut ends = [0; 16];
                ends[..15].copy_from_slice(&rest);
                Decision::Symbol(ends, symbol)
            }),
        ]
    }

    fn run<C: Coder>(coder: &mut C, decisions: &[Decision]) -> Vec<usize> {
        let code = |decision: &Decision| match decision {
            Decision::Bit(p, bit) => usize::from(coder.bit(*p, C::ENCODES && *bit)),
            Decision::Raw(n, value) => {
                coder.raw_bits(*n, if C::ENCODES { *value } else { 0 }) as usize
            }
            Decision::Symbol(ends, s) => coder.symbol(ends, if C::ENCODES { *s } else { 0 }),
        };
        decisions.iter().map(code).collect()
    }

    proptest! {
        #[test]
        fn decodes_what_was_encoded(decisions in proptest::collection::vec(decision(), 0..600)) {
            let mut buffer = vec![0; 4096];
            let mut encoder = RangeEncoder::new(&mut buffer);
            let values = run(&mut encoder, &decisions);
            let size = encoder.size();
            let written = encoder.finish().expect("the buffer is large enough");
            prop_assert!(written <= size);
            let mut decoder = RangeDecoder::new(&buffer[..written]);
            prop_assert_eq!(run(&mut decoder, &decisions), values);
        }
    }

    #[test]
    fn carries_reach_the_first_byte() {
        // The least likely outcome at the top of the interval, again and again, drives `low`
        // towards all ones; a final split below it then carries through every byte.
        for tail in 0..64 {
            let mut decisions = vec![Decision::Bit(65520, false); 40];
            decisions.extend((0..tail).map(|i| Decision::Bit(32768, i % 3 == 0)));
            let mut buffer = [0; 512];
            let mut encoder = RangeEncoder::new(&mut buffer);
            let values = run(&mut encoder, &decisions);
            let written = encoder.finish().unwrap();
            let mut decoder = RangeDecoder::new(&buffer[..written]);
            assert_eq!(run(&mut decoder, &decisions), values);
        }
    }

    #[test]
    fn a_full_buffer_is_reported() {
        let mut buffer = [0; 4];
        let mut encoder = RangeEncoder::new(&mut buffer);
        for _ in 0..64 {
            encoder.raw_bits(8, 0xA5);
        }
        assert_eq!(encoder.finish(), None);
    }
}
