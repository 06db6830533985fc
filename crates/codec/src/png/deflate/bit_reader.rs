//! Bits from the input, lowest first (RFC 1951, 3.1.1).

/// More input is needed.
#[derive(Debug)]
pub(super) struct Starved;

/// A result that may have to wait for input.
pub(super) type Needed<T> = Result<T, Starved>;

/// Bits that are taken from the input and not yet used.
///
/// Invariant: bits above `count` are either zero or what the input holds next.
#[derive(Clone, Debug)]
pub(super) struct BitReader {
    pub(super) bits: u64,
    pub(super) count: u32,
}

impl BitReader {
    pub(super) const fn new() -> Self {
        Self { bits: 0, count: 0 }
    }

    /// Makes sure that `count` bits are there, at most 48, taking no more bytes than that needs.
    #[inline(always)]
    pub(super) fn need(&mut self, input: &mut &[u8], count: u32) -> Needed<()> {
        while self.count < count {
            self.load_byte(input)?;
        }
        Ok(())
    }

    /// Takes one more byte.
    #[inline(always)]
    pub(super) fn load_byte(&mut self, input: &mut &[u8]) -> Needed<()> {
        let (byte, rest) = input.split_first().ok_or(Starved)?;
        self.bits |= u64::from(*byte) << self.count;
        self.count += 8;
        *input = rest;
        Ok(())
    }

    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        self.bits >>= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// The next bits, at most 32, which must be there.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = self.bits & ((1 << count) - 1);
        self.consume(count);
        value as u32
    }

    /// Leaves out what is left of the last byte.
    pub(super) fn align(&mut self) {
        self.consume(self.count % 8);
    }

    /// Takes bytes from the start of `input` at `position` until there are at least 56 bits.
    ///
    /// Eight bytes must be there; only those that count are passed over.
    #[inline(always)]
    pub(super) fn refill(&mut self, input: &[u8], position: &mut usize) -> bool {
        let Some(word) = input.get(*position..).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        self.bits |= u64::from_le_bytes(*word) << (self.count & 63);
        *position = position.wrapping_add((63u32.wrapping_sub(self.count) >> 3) as usize);
        self.count |= 56;
        true
    }

    /// How many whole bytes are unused; they count as not taken any more.
    #[inline(always)]
    pub(super) fn give_back(&mut self) -> usize {
        let bytes = self.count / 8;
        self.count %= 8;
        self.bits &= (1 << self.count) - 1;
        bytes as usize
    }
}
