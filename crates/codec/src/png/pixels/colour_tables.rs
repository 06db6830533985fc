//! Colours that followed a neighbourhood before.
//!
//! Three sizes of neighbourhood share one table of hashed contexts, two ways each. An entry is a
//! colour, a few bits of the hash to check by, and a confidence.

use super::format::COLOUR;
use super::hashing::{ODD, finish};

/// Entries of the table.
const ENTRIES: usize = 1 << 18;

/// Number of neighbourhoods.
pub(super) const TIERS: usize = 3;

const CONFIDENCE_MAX: u32 = 7;

/// An entry: colour in the lower 24 bits, then 5 bits of the hash, then 3 of confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry(u32);

impl Entry {
    const EMPTY: Self = Self(0);

    fn new(check: u32, colour: u32) -> Self {
        Self(colour & COLOUR | check << 24 | 1 << 29)
    }

    #[inline(always)]
    fn confidence(self) -> u32 {
        self.0 >> 29
    }

    /// Whether the entry was made for `check`. An empty one was not, having no confidence.
    #[inline(always)]
    fn matches(self, check: u32) -> bool {
        let mark = self.0 >> 24;
        (mark & 31 == check) & (mark > 31)
    }
}

/// What the table knows of one neighbourhood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Where the entry is, or where a new one would go.
    place: usize,
    check: u32,
    /// Colour without alpha; only if the confidence is not 0.
    pub(super) colour: u32,
    /// 0 if nothing was found.
    pub(super) confidence: u32,
}

/// The table.
#[derive(Debug)]
pub(super) struct ColourTable {
    entries: Box<[Entry]>,
}

impl ColourTable {
    pub(super) fn new() -> Self {
        Self {
            entries: vec![Entry::EMPTY; ENTRIES].into_boxed_slice(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.entries.fill(Entry::EMPTY);
    }

    /// Has the entries of neighbourhoods that are about to be looked up brought near: without
    /// mixing, the largest is not looked up.
    #[inline(always)]
    pub(super) fn prepare<const MIXES: bool>(&self, hashes: [u32; TIERS]) {
        for hash in &hashes[usize::from(!MIXES)..] {
            let first = (hash >> 14) as usize & (ENTRIES - 2);
            std::hint::black_box(self.entries[first]);
        }
    }

    /// Looks up a neighbourhood by its hash.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32) -> Found {
        let first = (hash >> 14) as usize & (ENTRIES - 2);
        let check = hash & 31;
        let [one, other] = [self.entries[first], self.entries[first + 1]];
        let is_known = [one.matches(check), other.matches(check)];
        let second = match is_known {
            [true, _] => false,
            [_, true] => true,
            _ => other.confidence() <= one.confidence(),
        };
        let entry = if second { other } else { one };
        let known = is_known[0] | is_known[1];
        Found {
            place: first + usize::from(second),
            check,
            colour: entry.0 & COLOUR,
            confidence: if known { entry.confidence() } else { 0 },
        }
    }

    /// Learns which colour came. `inserts` says whether an unknown neighbourhood is worth an entry.
    #[inline(always)]
    pub(super) fn learn(&mut self, found: &Found, colour: u32, inserts: bool) {
        let place = found.place & (ENTRIES - 1);
        let entry = &mut self.entries[place];
        if found.confidence == 0 {
            if inserts {
                *entry = Entry::new(found.check, colour);
            }
        } else if found.colour == colour & COLOUR {
            let confidence = (found.confidence + 1).min(CONFIDENCE_MAX);
            *entry = Entry(found.colour | found.check << 24 | confidence << 29);
            if place & 1 == 1 {
                self.entries.swap(place, place - 1);
            }
        } else if found.confidence > 1 {
            *entry = Entry(found.colour | found.check << 24 | (found.confidence >> 1) << 29);
        } else {
            *entry = Entry::new(found.check, colour);
        }
    }
}

/// The parts of the three hashes that rows above contribute to the pixels of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct HashesAbove {
    sums: [[u32; 16]; TIERS],
}

impl HashesAbove {
    /// `above` and `two_above` start 3 pixels left of the segment and hold 6 pixels more than it. Without
    /// mixing, the largest neighbourhood is not looked up.
    #[inline(always)]
    pub(super) fn new<const MIXES: bool>(two_above: &[u32; 22], above: &[u32; 22]) -> Self {
        let mut sums = [[0; 16]; TIERS];
        for i in 0..16 {
            let term =
                |row: &[u32; 22], offset: usize, odd: usize| row[i + offset].wrapping_mul(ODD[odd]);
            let (nw, n, ne) = (term(above, 2, 0), term(above, 3, 1), term(above, 4, 2));
            let small = nw.wrapping_add(n).wrapping_add(ne);
            let middle = small
                .wrapping_add(term(two_above, 3, 3))
                .wrapping_add(term(above, 5, 4))
                .wrapping_add(term(above, 1, 5));
            sums[2][i] = small;
            sums[1][i] = middle;
            if MIXES {
                sums[0][i] = middle
                    .wrapping_add(term(above, 0, 6))
                    .wrapping_add(term(above, 6, 7))
                    .wrapping_add(term(two_above, 2, 8))
                    .wrapping_add(term(two_above, 4, 9))
                    .wrapping_add(term(two_above, 5, 10));
            }
        }
        Self { sums }
    }

    /// The hashes of pixel `index` of the segment, from the largest neighbourhood to the smallest,
    /// given the four pixels left of it, nearest first, and its own alpha.
    #[inline(always)]
    pub(super) fn finish(&self, index: usize, left: [u32; 4], alpha: u32) -> [u32; TIERS] {
        let near = left[0]
            .wrapping_mul(ODD[11])
            .wrapping_add(alpha.wrapping_mul(ODD[15]));
        let middle = near.wrapping_add(left[1].wrapping_mul(ODD[12]));
        let far = middle
            .wrapping_add(left[2].wrapping_mul(ODD[13]))
            .wrapping_add(left[3].wrapping_mul(ODD[14]));
        let index = index & 15;
        [
            finish(self.sums[0][index].wrapping_add(far)),
            finish(
                self.sums[1][index]
                    .wrapping_add(middle)
                    .wrapping_add(0x5555_5555),
            ),
            finish(
                self.sums[2][index]
                    .wrapping_add(near)
                    .wrapping_add(0x3333_3333),
            ),
        ]
    }
}
