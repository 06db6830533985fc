//! The model itself: what predicts the next bit of a byte stream.

use super::contexts::{CONTEXTS, Recent};
use super::dictionary;
use super::hash_table::HashTable;
use super::history;
use super::history_map::HistoryMap;
use super::matcher::Matcher;
use super::mixer::Mixer;
use super::node::Node;
use super::refiner::Refiner;
use crate::entropy::Coder;
use crate::entropy::logistic::{LOG_ODDS_LIMIT, squash, stretch};

/// Groups in the table that all hashed contexts share.
const GROUPS: usize = 1 << 14;

/// Inputs of the mixers: hashed contexts, no context, the match.
const INPUTS: usize = CONTEXTS + 2;

/// Least probability, in units of 1/65536, of either outcome of a decision.
const LEAST_PROBABILITY: u32 = 16;

/// Adaptive model of bytes, the same for both directions; under 400 KiB.
#[derive(Debug)]
pub(crate) struct BytesModel {
    recent: Recent,
    /// Bit histories in the hashed contexts, and what they mean in each.
    table: HashTable,
    maps: [HistoryMap; CONTEXTS],
    /// By the bits of the byte so far.
    plain: Box<[Node; 256]>,
    matcher: Matcher,
    /// Chosen by match class and number of contexts known; by the bits of the byte so far.
    mixers: [Mixer<INPUTS>; 2],
    /// By the byte that the match predicts; by the last byte and the bits so far, hashed.
    refiners: [Refiner; 2],
    /// Whether the dictionary has been read.
    primed: bool,
}

impl BytesModel {
    pub(crate) fn new() -> Self {
        Self {
            recent: Recent::default(),
            table: HashTable::new(GROUPS),
            maps: std::array::from_fn(|_| HistoryMap::new()),
            plain: Box::new([Node::NEW; 256]),
            matcher: Matcher::new(),
            mixers: [
                Mixer::new(Matcher::CLASSES * (CONTEXTS + 1)),
                Mixer::new(256),
            ],
            refiners: [Refiner::new(256), Refiner::new(256)],
            primed: false,
        }
    }

    /// Back to the state of [`BytesModel::new`].
    pub(crate) fn reset(&mut self) {
        self.recent = Recent::default();
        self.table.reset();
        self.maps.iter_mut().for_each(HistoryMap::reset);
        self.plain.fill(Node::NEW);
        self.matcher.reset();
        self.mixers.iter_mut().for_each(Mixer::reset);
        self.refiners.iter_mut().for_each(Refiner::reset);
        self.primed = false;
    }

    /// Codes one byte and learns from it.
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        self.prime();
        self.code_byte(byte, |probability, bit| coder.bit(probability, bit))
    }

    /// Learns that these bytes came by without being coded: only what repeats them later profits.
    pub(crate) fn skip(&mut self, bytes: &[u8]) {
        self.prime();
        for &byte in bytes {
            self.remember(byte);
        }
    }

    /// Reads the dictionary, unless it has been: only once there is something to code, because it
    /// takes a while.
    fn prime(&mut self) {
        if !self.primed {
            self.primed = true;
            for &byte in dictionary::PIECES.iter().copied().flatten() {
                self.code_byte(byte, |_, bit| bit);
            }
        }
    }

    fn remember(&mut self, byte: u8) {
        self.recent.push(byte);
        self.matcher.push(byte, self.recent.last_four());
    }

    /// Predicts, decides and learns the bits of one byte. `decide` is given the probability of one
    /// and the bit of `byte`, and says which bit it is.
    #[inline(always)]
    fn code_byte(&mut self, byte: u8, mut decide: impl FnMut(u32, bool) -> bool) -> u8 {
        let hashes = self.recent.hashes();
        let mut path = 1;
        for half in 0..2 {
            let places = hashes.map(|hash| self.table.find(hash, path * half));
            let mut half_path = 1;
            let mut wanted = byte << (4 * half);
            for _ in 0..4 {
                let bit = wanted & 128 != 0;
                wanted <<= 1;
                let bit = self.code_bit(&places, path as usize, half_path, |probability| {
                    decide(probability, bit)
                });
                path = path << 1 | u32::from(bit);
                half_path = half_path << 1 | usize::from(bit);
            }
        }
        let byte = path as u8;
        self.remember(byte);
        byte
    }

    /// The bit behind `path`, the bits of the byte so far behind a leading one; `half_path` are
    /// those of its half, likewise, and `places` the groups of that half.
    #[inline(always)]
    fn code_bit(
        &mut self,
        places: &[usize; CONTEXTS],
        path: usize,
        half_path: usize,
        decide: impl FnOnce(u32) -> bool,
    ) -> bool {
        let histories = places.map(|place| self.table.history(place, half_path));
        let mut inputs = [0; INPUTS];
        let mut known = 0;
        for index in 0..CONTEXTS {
            let history = histories[index];
            inputs[index] = stretch(self.maps[index].probability(history));
            known += usize::from(history != history::EMPTY);
        }
        inputs[CONTEXTS] = stretch(self.plain[path].probability());
        inputs[CONTEXTS + 1] = self.matcher.predict(path);
        let inputs = inputs.map(|input| input as i16);

        let set = self.matcher.class() * (CONTEXTS + 1) + known;
        let first = self.mixers[0].mix(&inputs, set);
        let second = self.mixers[1].mix(&inputs, path);
        let log_odds = ((first + second) >> 1).clamp(-LOG_ODDS_LIMIT, LOG_ODDS_LIMIT);
        let hashed = self.recent.last_and(path);
        let refined = [
            self.refiners[0].refine(log_odds, self.matcher.expected() & 255),
            self.refiners[1].refine(log_odds, hashed),
        ];
        let probability = (2 * squash(log_odds) + refined[0] + refined[1]) >> 2;
        let bit = decide(probability.clamp(LEAST_PROBABILITY, 65536 - LEAST_PROBABILITY));

        for mixer in &mut self.mixers {
            mixer.update(&inputs, bit);
        }
        for refiner in &mut self.refiners {
            refiner.update(bit);
        }
        for index in 0..CONTEXTS {
            let history = histories[index];
            self.maps[index].update(history, bit);
            self.table
                .set_history(places[index], half_path, history::next(history, bit));
        }
        self.plain[path].update(bit);
        self.matcher.update(bit);
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{RangeDecoder, RangeEncoder};

    fn encode(model: &mut BytesModel, bytes: &[u8]) -> Vec<u8> {
        let mut coded = vec![0; 2 * bytes.len() + 64];
        let mut coder = RangeEncoder::new(&mut coded);
        for &byte in bytes {
            model.code(&mut coder, byte);
        }
        let size = coder.finish().unwrap();
        coded.truncate(size);
        coded
    }

    fn decode(model: &mut BytesModel, coded: &[u8], length: usize) -> Vec<u8> {
        let mut coder = RangeDecoder::new(coded);
        (0..length).map(|_| model.code(&mut coder, 0)).collect()
    }

    fn structured() -> Vec<u8> {
        let line =
            |i: u32| format!("line {i}: {} sheep, {} goats\n", i * i % 97, i % 12).into_bytes();
        let mut bytes: Vec<u8> = (0..900).flat_map(line).collect();
        bytes.extend((0..20_000u32).flat_map(|i| (i.wrapping_mul(i) >> 3).to_be_bytes()));
        bytes
    }

    #[test]
    fn both_directions_agree_past_the_end_of_the_history() {
        let bytes = structured();
        assert!(bytes.len() > 100_000);
        let coded = encode(&mut BytesModel::new(), &bytes);
        assert!(coded.len() < bytes.len() / 3, "{} bytes", coded.len());
        assert_eq!(decode(&mut BytesModel::new(), &coded, bytes.len()), bytes);
    }

    #[test]
    fn a_reset_model_is_as_new() {
        let bytes = structured();
        let mut model = BytesModel::new();
        let first = encode(&mut model, &bytes[..20_000]);
        model.skip(&bytes[..5_000]);
        assert_ne!(encode(&mut model, &bytes[..20_000]), first);
        model.reset();
        assert_eq!(encode(&mut model, &bytes[..20_000]), first);
    }

    #[test]
    fn skipped_bytes_are_remembered() {
        let noise: Vec<u8> = (0..4096u32)
            .map(|i| (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut model = BytesModel::new();
        model.skip(&noise);
        assert!(encode(&mut model, &noise).len() < 200);
    }
}
