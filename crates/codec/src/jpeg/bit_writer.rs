//! Writes the bits of an entropy-coded segment, with byte stuffing (T.81, clause F.1.2.3).
//!
//! Whole bytes wait in a buffer and are stuffed many at a time, so that to put a code takes no branch
//! that has to be guessed. Invariant: fewer than eight bits wait between calls.

/// Bits that do not fill a byte yet; carried from one output to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PendingBits {
    bits: u32,
    count: u32,
}

impl PendingBits {
    /// The `count` (0..=7) lowest bits of `bits`; those above them are zero.
    pub(crate) fn of(bits: u32, count: u32) -> Self {
        Self { bits, count }
    }
}

/// How many bytes may wait before they are stuffed.
const WAITING: usize = 256;

/// Appends stuffed bits to a byte vector, which has all of them once the writer is finished.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    output: &'a mut Vec<u8>,
    /// The last whole bytes, not yet stuffed, and behind them room for eight more.
    waiting: [u8; WAITING + 8],
    filled: usize,
    /// Bits that do not fill a byte yet, left-aligned, zeros below them.
    bits: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Goes on from `pending`.
    pub(crate) fn new(output: &'a mut Vec<u8>, pending: PendingBits) -> Self {
        let mut writer = Self {
            output,
            waiting: [0; WAITING + 8],
            filled: 0,
            bits: 0,
            count: 0,
        };
        writer.put(pending.bits, pending.count);
        writer
    }

    /// Appends the lowest `count` (0..=32) bits of `value`; the bits above them must be zero.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u32, count: u32) {
        let count = self.count.wrapping_add(count);
        let bits = self.bits | u64::from(value).wrapping_shl(64u32.wrapping_sub(count));
        // All eight bytes are stored, and those that are not whole once more at the next call.
        if let Some(place) = self
            .waiting
            .get_mut(self.filled..self.filled.wrapping_add(8))
        {
            place.copy_from_slice(&bits.to_be_bytes());
        }
        self.filled = self.filled.wrapping_add(count as usize / 8);
        self.bits = bits.wrapping_shl(count & !7);
        self.count = count & 7;
        if self.filled > WAITING {
            self.flush_bytes();
        }
    }

    /// Hands all whole bytes to the output.
    #[inline(always)]
    fn flush_bytes(&mut self) {
        put_stuffed(self.output, &self.waiting[..self.filled]);
        self.filled = 0;
    }

    /// How many bits (0..=7) the current byte still lacks.
    pub(crate) fn padding_length(&self) -> u32 {
        (8 - self.count) % 8
    }

    /// Writes a marker; whole bytes only may be pending.
    pub(crate) fn put_marker(&mut self, code: u8) {
        self.flush_bytes();
        self.output.extend_from_slice(&[0xFF, code]);
    }

    /// Bytes in the output so far.
    pub(crate) fn len(&mut self) -> usize {
        self.flush_bytes();
        self.output.len()
    }

    /// Writes all whole bytes; the bits that remain.
    pub(crate) fn finish(mut self) -> PendingBits {
        self.flush_bytes();
        // Shifted twice because a shift by 64 is no shift.
        PendingBits::of((self.bits >> 1 >> (63 - self.count)) as u32, self.count)
    }
}

// Takes the output alone, so that the bits can stay in registers.
#[inline(never)]
fn put_stuffed(output: &mut Vec<u8>, bytes: &[u8]) {
    let (groups, rest) = bytes.as_chunks::<16>();
    for group in groups {
        // Written without `any` or `contains`, which look at byte after byte.
        let stuff = |found, &byte: &u8| found | (byte == 0xFF);
        if group.iter().fold(false, stuff) {
            put_bytes(output, group);
        } else {
            output.extend_from_slice(group);
        }
    }
    put_bytes(output, rest);
}

fn put_bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        output.push(byte);
        if byte == 0xFF {
            output.push(0);
        }
    }
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
