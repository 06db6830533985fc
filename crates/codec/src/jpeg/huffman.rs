//! Huffman tables (T.81, clauses C and F.2.2.3), for reading and for writing back.
//!
//! Invariant: a [`HuffmanTable`] maps symbols to codes one to one. Tables where a symbol has two
//! codes, or where codes overlap, are refused, because a scan written with them could not be
//! rebuilt from its coefficients alone.

/// Codes of up to this many bits are decoded by one look-up.
const LOOKUP_BITS: u32 = 10;

/// A table from a DHT marker segment.
#[derive(Clone, Debug)]
pub(crate) struct HuffmanTable {
    /// By the next `LOOKUP_BITS` bits: symbol << 8 | code length; 0 where the code is longer.
    lookup: [u16; 1 << LOOKUP_BITS],
    /// By length 1..=16: one past the last code of that length, left-aligned to 16 bits.
    limit: [u32; 17],
    /// By length: index into `symbols` of its first code, minus that code.
    offset: [i32; 17],
    symbols: [u8; 256],
    /// By symbol: code << 8 | length; 0 for a symbol without a code.
    codes: [u32; 256],
}

impl HuffmanTable {
    /// Builds a table from the number of codes of each length 1..=16 and the symbols in order.
    ///
    /// `None` if the counts do not match the symbols, the codes do not fit their lengths, or a
    /// symbol stands twice.
    pub(crate) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        if counts
            .iter()
            .map(|&count| usize::from(count))
            .sum::<usize>()
            != values.len()
            || values.len() > 256
        {
            return None;
        }
        let mut table = Self {
            lookup: [0; 1 << LOOKUP_BITS],
            limit: [0; 17],
            offset: [0; 17],
            symbols: [0; 256],
            codes: [0; 256],
        };
        table.symbols[..values.len()].copy_from_slice(values);
        let mut code = 0u32;
        let mut index = 0usize;
        for length in 1..=16u32 {
            let count = u32::from(counts[length as usize - 1]);
            if code + count > 1 << length {
                return None;
            }
            table.offset[length as usize] = (index as u32).cast_signed() - code.cast_signed();
            for _ in 0..count {
                table.add(values[index], code, length)?;
                code += 1;
                index += 1;
            }
            table.limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    fn add(&mut self, symbol: u8, code: u32, length: u32) -> Option<()> {
        let entry = &mut self.codes[usize::from(symbol)];
        if *entry != 0 {
            return None;
        }
        *entry = code << 8 | length;
        if length <= LOOKUP_BITS {
            let first = (code << (LOOKUP_BITS - length)) as usize;
            let size = 1usize << (LOOKUP_BITS - length);
            self.lookup[first..first + size].fill(u16::from(symbol) << 8 | length as u16);
        }
        Some(())
    }

    /// The symbol and code length (1..=16) at the top of `bits` (left-aligned), `None` if no code
    /// matches.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: u64) -> Option<(u8, u32)> {
        let entry = self.lookup[(bits >> (64 - LOOKUP_BITS)) as usize];
        if entry != 0 {
            return Some(((entry >> 8) as u8, u32::from(entry & 0xFF)));
        }
        self.decode_long((bits >> 48) as u32)
    }

    #[cold]
    fn decode_long(&self, bits: u32) -> Option<(u8, u32)> {
        let length = (LOOKUP_BITS + 1..=16).find(|&length| bits < self.limit[length as usize])?;
        let code = (bits >> (16 - length)).cast_signed();
        let index = usize::try_from(code + self.offset[length as usize]).ok()?;
        Some((*self.symbols.get(index)?, length))
    }

    /// The code of a symbol and its length in bits; length 0 if it has none.
    #[inline(always)]
    pub(crate) fn code(&self, symbol: u8) -> (u32, u32) {
        let entry = self.codes[usize::from(symbol)];
        (entry >> 8, entry & 0xFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The luminance DC table of T.81, table K.3.
    const COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    const SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    #[test]
    fn codes_follow_annex_c() {
        let table = HuffmanTable::new(&COUNTS, &SYMBOLS).unwrap();
        assert_eq!(table.code(0), (0b00, 2));
        assert_eq!(table.code(1), (0b010, 3));
        assert_eq!(table.code(6), (0b1110, 4));
        assert_eq!(table.code(11), (0b1_1111_1110, 9));
        assert_eq!(table.code(12).1, 0);
    }

    #[test]
    fn every_code_decodes_to_its_symbol_at_every_length() {
        let mut counts = [1u8; 16];
        counts[15] = 2;
        let symbols: Vec<u8> = (100..117).collect();
        let table = HuffmanTable::new(&counts, &symbols).unwrap();
        for symbol in symbols {
            let (code, length) = table.code(symbol);
            assert_eq!(
                table.decode(u64::from(code) << (64 - length)),
                Some((symbol, length))
            );
        }
    }

    #[test]
    fn ambiguous_tables_are_refused() {
        let mut counts = [0u8; 16];
        counts[1] = 2;
        assert!(
            HuffmanTable::new(&counts, &[7, 7]).is_none(),
            "a symbol stands twice"
        );
        counts[1] = 5;
        assert!(
            HuffmanTable::new(&counts, &[1, 2, 3, 4, 5]).is_none(),
            "too many codes"
        );
        assert!(
            HuffmanTable::new(&counts, &[1, 2, 3]).is_none(),
            "too few symbols"
        );
    }

    #[test]
    fn bits_without_a_code_decode_to_nothing() {
        let table = HuffmanTable::new(&COUNTS, &SYMBOLS).unwrap();
        assert_eq!(table.decode(u64::MAX), None);
    }
}
