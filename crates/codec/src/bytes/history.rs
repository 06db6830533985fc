//! What was seen in a context, in one byte: how often zero, how often one, and which came last.
//!
//! Invariant: the numbering of histories and the step from one to the next are computed by the
//! compiler from the rules below, and are the same everywhere.

/// A bit history, by its number.
pub(super) type History = u8;

/// The history of a context that is new.
pub(super) const EMPTY: History = 0;

/// By the smaller count: the most that the larger may be.
const MOST: [u8; 6] = [30, 16, 10, 7, 6, 5];

/// By count: what is left of it when the other outcome is seen.
const LEFT: [u8; 31] = [
    0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
];

/// Counts of zeros and ones, and the last outcome.
#[derive(Clone, Copy)]
struct Counts {
    zeros: u8,
    ones: u8,
    last: bool,
}

struct Tables {
    counts: [Counts; 256],
    next: [[History; 2]; 256],
}

static TABLES: Tables = tables();

const fn is_allowed(zeros: u8, ones: u8) -> bool {
    let (least, most) = if zeros < ones {
        (zeros, ones)
    } else {
        (ones, zeros)
    };
    (least as usize) < MOST.len() && most <= MOST[least as usize]
}

/// All allowed counts: by zeros, then ones, then the last outcome where it is in doubt.
const fn numbering() -> ([Counts; 256], usize) {
    let none = Counts {
        zeros: 0,
        ones: 0,
        last: false,
    };
    let mut counts = [none; 256];
    let mut length = 0;
    let mut zeros = 0;
    while zeros <= MOST[0] {
        let mut ones = 0;
        while ones <= MOST[0] {
            if is_allowed(zeros, ones) {
                if zeros > 0 || ones == 0 {
                    counts[length] = Counts {
                        zeros,
                        ones,
                        last: false,
                    };
                    length += 1;
                }
                if ones > 0 {
                    counts[length] = Counts {
                        zeros,
                        ones,
                        last: true,
                    };
                    length += 1;
                }
            }
            ones += 1;
        }
        zeros += 1;
    }
    (counts, length)
}

/// The counts after one more outcome: its own count grows, the other's shrinks by [`LEFT`], and
/// where that is too much the larger of the two gives way.
const fn after(counts: Counts, bit: bool) -> Counts {
    let (mut same, mut other) = if bit {
        (counts.ones, counts.zeros)
    } else {
        (counts.zeros, counts.ones)
    };
    if same < MOST[0] {
        same += 1;
    }
    other = LEFT[other as usize];
    while !is_allowed(same, other) {
        if same > other {
            same -= 1;
        } else {
            other -= 1;
        }
    }
    if bit {
        Counts {
            zeros: other,
            ones: same,
            last: true,
        }
    } else {
        Counts {
            zeros: same,
            ones: other,
            last: false,
        }
    }
}

const fn tables() -> Tables {
    let (counts, length) = numbering();
    let mut next = [[0; 2]; 256];
    let mut from = 0;
    while from < length {
        let mut bit = 0;
        while bit < 2 {
            let wanted = after(counts[from], bit == 1);
            let mut to = 0;
            while !(counts[to].zeros == wanted.zeros
                && counts[to].ones == wanted.ones
                && counts[to].last == wanted.last)
            {
                to += 1;
            }
            next[from][bit] = to as History;
            bit += 1;
        }
        from += 1;
    }
    Tables { counts, next }
}

/// The history after one more outcome.
#[inline(always)]
pub(super) fn next(history: History, bit: bool) -> History {
    TABLES.next[usize::from(history)][usize::from(bit)]
}

/// How much has been seen, 0 to 30.
#[inline(always)]
pub(super) fn weight(history: History) -> u8 {
    let counts = &TABLES.counts[usize::from(history)];
    counts.zeros.wrapping_add(counts.ones)
}

/// The probability of one, in units of 1/65536, to begin with in each history.
pub(super) fn initial_probability(history: History) -> u32 {
    let counts = &TABLES.counts[usize::from(history)];
    let (zeros, ones) = (u32::from(counts.zeros), u32::from(counts.ones));
    let (zeros, ones) = (5 * zeros + 2, 5 * ones + 2);
    (ones << 16) / (zeros + ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbering_is_the_one_of_the_format() {
        let (counts, length) = numbering();
        assert_eq!(length, 187);
        let listed: Vec<u8> = counts[..length]
            .iter()
            .flat_map(|counts| [counts.zeros, counts.ones, u8::from(counts.last)])
            .collect();
        assert_eq!(crc32fast::hash(&listed), 0x7740_68F2);
        let next: Vec<u8> = TABLES.next[..length].concat();
        assert_eq!(crc32fast::hash(&next), 0xB4F2_6FB2);
    }

    #[test]
    fn a_run_is_remembered_and_a_surprise_soon_counts() {
        let run = (0..40).fold(EMPTY, |history, _| next(history, true));
        assert_eq!(weight(run), MOST[0]);
        assert!(initial_probability(run) > 64_000);
        let surprised = next(next(run, false), false);
        assert!(initial_probability(surprised) < 50_000);
        assert_eq!(weight(EMPTY), 0);
        assert_eq!(initial_probability(EMPTY), 1 << 15);
    }
}
