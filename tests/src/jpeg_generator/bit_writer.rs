//! The entropy-coded segment's bits and bytes.
//!
//! Invariant: every 0xFF that the bits make is followed by a stuffed 0x00;
//! markers and foreign bytes start at a byte boundary and are not stuffed.

use fastrand::Rng;

/// What fills the last byte before a marker (T.81 F.1.2.3 asks for ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadBits {
    /// Ones, as the standard asks.
    Ones,
    /// Zeros, as some cameras do.
    Zeros,
    /// Either, differing from one marker to the next.
    Mixed,
}

/// Collects bits, most significant first, into stuffed bytes.
#[derive(Debug)]
pub(super) struct BitWriter {
    pub(super) bytes: Vec<u8>,
    accumulator: u64,
    count: u32,
    pad: PadBits,
    random: Rng,
}

impl BitWriter {
    pub(super) fn new(pad: PadBits, seed: u64) -> Self {
        Self {
            bytes: Vec::new(),
            accumulator: 0,
            count: 0,
            pad,
            random: Rng::with_seed(seed),
        }
    }

    /// Writes the low `count` (0..=16) bits of `value`.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        let mask = (1u64 << count) - 1;
        self.accumulator = (self.accumulator << count) | (u64::from(value) & mask);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.accumulator >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Fills up the last byte, if it was begun.
    pub(super) fn align(&mut self) {
        let missing = (8 - self.count % 8) % 8;
        let ones = match self.pad {
            PadBits::Ones => true,
            PadBits::Zeros => false,
            PadBits::Mixed => self.random.bool(),
        };
        self.put(if ones { 0xFF } else { 0 }, missing);
    }

    /// Appends bytes as they are, after [`Self::align`].
    pub(super) fn put_raw(&mut self, bytes: &[u8]) {
        self.align();
        self.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_ones_are_stuffed_and_the_last_is_padded() {
        let mut writer = BitWriter::new(PadBits::Zeros, 0);
        writer.put(0xFFF, 12);
        writer.put_raw(&[0xFF, 0xD9]);
        assert_eq!(writer.bytes, [0xFF, 0x00, 0xF0, 0xFF, 0xD9]);
    }
}
