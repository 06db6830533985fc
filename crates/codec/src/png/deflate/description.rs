//! The codes of a dynamic block as its header describes them (RFC 1951, 3.2.7).

use super::code_tables::{CODE_LENGTH_CODES, DISTANCE_CODES, LITERAL_LENGTH_CODES};

/// All that a dynamic block's header says of its codes.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// Bits of each literal's and length's code, 0 where it has none.
    pub(super) literal_lengths: [u8; LITERAL_LENGTH_CODES],
    pub(super) distance_lengths: [u8; DISTANCE_CODES],
    /// How many lengths of each code are written: 257 to 286, 1 to 30.
    pub(super) literal_count: usize,
    pub(super) distance_count: usize,
    /// Those lengths, run-length coded.
    pub(super) runs: Vec<Run>,
    /// Bits of each code length's code.
    pub(super) code_length_lengths: [u8; CODE_LENGTH_CODES],
    /// How many of these are written: 4 to 19.
    pub(super) code_length_count: usize,
}

/// A code length's symbol with the value of its extra bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) symbol: u8,
    pub(super) extra: u8,
}

impl Run {
    /// How many code lengths it stands for.
    pub(super) fn count(self) -> usize {
        match self.symbol {
            16 | 17 => usize::from(self.extra) + 3,
            18 => usize::from(self.extra) + 11,
            _ => 1,
        }
    }

    /// The run that zlib begins `lengths` with, which are not empty and come behind the length
    /// `before` of the same code.
    pub(super) fn first_of(lengths: &[u8], before: Option<u8>) -> Self {
        let length = lengths.first().copied().unwrap_or(0);
        let same = lengths.iter().take_while(|other| **other == length);
        let same = same.take(138).count();
        let (symbol, extra) = match (length, same) {
            (0, 11..) => (18, same - 11),
            (0, 3..) => (17, same - 3),
            // A length is written once before it can be repeated, at most six times.
            (1.., 3..) if before == Some(length) => (16, same.min(6) - 3),
            _ => (length, 0),
        };
        Self {
            symbol,
            extra: extra as u8,
        }
    }
}

/// Appends the code lengths of one code as runs, as zlib does.
pub(super) fn push_runs(lengths: &[u8], runs: &mut Vec<Run>) {
    let mut place = 0;
    while place < lengths.len() {
        let before = place.checked_sub(1).map(|before| lengths[before]);
        let run = Run::first_of(&lengths[place..], before);
        runs.push(run);
        place += run.count();
    }
}
