//! What DEFLATE codes: bytes, and copies of bytes before.

/// The shortest copy, in bytes.
pub(crate) const SHORTEST_COPY: usize = 3;
/// The longest copy, in bytes.
pub(crate) const LONGEST_COPY: usize = 258;

/// A literal byte, or a copy of 3 to 258 bytes from 1 to 32,768 bytes back (RFC 1951, 3.2.5).
///
/// The distance stands above the lowest eight bits, 0 for a literal; these hold the literal or the
/// length less 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Token(u32);

impl Token {
    #[inline(always)]
    pub(crate) const fn literal(byte: u8) -> Self {
        Self(byte as u32)
    }

    /// A copy, given its length less 3 and its distance, which is not zero.
    #[inline(always)]
    pub(crate) const fn copy(length_code: u8, distance: u16) -> Self {
        Self((distance as u32) << 8 | length_code as u32)
    }

    /// How far back a copy goes; 0 for a literal.
    #[inline(always)]
    pub(crate) const fn distance(self) -> usize {
        (self.0 >> 8) as usize
    }

    /// The literal byte, or a copy's length less 3.
    #[inline(always)]
    pub(crate) const fn low_byte(self) -> u8 {
        self.0 as u8
    }

    /// How many bytes the token stands for.
    #[inline(always)]
    pub(crate) const fn length(self) -> usize {
        if self.distance() == 0 {
            1
        } else {
            self.low_byte() as usize + SHORTEST_COPY
        }
    }
}
