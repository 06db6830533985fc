//! The model itself: what predicts the next byte of a stream.

use super::contexts::{HASHED, Recent};
use super::dictionary;
use super::listener::Listener;
use super::matcher::{Matcher, STRETCH};
use super::nibble_table::NibbleTable;
use super::weights::{INPUTS, Weights};
use crate::Level;
use crate::entropy::symbols::Distribution;
use crate::entropy::{Coder, RangeDecoder, RangeEncoder, VectorCoder};
use crate::simd::{VectorInstructions, Vectorized, vectorized};

const _: () = assert!(INPUTS == CONTEXTS + 1);

/// Contexts: the last byte, and the hashed ones.
const CONTEXTS: usize = HASHED + 1;

/// Bytes are coded in blocks of this many, and a last one of fewer. No stretch goes beyond its block,
/// so that a decoder knows as well as an encoder where one may begin.
pub(crate) const BLOCK: usize = 4096;

/// Distributions of the first half of a byte, and of the second by the first.
type Halves = [Distribution; 17];

const NO_HALVES: Halves = [Distribution::EVEN; 17];

/// Classes of confidence of a context.
const CONFIDENCES: usize = 4;

/// Adaptive model of bytes, the same for both directions; under 512 KiB.
#[derive(Debug)]
pub(crate) struct BytesModel {
    level: Level,
    recent: Recent,
    /// Without context: the first half of a byte, then the second by the first.
    plain: Halves,
    by_last: Box<[Halves; 256]>,
    tables: [NibbleTable; HASHED],
    /// By the confidence of every context.
    weights: Box<[Weights; CONFIDENCES.pow(CONTEXTS as u32)]>,
    matcher: Matcher,
    /// Whether the dictionary has been read.
    primed: bool,
}

impl BytesModel {
    pub(crate) fn new(level: Level) -> Self {
        Self {
            level,
            recent: Recent::default(),
            plain: NO_HALVES,
            by_last: Box::new([NO_HALVES; 256]),
            tables: std::array::from_fn(|_| NibbleTable::new()),
            weights: Box::new([Weights::EVEN; CONFIDENCES.pow(CONTEXTS as u32)]),
            matcher: Matcher::new(),
            primed: false,
        }
    }

    /// Back to the state of [`BytesModel::new`].
    pub(crate) fn reset(&mut self) {
        self.recent = Recent::default();
        self.tables.iter_mut().for_each(NibbleTable::reset);
        self.plain = NO_HALVES;
        self.by_last.fill(NO_HALVES);
        self.weights.fill(Weights::EVEN);
        self.matcher.reset();
        self.primed = false;
    }

    /// Codes these bytes and learns from them.
    pub(crate) fn encode(&mut self, coder: &mut RangeEncoder<'_>, bytes: &[u8]) {
        self.prime();
        vectorized(EncodeBytes {
            model: self,
            coder,
            bytes,
        });
    }

    /// Appends the next `count` bytes to `out`, and learns from them.
    pub(crate) fn decode(&mut self, coder: &mut RangeDecoder<'_>, count: usize, out: &mut Vec<u8>) {
        self.prime();
        vectorized(DecodeBytes {
            model: self,
            coder,
            count,
            out,
        });
    }

    /// Learns that these bytes came by without being coded: only what repeats them later profits. If
    /// more come by next, the length of these must be a multiple of [`BLOCK`].
    pub(crate) fn skip(&mut self, bytes: &[u8]) {
        self.prime();
        self.matcher.skip(bytes);
        for &byte in &bytes[bytes.len().saturating_sub(Recent::LENGTH)..] {
            self.recent.push(byte);
        }
    }

    /// Reads the dictionary, unless it has been: only once there is something to code, because it
    /// takes a while.
    fn prime(&mut self) {
        if !self.primed {
            self.primed = true;
            vectorized(ReadDictionary { model: self });
        }
    }

    #[inline(always)]
    fn remember(&mut self, byte: u8) {
        self.recent.push(byte);
        self.matcher.push(byte, self.recent.all());
    }

    /// Codes one byte among others that are coded otherwise, and learns from it.
    pub(crate) fn code<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        self.prime();
        self.code_next(coder, byte)
    }

    #[inline(always)]
    fn code_next<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        let byte = match (self.matcher.code(coder, byte), self.level) {
            (Some(expected), _) => expected,
            (None, Level::Fast) => self.code_by_last(coder, byte),
            (None, Level::Default | Level::Max) => self.code_halves(coder, byte),
        };
        self.remember(byte);
        byte
    }

    #[inline(always)]
    fn encode_block<C: Coder>(&mut self, coder: &mut C, block: &[u8]) {
        let mut rest = block;
        while let [byte, others @ ..] = rest {
            rest = match rest.split_first_chunk() {
                Some((stretch, behind)) if self.code_stretch(coder, stretch).is_some() => behind,
                _ => {
                    self.code_next(coder, *byte);
                    others
                }
            };
        }
    }

    #[inline(always)]
    fn decode_block<C: Coder>(&mut self, coder: &mut C, length: usize, out: &mut Vec<u8>) {
        let end = out.len() + length;
        while out.len() < end {
            let stretch = match end - out.len() >= STRETCH {
                true => self.code_stretch(coder, &[0; STRETCH]),
                false => None,
            };
            match stretch {
                Some(bytes) => out.extend_from_slice(&bytes),
                None => out.push(self.code_next(coder, 0)),
            }
        }
    }

    /// Codes a whole stretch, if one is expected and is what comes.
    #[inline(always)]
    fn code_stretch<C: Coder>(
        &mut self,
        coder: &mut C,
        stretch: &[u8; STRETCH],
    ) -> Option<[u8; STRETCH]> {
        if !self.matcher.expects_stretch() {
            return None;
        }
        let found = self.matcher.code_stretch(coder, stretch)?;
        self.recent.replace(found);
        Some(found)
    }

    /// Codes a byte in the context of the last one alone.
    #[inline(always)]
    fn code_by_last<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        let halves = &mut self.by_last[usize::from(self.recent.last())];
        let first = halves[0].code(coder, usize::from(byte >> 4));
        let second = halves[1 + first % 16].code(coder, usize::from(byte & 15));
        (first << 4 | second) as u8
    }

    #[inline(always)]
    fn code_halves<C: Coder>(&mut self, coder: &mut C, byte: u8) -> u8 {
        let hashed = self.recent.hashed();
        let first = self.code_half(coder, &hashed, 0, byte >> 4);
        let second = self.code_half(coder, &hashed, 16 | u32::from(first), byte & 15);
        first << 4 | second
    }

    /// Codes half a byte; `first_half` is 0 for the first one, else that one behind a leading one.
    #[inline(always)]
    fn code_half<C: Coder>(
        &mut self,
        coder: &mut C,
        hashed: &[u32; HASHED],
        first_half: u32,
        half: u8,
    ) -> u8 {
        let which = first_half.saturating_sub(15) as usize % 17;
        let [second, third] = &mut self.tables;
        let distributions = [
            &mut self.by_last[usize::from(self.recent.last())][which],
            second.find(hashed[0], first_half),
            third.find(hashed[1], first_half),
            &mut self.plain[which],
        ];
        let mut set = 0;
        for distribution in &distributions[..CONTEXTS] {
            set = set * CONFIDENCES + confidence(distribution.rate());
        }
        let weights = &mut self.weights[set];
        let elements = distributions
            .each_ref()
            .map(|distribution| distribution.elements());
        let mean = coder.weighted_mean(elements, weights.0);
        let symbol = coder.symbol(&mean, usize::from(half)) & 15;
        let probabilities = distributions.each_ref().map(
            #[inline(always)]
            |distribution| distribution.probability(symbol),
        );
        weights.update(probabilities);
        for distribution in distributions {
            distribution.adapt(coder, symbol);
        }
        symbol as u8
    }
}

/// How often a distribution that adapts at this rate has been used: never, once, up to five times,
/// more.
#[inline(always)]
fn confidence(rate: u16) -> usize {
    usize::from(rate < 32_768) + usize::from(rate < 16_384) + usize::from(rate < 7_000)
}

/// Encodes bytes; see [`BytesModel::encode`].
struct EncodeBytes<'w, 'o> {
    model: &'w mut BytesModel,
    coder: &'w mut RangeEncoder<'o>,
    bytes: &'w [u8],
}

impl Vectorized for EncodeBytes<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) {
        let mut local = VectorCoder {
            coder: self.coder.take(),
            simd,
        };
        for block in self.bytes.chunks(BLOCK) {
            self.model.encode_block(&mut local, block);
        }
        *self.coder = local.coder;
    }
}

/// Decodes bytes; see [`BytesModel::decode`].
struct DecodeBytes<'w, 'i> {
    model: &'w mut BytesModel,
    coder: &'w mut RangeDecoder<'i>,
    count: usize,
    out: &'w mut Vec<u8>,
}

impl Vectorized for DecodeBytes<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) {
        let mut local = VectorCoder {
            coder: *self.coder,
            simd,
        };
        self.out.reserve(self.count);
        let mut left = self.count;
        while left > 0 {
            let length = left.min(BLOCK);
            self.model.decode_block(&mut local, length, self.out);
            left -= length;
        }
        *self.coder = local.coder;
    }
}

/// Learns from the dictionary; see [`BytesModel::prime`].
struct ReadDictionary<'w> {
    model: &'w mut BytesModel,
}

impl Vectorized for ReadDictionary<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) {
        let mut local = VectorCoder {
            coder: Listener,
            simd,
        };
        for &byte in dictionary::PIECES.iter().copied().flatten() {
            self.model.code_next(&mut local, byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(model: &mut BytesModel, bytes: &[u8]) -> Vec<u8> {
        let mut coded = vec![0; 2 * bytes.len() + 64];
        let mut coder = RangeEncoder::new(&mut coded);
        model.encode(&mut coder, bytes);
        let size = coder.finish().unwrap();
        coded.truncate(size);
        coded
    }

    fn decode(model: &mut BytesModel, coded: &[u8], length: usize) -> Vec<u8> {
        let mut coder = RangeDecoder::new(coded);
        let mut raw = Vec::new();
        model.decode(&mut coder, length, &mut raw);
        raw
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
        for (level, most) in [(Level::Fast, 75), (Level::Default, 50)] {
            let coded = encode(&mut BytesModel::new(level), &bytes);
            let share = 100 * coded.len() / bytes.len();
            assert!(share < most, "{share} % at {level:?}");
            assert_eq!(
                decode(&mut BytesModel::new(level), &coded, bytes.len()),
                bytes
            );
        }
    }

    #[test]
    fn a_reset_model_is_as_new() {
        let bytes = structured();
        let mut model = BytesModel::new(Level::Default);
        let first = encode(&mut model, &bytes[..20_000]);
        model.skip(&bytes[..5_000]);
        assert_ne!(encode(&mut model, &bytes[..20_000]), first);
        model.reset();
        assert_eq!(encode(&mut model, &bytes[..20_000]), first);
    }

    #[test]
    fn stretches_repeat_at_any_distance() {
        for distance in [1, 2, 3, 15, 16, 17, 1000, 5000] {
            let mut bytes: Vec<u8> = (0..distance as u32)
                .map(|i| (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            while bytes.len() < 3 * 65_536 {
                bytes.push(bytes[bytes.len() - distance]);
            }
            // A difference in every place of a stretch.
            for index in 0..16 {
                bytes[66_000 + 1001 * index] ^= 0x5A;
            }
            let coded = encode(&mut BytesModel::new(Level::Fast), &bytes);
            let raw = decode(&mut BytesModel::new(Level::Fast), &coded, bytes.len());
            assert!(raw == bytes, "at distance {distance}");
            let most = distance * 9 / 8 + 1500;
            assert!(
                coded.len() < most,
                "{} bytes at distance {distance}",
                coded.len()
            );
        }
    }

    #[test]
    fn skipped_bytes_are_remembered() {
        let noise: Vec<u8> = (0..4096u32)
            .map(|i| (i.wrapping_mul(i).wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut model = BytesModel::new(Level::Default);
        model.skip(&noise);
        assert!(encode(&mut model, &noise).len() < 200);
    }
}
