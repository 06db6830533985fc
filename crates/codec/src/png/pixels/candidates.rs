//! A pixel by its likeliest colours: from the colour tables, its neighbours and the previous image,
//! one decision each until one is right.

use super::colour_tables::{Found, TIERS};
use super::hashing::{ODD, finish};
use super::slot::{Dither, Slot, Weights, code_mixed_if_unsure};
use crate::entropy::Coder;

/// Where candidates come from, best first.
pub(super) const SOURCES: usize = 8;

/// Ranks that contexts tell apart.
const RANKS: usize = 6;

/// Slots of contexts that are told apart in full: rank, agreeing sources, confidence, agreement of
/// the previous image, escapes around.
const DIRECT: usize = RANKS << 14;

/// Hashed contexts that are mixed with the direct one.
const HASHED: usize = 4;

/// Slots of each hashed context.
const HASHED_SLOTS: usize = 1 << 15;

/// What is known of a pixel before it is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// What the colour tables found.
    pub(super) found: [Found; TIERS],
    /// Candidates: from the tables; W, N, previous, NE, NW. Whole pixels, with the pixel's own alpha.
    pub(super) sources: [u32; SOURCES],
    /// Which sources there are, one bit each.
    pub(super) valid: u32,
    /// 0..=3: whether the previous image agrees with this one at W, at N.
    pub(super) previous_agrees: usize,
    /// Which of W, N, NE no candidate hit, one bit each.
    pub(super) escapes: usize,
    /// Hash of the largest neighbourhood.
    pub(super) hash: u32,
    /// Which of the neighbours are alike.
    pub(super) pattern: u32,
}

/// The outcome for one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The colour of a candidate, and which sources have it, one bit each.
    Hit(u32, u32),
    /// None of them.
    Escape,
}

/// Adaptive state of the decisions.
#[derive(Debug)]
pub(super) struct Candidates {
    slots: Box<[Slot]>,
    weights: Box<[Weights<{ HASHED + 1 }>; RANKS * 16]>,
    any_hit: [Slot; 1024],
    /// The last five outcomes, 3 bits each.
    recent: u32,
}

impl Candidates {
    /// `mixes` says whether decisions will be mixed, which takes more memory.
    pub(super) fn new(mixes: bool) -> Self {
        let hashed = if mixes { HASHED * HASHED_SLOTS } else { 0 };
        Self {
            slots: vec![Slot::EVEN; DIRECT + hashed].into_boxed_slice(),
            weights: Box::new([Weights::INITIAL; RANKS * 16]),
            any_hit: [Slot::EVEN; 1024],
            recent: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.slots.fill(Slot::EVEN);
        self.weights.fill(Weights::INITIAL);
        self.any_hit.fill(Slot::EVEN);
        self.recent = 0;
    }

    /// Codes whether `pixel` is one of the candidates, and which.
    #[inline(always)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        around: &Surroundings,
        pixel: u32,
    ) -> Outcome {
        let sources = &around.sources;
        let mut left = around.valid;
        let mut ranks = 0;
        let classes = around
            .found
            .map(|found| CONFIDENCE_CLASSES[found.confidence as usize & 7]);
        if around.escapes.count_ones() >= 2 {
            let hit = left & agreeing(sources, pixel) != 0;
            let context = around.escapes << 6 | classes[0] << 4 | classes[1] << 2 | classes[2];
            let context = context << 1 | usize::from(around.previous_agrees != 0);
            let slot = &mut self.any_hit[context & 1023];
            if !slot.code(coder, dither, super::slot::REMEMBERING, C::ENCODES && hit) {
                self.recent = self.recent << 3 | 7;
                return Outcome::Escape;
            }
        }
        let [first, second, third] = around.found.map(|found| found.confidence);
        let confidences = (first << 6 | second << 3 | third) << 3 | around.escapes as u32;
        while left != 0 {
            let source = left.trailing_zeros() as usize;
            let colour = sources[source & 7];
            let agree = left & agreeing(sources, colour);
            let class = if source < TIERS { classes[source] } else { 0 };
            let direct = ((ranks << 8 | agree as usize) << 2 | class) << 4
                | around.previous_agrees << 2
                | around.escapes.count_ones() as usize;
            let bit = C::ENCODES && pixel == colour;
            let hit = if MIXES {
                let salt = agree << 3 | ranks as u32;
                let known =
                    confidences << 8 | (around.previous_agrees as u32) << 6 | self.recent & 0x3F;
                let hashes = [
                    around.hash ^ salt.wrapping_mul(ODD[0]),
                    finish(
                        colour
                            .wrapping_mul(ODD[1])
                            .wrapping_add(sources[3].wrapping_mul(ODD[2]))
                            .wrapping_add(salt),
                    ),
                    finish(around.pattern.wrapping_mul(ODD[3]).wrapping_add(salt)),
                    finish(known.wrapping_mul(ODD[4]).wrapping_add(salt)),
                ];
                let mut places = [direct; HASHED + 1];
                for (index, (place, hash)) in places[1..].iter_mut().zip(hashes).enumerate() {
                    *place = DIRECT + index * HASHED_SLOTS + (hash >> 17) as usize;
                }
                let set = ranks << 4 | class << 2 | around.previous_agrees;
                let weights = &mut self.weights[set];
                code_mixed_if_unsure(coder, dither, &mut self.slots, places, weights, bit)
            } else {
                self.slots[direct].code(coder, dither, super::slot::REMEMBERING, bit)
            };
            if hit {
                self.recent = self.recent << 3 | (source as u32).min(6);
                return Outcome::Hit(colour, agree);
            }
            left &= !agree;
            ranks = (ranks + 1).min(RANKS - 1);
        }
        self.recent = self.recent << 3 | 7;
        Outcome::Escape
    }
}

/// By confidence: its class.
const CONFIDENCE_CLASSES: [usize; 8] = [0, 1, 2, 2, 3, 3, 3, 3];

/// Which sources are of this colour, one bit each.
#[inline(always)]
pub(super) fn agreeing(sources: &[u32; SOURCES], colour: u32) -> u32 {
    let mut mask = 0;
    for (index, source) in sources.iter().enumerate() {
        mask |= u32::from(*source == colour) << index;
    }
    mask
}
