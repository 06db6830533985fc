//! Blocks that vanished: what the previous image showed where this one shows something else.
//!
//! Windows come back, and so do menus, tabs and lines of text. Blocks are kept packed, in chained
//! chunks of memory; a new one drives out those that have gone unused longest. Every block is known
//! by a number that grows with each insertion and each use. Invariant: both directions insert and
//! use the same blocks in the same order, so that numbers mean the same to both.

use super::packing::{Block, PACKED_MAX, pack, unpack};

/// Bytes of a chunk, and how many of them hold data; the others hold the next chunk's index.
const CHUNK: usize = 32;
const CHUNK_DATA: usize = 30;

/// Chunks. At most 65535, an index being 16 bits.
const CHUNKS: usize = 45_000;

/// Numbers in use at a time, alive or not.
const NUMBERS: usize = 1 << 15;

/// Places in the image that remember their newest blocks; places further apart share.
const PLACES: usize = 1 << 13;

/// Newest blocks remembered for each place.
pub(super) const NEWEST: usize = 3;

/// No chunk, no entry.
const NONE: u16 = u16::MAX;

/// A block's number.
pub(super) type Number = u32;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Upper half of the block's hash.
    check: u16,
    first: u16,
    length: u16,
}

const DEAD: Entry = Entry {
    check: 0,
    first: NONE,
    length: 0,
};

/// The cache.
#[derive(Debug)]
pub(super) struct BlockCache {
    chunks: Box<[[u8; CHUNK]]>,
    first_free: u16,
    free: usize,
    entries: Box<[Entry]>,
    /// The next number to give, and the least that may be alive.
    next: Number,
    oldest: Number,
    /// By the lower bits of a block's hash: the lower bits of its number.
    by_hash: Box<[u16]>,
    newest: Box<[[u16; NEWEST]]>,
}

impl BlockCache {
    pub(super) fn new() -> Self {
        let mut cache = Self {
            chunks: vec![[0; CHUNK]; CHUNKS].into_boxed_slice(),
            first_free: 0,
            free: 0,
            entries: vec![DEAD; NUMBERS].into_boxed_slice(),
            next: 0,
            oldest: 0,
            by_hash: vec![0; NUMBERS].into_boxed_slice(),
            newest: vec![[0; NEWEST]; PLACES].into_boxed_slice(),
        };
        cache.reset();
        cache
    }

    pub(super) fn reset(&mut self) {
        for (index, chunk) in self.chunks.iter_mut().enumerate() {
            let next = if index + 1 < CHUNKS {
                index as u16 + 1
            } else {
                NONE
            };
            set_next(chunk, next);
        }
        self.first_free = 0;
        self.free = CHUNKS;
        self.entries.fill(DEAD);
        self.next = 0;
        self.oldest = 0;
        self.by_hash.fill(0);
        self.newest.fill([0; NEWEST]);
    }

    /// How many numbers the newest block is ahead of `number`.
    pub(super) fn distance(&self, number: Number) -> u32 {
        self.next.wrapping_sub(1).wrapping_sub(number)
    }

    /// The number that is `distance` behind the newest block's.
    pub(super) fn number_at(&self, distance: u32) -> Number {
        self.next.wrapping_sub(1).wrapping_sub(distance)
    }

    /// Numbers of the blocks that were last at a place, newest first. They may be dead.
    pub(super) fn newest_at(&self, place: usize) -> [Number; NEWEST] {
        self.newest[place % PLACES].map(|low| self.number_from(low))
    }

    /// Whether there is a block of this number.
    pub(super) fn is_alive(&self, number: Number) -> bool {
        (self.distance(number) as usize) < NUMBERS && self.entry(number).first != NONE
    }

    /// The number of a block with these contents, by their hash: it may have others.
    pub(super) fn find(&self, hash: u32) -> Option<Number> {
        let number = self.number_from(self.by_hash[hash as usize % NUMBERS]);
        (self.is_alive(number) && self.entry(number).check == (hash >> 16) as u16).then_some(number)
    }

    /// The contents of a block; `None` if it is dead.
    pub(super) fn get(&self, number: Number) -> Option<Block> {
        if !self.is_alive(number) {
            return None;
        }
        let entry = self.entry(number);
        let mut bytes = [0; PACKED_MAX + CHUNK_DATA];
        let mut chunk = entry.first;
        for part in bytes[..usize::from(entry.length).div_ceil(CHUNK_DATA) * CHUNK_DATA]
            .as_chunks_mut::<CHUNK_DATA>()
            .0
        {
            let data = &self.chunks[usize::from(chunk)];
            part.copy_from_slice(&data[..CHUNK_DATA]);
            chunk = next_of(data);
        }
        Some(unpack(&bytes[..usize::from(entry.length)]))
    }

    /// Gives a block that is alive a new number, because it has come into use at a place. `hash` is
    /// that of its contents.
    pub(super) fn renew(&mut self, number: Number, hash: u32, place: usize) {
        let entry = std::mem::replace(&mut self.entries[number as usize % NUMBERS], DEAD);
        for low in &mut self.newest[place % PLACES] {
            if *low == number as u16 {
                *low = self.next as u16;
            }
        }
        self.add(entry, hash, place);
    }

    /// Keeps a block that was at a place, unless it is plain or kept already.
    pub(super) fn insert(&mut self, block: &Block, colourful: bool, place: usize) {
        if block.is_uniform() {
            return;
        }
        let hash = block.hash();
        if let Some(number) = self.find(hash) {
            return self.note(number, place);
        }
        let mut bytes = [0; PACKED_MAX];
        let Some(length) = pack(block, colourful, &mut bytes) else {
            return;
        };
        while self.free < length.div_ceil(CHUNK_DATA) {
            self.drop_oldest();
        }
        let mut first = NONE;
        for part in bytes[..length].chunks(CHUNK_DATA).rev() {
            let index = self.first_free;
            let chunk = &mut self.chunks[usize::from(index)];
            self.first_free = next_of(chunk);
            chunk[..part.len()].copy_from_slice(part);
            set_next(chunk, first);
            first = index;
            self.free -= 1;
        }
        let entry = Entry {
            check: (hash >> 16) as u16,
            first,
            length: length as u16,
        };
        self.add(entry, hash, place);
    }

    fn add(&mut self, entry: Entry, hash: u32, place: usize) {
        while self.next.wrapping_sub(self.oldest) as usize >= NUMBERS {
            self.drop_oldest();
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.entries[number as usize % NUMBERS] = entry;
        self.by_hash[hash as usize % NUMBERS] = number as u16;
        self.note(number, place);
    }

    /// Remembers that a block was at a place.
    fn note(&mut self, number: Number, place: usize) {
        let newest = &mut self.newest[place % PLACES];
        let old = newest.iter().position(|low| *low == number as u16);
        newest[..=old.unwrap_or(NEWEST - 1)].rotate_right(1);
        newest[0] = number as u16;
    }

    /// Frees the chunks of the least number, if it is alive.
    fn drop_oldest(&mut self) {
        let place = self.oldest as usize % NUMBERS;
        let entry = std::mem::replace(&mut self.entries[place], DEAD);
        self.oldest = self.oldest.wrapping_add(1);
        let mut chunk = entry.first;
        while chunk != NONE {
            let data = &mut self.chunks[usize::from(chunk)];
            let next = next_of(data);
            set_next(data, self.first_free);
            self.first_free = chunk;
            self.free += 1;
            chunk = next;
        }
    }

    fn entry(&self, number: Number) -> Entry {
        self.entries[number as usize % NUMBERS]
    }

    /// The newest number with these lower bits.
    fn number_from(&self, low: u16) -> Number {
        let newest = self.next.wrapping_sub(1);
        newest.wrapping_sub(u32::from((newest as u16).wrapping_sub(low)))
    }
}

#[inline(always)]
fn next_of(chunk: &[u8; CHUNK]) -> u16 {
    u16::from_le_bytes([chunk[CHUNK_DATA], chunk[CHUNK_DATA + 1]])
}

#[inline(always)]
fn set_next(chunk: &mut [u8; CHUNK], next: u16) {
    chunk[CHUNK_DATA..].copy_from_slice(&next.to_le_bytes());
}
