//! What is learned about the blocks of an encoder that no replay follows exactly.
//!
//! Blocks are expected to have as many tokens as the one before, and their codes to be those that zlib
//! would build and write. Invariant: anything that DEFLATE can say of blocks and codes can be coded, so
//! a wrong prediction costs bits only.

use super::blocks::count_code_lengths;
use super::code_tables::{CODE_LENGTH_CODES, DISTANCE_CODES, LITERAL_LENGTH_CODES};
use super::description::{Description, Run};
use super::token_reader::{BlockKind, BlockStart};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// The slowest rate of all slots here.
const SLOWEST: u32 = 1000;

/// All that is learned about blocks.
#[derive(Debug)]
pub(super) struct BlockModels {
    /// Whether a block ends, by whether it has as many tokens as the one before.
    ends: [Slot; 2],
    /// How many tokens the last block had that was ended.
    block_tokens: u64,
    last_block: Slot,
    /// Trees over types of blocks, by the type before.
    kinds: [[Slot; 4]; 3],
    last_kind: usize,
    stored_length_changed: Slot,
    stored_length: u16,
    /// Whether code lengths are not all as expected.
    other_literals: Slot,
    other_distances: Slot,
    other_code: Slot,
    /// The same of how many lengths are written of each of these codes.
    other_counts: [Slot; 3],
    /// Trees over code lengths, by the one expected.
    code_lengths: [[Slot; 16]; 16],
    /// Whether a run is another than expected, by its symbol, and whether it ends with the first code.
    other_run: [[Slot; 2]; 19],
    /// Trees over lengths of the code of code lengths, by the one expected.
    code_length_code: [[Slot; 8]; 8],
}

impl BlockModels {
    pub(super) fn new() -> Self {
        Self {
            ends: [Slot::expecting(100), Slot::EVEN],
            block_tokens: 0,
            last_block: Slot::expecting(2000),
            kinds: [[Slot::EVEN; 4]; 3],
            last_kind: 2,
            stored_length_changed: Slot::EVEN,
            stored_length: 0,
            other_literals: Slot::EVEN,
            other_distances: Slot::EVEN,
            other_code: Slot::EVEN,
            other_counts: [Slot::expecting(500); 3],
            code_lengths: [[Slot::EVEN; 16]; 16],
            other_run: [[Slot::expecting(3000); 2]; 19],
            code_length_code: [[Slot::EVEN; 8]; 8],
        }
    }

    /// Codes whether a block ends that has `tokens` so far.
    pub(super) fn code_end<C: Coder>(&mut self, coder: &mut C, tokens: u64, ends: bool) -> bool {
        let slot = &mut self.ends[usize::from(tokens == self.block_tokens)];
        let ends = slot.code(coder, ends, SLOWEST);
        if ends {
            self.block_tokens = tokens;
        }
        ends
    }

    /// Codes how a block begins; `None` if what is decoded cannot be.
    pub(super) fn code_start<C: Coder>(
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
        let slots = &mut self.kinds[self.last_kind];
        let number = code_tree(coder, slots, 2, number, SLOWEST);
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
        self.last_kind = number as usize;
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
        self.code_counts(coder, &mut description, known)?;
        self.code_runs(coder, &mut description, &known.runs)?;
        description.code_length_lengths = expect_code(&description.runs);
        self.code_own_code(coder, &mut description, known);
        Some(description)
    }

    /// Codes how many code lengths are written; `None` if there are not so many.
    fn code_counts<C: Coder>(
        &mut self,
        coder: &mut C,
        description: &mut Description,
        known: &Description,
    ) -> Option<()> {
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
        let legal = description.literal_count <= LITERAL_LENGTH_CODES
            && description.distance_count <= DISTANCE_CODES;
        legal.then_some(())
    }

    /// Codes the code of the description itself, of which each length is expected to be the one there.
    fn code_own_code<C: Coder>(
        &mut self,
        coder: &mut C,
        description: &mut Description,
        known: &Description,
    ) {
        let lengths = &mut description.code_length_lengths;
        let differs = *lengths != known.code_length_lengths;
        if self.other_code.code(coder, differs, SLOWEST) {
            for (length, actual) in lengths.iter_mut().zip(known.code_length_lengths) {
                let slots = &mut self.code_length_code[usize::from(*length & 7)];
                *length = code_tree(coder, slots, 3, u32::from(actual), SLOWEST) as u8;
            }
        }
        description.code_length_count = code_count(
            (coder, &mut self.other_counts[2]),
            (4, 4),
            count_code_lengths(lengths),
            known.code_length_count,
        );
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
            *length = code_tree(coder, slots, 4, u32::from(*actual), SLOWEST) as u8;
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
pub(super) fn code_tree<C: Coder, const N: usize>(
    coder: &mut C,
    slots: &mut [Slot; N],
    bits: u32,
    number: u32,
    slowest: u32,
) -> u32 {
    let mut path = 1;
    for shift in (0..bits).rev() {
        let bit = number >> shift & 1 == 1;
        let slot = &mut slots[path & (N - 1)];
        path = path << 1 | usize::from(slot.code(coder, bit, slowest));
    }
    (path - (1 << bits)) as u32
}

/// Codes the lowest `bits` (0 to 16) bits of a number, all values alike.
pub(super) fn code_raw<C: Coder>(coder: &mut C, bits: u32, number: u32) -> u32 {
    let low = bits.min(8);
    let high = bits - low;
    let upper = coder.raw_bits(high, number >> low & ((1 << high) - 1));
    upper << low | coder.raw_bits(low, number & ((1 << low) - 1))
}
