//! Bits to the output, lowest first (RFC 1951, 3.1.1).

/// Bits that do not yet fill a byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BitWriter {
    bits: u64,
    count: u32,
}

impl BitWriter {
    /// Bits that are held back, at most 7.
    pub(super) fn pending(&self) -> u32 {
        self.count
    }

    /// Appends the lowest `count` bits of `bits`, at most 32; the others are zero.
    pub(super) fn put(&mut self, bits: u32, count: u32, out: &mut Vec<u8>) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            out.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    /// Fills the byte begun with zeros.
    pub(super) fn align(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            self.put(0, 8 - self.count, out);
        }
    }

    /// Room in `out` for `most` more bits, to be written without checks for each; to be closed.
    pub(super) fn open<'a>(&self, most: u64, out: &'a mut Vec<u8>) -> BitRun<'a> {
        let position = out.len();
        // Each write covers eight bytes.
        out.resize(position + (most / 8) as usize + 16, 0);
        BitRun {
            bits: self.bits,
            count: self.count,
            position,
            out,
        }
    }
}

/// A run of bits whose number is bounded.
pub(super) struct BitRun<'a> {
    bits: u64,
    count: u32,
    position: usize,
    out: &'a mut Vec<u8>,
}

impl BitRun<'_> {
    /// Goes on in `writer`.
    pub(super) fn close(self, writer: &mut BitWriter) {
        self.out.truncate(self.position);
        writer.bits = self.bits;
        writer.count = self.count;
    }

    /// Appends the lowest `count` bits of `bits`, at most 56; the others are zero.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << (self.count & 63);
        let count = self.count.wrapping_add(count);
        if let Some(target) = self
            .out
            .get_mut(self.position..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *target = self.bits.to_le_bytes();
        }
        self.position = self.position.wrapping_add((count >> 3) as usize);
        self.bits >>= count & 56;
        self.count = count & 7;
    }
}
