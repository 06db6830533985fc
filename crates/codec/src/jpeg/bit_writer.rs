//! Writes the bits of an entropy-coded segment, with byte stuffing (T.81, clause F.1.2.3).
//!
//! Invariant: between calls of [`BitWriter::flush_bytes`] at most 63 bits wait; after it fewer
//! than eight do.

/// Bits that do not fill a byte yet; carried from one output to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PendingBits {
    bits: u64,
    count: u32,
}

impl PendingBits {
    /// The `count` (0..=7) lowest bits of `bits`; those above them are zero.
    pub(crate) fn of(bits: u32, count: u32) -> Self {
        Self {
            bits: u64::from(bits),
            count,
        }
    }
}

/// Appends stuffed bits to a byte vector.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    output: &'a mut Vec<u8>,
    pending: PendingBits,
}

impl<'a> BitWriter<'a> {
    /// Goes on from `pending`.
    pub(crate) fn new(output: &'a mut Vec<u8>, pending: PendingBits) -> Self {
        Self { output, pending }
    }

    /// Appends the lowest `count` (0..=32) bits of `value`; the bits above them must be zero.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u32, count: u32) {
        let pending = &mut self.pending;
        pending.bits = pending.bits.wrapping_shl(count) | u64::from(value);
        pending.count = pending.count.wrapping_add(count);
        if pending.count >= 32 {
            pending.count = pending.count.wrapping_sub(32);
            let word = pending.bits.wrapping_shr(pending.count) as u32;
            if has_ff_byte(word) {
                put_stuffed(self.output, word);
            } else {
                self.output.extend_from_slice(&word.to_be_bytes());
            }
        }
    }

    /// Writes all whole bytes.
    pub(crate) fn flush_bytes(&mut self) {
        while self.pending.count >= 8 {
            self.pending.count -= 8;
            put_byte(self.output, (self.pending.bits >> self.pending.count) as u8);
        }
    }

    /// How many bits (0..=7) the current byte still lacks.
    pub(crate) fn padding_length(&self) -> u32 {
        (8 - self.pending.count % 8) % 8
    }

    /// Writes a marker; whole bytes only may be pending.
    pub(crate) fn put_marker(&mut self, code: u8) {
        self.flush_bytes();
        self.output.extend_from_slice(&[0xFF, code]);
    }

    /// Bytes in the output so far.
    pub(crate) fn len(&self) -> usize {
        self.output.len()
    }

    /// Writes all whole bytes; the bits that remain.
    pub(crate) fn finish(mut self) -> PendingBits {
        self.flush_bytes();
        self.pending
    }
}

// Takes the output alone, so that the pending bits can stay in registers.
#[inline(never)]
fn put_stuffed(output: &mut Vec<u8>, word: u32) {
    for byte in word.to_be_bytes() {
        put_byte(output, byte);
    }
}

fn put_byte(output: &mut Vec<u8>, byte: u8) {
    output.push(byte);
    if byte == 0xFF {
        output.push(0);
    }
}

#[inline(always)]
fn has_ff_byte(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffs_and_carries_bits_over() {
        let mut output = Vec::new();
        let mut writer = BitWriter::new(&mut output, PendingBits::default());
        writer.put(0b111_1111_1101, 11);
        assert_eq!(writer.padding_length(), 5);
        let pending = writer.finish();
        assert_eq!(output, [0xFF, 0]);
        let mut writer = BitWriter::new(&mut output, pending);
        writer.put(0b11111, 5);
        writer.put_marker(0xD0);
        writer.put(0xFFFF_FFFF, 32);
        writer.put(0x1234, 16);
        let _ = writer.finish();
        assert_eq!(
            output,
            [
                0xFF, 0, 0xBF, 0xFF, 0xD0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0x12, 0x34
            ]
        );
    }
}
