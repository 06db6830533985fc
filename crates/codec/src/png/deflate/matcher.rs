//! zlib's window and hash chains, and its search for the longest match.
//!
//! Invariant: positions, slides and chains are those of zlib after the same calls, because which
//! matches are found depends on them: a slide forgets the byte at the window's start, and no match
//! starts at position 0.

use super::token::{LONGEST_COPY, SHORTEST_COPY};

/// As many bytes must lie ahead before a choice is made, unless the input ends.
pub(super) const LOOKAHEAD: usize = LONGEST_COPY + SHORTEST_COPY + 1;

/// The buffer's size: two of the largest windows.
const BUFFER: usize = 65_536;
const PREVIOUS: usize = 32_768;

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
    pub(super) buffer: Box<[u8; BUFFER]>,
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
    /// Bytes from there on.
    pub(super) lookahead: usize,
    /// Where the block begun starts; before the buffer after a slide.
    pub(super) block_start: isize,
    /// Positions before that are not yet in a chain, because a flush came.
    pub(super) not_inserted: usize,
    /// Where the longest match starts.
    pub(super) match_start: usize,
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
            lookahead: 0,
            block_start: 0,
            not_inserted: 0,
            match_start: 0,
        }
    }

    /// Begins another stream. Allocates only where `memory_level` is above all before.
    pub(super) fn reset(&mut self, memory_level: u8, window_bits: u8) {
        let hash_bits = u32::from(memory_level) + 7;
        self.heads.clear();
        self.heads.resize(1 << hash_bits, 0);
        self.window = 1 << window_bits.clamp(9, 15);
        self.hash_mask = (1 << hash_bits) - 1;
        self.hash_shift = hash_bits.div_ceil(SHORTEST_COPY as u32);
        self.hash = 0;
        self.position = 0;
        self.lookahead = 0;
        self.block_start = 0;
        self.not_inserted = 0;
        self.match_start = 0;
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
        self.match_start = self.match_start.wrapping_sub(window);
        self.block_start -= window.cast_signed();
        self.not_inserted = self.not_inserted.min(self.position);
        for place in &mut self.heads {
            *place = place.saturating_sub(window as u16);
        }
        for place in &mut self.previous[..window] {
            *place = place.saturating_sub(window as u16);
        }
    }

    /// Inserts the positions that lacked bytes after them at a flush, and begins the hash.
    fn insert_left_out(&mut self) {
        if self.lookahead + self.not_inserted < SHORTEST_COPY {
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

    /// Forgets all positions, as a full flush does.
    pub(super) fn forget(&mut self) {
        self.heads.fill(0);
        if self.lookahead == 0 {
            self.position = 0;
            self.block_start = 0;
            self.not_inserted = 0;
        }
    }

    /// The length of the longest match longer than `best`, at least one, that starts at
    /// `candidate` or before it in its chain; `best` if there is none. Sets where it starts.
    #[inline(always)]
    pub(super) fn longest_match(
        &mut self,
        mut candidate: usize,
        mut best: usize,
        effort: &Effort,
    ) -> usize {
        let mut chain = effort.chain_length;
        if best >= effort.good_length {
            chain >>= 2;
        }
        let nice = effort.nice_length.min(self.lookahead);
        let position = self.position;
        let limit = position.saturating_sub(self.reach());
        let mask = self.window.wrapping_sub(1) & (PREVIOUS - 1);
        let buffer = &*self.buffer;
        let Some(current) = buffer
            .get(position..)
            .and_then(<[u8]>::first_chunk::<LONGEST_COPY>)
        else {
            return best.min(self.lookahead);
        };
        let start = u16::from_le_bytes([current[0], current[1]]);
        let mut end = pair(buffer, position.wrapping_add(best).wrapping_sub(1));
        loop {
            if pair(buffer, candidate.wrapping_add(best).wrapping_sub(1)) == end
                && pair(buffer, candidate) == start
            {
                let length = common_length(buffer, candidate, current);
                if length > best {
                    self.match_start = candidate;
                    best = length;
                    if length >= nice {
                        break;
                    }
                    end = pair(buffer, position.wrapping_add(best).wrapping_sub(1));
                }
            }
            candidate = usize::from(self.previous[candidate & mask]);
            chain = chain.wrapping_sub(1);
            if candidate <= limit || chain == 0 {
                break;
            }
        }
        best.min(self.lookahead)
    }
}

/// Two bytes as a number.
#[inline(always)]
fn pair(buffer: &[u8; BUFFER], position: usize) -> u16 {
    let first = buffer[position & (BUFFER - 1)];
    let second = buffer[position.wrapping_add(1) & (BUFFER - 1)];
    u16::from_le_bytes([first, second])
}

/// How many bytes at `candidate` equal those of `current`.
#[inline(always)]
fn common_length(buffer: &[u8; BUFFER], candidate: usize, current: &[u8; LONGEST_COPY]) -> usize {
    let Some(earlier) = buffer
        .get(candidate..)
        .and_then(<[u8]>::first_chunk::<LONGEST_COPY>)
    else {
        return 0;
    };
    let (words, _) = current.as_chunks::<8>();
    let (earlier_words, _) = earlier.as_chunks::<8>();
    let mut length = 0usize;
    for (word, earlier) in words.iter().zip(earlier_words) {
        let difference = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*earlier);
        if difference != 0 {
            return length.wrapping_add((difference.trailing_zeros() >> 3) as usize);
        }
        length = length.wrapping_add(8);
    }
    if current[256] != earlier[256] {
        256
    } else if current[257] != earlier[257] {
        257
    } else {
        258
    }
}

fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    match vec![value; N].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the vector has the array's length"),
    }
}
