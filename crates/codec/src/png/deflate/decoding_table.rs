//! Tables that decode a prefix code several bits at a time.
//!
//! A code's first bits index a root table; where a code is longer, the entry there names a second
//! table, indexed by the bits after. Bits come lowest first, so codes stand in the tables reversed.

use super::code_tables::{
    DISTANCE_BASES, DISTANCE_CODES, DISTANCE_EXTRA_BITS, END_OF_BLOCK, FIRST_LENGTH_CODE,
    LENGTH_BASES, LENGTH_EXTRA_BITS, LITERAL_LENGTH_CODES, LONGEST_CODE,
};

/// What bits stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A symbol without extra bits: a literal, a code length.
    Symbol,
    /// A base with extra bits: a length or a distance.
    Base,
    /// The end of a block.
    EndOfBlock,
    /// No code, or the code of no symbol.
    Unknown,
    /// The beginning of longer codes.
    Longer,
}

/// Kind in bits 29 to 31; base, symbol or second table in 13 to 28; the code's own length in 8 to
/// 12; length with extra bits, or a second table's index bits, in 0 to 5.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(u32);

impl Entry {
    const UNKNOWN: Self = Self::new(Kind::Unknown, 0, 0, 0);

    const fn new(kind: Kind, value: u16, code_bits: u8, extra_bits: u8) -> Self {
        Self(
            (kind as u32) << 29
                | (value as u32) << 13
                | (code_bits as u32) << 8
                | (code_bits as u32 + extra_bits as u32),
        )
    }

    #[inline(always)]
    pub(super) const fn kind(self) -> Kind {
        match self.0 >> 29 {
            0 => Kind::Symbol,
            1 => Kind::Base,
            2 => Kind::EndOfBlock,
            3 => Kind::Unknown,
            _ => Kind::Longer,
        }
    }

    #[inline(always)]
    pub(super) const fn is_symbol(self) -> bool {
        self.0 >> 29 == 0
    }

    #[inline(always)]
    pub(super) const fn value(self) -> u16 {
        (self.0 >> 13) as u16
    }

    /// Bits of the code and of what extends it.
    #[inline(always)]
    pub(super) const fn bits(self) -> u32 {
        self.0 & 63
    }

    /// The base with the extra bits that follow the code at the start of `bits`.
    #[inline(always)]
    pub(super) const fn extended(self, bits: u64) -> u32 {
        let below_end = bits & (1u64 << self.bits()).wrapping_sub(1);
        (self.value() as u32).wrapping_add((below_end >> (self.0 >> 8 & 31)) as u32)
    }
}

/// The entry of a literal or length code's symbol whose code has `bits` bits.
pub(super) fn literal_length_entry(symbol: usize, bits: u8) -> Entry {
    match symbol {
        0..END_OF_BLOCK => Entry::new(Kind::Symbol, symbol as u16, bits, 0),
        END_OF_BLOCK => Entry::new(Kind::EndOfBlock, 0, bits, 0),
        FIRST_LENGTH_CODE..LITERAL_LENGTH_CODES => {
            let code = symbol - FIRST_LENGTH_CODE;
            let base = u16::from(LENGTH_BASES[code]);
            Entry::new(Kind::Base, base, bits, LENGTH_EXTRA_BITS[code])
        }
        _ => Entry::new(Kind::Unknown, 0, bits, 0),
    }
}

/// The entry of a distance code's symbol; its base is the distance less 1.
pub(super) fn distance_entry(symbol: usize, bits: u8) -> Entry {
    if symbol < DISTANCE_CODES {
        let extra_bits = DISTANCE_EXTRA_BITS[symbol];
        Entry::new(Kind::Base, DISTANCE_BASES[symbol], bits, extra_bits)
    } else {
        Entry::new(Kind::Unknown, 0, bits, 0)
    }
}

/// The entry of a code length code's symbol.
pub(super) fn code_length_entry(symbol: usize, bits: u8) -> Entry {
    Entry::new(Kind::Symbol, symbol as u16, bits, 0)
}

/// What lengths say about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// Every sequence of bits begins with a code.
    Complete,
    /// There is no code at all, or one of a single bit.
    AtMostOne,
    /// More codes than fit, or too few.
    Broken,
}

/// A root table of 2^`ROOT` entries and what follows it, `SIZE` in all.
///
/// `SIZE` must be at least what zlib's `enough` computes for the alphabet, 2^`ROOT` and codes of 15
/// bits: 2,342 for 286 symbols and 11 bits, 402 for 30 and 8.
#[derive(Clone)]
pub(super) struct DecodingTable<const ROOT: usize, const SIZE: usize> {
    entries: [Entry; SIZE],
}

impl<const ROOT: usize, const SIZE: usize> DecodingTable<ROOT, SIZE> {
    pub(super) const fn new() -> Self {
        Self {
            entries: [Entry::UNKNOWN; SIZE],
        }
    }

    /// The entry for the code at the start of `bits`.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u64) -> Entry {
        let entry = self.entries[(bits & ((1 << ROOT) - 1)) as usize];
        if entry.kind() == Kind::Longer {
            self.look_up_longer(entry, bits)
        } else {
            entry
        }
    }

    #[inline(always)]
    fn look_up_longer(&self, entry: Entry, bits: u64) -> Entry {
        let index = bits >> ROOT & (1u64 << entry.bits()).wrapping_sub(1);
        self.entries[usize::from(entry.value()).wrapping_add(index as usize)]
    }

    /// Builds the table for the code with these code lengths, each at most 15, in bits by symbol.
    pub(super) fn build(
        &mut self,
        lengths: &[u8],
        entry_of: impl Fn(usize, u8) -> Entry,
    ) -> Completeness {
        let mut counts = [0u16; LONGEST_CODE + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let completeness = completeness(&counts);
        if completeness == Completeness::Broken {
            return completeness;
        }
        self.entries[..1 << ROOT].fill(Entry::UNKNOWN);

        let mut sorted = [0u16; 288];
        let used = sort_by_length(lengths, &counts, &mut sorted);
        let longest = (1..=LONGEST_CODE).rev().find(|bits| counts[*bits] > 0);
        let longest = longest.unwrap_or(0);
        let mut code = 0usize;
        let mut next_free = 1 << ROOT;
        let mut prefix = usize::MAX;
        let mut second = (0, 0);
        let mut bits_before = 0;
        for symbol in &sorted[..used] {
            let symbol = usize::from(*symbol);
            let bits = usize::from(lengths[symbol]);
            code <<= bits - bits_before;
            bits_before = bits;
            let reversed = code.reverse_bits() >> (usize::BITS as usize - bits);
            let entry = entry_of(symbol, bits as u8);
            if bits <= ROOT {
                fill(&mut self.entries[..1 << ROOT], reversed, bits, entry);
            } else {
                let this_prefix = reversed & ((1 << ROOT) - 1);
                if this_prefix != prefix {
                    prefix = this_prefix;
                    let index_bits = second_table_bits::<ROOT>(&counts, bits, longest);
                    second = (next_free, index_bits);
                    next_free += 1 << index_bits;
                    let pointer = Entry::new(Kind::Longer, second.0 as u16, 0, index_bits as u8);
                    self.entries[prefix] = pointer;
                }
                let (start, index_bits) = second;
                let table = &mut self.entries[start..start + (1 << index_bits)];
                fill(table, reversed >> ROOT, bits - ROOT, entry);
            }
            counts[bits] -= 1;
            code += 1;
        }
        completeness
    }
}

/// Puts `entry` wherever an index ends in the `bits` bits of `code`.
fn fill(table: &mut [Entry], code: usize, bits: usize, entry: Entry) {
    for slot in table[code..].iter_mut().step_by(1 << bits) {
        *slot = entry;
    }
}

fn completeness(counts: &[u16; LONGEST_CODE + 1]) -> Completeness {
    let mut left = 1i32;
    for count in &counts[1..] {
        left = left * 2 - i32::from(*count);
        if left < 0 {
            return Completeness::Broken;
        }
    }
    let codes: u16 = counts[1..].iter().sum();
    if left == 0 {
        Completeness::Complete
    } else if codes == counts[1] {
        Completeness::AtMostOne
    } else {
        Completeness::Broken
    }
}

/// Writes the used symbols by their codes' lengths, then by their numbers; says how many.
fn sort_by_length(
    lengths: &[u8],
    counts: &[u16; LONGEST_CODE + 1],
    sorted: &mut [u16; 288],
) -> usize {
    let mut starts = [0u16; LONGEST_CODE + 2];
    for bits in 1..=LONGEST_CODE {
        starts[bits + 1] = starts[bits] + counts[bits];
    }
    for (symbol, length) in lengths.iter().enumerate() {
        if *length > 0 {
            let place = &mut starts[usize::from(*length)];
            sorted[usize::from(*place)] = symbol as u16;
            *place += 1;
        }
    }
    usize::from(starts[LONGEST_CODE])
}

/// How many bits index the second table that begins with a code of `bits` bits, where `counts` are
/// the codes still to come.
fn second_table_bits<const ROOT: usize>(
    counts: &[u16; LONGEST_CODE + 1],
    bits: usize,
    longest: usize,
) -> usize {
    let mut index_bits = bits - ROOT;
    let mut left = 1i32 << index_bits;
    while index_bits + ROOT < longest {
        left -= i32::from(counts[index_bits + ROOT]);
        if left <= 0 {
            break;
        }
        index_bits += 1;
        left *= 2;
    }
    index_bits
}
