//! What is learned about the choices of an encoder that no replay follows exactly.
//!
//! Every choice is predicted from what zlib's search finds in the bytes, which both directions know,
//! and is coded as one of the likely ones: the longest match or none, the nearest distance at which
//! the length is found, the codes that zlib would build. Invariant: anything that DEFLATE can say of
//! tokens and codes can be coded, so a wrong prediction costs bits only.

use super::blocks::count_code_lengths;
use super::code_tables::{CODE_LENGTH_CODES, LITERAL_LENGTH_CODES};
use super::description::{Description, Run};
use super::token::{LONGEST_COPY, SHORTEST_COPY, Token};
use super::token_reader::{BlockKind, BlockStart};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::mixed::{Weights, mixed_bit};

/// The slowest rate of slots for what is seldom coded, and for tokens.
const SLOWEST: u32 = 1000;
const TOKENS_SLOWEST: u32 = 500;

/// Classes of lengths, of distances, and of how the match behind relates to that at hand.
const LENGTHS: usize = 14;
const DISTANCES: usize = 5;
const RELATIONS: usize = 6;
/// Outcomes of the last four tokens.
const HISTORIES: usize = 16;

/// A match that zlib's search finds, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// 0 if there is none, otherwise 3 to 258.
    pub(super) length: usize,
    pub(super) distance: usize,
    /// How far back its chain begins, 0 for none.
    pub(super) chain: usize,
}

/// What a token is predicted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The longest match at the token's place, and at the next one if that was looked for.
    pub(super) here: Found,
    pub(super) behind: Option<Found>,
    /// The byte there.
    pub(super) byte: u8,
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
    weights: [Weights<4>; LENGTHS],
}

impl Mixed {
    fn new() -> Self {
        Self {
            by_relation: vec![[Slot::EVEN]; LENGTHS * RELATIONS * DISTANCES],
            by_history: vec![[Slot::EVEN]; LENGTHS * HISTORIES * 3],
            by_byte: vec![[Slot::EVEN]; 256 * LENGTHS],
            by_repetition: vec![[Slot::EVEN]; 2 * LENGTHS * RELATIONS],
            weights: [Weights::INITIAL; LENGTHS],
        }
    }
}

/// All that is learned about corrections.
#[derive(Debug)]
pub(crate) struct CorrectionModels {
    like_reference: [[Slot; 2]; HISTORIES],
    reference_history: usize,
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
    block_ends: [Slot; 4],
    /// How many tokens the last block had that was ended.
    block_tokens: u64,
    last_block: Slot,
    kinds: [[Slot; 4]; 3],
    last_kind_of_block: usize,
    stored_length_changed: Slot,
    stored_length: u16,
    other_literals: Slot,
    other_distances: Slot,
    other_code_lengths: Slot,
    other_counts: [Slot; 3],
    code_lengths: [[Slot; 16]; 16],
    other_run: [[Slot; 2]; 19],
    code_length_code: [[Slot; 8]; 8],
}

impl CorrectionModels {
    pub(crate) fn new() -> Self {
        let seldom = Slot::expecting(500);
        Self {
            like_reference: [[Slot::expecting(64_000); 2]; HISTORIES],
            reference_history: 0,
            unexpected_copy: [seldom; HISTORIES],
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
            block_ends: [Slot::expecting(100), Slot::EVEN, Slot::EVEN, Slot::EVEN],
            block_tokens: 0,
            last_block: Slot::expecting(2000),
            kinds: [[Slot::EVEN; 4]; 3],
            last_kind_of_block: 2,
            stored_length_changed: Slot::EVEN,
            stored_length: 0,
            other_literals: Slot::EVEN,
            other_distances: Slot::EVEN,
            other_code_lengths: Slot::EVEN,
            other_counts: [seldom; 3],
            code_lengths: [[Slot::EVEN; 16]; 16],
            other_run: [[Slot::expecting(3000); 2]; 19],
            code_length_code: [[Slot::EVEN; 8]; 8],
        }
    }

    /// Codes whether the token is the reference's, which is `token`.
    pub(super) fn code_like_reference<C: Coder>(
        &mut self,
        coder: &mut C,
        token: Token,
        alike: bool,
    ) -> bool {
        let slot = &mut self.like_reference[self.reference_history & (HISTORIES - 1)]
            [usize::from(token.distance() > 0)];
        let alike = slot.code(coder, alike, TOKENS_SLOWEST);
        self.reference_history = self.reference_history << 1 | usize::from(!alike);
        if alike {
            self.remember(token);
        }
        alike
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
        self.code_other_length(coder, context.length, actual)
    }

    fn code_other_length<C: Coder>(&mut self, coder: &mut C, class: usize, actual: usize) -> usize {
        let slots = &mut self.lengths[class];
        let number = actual.saturating_sub(SHORTEST_COPY) as u32;
        SHORTEST_COPY + code_tree(coder, slots, 8, number) as usize
    }

    fn context(&self, sight: &Sight) -> Context {
        let here = sight.here;
        let relation = match sight.behind {
            None => 0,
            Some(behind) => match (behind.length + 1).cmp(&here.length) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => 2,
                std::cmp::Ordering::Greater => {
                    3 + (behind.length + 1 - here.length).saturating_sub(1).min(2)
                }
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

    /// Learns what became of a token that was predicted from this.
    pub(super) fn learn(&mut self, sight: &Sight, token: Token) {
        let likely = match sight.here.length {
            0..SHORTEST_COPY => 1,
            longest => longest,
        };
        self.history = self.history << 1 | usize::from(token.length() != likely);
        self.remember(token);
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

    /// Codes whether a block ends that has `tokens` so far.
    pub(super) fn code_block_end<C: Coder>(
        &mut self,
        coder: &mut C,
        tokens: u64,
        like_reference: bool,
        ends: bool,
    ) -> bool {
        let context = usize::from(tokens == self.block_tokens) + 2 * usize::from(like_reference);
        let ends = self.block_ends[context].code(coder, ends, SLOWEST);
        if ends {
            self.block_tokens = tokens;
        }
        ends
    }

    /// Codes how a block begins; `None` if what is decoded cannot be.
    pub(super) fn code_block_start<C: Coder>(
        &mut self,
        coder: &mut C,
        actual: BlockStart,
    ) -> Option<BlockStart> {
        let last = self.last_block.code(coder, actual.last, SLOWEST);
        let (number, length) = match actual.kind {
            BlockKind::Stored(length) => (0, length),
            BlockKind::Fixed => (1, 0),
            BlockKind::Dynamic => (2, 0),
        };
        let slots = &mut self.kinds[self.last_kind_of_block];
        let number = code_tree(coder, slots, 2, number);
        let kind = match number {
            0 => {
                let changed = length != self.stored_length;
                if self.stored_length_changed.code(coder, changed, SLOWEST) {
                    self.stored_length = code_raw(coder, 16, u32::from(length)) as u16;
                }
                BlockKind::Stored(self.stored_length)
            }
            1 => BlockKind::Fixed,
            2 => BlockKind::Dynamic,
            _ => return None,
        };
        self.last_kind_of_block = number as usize;
        Some(BlockStart { kind, last })
    }

    /// Codes a description whose code lengths are expected as given, and those of its own code as
    /// `expect_code` finds them from the runs; `None` if what is decoded cannot be.
    pub(super) fn code_description<C: Coder>(
        &mut self,
        coder: &mut C,
        expected: &Description,
        actual: Option<&Description>,
        expect_code: impl FnOnce(&[Run]) -> [u8; CODE_LENGTH_CODES],
    ) -> Option<Description> {
        let known = actual.unwrap_or(expected);
        let mut description = expected.clone();
        code_lengths(
            coder,
            &mut self.other_literals,
            &mut self.code_lengths,
            &mut description.literal_lengths,
            &known.literal_lengths,
        );
        code_lengths(
            coder,
            &mut self.other_distances,
            &mut self.code_lengths,
            &mut description.distance_lengths,
            &known.distance_lengths,
        );
        let [other_literals, other_distances, _] = &mut self.other_counts;
        let used = |lengths: &[u8], least: usize| {
            let last = lengths.iter().rposition(|length| *length > 0);
            last.map_or(least, |last| (last + 1).max(least))
        };
        description.literal_count = code_count(
            (coder, other_literals),
            (257, 5),
            used(&description.literal_lengths, 257),
            known.literal_count,
        );
        description.distance_count = code_count(
            (coder, other_distances),
            (1, 5),
            used(&description.distance_lengths, 1),
            known.distance_count,
        );
        if description.literal_count > LITERAL_LENGTH_CODES
            || description.distance_count > description.distance_lengths.len()
        {
            return None;
        }
        self.code_runs(coder, &mut description, &known.runs)?;
        let expected_lengths = expect_code(&description.runs);
        description.code_length_lengths = expected_lengths;
        let differs = known.code_length_lengths != expected_lengths;
        if self.other_code_lengths.code(coder, differs, SLOWEST) {
            for (length, actual) in description
                .code_length_lengths
                .iter_mut()
                .zip(known.code_length_lengths)
            {
                let slots = &mut self.code_length_code[usize::from(*length & 7)];
                *length = code_tree(coder, slots, 3, u32::from(actual)) as u8;
            }
        }
        let count = count_code_lengths(&description.code_length_lengths);
        description.code_length_count = code_count(
            (coder, &mut self.other_counts[2]),
            (4, 4),
            count,
            known.code_length_count,
        );
        Some(description)
    }

    fn code_runs<C: Coder>(
        &mut self,
        coder: &mut C,
        description: &mut Description,
        known: &[Run],
    ) -> Option<()> {
        let literals = &description.literal_lengths[..description.literal_count];
        let distances = &description.distance_lengths[..description.distance_count];
        let all = [literals, distances].concat();
        description.runs.clear();
        let mut place = 0;
        while place < all.len() {
            let (begin, end) = match place < literals.len() {
                true => (0, literals.len()),
                false => (literals.len(), all.len()),
            };
            let before = (place > begin).then(|| all[place - 1]);
            let expected = Run::first_of(&all[place..end], before);
            let actual = known
                .get(description.runs.len())
                .copied()
                .unwrap_or(expected);
            let at_end = usize::from(place + expected.count() == literals.len());
            let slot = &mut self.other_run[usize::from(expected.symbol.min(18))][at_end];
            let run = match slot.code(coder, actual != expected, SLOWEST) {
                false => expected,
                true => Run {
                    symbol: code_raw(coder, 5, u32::from(actual.symbol)) as u8,
                    extra: code_raw(coder, 7, u32::from(actual.extra)) as u8,
                },
            };
            let (most_extra, is_known) = match run.symbol {
                16 => (3, true),
                17 => (7, true),
                18 => (127, true),
                symbol => (0, symbol < 16),
            };
            if !is_known || run.extra > most_extra {
                return None;
            }
            description.runs.push(run);
            place += run.count();
        }
        Some(())
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
        ];
        let weights = &mut mixed.weights[self.length];
        mixed_bit::<C, 4, 1, true>(coder, &mut lines, 0, weights, TOKENS_SLOWEST, bit)
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

/// Codes code lengths of which each is expected to be the one there.
fn code_lengths<C: Coder, const N: usize>(
    coder: &mut C,
    differ: &mut Slot,
    slots: &mut [[Slot; 16]; 16],
    lengths: &mut [u8; N],
    actual: &[u8; N],
) {
    if differ.code(coder, lengths != actual, SLOWEST) {
        for (length, actual) in lengths.iter_mut().zip(actual) {
            let slots = &mut slots[usize::from(*length & 15)];
            *length = code_tree(coder, slots, 4, u32::from(*actual)) as u8;
        }
    }
}

/// Codes a count of at least `least`, which fits `bits` bits beyond it and is expected to be
/// `expected`.
fn code_count<C: Coder>(
    (coder, differs): (&mut C, &mut Slot),
    (least, bits): (usize, u32),
    expected: usize,
    actual: usize,
) -> usize {
    match differs.code(coder, actual != expected, SLOWEST) {
        true => least + code_raw(coder, bits, (actual - least) as u32) as usize,
        false => expected,
    }
}

/// Codes a number of `bits` bits by a tree of slots, the highest first.
fn code_tree<C: Coder, const N: usize>(
    coder: &mut C,
    slots: &mut [Slot; N],
    bits: u32,
    number: u32,
) -> u32 {
    let mut path = 1;
    for shift in (0..bits).rev() {
        let bit = number >> shift & 1 == 1;
        let slot = &mut slots[path & (N - 1)];
        path = path << 1 | usize::from(slot.code(coder, bit, TOKENS_SLOWEST));
    }
    (path - (1 << bits)) as u32
}

/// Codes a number below 2^16 as how many bits it has, by a tree of slots, and those behind the first.
fn code_growing<C: Coder>(coder: &mut C, slots: &mut [Slot; 32], number: u32) -> u32 {
    let bits = u32::BITS - number.leading_zeros();
    let bits = code_tree(coder, slots, 5, bits).min(16);
    match bits.checked_sub(1) {
        None => 0,
        Some(rest) => 1 << rest | code_raw(coder, rest, number & ((1 << rest) - 1)),
    }
}

/// Codes the lowest `bits` (0 to 16) bits of a number, all values alike.
fn code_raw<C: Coder>(coder: &mut C, bits: u32, number: u32) -> u32 {
    let low = bits.min(8);
    let high = bits - low;
    let upper = coder.raw_bits(high, number >> low & ((1 << high) - 1));
    upper << low | coder.raw_bits(low, number & ((1 << low) - 1))
}
