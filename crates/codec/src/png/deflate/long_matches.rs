//! zlib's search for the longest match where matches of fewer than six bytes are not worth it, which
//! is what filtered data are searched for.
//!
//! zlib walks chains of positions whose first three bytes have the same hash, and tries a bounded
//! number of them. Few of these begin with the six bytes that are worth a match. Here chains are by
//! the hash of six bytes, and the place that a position has in zlib's chain is counted. Invariant:
//! what is found is what zlib would find, which depends on the bytes of the window alone; so
//! positions need not be inserted before a search that may reach them.

use super::matcher::{BUFFER, MARGIN, PREVIOUS, at, boxed, common_length};
use super::token::{LONGEST_COPY, SHORTEST_COPY};
use crate::simd::{VectorInstructions, Vectorized, vectorized};

/// The shortest match found, in bytes.
pub(super) const SHORTEST: usize = 6;

/// Positions by six bytes.
const HEADS: usize = 1 << 15;
const HEADS_SHIFT: u32 = 64 - HEADS.ilog2();
/// Of a number read lowest byte first.
const SIX_BYTES: u64 = (1 << 48) - 1;
/// Positions of a chain that are looked at: four times as many as zlib ever does. More have the same
/// hash only in data that were made for it.
const MOST_STEPS: u32 = 1 << 14;

/// The bytes that are searched.
type Buffer = [u8; BUFFER + MARGIN];

/// zlib's hash.
#[derive(Clone, Copy, Debug)]
struct ThreeBytes {
    shift: u32,
    mask: u32,
}

impl ThreeBytes {
    #[inline(always)]
    fn of(self, bytes: u64) -> usize {
        let shift = self.shift & 31;
        let [one, two, three, ..] = bytes.to_le_bytes().map(u32::from);
        (((one << shift ^ two) << shift ^ three) & self.mask) as usize
    }
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Where the match is to be taken.
    pub(super) position: usize,
    /// Bytes from there on, at least [`SHORTEST`].
    pub(super) lookahead: usize,
    /// How far back a match may start.
    pub(super) reach: usize,
    /// It is to be longer than this: at least five.
    pub(super) best: usize,
    /// Positions of zlib's chain that are tried.
    pub(super) chain: u32,
    /// A match of this length ends the search.
    pub(super) nice_length: usize,
}

/// Chains of positions, and the order of each among those with the same hash by zlib.
///
/// Positions that begin with six equal bytes, and follow each other, are inserted as one: the last.
#[derive(Clone)]
pub(super) struct LongMatches {
    /// The newest position by hash; 0 for none.
    heads: Box<[u16; HEADS]>,
    /// The position before with the same hash, by position within the window.
    previous: Box<[u16; PREVIOUS]>,
    /// How many positions came, by zlib's hash of their three bytes; wraps around.
    counts: Vec<u16>,
    /// How many had come with a position, by position within the window.
    ordinals: Box<[u16; PREVIOUS]>,
    hash: ThreeBytes,
    /// Positions before this one need not be inserted any more.
    inserted: usize,
    /// Whether no chain has a position.
    is_empty: bool,
    /// Whether a search ended before zlib's would have.
    gave_up: bool,
}

impl LongMatches {
    pub(super) fn boxed() -> Box<Self> {
        Box::new(Self {
            heads: boxed(0),
            previous: boxed(0),
            counts: Vec::new(),
            ordinals: boxed(0),
            hash: ThreeBytes { shift: 0, mask: 0 },
            inserted: 1,
            is_empty: true,
            gave_up: false,
        })
    }

    /// Begins another stream, of which zlib hashes three bytes to `hash_bits` bits.
    pub(super) fn reset(&mut self, hash_bits: u32) {
        self.heads.fill(0);
        self.counts.clear();
        self.counts.resize(1 << hash_bits, 0);
        self.hash = ThreeBytes {
            shift: hash_bits.div_ceil(SHORTEST_COPY as u32),
            mask: (1 << hash_bits) - 1,
        };
        self.inserted = 1;
        self.is_empty = true;
        self.gave_up = false;
    }

    /// Whether what was found may not be what zlib would find: a search took too long.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Follows the window's upper half having been moved to the lower.
    pub(super) fn slide(&mut self, window: usize) {
        if self.is_empty {
            self.inserted = 1;
            return;
        }
        // No match starts at position 0.
        self.inserted = self.inserted.saturating_sub(window).max(1);
        self.is_empty = self.inserted == 1;
        let distance = window as u16;
        vectorized(MoveDown(&mut *self.heads, distance));
        vectorized(MoveDown(&mut self.previous[..window], distance));
    }

    /// Forgets all positions; the next one is 0.
    pub(super) fn forget(&mut self) {
        self.heads.fill(0);
        self.inserted = 1;
        self.is_empty = true;
    }

    /// Inserts all positions before `end` that a match can start at, of the last `reach`.
    #[inline(always)]
    fn insert_before(&mut self, buffer: &Buffer, window: usize, end: usize, reach: usize) {
        let first = self.inserted.max(end.saturating_sub(reach));
        self.inserted = end;
        if first < end {
            self.insert(buffer, window, first, end);
        }
    }

    #[inline(always)]
    fn insert(&mut self, buffer: &Buffer, window: usize, first: usize, end: usize) {
        let mask = window.wrapping_sub(1) & (PREVIOUS - 1);
        self.is_empty = false;
        let mut position = first;
        while position < end {
            let bytes = u64::from_le_bytes(*at(buffer, position));
            let mut count = 1;
            if is_run(bytes) {
                let left = end.wrapping_sub(position);
                let run = run_length(buffer, position, bytes, left.wrapping_add(SHORTEST));
                count = run.saturating_sub(SHORTEST - 1).clamp(1, left);
            }
            let last = position.wrapping_add(count).wrapping_sub(1);
            let Some(ordinal) = self.counts.get_mut(self.hash.of(bytes)) else {
                return;
            };
            *ordinal = ordinal.wrapping_add(count as u16);
            let place = last & mask;
            self.ordinals[place] = *ordinal;
            let head = &mut self.heads[hash_six(bytes)];
            self.previous[place] = *head;
            *head = last as u16;
            position = last.wrapping_add(1);
        }
    }

    /// The longest match that is longer than wanted at least, with its start, if there is one.
    #[inline(always)]
    pub(super) fn longest(
        &mut self,
        buffer: &Buffer,
        window: usize,
        wanted: &Wanted,
    ) -> Option<(usize, usize)> {
        let position = wanted.position;
        self.insert_before(buffer, window, position, wanted.reach);
        let bytes = u64::from_le_bytes(*at(buffer, position));
        let is_run = is_run(bytes);
        let mask = window.wrapping_sub(1) & (PREVIOUS - 1);
        let count = self.counts.get_mut(self.hash.of(bytes))?;
        let head = &mut self.heads[hash_six(bytes)];
        let (newest, before) = (*head, *count);
        if !is_run {
            // What the next search would do, while all that it takes is at hand.
            *count = before.wrapping_add(1);
            *head = position as u16;
            self.ordinals[position & mask] = *count;
            self.previous[position & mask] = newest;
            self.inserted = position.wrapping_add(1);
            self.is_empty = false;
        }
        let walk = Walk {
            buffer,
            wanted,
            bytes,
            candidate: usize::from(newest),
            limit: position.saturating_sub(wanted.reach).max(1),
            count: before,
            previous: &self.previous,
            ordinals: &self.ordinals,
            mask,
            best: wanted.best,
            start: None,
        };
        if walk.candidate < walk.limit {
            return None;
        }
        let found = if is_run {
            walk.among_runs()
        } else {
            walk.among_all()
        };
        self.gave_up |= found.gave_up;
        Some((found.best.min(wanted.lookahead), found.start?))
    }
}

/// Places that are so much less after a slide, and none where they would be negative.
struct MoveDown<'p>(&'p mut [u16], u16);

impl Vectorized for MoveDown<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, _simd: S) {
        let Self(places, distance) = self;
        for place in places {
            *place = place.saturating_sub(distance);
        }
    }
}

/// How a search ended.
struct Walked {
    best: usize,
    start: Option<usize>,
    gave_up: bool,
}

/// A search as it goes on.
struct Walk<'a> {
    buffer: &'a Buffer,
    wanted: &'a Wanted,
    /// At the position searched for.
    bytes: u64,
    candidate: usize,
    /// The first position that a match may start at.
    limit: usize,
    /// How many positions were inserted with the same hash by zlib.
    count: u16,
    previous: &'a [u16; PREVIOUS],
    ordinals: &'a [u16; PREVIOUS],
    mask: usize,
    best: usize,
    start: Option<usize>,
}

impl Walk<'_> {
    /// How many positions of its chain zlib looks at before the candidate; `None` if it does not get
    /// there.
    #[inline(always)]
    fn rank(&self) -> Option<usize> {
        let ordinal = self.ordinals[self.candidate & self.mask];
        let rank = usize::from(self.count.wrapping_sub(ordinal));
        // zlib looks at the newest position even where it is as far back as may be.
        let is_far = self.position_is_far(self.candidate);
        (rank < self.wanted.chain as usize && !(is_far && rank > 0)).then_some(rank)
    }

    #[inline(always)]
    fn nice_length(&self) -> usize {
        self.wanted.nice_length.min(self.wanted.lookahead)
    }

    /// Whether the candidate begins with the same six bytes.
    #[inline(always)]
    fn is_alike(&self) -> bool {
        let other = u64::from_le_bytes(*at(self.buffer, self.candidate));
        (other ^ self.bytes) & SIX_BYTES == 0
    }

    #[inline(always)]
    fn go_on(&mut self) {
        self.candidate = usize::from(self.previous[self.candidate & self.mask]);
    }

    fn end(self, steps: u32) -> Walked {
        Walked {
            best: self.best,
            start: self.start,
            gave_up: steps == MOST_STEPS,
        }
    }

    /// Tries one position after the other.
    #[inline(always)]
    fn among_all(mut self) -> Walked {
        let position = self.wanted.position;
        let current: &[u8; LONGEST_COPY] = at(self.buffer, position);
        let nice = self.nice_length();
        // The last bytes that a longer match has tell most candidates apart.
        let end_of = |best: usize, position: usize| {
            let end = position.wrapping_add(best).wrapping_sub(3);
            u32::from_le_bytes(*at(self.buffer, end))
        };
        let mut end = end_of(self.best, position);
        let mut steps = 0;
        while self.candidate >= self.limit && steps < MOST_STEPS {
            steps += 1;
            if self.is_alike() {
                if self.rank().is_none() {
                    break;
                }
                if end_of(self.best, self.candidate) == end {
                    let length = common_length(at(self.buffer, self.candidate), current);
                    if length > self.best {
                        self.best = length;
                        self.start = Some(self.candidate);
                        if length >= nice {
                            break;
                        }
                        end = end_of(length, position);
                    }
                }
            }
            self.go_on();
        }
        self.end(steps)
    }

    /// The same for a run of at least six equal bytes: of a run before it, only that position can
    /// have the longest match which is as far from its end.
    #[inline(always)]
    fn among_runs(mut self) -> Walked {
        let position = self.wanted.position;
        let current: &[u8; LONGEST_COPY] = at(self.buffer, position);
        let nice = self.nice_length();
        let run = run_length(self.buffer, position, self.bytes, nice).min(nice);
        let mut steps = 0;
        while self.candidate >= self.limit && steps < MOST_STEPS {
            steps += 1;
            if self.is_alike() {
                let Some(rank) = self.rank() else { break };
                // zlib looks at all that are not too many and, but for the newest, not too far.
                let is_first = usize::from(self.position_is_far(self.limit));
                let most = (self.wanted.chain as usize)
                    .wrapping_sub(rank)
                    .wrapping_sub(1)
                    .min(
                        self.candidate
                            .wrapping_sub(self.limit)
                            .saturating_sub(is_first),
                    );
                let here = run_length(self.buffer, self.candidate, self.bytes, run).min(run);
                let back = self.run_back(run.wrapping_sub(here).min(most));
                let candidate = self.candidate.wrapping_sub(back);
                let length = common_length(at(self.buffer, candidate), current);
                if length > self.best {
                    self.best = length;
                    self.start = Some(candidate);
                    if length >= nice {
                        break;
                    }
                }
            }
            self.go_on();
        }
        self.end(steps)
    }

    /// Whether a match at `start` would go back as far as may be.
    #[inline(always)]
    fn position_is_far(&self, start: usize) -> bool {
        start.wrapping_add(self.wanted.reach) == self.wanted.position
    }

    /// How many bytes before the candidate go on with its run, at most `most`.
    #[inline(always)]
    fn run_back(&self, most: usize) -> usize {
        let word = run_of(self.bytes);
        let mut length = 0;
        while length < most {
            let place = self.candidate.wrapping_sub(length).wrapping_sub(8);
            if place >= BUFFER {
                // Less than a word from the buffer's start: byte by byte.
                let bytes = self.buffer[..self.candidate.wrapping_sub(length) & 7].iter();
                let byte = self.bytes as u8;
                length += bytes.rev().take_while(|other| **other == byte).count();
                break;
            }
            let difference = u64::from_le_bytes(*at(self.buffer, place)) ^ word;
            if difference != 0 {
                length = length.wrapping_add((difference.leading_zeros() >> 3) as usize);
                break;
            }
            length = length.wrapping_add(8);
        }
        length.min(most)
    }
}

#[inline(always)]
fn hash_six(bytes: u64) -> usize {
    let product = (bytes & SIX_BYTES).wrapping_mul(0x9E37_79B1_85EB_CA87);
    (product >> HEADS_SHIFT) as usize & (HEADS - 1)
}

/// Whether six bytes are the same.
#[inline(always)]
fn is_run(bytes: u64) -> bool {
    (bytes ^ bytes >> 8) & (SIX_BYTES >> 8) == 0
}

/// Eight bytes like the first of these.
#[inline(always)]
fn run_of(bytes: u64) -> u64 {
    (bytes & 255).wrapping_mul(0x0101_0101_0101_0101)
}

/// How many bytes from `position` on are the first of `bytes`: up to `most`, or a few more.
#[inline(always)]
fn run_length(buffer: &Buffer, position: usize, bytes: u64, most: usize) -> usize {
    const WIDE: usize = 32;
    let word = run_of(bytes);
    let wide = [bytes as u8; WIDE];
    let mut length = 0usize;
    while length < most && position.wrapping_add(length) < BUFFER {
        let place = position.wrapping_add(length);
        if *at::<WIDE>(buffer, place) == wide {
            length = length.wrapping_add(WIDE);
            continue;
        }
        let difference = u64::from_le_bytes(*at(buffer, place)) ^ word;
        if difference != 0 {
            return length.wrapping_add((difference.trailing_zeros() >> 3) as usize);
        }
        length = length.wrapping_add(8);
    }
    length
}
