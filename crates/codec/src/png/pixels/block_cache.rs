//! Blocks that vanished: what the previous image showed where this one shows something else.
//!
//! Windows come back, and so do menus, tabs and lines of text. Blocks are kept packed in a ring of
//! bytes; a new one overwrites the oldest, save those that have come into use since they were
//! written, which are written once more. Every block is known by a number that grows with each
//! insertion and each use. Invariant: both directions insert and use the same blocks in the same
//! order, so that numbers mean the same to both.

use super::packing::{Block, ColourBook, PACKED_MAX, pack, unpack};

/// Bytes of the ring, a multiple of [`UNIT`].
const RING: usize = 1_500_000;

/// What positions in the ring are multiples of, so that 19 bits hold one.
const UNIT: usize = 4;

/// Bytes before a packed block: its number's lower bits, its length and whether it came into use.
const HEADER: usize = 4;
const USED: u16 = 1 << 15;

/// Numbers in use at a time, alive or not.
const NUMBERS: usize = 1 << 15;

/// Places in the image that remember their newest blocks; places further apart share.
const PLACES: usize = 1 << 13;

/// Newest blocks remembered for each place.
pub(super) const NEWEST: usize = 3;

/// A block's number.
pub(super) type Number = u32;

/// Where a block is in the ring, in units, above some bits of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry(u32);

const CHECK_BITS: u32 = 13;

impl Entry {
    const DEAD: Self = Self(u32::MAX);

    fn new(position: usize, hash: u32) -> Self {
        Self(((position / UNIT) as u32) << CHECK_BITS | hash >> (32 - CHECK_BITS))
    }

    fn position(self) -> usize {
        (self.0 >> CHECK_BITS) as usize * UNIT
    }

    fn matches(self, hash: u32) -> bool {
        self.0 & ((1 << CHECK_BITS) - 1) == hash >> (32 - CHECK_BITS)
    }

    fn moved(self, position: usize) -> Self {
        Self(((position / UNIT) as u32) << CHECK_BITS | self.0 & ((1 << CHECK_BITS) - 1))
    }
}

/// The cache.
#[derive(Debug)]
pub(super) struct BlockCache {
    ring: Box<[u8]>,
    /// Position of the oldest record, and bytes from there to where the next one goes.
    tail: usize,
    filled: usize,
    entries: Box<[Entry]>,
    /// The next number to give.
    next: Number,
    /// By the lower bits of a block's hash: the lower bits of its number.
    by_hash: Box<[u16]>,
    newest: Box<[[u16; NEWEST]]>,
    book: ColourBook,
}

impl BlockCache {
    pub(super) fn new() -> Self {
        Self {
            ring: vec![0; RING].into_boxed_slice(),
            tail: 0,
            filled: 0,
            entries: vec![Entry::DEAD; NUMBERS].into_boxed_slice(),
            next: 0,
            by_hash: vec![0; NUMBERS].into_boxed_slice(),
            newest: vec![[0; NEWEST]; PLACES].into_boxed_slice(),
            book: ColourBook::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.tail = 0;
        self.filled = 0;
        self.entries.fill(Entry::DEAD);
        self.next = 0;
        self.by_hash.fill(0);
        self.newest.fill([0; NEWEST]);
        self.book.reset();
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
        (self.distance(number) as usize) < NUMBERS && self.entry(number) != Entry::DEAD
    }

    /// The number of a block with these contents, by their hash: it may have others.
    pub(super) fn find(&self, hash: u32) -> Option<Number> {
        let number = self.number_from(self.by_hash[hash as usize % NUMBERS]);
        (self.is_alive(number) && self.entry(number).matches(hash)).then_some(number)
    }

    /// The contents of a block; `None` if it is dead.
    pub(super) fn get(&self, number: Number) -> Option<Block> {
        if !self.is_alive(number) {
            return None;
        }
        let position = self.entry(number).position();
        let (_, length) = self.header(position);
        let mut bytes = [0; PACKED_MAX];
        let bytes = &mut bytes[..usize::from(length & !USED)];
        self.read((position + HEADER) % RING, bytes);
        Some(unpack(bytes, &self.book))
    }

    /// Gives a block that is alive a new number, because it has come into use at a place. `hash` is
    /// that of its contents.
    pub(super) fn renew(&mut self, number: Number, hash: u32, place: usize) {
        let index = number as usize % NUMBERS;
        let position = std::mem::replace(&mut self.entries[index], Entry::DEAD).position();
        let (_, length) = self.header(position);
        for low in &mut self.newest[place % PLACES] {
            if *low == number as u16 {
                *low = self.next as u16;
            }
        }
        self.set_header(position, self.next as u16, length | USED);
        self.add(position, hash, place);
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
        let Some(length) = pack(block, colourful, &mut self.book, &mut bytes) else {
            return;
        };
        let position = self.append(self.next as u16, length as u16, &bytes[..length]);
        self.add(position, hash, place);
    }

    /// Gives the next number to the block at `position`.
    fn add(&mut self, position: usize, hash: u32, place: usize) {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.entries[number as usize % NUMBERS] = Entry::new(position, hash);
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

    /// Writes a record, and makes room for it first; its position.
    fn append(&mut self, low: u16, length: u16, bytes: &[u8]) -> usize {
        let size = record_size(bytes.len());
        while RING - self.filled < size {
            self.drop_oldest();
        }
        let position = (self.tail + self.filled) % RING;
        self.set_header(position, low, length);
        self.write((position + HEADER) % RING, bytes);
        self.filled += size;
        position
    }

    /// Drops the oldest record, or writes it once more if it came into use.
    fn drop_oldest(&mut self) {
        let position = self.tail;
        let (low, length) = self.header(position);
        let size = usize::from(length & !USED);
        self.tail = (self.tail + record_size(size)) % RING;
        self.filled -= record_size(size);
        let index = usize::from(low) % NUMBERS;
        let entry = self.entries[index];
        if entry == Entry::DEAD || entry.position() != position {
            return;
        }
        if length & USED == 0 {
            self.entries[index] = Entry::DEAD;
            return;
        }
        let mut bytes = [0; PACKED_MAX];
        self.read((position + HEADER) % RING, &mut bytes[..size]);
        let position = self.append(low, length & !USED, &bytes[..size]);
        self.entries[index] = entry.moved(position);
    }

    fn header(&self, position: usize) -> (u16, u16) {
        let bytes = &self.ring[position..position + HEADER];
        let number = |place: usize| u16::from_le_bytes([bytes[place], bytes[place + 1]]);
        (number(0), number(2))
    }

    fn set_header(&mut self, position: usize, low: u16, length: u16) {
        let [a, b] = low.to_le_bytes();
        let [c, d] = length.to_le_bytes();
        self.ring[position..position + HEADER].copy_from_slice(&[a, b, c, d]);
    }

    fn read(&self, position: usize, bytes: &mut [u8]) {
        let first = bytes.len().min(RING - position);
        let (start, end) = bytes.split_at_mut(first);
        start.copy_from_slice(&self.ring[position..position + first]);
        end.copy_from_slice(&self.ring[..end.len()]);
    }

    fn write(&mut self, position: usize, bytes: &[u8]) {
        let first = bytes.len().min(RING - position);
        let (start, end) = bytes.split_at(first);
        self.ring[position..position + first].copy_from_slice(start);
        self.ring[..end.len()].copy_from_slice(end);
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

/// Bytes that a packed block of `length` takes in the ring.
fn record_size(length: usize) -> usize {
    (HEADER + length).next_multiple_of(UNIT)
}

#[cfg(test)]
mod tests {
    use super::super::format::BLOCK;
    use super::*;

    /// A block that no other seed gives, of colours that compress badly.
    fn block(seed: u32) -> Block {
        let mut block = Block::BLACK;
        let mut state = seed.wrapping_mul(0x9E37_79B1) | 1;
        for pixel in block.pixels.iter_mut().take(BLOCK * 4) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *pixel = state >> 27 << 3;
        }
        block.pixels[0] = seed;
        block
    }

    #[test]
    fn blocks_in_use_outlive_others() {
        let mut cache = BlockCache::new();
        let favourite = block(0);
        cache.insert(&favourite, true, 0);
        // Two blocks may share a hash; then the later one is not inserted.
        let mut others = 0;
        for seed in 1..40_000 {
            let next = block(seed);
            cache.insert(&next, true, 1 + seed as usize % 100);
            let number = cache.find(next.hash()).expect("just inserted");
            others += u32::from(cache.get(number) != Some(next));
            if seed % 1_000 == 0 {
                let number = cache.newest_at(0)[0];
                assert_eq!(cache.get(number), Some(favourite));
                cache.renew(number, favourite.hash(), 0);
                assert_eq!(cache.newest_at(0)[0], cache.number_at(0));
            }
        }
        assert!(others < 40, "{others} blocks share a hash with others");
        assert_eq!(cache.find(block(1).hash()), None);
    }

    #[test]
    fn any_number_may_be_asked_for() {
        let mut cache = BlockCache::new();
        cache.insert(&block(1), true, 0);
        for number in [0, 1, 2, 1 << 15, u32::MAX] {
            assert_eq!(cache.get(number).is_some(), number == 0);
        }
    }
}
