//! What the model looks at: the bytes just before the next one.

/// Number of hashed contexts.
pub(super) const CONTEXTS: usize = 6;

/// The latest bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    /// The last sixteen bytes, the latest lowest.
    bytes: u128,
    /// Hash of the letters since the last byte that is none.
    word: u32,
}

impl Recent {
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes = self.bytes << 8 | u128::from(byte);
        self.word = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 128.. => self
                .word
                .wrapping_add(u32::from(byte | 32))
                .wrapping_mul(0x2F0B_4C47),
            _ => 0,
        };
    }

    /// The last four bytes, the latest lowest.
    pub(super) fn last_four(&self) -> u32 {
        self.bytes as u32
    }

    /// A hash, below 256, of the last byte and the bits behind it.
    #[inline(always)]
    pub(super) fn last_and(&self, path: usize) -> usize {
        let context = (self.bytes as usize & 255) << 8 | path;
        context.wrapping_mul(0x9E5) >> 4 & 255
    }

    /// Hashes of all contexts: the last one, two and three bytes; the word and the byte before it;
    /// the byte three back, and those four and twelve back, for tables of such strides.
    pub(super) fn hashes(&self) -> [u32; CONTEXTS] {
        let last = |count: u32| (self.bytes & ((1 << (8 * count)) - 1)) as u64;
        let back = |count: u32| (self.bytes >> (8 * (count - 1))) as u64 & 255;
        let contexts = [
            last(1),
            last(2),
            last(3),
            u64::from(self.word) << 8 | last(1),
            back(3),
            back(12) << 8 | back(4),
        ];
        let mut number = 0u64;
        contexts.map(|context| {
            number += 1;
            let mixed = (context | number << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed >> 32) as u32
        })
    }
}
