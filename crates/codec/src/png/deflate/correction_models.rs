//! What is learned about the choices of an encoder that no replay follows exactly.
//!
//! Every token is predicted from what zlib's search finds in the bytes, which both directions know,
//! and is coded as one of the likely ones: the longest match or none, the nearest distance at which
//! the length is found. Invariant: any token can be coded, so a wrong prediction costs bits only.

use super::block_models::{BlockModels, code_raw, code_tree};
use super::token::{LONGEST_COPY, SHORTEST_COPY, Token};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::mixed::{Weights, mixed_bit};

/// The slowest rate of slots for what is seldom coded, for tokens, and for those of a reference.
const SLOWEST: u32 = 1000;
const TOKENS_SLOWEST: u32 = 600;
const REFERENCE_SLOWEST: u32 = 200;

/// Classes of lengths, of distances, and of how the match behind relates to that at hand.
const LENGTHS: usize = 14;
const DISTANCES: usize = 5;
const RELATIONS: usize = 6;
/// Outcomes of the last four tokens.
const HISTORIES: usize = 16;
/// What the reference says of a token, and classes of how long it was right.
const HINTS: usize = 5;
const RUNS: usize = 12;
/// From this class on the reference is asked first.
const LONG_RUN: usize = 8;

/// A match that zlib's search finds, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// 0 if there is none, otherwise 3 to 258.
    pub(super) length: usize,
    pub(super) distance: usize,
    /// How far back its chain begins, 0 for none.
    pub(super) chain: usize,
    /// The longest match that is nearer: its length, 0 if there is none, and its distance.
    pub(super) nearer: (usize, usize),
}

impl Found {
    /// Takes another match, which is longer and farther away.
    pub(super) fn add(&mut self, length: usize, distance: usize) {
        self.nearer = (self.length, self.distance);
        self.length = length;
        self.distance = distance;
    }
}

/// What a token is predicted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The longest match at the token's place, and at the next one if that was looked for.
    pub(super) here: Found,
    pub(super) behind: Option<Found>,
    /// The byte there.
    pub(super) byte: u8,
    /// The reference's token at that place.
    pub(super) hint: Hint,
}

/// What a reference says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// No token of it begins there.
    None,
    /// It is another one.
    Denied,
    /// It may be this one.
    Token(Token),
}

/// How a copy's distance is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The most likely one.
    Predicted,
    /// The one with this number among those in the chain that are as long.
    InChain(u32),
    /// Any.
    Distance(usize),
}

/// Contexts of one decision, mixed.
#[derive(Debug)]
struct Mixed {
    by_relation: Vec<[Slot; 1]>,
    by_history: Vec<[Slot; 1]>,
    by_byte: Vec<[Slot; 1]>,
    by_repetition: Vec<[Slot; 1]>,
    by_hint: Vec<[Slot; 1]>,
    weights: [[Weights<5>; LENGTHS]; 2],
}

impl Mixed {
    fn new() -> Self {
        Self {
            by_relation: vec![[Slot::EVEN]; LENGTHS * RELATIONS * DISTANCES],
            by_history: vec![[Slot::EVEN]; LENGTHS * HISTORIES * 3],
            by_byte: vec![[Slot::EVEN]; 256 * LENGTHS],
            by_repetition: vec![[Slot::EVEN]; 2 * LENGTHS * RELATIONS],
            by_hint: vec![[Slot::EVEN]; HINTS * RUNS * LENGTHS],
            weights: [[Weights::INITIAL; LENGTHS]; 2],
        }
    }
}

/// All that is learned about corrections.
#[derive(Debug)]
pub(crate) struct CorrectionModels {
    /// Whether a token is the reference's, by the class of its length, and by how many were before.
    like_reference: Vec<[Slot; RUNS]>,
    /// How many tokens of the reference were right, since the last that was not.
    run: u32,
    like_hint: [Slot; RUNS],
    nearer: [[[Slot; 2]; LENGTHS]; DISTANCES],
    unexpected_copy: [Slot; HISTORIES],
    copies: Mixed,
    longest: Mixed,
    /// Outcomes of the last tokens, the newest lowest: whether they were as most likely.
    history: usize,
    last_kind: usize,
    last_distance: usize,
    /// Trees over lengths, by the class of the longest.
    lengths: Vec<[Slot; 256]>,
    nearest: [[Slot; 2]; LENGTHS],
    in_chain: Slot,
    rank_bits: [Slot; 32],
    distance_bits: [Slot; 32],
    pub(super) blocks: BlockModels,
}

impl CorrectionModels {
    pub(crate) fn new() -> Self {
        Self {
            like_reference: vec![[Slot::expecting(64_000); RUNS]; LENGTHS + 1],
            run: 0,
            like_hint: [Slot::EVEN; RUNS],
            nearer: [[[Slot::EVEN; 2]; LENGTHS]; DISTANCES],
            unexpected_copy: [Slot::expecting(500); HISTORIES],
            copies: Mixed::new(),
            longest: Mixed::new(),
            history: 0,
            last_kind: 0,
            last_distance: 0,
            lengths: vec![[Slot::EVEN; 256]; LENGTHS],
            nearest: [[Slot::expecting(60_000); 2]; LENGTHS],
            in_chain: Slot::EVEN,
            rank_bits: [Slot::EVEN; 32],
            distance_bits: [Slot::EVEN; 32],
            blocks: BlockModels::new(),
        }
    }

    /// Codes whether the token is the reference's, which is `token`.
    pub(super) fn code_like_reference<C: Coder>(
        &mut self,
        coder: &mut C,
        token: Token,
        alike: bool,
    ) -> bool {
        let class = match token.distance() {
            0 => LENGTHS,
            _ => length_class(token.length()),
        };
        let run = self.run_class();
        let slot = &mut self.like_reference[class][run];
        slot.code(coder, alike, REFERENCE_SLOWEST)
    }

    /// Whether the reference was right so often that it is asked first.
    pub(super) fn trusts_reference(&self) -> bool {
        self.run_class() >= LONG_RUN
    }

    fn run_class(&self) -> usize {
        ((u32::BITS - self.run.leading_zeros()) as usize).min(RUNS - 1)
    }

    /// Codes the length of a token, 1 for a literal; `actual` has no meaning in a decoder.
    pub(super) fn code_length<C: Coder>(
        &mut self,
        coder: &mut C,
        sight: &Sight,
        actual: usize,
    ) -> usize {
        let longest = sight.here.length;
        if longest < SHORTEST_COPY {
            let slot = &mut self.unexpected_copy[self.history & (HISTORIES - 1)];
            if !slot.code(coder, actual > 1, TOKENS_SLOWEST) {
                return 1;
            }
            return self.code_other_length(coder, 0, actual);
        }
        let context = self.context(sight);
        if !context.code(coder, &mut self.copies, actual > 1) {
            return 1;
        }
        if context.code(coder, &mut self.longest, actual == longest) {
            return longest;
        }
        if let Hint::Token(hint) = sight.hint
            && hint.distance() > 0
            && hint.length() != longest
        {
            let slot = &mut self.like_hint[context.run];
            if slot.code(coder, actual == hint.length(), TOKENS_SLOWEST) {
                return hint.length();
            }
        }
        let (length, distance) = sight.here.nearer;
        if length > 0 {
            let slots = &mut self.nearer[distance_class(distance)][length_class(length)];
            let slot = &mut slots[usize::from(length * 2 > longest)];
            if slot.code(coder, actual == length, TOKENS_SLOWEST) {
                return length;
            }
        }
        self.code_other_length(coder, context.length, actual)
    }

    fn code_other_length<C: Coder>(&mut self, coder: &mut C, class: usize, actual: usize) -> usize {
        let slots = &mut self.lengths[class];
        let number = actual.saturating_sub(SHORTEST_COPY) as u32;
        SHORTEST_COPY + code_tree(coder, slots, 8, number, TOKENS_SLOWEST) as usize
    }

    fn context(&self, sight: &Sight) -> Context {
        let here = sight.here;
        let relation = match sight.behind {
            None => 0,
            Some(behind) => match (behind.length + 1).cmp(&here.length) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => 2,
                std::cmp::Ordering::Greater => 3 + (behind.length - here.length).min(2),
            },
        };
        Context {
            length: length_class(here.length),
            relation,
            distance: distance_class(here.distance),
            history: self.history & (HISTORIES - 1),
            last_kind: self.last_kind,
            byte: usize::from(sight.byte),
            repeats: usize::from(here.distance == self.last_distance),
            hint: match sight.hint {
                Hint::None => 0,
                Hint::Denied => 1,
                Hint::Token(token) if token.distance() == 0 => 2,
                Hint::Token(token) => 3 + usize::from(token.length() == here.length),
            },
            run: self.run_class(),
        }
    }

    /// Codes how the distance of a copy of `length` bytes is told.
    pub(super) fn code_place<C: Coder>(
        &mut self,
        coder: &mut C,
        is_longest: bool,
        length: usize,
        actual: Place,
    ) -> Place {
        let slot = &mut self.nearest[length_class(length)][usize::from(is_longest)];
        if slot.code(coder, actual == Place::Predicted, TOKENS_SLOWEST) {
            return Place::Predicted;
        }
        let in_chain = matches!(actual, Place::InChain(_));
        let (rank, distance) = match actual {
            Place::InChain(rank) => (rank, 1),
            Place::Distance(distance) => (0, distance),
            Place::Predicted => (0, 1),
        };
        if self.in_chain.code(coder, in_chain, SLOWEST) {
            return Place::InChain(code_growing(coder, &mut self.rank_bits, rank));
        }
        let number = distance.wrapping_sub(1) as u32;
        Place::Distance(code_growing(coder, &mut self.distance_bits, number) as usize + 1)
    }

    /// Learns what became of a token, which the reference says something of.
    pub(super) fn learn_hint(&mut self, hint: Hint, token: Token) {
        self.run = match hint {
            Hint::None => self.run,
            Hint::Token(hint) if hint == token => self.run.saturating_add(1),
            _ => 0,
        };
        self.remember(token);
    }

    /// Learns what became of a token that was predicted from this.
    pub(super) fn learn(&mut self, sight: &Sight, token: Token) {
        let likely = match sight.here.length {
            0..SHORTEST_COPY => 1,
            longest => longest,
        };
        self.history = self.history << 1 | usize::from(token.length() != likely);
    }

    fn remember(&mut self, token: Token) {
        self.last_kind = match token.distance() {
            0 => 0,
            _ if token.length() < LONGEST_COPY => 1,
            _ => 2,
        };
        if token.distance() > 0 {
            self.last_distance = token.distance();
        }
    }
}

/// Contexts of a token.
#[derive(Clone, Copy, Debug)]
struct Context {
    length: usize,
    relation: usize,
    distance: usize,
    history: usize,
    last_kind: usize,
    byte: usize,
    repeats: usize,
    hint: usize,
    run: usize,
}

impl Context {
    fn code<C: Coder>(&self, coder: &mut C, mixed: &mut Mixed, bit: bool) -> bool {
        let by_relation = (self.length * RELATIONS + self.relation) * DISTANCES + self.distance;
        let by_history = (self.length * HISTORIES + self.history) * 3 + self.last_kind;
        let by_byte = self.byte * LENGTHS + self.length;
        let by_repetition = (self.repeats * LENGTHS + self.length) * RELATIONS + self.relation;
        let mut lines = [
            &mut mixed.by_relation[by_relation],
            &mut mixed.by_history[by_history],
            &mut mixed.by_byte[by_byte],
            &mut mixed.by_repetition[by_repetition],
            &mut mixed.by_hint[(self.hint * RUNS + self.run) * LENGTHS + self.length],
        ];
        let weights = &mut mixed.weights[usize::from(self.hint >= 2)][self.length];
        mixed_bit::<C, 5, 1, true>(coder, &mut lines, 0, weights, TOKENS_SLOWEST, bit)
    }
}

fn length_class(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=6 => length - 2,
        7..=8 => 5,
        9..=11 => 6,
        12..=16 => 7,
        17..=24 => 8,
        25..=40 => 9,
        41..=80 => 10,
        81..=160 => 11,
        161..LONGEST_COPY => 12,
        _ => 13,
    }
}

fn distance_class(distance: usize) -> usize {
    match distance {
        0..=1 => 0,
        2..=8 => 1,
        9..=256 => 2,
        257..=4096 => 3,
        _ => 4,
    }
}

/// Codes a number below 2^16 as how many bits it has, by a tree of slots, and those behind the first.
fn code_growing<C: Coder>(coder: &mut C, slots: &mut [Slot; 32], number: u32) -> u32 {
    let bits = u32::BITS - number.leading_zeros();
    let bits = code_tree(coder, slots, 5, bits, SLOWEST).min(16);
    match bits.checked_sub(1) {
        None => 0,
        Some(rest) => 1 << rest | code_raw(coder, rest, number & ((1 << rest) - 1)),
    }
}
