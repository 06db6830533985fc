//! Huffman tables: the standard's, the best for counted symbols, and random
//! ones.
//!
//! Invariant: code lengths are 1..=16, fulfil Kraft's inequality, and leave the
//! code of all ones unused (T.81 C.2), whatever the choice.

use fastrand::Rng;

/// How the Huffman tables of a file are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HuffmanChoice {
    /// Tables K.3 to K.6. Only for sequential processes with coefficients in
    /// the 8-bit range.
    Standard,
    /// Shortest codes for the symbols each scan really has (T.81 K.2), defined
    /// just before the scan.
    Optimal,
    /// Random lengths up to 16 bits, over all symbols the process may use.
    Random,
    /// One code length for all symbols the process may use.
    Flat,
}

/// A table as a DHT segment holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HuffmanTable {
    /// How many codes there are of each length 1..=16.
    pub(super) counts: [u8; 16],
    /// Symbols in the order of their codes, at most 256.
    pub(super) symbols: Vec<u8>,
}

/// Codes by symbol. A symbol that a table lists twice has two codes.
#[derive(Clone, Debug)]
pub(super) struct HuffmanCodes {
    /// (code, length) by symbol.
    codes: Vec<Vec<(u32, u32)>>,
}

impl HuffmanCodes {
    /// Assigns canonical codes (T.81 C.2).
    pub(super) fn new(table: &HuffmanTable) -> Self {
        let mut codes = vec![Vec::new(); 256];
        let mut symbols = table.symbols.iter();
        let mut code = 0;
        for (length, &count) in (1..).zip(&table.counts) {
            for symbol in symbols.by_ref().take(usize::from(count)) {
                codes[usize::from(*symbol)].push((code, length));
                code += 1;
            }
            code <<= 1;
        }
        Self { codes }
    }

    /// One of the symbol's codes and its length in bits; all are equally likely.
    ///
    /// # Panics
    /// If the table does not have the symbol: the generator asked for something
    /// it did not plan.
    pub(super) fn code(&self, symbol: u8, random: &mut Rng) -> (u32, u32) {
        let codes = &self.codes[usize::from(symbol)];
        assert!(!codes.is_empty(), "the table has no code for {symbol:#04x}");
        codes[if codes.len() > 1 {
            random.usize(..codes.len())
        } else {
            0
        }]
    }
}

/// The standard's typical tables: K.3 and K.5 for `slot` 0, K.4 and K.6 for all
/// others.
pub(super) fn standard(ac: bool, slot: u8) -> HuffmanTable {
    match (ac, slot) {
        (false, 0) => HuffmanTable {
            counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
            symbols: (0..=11).collect(),
        },
        (false, _) => HuffmanTable {
            counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
            symbols: (0..=11).collect(),
        },
        (true, 0) => HuffmanTable {
            counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
            symbols: AC_LUMINANCE.to_vec(),
        },
        (true, _) => HuffmanTable {
            counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
            symbols: AC_CHROMINANCE.to_vec(),
        },
    }
}

/// Codes of one length for the given symbols, at most 255, in their order.
pub(super) fn flat(symbols: &[u8]) -> HuffmanTable {
    let mut counts = [0; 16];
    // One code more than symbols: the one of all ones.
    let length = (symbols.len() + 1).next_power_of_two().ilog2();
    counts[length as usize - 1] = symbols.len() as u8;
    HuffmanTable {
        counts,
        symbols: symbols.to_vec(),
    }
}

/// Random code lengths for the given symbols, in random order.
///
/// A binary tree is grown by splitting random leaves; one leaf more than
/// symbols, so that the all-ones code stays free. Up to three more may stay
/// free: such codes never occur in a scan.
pub(super) fn random(symbols: &[u8], random: &mut Rng) -> HuffmanTable {
    let mut symbols = symbols.to_vec();
    random.shuffle(&mut symbols);
    let leaves = symbols.len() + 1 + random.usize(..4);
    let eager = random.bool();
    let mut lengths: Vec<usize> = vec![0];
    while lengths.len() < leaves {
        // Splitting the newest leaf again and again makes the longest codes.
        let pick = if eager && random.u8(..4) > 0 {
            lengths.len() - 1
        } else {
            random.usize(..lengths.len())
        };
        if lengths[pick] < 16 {
            lengths[pick] += 1;
            lengths.push(lengths[pick]);
        }
    }
    lengths.sort_unstable();
    lengths.truncate(symbols.len());
    let mut counts = [0; 16];
    for length in lengths {
        counts[length.max(1) - 1] += 1;
    }
    HuffmanTable { counts, symbols }
}

/// Code lengths of at most 16 bits for counted symbols, as T.81 K.2 has it:
/// merge the two rarest, then shorten what is longer than 16 bits.
pub(super) fn optimal(counts: &[u64; 256]) -> HuffmanTable {
    // Symbol 256 is the reserved all-ones code: the rarest of all.
    let mut weights: Vec<u64> = counts.iter().copied().chain([1]).collect();
    let mut groups: Vec<Vec<usize>> = (0..=256)
        .map(|symbol| {
            if weights[symbol] > 0 {
                vec![symbol]
            } else {
                vec![]
            }
        })
        .collect();
    let mut lengths = [0usize; 257];
    while let Some((rarest, next)) = two_rarest(&weights) {
        weights[next] += weights[rarest];
        weights[rarest] = 0;
        let moved = std::mem::take(&mut groups[rarest]);
        groups[next].extend(moved);
        for &symbol in &groups[next] {
            lengths[symbol] += 1;
        }
    }
    let mut of_length = [0u32; 257];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        of_length[length] += 1;
    }
    limit_lengths(&mut of_length);
    let mut symbols: Vec<usize> = (0..256).filter(|&symbol| lengths[symbol] > 0).collect();
    symbols.sort_by_key(|&symbol| lengths[symbol]);
    let mut table_counts = [0; 16];
    for (count, &of_length) in table_counts.iter_mut().zip(&of_length[1..]) {
        *count = of_length as u8;
    }
    HuffmanTable {
        counts: table_counts,
        symbols: symbols.iter().map(|&symbol| symbol as u8).collect(),
    }
}

/// The positions of the smallest and the second smallest non-zero weight; of
/// equal ones the later is taken, so that the reserved symbol stays deepest.
fn two_rarest(weights: &[u64]) -> Option<(usize, usize)> {
    let rarest_but = |except: Option<usize>| {
        (0..weights.len())
            .rev()
            .filter(|&symbol| weights[symbol] > 0 && Some(symbol) != except)
            .min_by_key(|&symbol| weights[symbol])
    };
    let rarest = rarest_but(None)?;
    Some((rarest, rarest_but(Some(rarest))?))
}

/// T.81 figure K.3, then the reserved code is taken off.
fn limit_lengths(of_length: &mut [u32; 257]) {
    for length in (17..of_length.len()).rev() {
        while of_length[length] > 0 {
            let mut shorter = length - 2;
            while of_length[shorter] == 0 {
                shorter -= 1;
            }
            of_length[length] -= 2;
            of_length[length - 1] += 1;
            of_length[shorter + 1] += 2;
            of_length[shorter] -= 1;
        }
    }
    if let Some(longest) = of_length.iter_mut().rev().find(|count| **count > 0) {
        *longest -= 1;
    }
}

/// Table K.5's symbols.
const AC_LUMINANCE: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
    0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];

/// Table K.6's symbols.
const AC_CHROMINANCE: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
    0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
    0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
    0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Kraft's sum in units of 2^-16; a table that leaves all ones free has at
    /// least one unit of its longest length to spare.
    fn assert_valid(table: &HuffmanTable) {
        let total: usize = table.counts.iter().map(|&count| usize::from(count)).sum();
        assert_eq!(total, table.symbols.len());
        let kraft: u32 = (0..16)
            .map(|length| u32::from(table.counts[length]) << (15 - length))
            .sum();
        let longest = (0..16).rev().find(|&length| table.counts[length] > 0);
        let spare = 1 << (15 - longest.expect("a table has codes"));
        assert!(kraft + spare <= 1 << 16, "{table:?}");
    }

    #[test]
    fn every_kind_of_table_leaves_the_code_of_all_ones_free() {
        let mut source = Rng::with_seed(1);
        for ac in [false, true] {
            for slot in 0..2 {
                assert_valid(&standard(ac, slot));
            }
        }
        for symbols in 1..=255 {
            let all: Vec<u8> = (0..symbols).collect();
            assert_valid(&flat(&all));
            assert_valid(&random(&all, &mut source));
        }
        for exponent in 0..60 {
            // Fibonacci-like counts ask for codes longer than 16 bits.
            let mut counts = [0; 256];
            let (mut a, mut b) = (1u64, 1u64);
            for count in &mut counts[..exponent + 1] {
                *count = a;
                (a, b) = (b, a + b);
            }
            let table = optimal(&counts);
            assert_valid(&table);
            assert_eq!(table.symbols.len(), exponent + 1);
        }
    }
}
