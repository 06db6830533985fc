//! What the model looks at: the bytes just before the next one.

/// Number of hashed contexts.
pub(super) const HASHED: usize = 2;

/// The latest bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    /// The last sixteen bytes, the latest lowest.
    bytes: u128,
}

impl Recent {
    /// How many they are.
    pub(super) const LENGTH: usize = 16;

    /// Takes as many bytes at once, the latest last.
    #[inline(always)]
    pub(super) fn replace(&mut self, bytes: [u8; Self::LENGTH]) {
        self.bytes = u128::from_be_bytes(bytes);
    }

    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes = self.bytes << 8 | u128::from(byte);
    }

    #[inline(always)]
    pub(super) fn last(&self) -> u8 {
        self.bytes as u8
    }

    /// The last sixteen bytes, the latest lowest.
    #[inline(always)]
    pub(super) fn all(&self) -> u128 {
        self.bytes
    }

    /// The contexts that are hashed: the last two bytes; those four and twelve back, for tables
    /// of such strides.
    #[inline(always)]
    pub(super) fn hashed(&self) -> [u32; HASHED] {
        let back = |count: u32| (self.bytes >> (8 * (count - 1))) as u32 & 255;
        [self.bytes as u32 & 0xFFFF, back(12) << 8 | back(4)]
    }
}
