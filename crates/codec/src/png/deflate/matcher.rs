//! zlib's window and hash chains, and its search for the longest match.
//!
//! Invariant: positions, slides and chains are those of zlib after the same calls, because which
//! matches are found depends on them: a slide forgets the byte at the window's start, and no match
//! starts at position 0. Where only long matches are worth it, [`LongMatches`] finds the same ones.

use super::long_matches::{self, LongMatches, Wanted};
use super::token::{LONGEST_COPY, SHORTEST_COPY, Token};

/// As many bytes must lie ahead before a choice is made, unless the input ends.
pub(super) const LOOKAHEAD: usize = LONGEST_COPY + SHORTEST_COPY + 1;

/// The buffer's size: two of the largest windows.
pub(super) const BUFFER: usize = 65_536;
/// Bytes behind it that are read, but decide nothing.
pub(super) const MARGIN: usize = LONGEST_COPY;
pub(super) const PREVIOUS: usize = 32_768;

/// How long zlib searches (`configuration_table` in its `deflate.c`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// A match before of this length shortens the search.
    pub(super) good_length: usize,
    /// A match of this length is not searched to be bettered; without lazy matching, longer ones are not inserted.
    pub(super) lazy_length: usize,
    /// A match of this length ends the search.
    pub(super) nice_length: usize,
    /// Candidates tried.
    pub(super) chain_length: u32,
}

impl Effort {
    const fn new(
        good_length: usize,
        lazy_length: usize,
        nice_length: usize,
        chain_length: u32,
    ) -> Self {
        Self {
            good_length,
            lazy_length,
            nice_length,
            chain_length,
        }
    }

    /// By level.
    pub(super) const LEVELS: [Self; 10] = [
        Self::new(0, 0, 0, 0),
        Self::new(4, 4, 8, 4),
        Self::new(4, 5, 16, 8),
        Self::new(4, 6, 32, 32),
        Self::new(4, 4, 16, 16),
        Self::new(8, 16, 32, 32),
        Self::new(8, 16, 128, 128),
        Self::new(8, 32, 128, 256),
        Self::new(32, 128, 258, 1024),
        Self::new(32, 258, 258, 4096),
    ];
}

/// The window and what finds matches in it.
#[derive(Clone)]
pub(super) struct Matcher {
    pub(super) buffer: Box<[u8; BUFFER + MARGIN]>,
    /// The newest position by hash; 0 for none.
    heads: Vec<u16>,
    /// The position before with the same hash, by position within the window.
    previous: Box<[u16; PREVIOUS]>,
    /// Bytes of the window.
    pub(super) window: usize,
    hash_mask: u32,
    hash_shift: u32,
    hash: u32,
    /// Where the next token starts.
    pub(super) position: usize,
    /// How many bytes came before the buffer.
    pub(super) slid: u64,
    /// Bytes from there on.
    pub(super) lookahead: usize,
    /// Where the block begun starts; before the buffer after a slide.
    pub(super) block_start: isize,
    /// Positions before that are not yet in a chain, because a flush came.
    pub(super) not_inserted: usize,
    /// Where the longest match starts.
    pub(super) match_start: usize,
    /// What finds matches where only long ones are worth it; then the chains above are not used.
    long_matches: Option<Box<LongMatches>>,
    pub(super) only_long_matches: bool,
}

impl Matcher {
    pub(super) fn new() -> Self {
        Self {
            buffer: boxed(0),
            heads: Vec::new(),
            previous: boxed(0),
            window: 0,
            hash_mask: 0,
            hash_shift: 0,
            hash: 0,
            position: 0,
            slid: 0,
            lookahead: 0,
            block_start: 0,
            not_inserted: 0,
            match_start: 0,
            long_matches: None,
            only_long_matches: false,
        }
    }

    /// Begins another stream, all of whose matches are long if that is said. Allocates only where the
    /// parameters before had no need of it.
    pub(super) fn reset(&mut self, memory_level: u8, window_bits: u8, only_long_matches: bool) {
        let hash_bits = u32::from(memory_level) + 7;
        self.only_long_matches = only_long_matches;
        self.heads.clear();
        if only_long_matches {
            self.long_matches
                .get_or_insert_with(LongMatches::boxed)
                .reset(hash_bits);
        } else {
            self.heads.resize(1 << hash_bits, 0);
        }
        self.window = 1 << window_bits.clamp(9, 15);
        self.hash_mask = (1 << hash_bits) - 1;
        self.hash_shift = hash_bits.div_ceil(SHORTEST_COPY as u32);
        self.hash = 0;
        self.position = 0;
        self.slid = 0;
        self.lookahead = 0;
        self.block_start = 0;
        self.not_inserted = 0;
        self.match_start = 0;
    }

    /// Goes on at `position` of `bytes`, of which `slid` came before. All positions before it whose three
    /// bytes are there are in their chains.
    pub(super) fn take_over(&mut self, bytes: &[u8], position: usize, slid: u64) {
        self.buffer[..bytes.len()].copy_from_slice(bytes);
        self.position = position;
        self.slid = slid;
        self.lookahead = bytes.len() - position;
        let last = (bytes.len() + 1).saturating_sub(SHORTEST_COPY);
        self.insert_match(0, 0, position.min(last));
    }

    /// How far back a match may start.
    #[inline(always)]
    pub(super) fn reach(&self) -> usize {
        self.window.wrapping_sub(LOOKAHEAD)
    }

    /// The bytes of the block begun, if they are all still there.
    pub(super) fn block_bytes(&self) -> Option<&[u8]> {
        let start = usize::try_from(self.block_start).ok()?;
        Some(&self.buffer[start..self.position])
    }

    /// How many bytes the block begun stands for.
    pub(super) fn block_length(&self) -> usize {
        self.position
            .wrapping_add_signed(self.block_start.wrapping_neg())
    }

    /// Takes input until there is enough ahead, sliding the window where there is no room.
    pub(super) fn fill(&mut self, input: &mut &[u8]) {
        loop {
            if self.position >= self.window + self.reach() {
                self.slide();
            }
            if input.is_empty() {
                return;
            }
            let end = self.position + self.lookahead;
            let length = input.len().min(2 * self.window - end);
            let (bytes, rest) = input.split_at(length);
            self.buffer[end..end + length].copy_from_slice(bytes);
            *input = rest;
            self.lookahead += length;
            self.insert_left_out();
            if self.lookahead >= LOOKAHEAD {
                return;
            }
        }
    }

    /// Moves the window's upper half to the lower.
    fn slide(&mut self) {
        let window = self.window;
        let end = self.position + self.lookahead;
        self.buffer.copy_within(window..end, 0);
        self.position -= window;
        self.slid += window as u64;
        self.match_start = self.match_start.wrapping_sub(window);
        self.block_start -= window.cast_signed();
        self.not_inserted = self.not_inserted.min(self.position);
        if self.only_long_matches {
            if let Some(long) = &mut self.long_matches {
                long.slide(window);
            }
            return;
        }
        for place in &mut self.heads {
            *place = place.saturating_sub(window as u16);
        }
        for place in &mut self.previous[..window] {
            *place = place.saturating_sub(window as u16);
        }
    }

    /// Inserts the positions that lacked bytes after them at a flush, and begins the hash.
    fn insert_left_out(&mut self) {
        if self.lookahead + self.not_inserted < SHORTEST_COPY || self.only_long_matches {
            return;
        }
        let mut position = self.position - self.not_inserted;
        self.begin_hash(position);
        while self.not_inserted > 0 {
            self.insert(position);
            position += 1;
            self.not_inserted -= 1;
            if self.lookahead + self.not_inserted < SHORTEST_COPY {
                break;
            }
        }
    }

    /// Hashes the two bytes at `position`.
    #[inline(always)]
    pub(super) fn begin_hash(&mut self, position: usize) {
        self.hash = u32::from(self.buffer[position & (BUFFER - 1)]);
        self.hash_byte(position.wrapping_add(1));
    }

    #[inline(always)]
    fn hash_byte(&mut self, position: usize) {
        let byte = u32::from(self.buffer[position & (BUFFER - 1)]);
        self.hash = (self.hash << (self.hash_shift & 31) ^ byte) & self.hash_mask;
    }

    /// Inserts `position` into the chain of the three bytes there; gives the newest before it.
    #[inline(always)]
    pub(super) fn insert(&mut self, position: usize) -> usize {
        self.hash_byte(position.wrapping_add(SHORTEST_COPY - 1));
        let Some(head) = self.heads.get_mut(self.hash as usize) else {
            return 0;
        };
        let before = *head;
        *head = position as u16;
        self.previous[position & self.window.wrapping_sub(1) & (PREVIOUS - 1)] = before;
        usize::from(before)
    }

    /// Inserts the positions of a match: from `first` up to before `end`, of which those before
    /// `run_end` begin a run of equal bytes of at least three.
    #[inline(always)]
    pub(super) fn insert_match(&mut self, first: usize, run_end: usize, end: usize) {
        let mut position = first;
        if position < run_end {
            position = self.insert_run(first, run_end);
        }
        if position >= end {
            return;
        }
        let Some(([one, two], bytes)) = self
            .buffer
            .get(position..end.wrapping_add(2))
            .and_then(<[u8]>::split_first_chunk::<2>)
        else {
            return;
        };
        let shift = self.hash_shift & 31;
        let mut hash = u32::from(*one) << shift ^ u32::from(*two);
        let window_mask = self.window.wrapping_sub(1) & (PREVIOUS - 1);
        for byte in bytes {
            hash = (hash << shift ^ u32::from(*byte)) & self.hash_mask;
            let Some(head) = self.heads.get_mut(hash as usize) else {
                return;
            };
            self.previous[position & window_mask] = *head;
            *head = position as u16;
            position = position.wrapping_add(1);
        }
        self.hash = hash;
    }

    /// Inserts the positions of tokens that are taken next; where all matches are long, those are
    /// inserted when a search may reach them.
    pub(super) fn insert_tokens(&mut self, tokens: &[Token]) {
        if self.only_long_matches {
            return;
        }
        let mut inserted = self.position;
        let mut start = self.position;
        for token in tokens {
            let end = start + token.length();
            if token.distance() == 1 {
                self.insert_match(inserted, 0, start);
                self.insert_match(start, end - 2, end);
                inserted = end;
            } else if token.distance() > 0 {
                // With the literals before it.
                self.insert_match(inserted, 0, end);
                inserted = end;
            }
            start = end;
        }
        self.insert_match(inserted, 0, start);
    }

    /// Inserts the positions of a run of equal bytes, which all have the same hash; gives `end`.
    fn insert_run(&mut self, first: usize, end: usize) -> usize {
        self.begin_hash(first);
        self.insert(first);
        let mut position = first.wrapping_add(1);
        while position < end {
            // As many as lie together in the window.
            let place = position & self.window.wrapping_sub(1) & (PREVIOUS - 1);
            let stop = self.window.min(place + end - position);
            for (before, previous) in (position - 1..).zip(&mut self.previous[place..stop]) {
                *previous = before as u16;
            }
            position += stop - place;
        }
        if let Some(head) = self.heads.get_mut(self.hash as usize) {
            *head = end.wrapping_sub(1) as u16;
        }
        end
    }

    /// Forgets all positions, as a full flush does.
    pub(super) fn forget(&mut self) {
        self.heads.fill(0);
        if let Some(long) = &mut self.long_matches {
            long.forget();
        }
        if self.lookahead == 0 {
            self.position = 0;
            self.block_start = 0;
            self.not_inserted = 0;
        }
    }

    /// Whether some match may not be the one that zlib finds: a search took too long.
    pub(super) fn gave_up(&self) -> bool {
        let long = self.long_matches.as_ref();
        self.only_long_matches && long.is_some_and(|long| long.gave_up())
    }

    /// The length of the longest match that is longer than `best`, which is at least five; `best` if
    /// there is none. Sets where it starts. To be called where all matches are long.
    #[inline(always)]
    pub(super) fn longest_long_match(&mut self, best: usize, chain: u32, nice: usize) -> usize {
        let wanted = Wanted {
            position: self.position,
            lookahead: self.lookahead,
            reach: self.reach(),
            best,
            chain,
            nice_length: nice,
        };
        let window = self.window;
        let found = match &mut self.long_matches {
            Some(long) if self.lookahead >= long_matches::SHORTEST => {
                long.longest(&self.buffer, window, &wanted)
            }
            _ => None,
        };
        match found {
            Some((length, start)) => {
                self.match_start = start;
                length
            }
            None => best.min(self.lookahead),
        }
    }

    /// The length of the longest match longer than `best`, at least two, that starts at
    /// `candidate` or before it in its chain; `best` if there is none. Sets where it starts.
    #[inline(always)]
    pub(super) fn longest_match(
        &mut self,
        mut candidate: usize,
        mut best: usize,
        mut chain: u32,
        nice_length: usize,
    ) -> usize {
        let nice = nice_length.min(self.lookahead);
        let position = self.position;
        let limit = position.saturating_sub(self.reach());
        let mask = self.window.wrapping_sub(1) & (PREVIOUS - 1);
        let buffer = &*self.buffer;
        let current: &[u8; LONGEST_COPY] = at(buffer, position);
        let start = u32::from_le_bytes(*at(buffer, position)) & THREE_BYTES;
        let mut match_start = self.match_start;
        // The last bytes that a longer match has tell most candidates apart.
        let mut end_offset = best.saturating_sub(3);
        let mut end_mask = if best < 3 { THREE_BYTES } else { u32::MAX };
        let mut end = u32::from_le_bytes(*at(buffer, position.wrapping_add(end_offset)));
        loop {
            let other_end = u32::from_le_bytes(*at(buffer, candidate.wrapping_add(end_offset)));
            if (other_end ^ end) & end_mask == 0
                && u32::from_le_bytes(*at(buffer, candidate)) & THREE_BYTES == start
            {
                let length = common_length(at(buffer, candidate), current);
                if length > best {
                    match_start = candidate;
                    best = length;
                    if length >= nice {
                        break;
                    }
                    end_offset = best.wrapping_sub(3);
                    end_mask = u32::MAX;
                    end = u32::from_le_bytes(*at(buffer, position.wrapping_add(end_offset)));
                }
            }
            candidate = usize::from(self.previous[candidate & mask]);
            chain = chain.wrapping_sub(1);
            if candidate <= limit || chain == 0 {
                break;
            }
        }
        self.match_start = match_start;
        best.min(self.lookahead)
    }

    /// Calls `found` with the start and the length of each match at `position` that is longer than all
    /// nearer ones: from `candidate` on, and as far as [`longest_match`](Self::longest_match) goes.
    pub(super) fn ever_longer_matches(
        &self,
        (position, candidate): (usize, usize),
        chain: u32,
        nice_length: usize,
        mut found: impl FnMut(usize, usize),
    ) {
        let end = self.position + self.lookahead;
        let most = end.saturating_sub(position).min(LONGEST_COPY);
        let nice = nice_length.min(most);
        let limit = position.saturating_sub(self.reach());
        let mask = self.window.wrapping_sub(1) & (PREVIOUS - 1);
        let current: &[u8; LONGEST_COPY] = at(&self.buffer, position);
        let mut best = SHORTEST_COPY - 1;
        let mut candidate = candidate;
        for _ in 0..chain {
            let other: &[u8; LONGEST_COPY] = at(&self.buffer, candidate);
            if other[best] == current[best] {
                let length = common_length(other, current).min(most);
                if length > best {
                    found(candidate, length);
                    best = length;
                    if length >= nice {
                        return;
                    }
                }
            }
            candidate = usize::from(self.previous[candidate & mask]);
            if candidate <= limit {
                return;
            }
        }
    }

    /// Where the matches of at least `length` bytes for the current position start, the nearest first:
    /// at `candidate` or before it in its chain, of which at most `steps` positions are looked at.
    pub(super) fn matches(
        &self,
        candidate: usize,
        length: usize,
        steps: u32,
    ) -> impl Iterator<Item = usize> + Clone {
        let limit = self.position.saturating_sub(self.reach()).max(1);
        let mask = self.window.wrapping_sub(1) & (PREVIOUS - 1);
        let current: &[u8; LONGEST_COPY] = at(&self.buffer, self.position);
        let chain = std::iter::successors(Some(candidate), move |&candidate| {
            Some(usize::from(self.previous[candidate & mask]))
        });
        chain
            .take_while(move |&candidate| candidate >= limit)
            .take(steps as usize)
            .filter(move |&candidate| common_length(at(&self.buffer, candidate), current) >= length)
    }
}

/// The lowest bytes of a number read lowest byte first.
const THREE_BYTES: u32 = 0xff_ffff;

/// `N` bytes, at most [`MARGIN`], from `position` on.
#[inline(always)]
pub(super) fn at<const N: usize>(buffer: &[u8; BUFFER + MARGIN], position: usize) -> &[u8; N] {
    const { assert!(N <= MARGIN) };
    let start = position & (BUFFER - 1);
    match buffer[start..].first_chunk() {
        Some(chunk) => chunk,
        None => unreachable!("the margin is as long"),
    }
}

/// How many bytes are equal at the start.
#[inline(always)]
pub(super) fn common_length(one: &[u8; LONGEST_COPY], other: &[u8; LONGEST_COPY]) -> usize {
    let (words, _) = one.as_chunks::<8>();
    let (other_words, _) = other.as_chunks::<8>();
    let mut length = 0usize;
    for (word, other) in words.iter().zip(other_words) {
        let difference = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if difference != 0 {
            return length.wrapping_add((difference.trailing_zeros() >> 3) as usize);
        }
        length = length.wrapping_add(8);
    }
    if one[256] != other[256] {
        256
    } else if one[257] != other[257] {
        257
    } else {
        258
    }
}

pub(super) fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    match vec![value; N].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the vector has the array's length"),
    }
}
