//! The model itself: what predicts the next bit of a byte stream.

use super::hash_table::HashTable;
use super::matcher::Matcher;
use super::mixer::Mixer;
use super::node::Node;
use super::refiner::Refiner;
use crate::entropy::Coder;
use crate::entropy::logistic::{squash, stretch};

/// Hashed contexts: orders 1, 2, 3, 4 and 6, the word, and two sparse ones for tables.
const HASHED: usize = 8;

/// Groups in each hashed context's table.
const GROUPS: usize = 1 << 11;

/// Inputs of the mixer: order 0, hashed contexts, match (two), bias.
const INPUTS: usize = 1 + HASHED + 2 + 1;

/// Adaptive model of bytes, the same for both directions.
#[derive(Debug)]
pub(crate) struct BytesModel {
    order0: Box<[Node; 256]>,
    tables: [HashTable; HASHED],
    matcher: Matcher,
    mixer: Mixer<INPUTS>,
    refiners: [Refiner; 2],
    /// The last eight bytes, the latest lowest.
    recent: u64,
    /// Hash of the letters since the last other byte.
    word: u32,
}

impl BytesModel {
    pub(crate) fn new() -> Self {
        Self {
            order0: Box::new([Node::NEW; 256]),
            tables: std::array::from_fn(|_| HashTable::new(GROUPS)),
            matcher: Matcher::new(),
            mixer: Mixer::new(Matcher::LENGTHS * 3, 1 << 14),
            refiners: [Refiner::new(1 << 8), Refiner::new(1 << 14)],
            recent: 0,
            word: 0,
        }
    }

    /// Back to the state of [`BytesModel::new`].
    pub(crate) fn reset(&mut self) {
        self.order0.fill(Node::NEW);
        self.tables.iter_mut().for_each(HashTable::reset);
        self.matcher.reset();
        self.mixer.reset();
        self.refiners.iter_mut().for_each(Refiner::reset);
        self.recent = 0;
        self.word = 0;
    }

    /// Codes one byte and learns from it.
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        let hashes = self.hashes();
        let mut path = 1usize;
        for half in 0..2u32 {
            let mut places = [0; HASHED];
            for index in 0..HASHED {
                let hash = hashes[index]
                    .wrapping_add((path as u32).wrapping_mul(half).wrapping_mul(0x9E37_79B1));
                places[index] = self.tables[index].find(scatter(hash));
            }
            let mut half_path = 1usize;
            for _ in 0..4 {
                let shift = 7 - path.ilog2();
                let bit = C::ENCODES && byte >> shift & 1 == 1;
                let bit = self.code_bit(coder, &places, path, half_path, bit);
                path = path << 1 | usize::from(bit);
                half_path = half_path << 1 | usize::from(bit);
            }
        }
        let byte = path as u8;
        self.remember(byte);
        byte
    }

    /// Learns that these bytes came by without being coded.
    pub(crate) fn skip(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.remember(byte);
        }
    }

    fn remember(&mut self, byte: u8) {
        self.recent = self.recent << 8 | u64::from(byte);
        self.word = match byte.to_ascii_lowercase() {
            letter @ (b'a'..=b'z' | 128..) => self
                .word
                .wrapping_add(u32::from(letter))
                .wrapping_mul(0x2F0B_4C47),
            _ => 0,
        };
        self.matcher.push(byte, self.recent);
    }

    fn hashes(&self) -> [u32; HASHED] {
        let recent = self.recent;
        let order = |bytes: u32| recent & ((1u64 << (8 * bytes)) - 1);
        let contexts = [
            order(1),
            order(2),
            order(3),
            order(4),
            order(6),
            u64::from(self.word) << 8 | order(1),
            recent & 0xFF_FF00,
            recent & 0xFF00_FF00,
        ];
        let mut hashes = [0; HASHED];
        for (index, context) in contexts.into_iter().enumerate() {
            let mixed =
                (context.wrapping_add(index as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            hashes[index] = (mixed >> 32) as u32 ^ (mixed >> 11) as u32;
        }
        hashes
    }

    #[inline(always)]
    fn code_bit<C: Coder>(
        &mut self,
        coder: &mut C,
        places: &[usize; HASHED],
        path: usize,
        half_path: usize,
        bit: bool,
    ) -> bool {
        let mut inputs = [0i32; INPUTS];
        let mut known = 0;
        for index in 0..HASHED {
            let node = *self.tables[index].node(places[index], half_path);
            let count = node.count();
            inputs[index] = stretch(node.probability()) * CONFIDENCE[count] >> 8;
            known += usize::from(count > 0);
        }
        inputs[HASHED] = stretch(self.order0[path].probability());
        let (expected, strength) = self.matcher.predict(path);
        inputs[HASHED + 1] = expected;
        inputs[HASHED + 2] = strength;
        inputs[HASHED + 3] = 256;
        let set = self.matcher.length_class() * 3 + known.saturating_sub(1) / 3;
        let log_odds = self.mixer.mix(&inputs, set);
        let mixed = squash(log_odds);
        let last = (self.recent & 0xFF) as usize;
        let first = self.refiners[0].refine(log_odds, path);
        let hash = (last << 8 | path).wrapping_mul(0x9E5) >> 2;
        let second = self.refiners[1].refine(log_odds, hash & 0x3FFF);
        let probability = (2 * mixed + first + second) >> 2;
        let bit = coder.bit(probability, bit);

        self.mixer.update(&inputs, bit, 6);
        for refiner in &mut self.refiners {
            refiner.update(bit);
        }
        for index in 0..HASHED {
            self.tables[index]
                .node(places[index], half_path)
                .update(bit, 14);
        }
        self.order0[path].update(bit, 15);
        self.matcher.update(bit);
        bit
    }
}

/// By count: how far a node's log-odds are trusted, in units of 1/256.
const CONFIDENCE: [i32; 16] = [
    0, 160, 200, 220, 230, 240, 248, 256, 256, 256, 256, 256, 256, 256, 256, 256,
];

#[inline(always)]
fn scatter(hash: u32) -> u32 {
    let mixed = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
    (mixed ^ mixed >> 12).wrapping_mul(0x297A_2D39)
}
