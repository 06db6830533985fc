//! Reads the bits of an entropy-coded segment (T.81, clause F.2.2.5).
//!
//! Invariant: [`BitReader::cursor`] always names the byte of the *stuffed* data that holds the
//! next unread bit, so that reading can stop at any bit and go on later from a slice that begins
//! with that byte.

/// A place between two bits of stuffed data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Index of the byte that holds the next bit.
    pub(crate) byte: usize,
    /// How many of its bits, 0..=7, have been read.
    pub(crate) used_bits: u32,
}

/// A bit reader over stuffed data that stops at markers and at the end of its input.
///
/// Reading past the stop gives zero bits and is noticed by [`BitReader::overran`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitReader<'a> {
    input: &'a [u8],
    /// Next byte to load.
    position: usize,
    /// Loaded bits, left-aligned.
    bits: u64,
    /// How many bits are loaded; negative after an overrun.
    count: i32,
}

impl<'a> BitReader<'a> {
    /// A reader that begins at `cursor`.
    pub(crate) fn new(input: &'a [u8], cursor: Cursor) -> Self {
        let mut reader = Self {
            input,
            position: cursor.byte,
            bits: 0,
            count: 0,
        };
        if cursor.used_bits > 0 {
            reader.refill();
            reader.consume(cursor.used_bits);
        }
        reader
    }

    /// Makes at least 32 bits available, unless a marker or the end is nearer.
    #[inline(always)]
    pub(crate) fn refill_if_low(&mut self) {
        if self.count < 32 {
            self.refill();
        }
    }

    #[inline(always)]
    fn refill(&mut self) {
        if let Some(next) = self.input.get(self.position..self.position.wrapping_add(8))
            && let Ok(next) = <[u8; 8]>::try_from(next)
            && self.count >= 0
        {
            let word = u64::from_be_bytes(next);
            if !has_ff_byte(word) {
                self.bits |= word >> self.count;
                let bytes = (63 - self.count.cast_unsigned()) >> 3;
                self.position = self.position.wrapping_add(bytes as usize);
                self.count += (bytes * 8).cast_signed();
                return;
            }
        }
        *self = self.refilled_bytewise();
    }

    // By value, so that the reader of the fast path can stay in registers.
    #[inline(never)]
    fn refilled_bytewise(mut self) -> Self {
        while (0..=48).contains(&self.count) {
            let (byte, length) = match self.input[self.position.min(self.input.len())..] {
                [0xFF, 0, ..] => (0xFF, 2),
                [0xFF, ..] | [] => break,
                [byte, ..] => (byte, 1),
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
            self.position += length;
        }
        self
    }

    /// The loaded bits, left-aligned, zeros below them.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.bits
    }

    /// Drops `count` (0..=32) bits.
    #[inline(always)]
    pub(crate) fn consume(&mut self, count: u32) {
        self.bits <<= count;
        self.count = self.count.wrapping_sub_unsigned(count);
    }

    /// Whether more bits were consumed than there are before the next marker or the end.
    pub(crate) fn overran(&self) -> bool {
        self.count < 0
    }

    /// Where the next unread bit stands; meaningless after an overrun.
    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor_before(0)
    }

    /// Where the last `bits` bits begin, which were consumed since the last refill.
    pub(crate) fn cursor_before(&self, bits: u32) -> Cursor {
        let count = self.count.max(0).cast_unsigned() + bits;
        let mut byte = self.position;
        for _ in 0..count.div_ceil(8) {
            byte -= match self.input[..byte] {
                [.., 0xFF, 0] => 2,
                _ => 1,
            };
        }
        Cursor {
            byte,
            used_bits: (8 - count % 8) % 8,
        }
    }

    /// Reads the rest of the current byte: how many bits (0..=7) and their value.
    pub(crate) fn take_padding(&mut self) -> (u32, u32) {
        let length = (self.count.max(0) % 8).cast_unsigned();
        // Shifted twice because a shift by 64 is no shift.
        let value = (self.bits >> 1 >> (63 - length)) as u32;
        self.consume(length);
        (length, value)
    }

    /// Steps over the marker `FF code` if exactly it comes next, at a byte boundary.
    pub(crate) fn take_marker(&mut self, code: u8) -> Marker {
        self.refill_if_low();
        if self.count != 0 {
            return Marker::Other;
        }
        match self.input[self.position.min(self.input.len())..] {
            [0xFF, found, ..] if found == code => {
                self.position += 2;
                self.bits = 0;
                Marker::Found
            }
            [] | [0xFF] => Marker::OutOfInput,
            _ => Marker::Other,
        }
    }

    /// Whether the marker `FF code` stops the reader.
    pub(crate) fn stopped_by(&self, code: u8) -> bool {
        let rest = &self.input[self.position.min(self.input.len())..];
        rest.starts_with(&[0xFF, code])
    }

    /// Whether the input, not a marker, stops the reader.
    pub(crate) fn out_of_input(&self) -> bool {
        matches!(
            self.input[self.position.min(self.input.len())..],
            [] | [0xFF]
        )
    }
}

/// What stood where a marker was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Found,
    Other,
    OutOfInput,
}

#[inline(always)]
fn has_ff_byte(word: u64) -> bool {
    let inverted = !word;
    inverted.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(data: &[u8]) -> Vec<u8> {
        let stuff = |&byte| {
            if byte == 0xFF {
                vec![0xFF, 0]
            } else {
                vec![byte]
            }
        };
        data.iter().flat_map(stuff).collect()
    }

    fn bytes_with_many_ff() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0xFF), Just(0), any::<u8>()], 0..80)
    }

    proptest! {
        #[test]
        fn reads_the_unstuffed_bits_from_any_cursor(
            data in bytes_with_many_ff(),
            lengths in proptest::collection::vec(1u32..=16, 0..60),
            resume in 0usize..60,
        ) {
            let input = stuffed(&data);
            let mut reader = BitReader::new(&input, Cursor::default());
            let mut bit = 0usize;
            for (step, length) in lengths.into_iter().enumerate() {
                if step == resume {
                    reader = BitReader::new(&input, reader.cursor());
                }
                if bit + length as usize > data.len() * 8 {
                    break;
                }
                reader.refill_if_low();
                let expected = (bit..bit + length as usize)
                    .fold(0, |value, bit| value << 1 | u64::from(data[bit / 8] >> (7 - bit % 8) & 1));
                prop_assert_eq!(reader.peek() >> (64 - length), expected);
                reader.consume(length);
                prop_assert!(!reader.overran());
                bit += length as usize;
            }
            prop_assert_eq!(reader.cursor().used_bits as usize, bit % 8);
        }
    }

    #[test]
    fn stops_at_markers() {
        let input = [0xA5, 0xFF, 0xD3, 0x11];
        let mut reader = BitReader::new(&input, Cursor::default());
        reader.refill_if_low();
        reader.consume(5);
        assert_eq!(reader.take_padding(), (3, 0b101));
        assert_eq!(reader.take_marker(0xD2), Marker::Other);
        assert_eq!(reader.take_marker(0xD3), Marker::Found);
        reader.refill_if_low();
        assert_eq!(reader.peek() >> 56, 0x11);
        reader.consume(8);
        assert!(!reader.overran());
        assert_eq!(reader.take_marker(0xD4), Marker::OutOfInput);
        reader.consume(1);
        assert!(reader.overran());
    }
}
