//! A range coder with a 16-bit range and 16-bit probabilities.
//!
//! The coder narrows an interval `[low, low + range)` as in G. N. N. Martin, "Range encoding"
//! (1979). The range is kept in `0x8000..=0xFFFF` so that scaling a cumulative probability is one
//! 16 × 16-bit high multiply: cheap for one decision, and one vector instruction for a whole
//! alphabet. Invariant: encoder and decoder hold the same range before every decision.

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
    fn unpredictable_bit(&mut self, probability_of_one: u32, bit: bool) -> bool {
        self.bit(probability_of_one, bit)
    }

    /// Codes the lowest `count` (0..=8) bits of `value`, each with probability one half.
    fn raw_bits(&mut self, count: u32, value: u32) -> u32;

    /// Codes one of 16 symbols. `bounds[s]` (non-decreasing, `bounds[0] == 0`, at most 65535) is
    /// the cumulative probability of all symbols below `s` in units of 1/65536; every symbol is
    /// given at least one unit of the range whatever the bounds.
    fn symbol(&mut self, bounds: &[u16; 16], symbol: usize) -> usize;
}

/// Units of the range that every one of 16 symbols keeps whatever its probability.
const SYMBOL_FLOOR: u32 = 4;

/// Scales cumulative probabilities to the range; strictly increasing because of the floor.
#[inline(always)]
fn scale_bound(range: u32, bound: u16, index: usize) -> u32 {
    (range
        .wrapping_sub(16 * SYMBOL_FLOOR)
        .wrapping_mul(u32::from(bound))
        >> 16)
        .wrapping_add(index as u32 * SYMBOL_FLOOR)
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
        self.range = size << shift;
        self.low <<= shift;
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

    /// Runs `work` on a copy of this encoder that the compiler can keep in registers.
    #[inline(always)]
    pub(crate) fn with_local<R>(&mut self, work: impl FnOnce(&mut RangeEncoder<'_>) -> R) -> R {
        let mut local = RangeEncoder {
            output: &mut *self.output,
            written: self.written,
            low: self.low,
            range: self.range,
            pending: self.pending,
        };
        let result = work(&mut local);
        (self.written, self.low) = (local.written, local.low);
        (self.range, self.pending) = (local.range, local.pending);
        result
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
        let start = self.range * value >> count;
        let end = self.range * (value + 1) >> count;
        self.narrow(start, end.wrapping_sub(start));
        value
    }

    #[inline(always)]
    fn symbol(&mut self, bounds: &[u16; 16], symbol: usize) -> usize {
        let start = scale_bound(self.range, bounds[symbol], symbol);
        let end = match bounds.get(symbol + 1) {
            Some(&bound) => scale_bound(self.range, bound, symbol + 1),
            None => self.range,
        };
        self.narrow(start, end.wrapping_sub(start));
        symbol
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
        self.range = size << shift;
        self.value <<= shift;
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
        let start = self.range * value >> count;
        let end = self.range * (value + 1) >> count;
        self.narrow(start, end.wrapping_sub(start));
        value
    }

    #[inline(always)]
    fn symbol(&mut self, bounds: &[u16; 16], _: usize) -> usize {
        let free = self.range.wrapping_sub(16 * SYMBOL_FLOOR);
        let window = self.window() as u16;
        let mut scaled = [0u16; 17];
        let mut symbol = 0u16;
        for index in 0..16 {
            let bound = (free.wrapping_mul(u32::from(bounds[index])) >> 16) as u16;
            scaled[index] = bound.wrapping_add(index as u16 * SYMBOL_FLOOR as u16);
            symbol = symbol.wrapping_add(u16::from(scaled[index] <= window));
        }
        scaled[16] = self.range as u16;
        // `bounds[0]` is 0, so at least one bound lies at or below the window.
        let symbol = usize::from(symbol.wrapping_sub(1) & 15);
        let start = u32::from(scaled[symbol]);
        self.narrow(
            start,
            u32::from(scaled[symbol.wrapping_add(1)]).wrapping_sub(start),
        );
        symbol
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
                let mut bounds = [0; 16];
                bounds[1..].copy_from_slice(&rest);
                Decision::Symbol(bounds, symbol)
            }),
        ]
    }

    fn run<C: Coder>(coder: &mut C, decisions: &[Decision]) -> Vec<usize> {
        let code = |decision: &Decision| match decision {
            Decision::Bit(p, bit) => usize::from(coder.bit(*p, C::ENCODES && *bit)),
            Decision::Raw(n, value) => {
                coder.raw_bits(*n, if C::ENCODES { *value } else { 0 }) as usize
            }
            Decision::Symbol(bounds, s) => coder.symbol(bounds, if C::ENCODES { *s } else { 0 }),
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
