//! An exact replay of zlib's `deflate`, as of versions 1.2.13 to 1.3.2.
//!
//! What the caller does decides bytes as well. From level 1 on, every choice is made with 262 bytes
//! ahead, or at the end, however the input is fed; but the window slides when there is no room for
//! the bytes given, and a slide forgets its oldest byte, so rows are to be given one by one, as
//! libpng gives them to zlib. At level 0 blocks end where the caller's output buffer does.
//!
//! Versions differ little, as zlib's ChangeLog says: before 1.2.13, [`Strategy::Fixed`] chose types
//! of blocks differently; before 1.2.12, level 0 took one byte less into a full window, and before
//! 1.2.11 it cut its blocks in another way. All else is as old as the images of PngSuite at least.

use super::blocks::{Block, BlockWriter};
use super::handover::{Handover, Standing};
use super::matcher::{Effort, LOOKAHEAD, Matcher};
use super::parameters::{Flush, Parameters, Strategy};
use super::reference_tokens::ReferenceTokens;
use super::stored::{OutputBuffer, Storing};
use super::token::{LONGEST_COPY, SHORTEST_COPY, Token};
use crate::simd::{VectorInstructions, Vectorized, vectorized};

/// Copies of three bytes from further back are not worth it.
const TOO_FAR: usize = 4096;
/// Copies up to this length are not worth it when filtered data are expected.
const FILTERED_SHORTEST: usize = 5;

/// Compresses as zlib does, to a raw DEFLATE stream: without zlib's header and checksum.
///
/// State: 265 KB at memory level 8, and 256 KB more once filtered data were expected.
#[derive(Clone)]
pub(super) struct ZlibReplay {
    parameters: Parameters,
    effort: Effort,
    matcher: Matcher,
    blocks: BlockWriter,
    tokens: Vec<Token>,
    /// Tokens of a full block.
    block_tokens: usize,
    /// The match at the position before, or one byte less than the shortest.
    length: usize,
    /// Whether the byte before is not coded yet.
    literal_pending: bool,
    /// Tokens of the blocks that were put out.
    written_tokens: u64,
    last_flush: Flush,
    output_buffer: OutputBuffer,
    reference: ReferenceTokens,
    /// Whether those are the very tokens to be chosen.
    tokens_are_given: bool,
    finished: bool,
}

impl ZlibReplay {
    pub(super) fn new() -> Self {
        let parameters = Parameters::new(6, Strategy::Default);
        let mut replay = Self {
            parameters,
            effort: Effort::LEVELS[0],
            matcher: Matcher::new(),
            blocks: BlockWriter::new(),
            tokens: Vec::new(),
            block_tokens: 0,
            length: 0,
            literal_pending: false,
            written_tokens: 0,
            last_flush: Flush::None,
            output_buffer: OutputBuffer::new(parameters.output_buffer),
            reference: ReferenceTokens::default(),
            tokens_are_given: false,
            finished: false,
        };
        replay.reset(&parameters);
        replay
    }

    /// Begins another stream. Allocates only where the memory level is above all before.
    pub(super) fn reset(&mut self, parameters: &Parameters) {
        let memory_level = parameters.memory_level.clamp(1, 9);
        self.parameters = *parameters;
        self.effort = Effort::LEVELS[usize::from(parameters.level.min(9))];
        let filtered = parameters.strategy == Strategy::Filtered && parameters.level >= 4;
        self.matcher
            .reset(memory_level, parameters.window_bits, filtered);
        self.blocks.reset();
        self.block_tokens = (1 << (memory_level + 6)) - 1;
        self.tokens.clear();
        self.tokens.reserve_exact(self.block_tokens);
        self.length = SHORTEST_COPY - 1;
        self.literal_pending = false;
        self.written_tokens = 0;
        self.last_flush = Flush::None;
        self.output_buffer = OutputBuffer::new(parameters.output_buffer);
        self.reference.reset();
        self.tokens_are_given = false;
        self.finished = false;
    }

    /// Compresses `input` and flushes as said.
    pub(super) fn flush(&mut self, input: &[u8], flush: Flush, out: &mut Vec<u8>) {
        let repeated = flush != Flush::None && flush <= self.last_flush;
        if input.is_empty() && repeated && flush != Flush::Finish {
            return;
        }
        self.run(input, flush, out);
    }

    /// How many tokens the blocks put out have, and the tokens that are held back.
    pub(super) fn tokens(&self) -> (u64, &[Token]) {
        (self.written_tokens, &self.tokens)
    }

    /// Where it stands between two pieces. From level 1 on.
    pub(super) fn standing(&self) -> Standing<'_> {
        let Matcher {
            slid, block_start, ..
        } = self.matcher;
        Standing {
            block_start: slid.wrapping_add_signed(block_start as i64),
            place: slid + self.next_token() as u64,
            tokens: &self.tokens,
        }
    }

    /// Where the next token starts in the buffer.
    fn next_token(&self) -> usize {
        self.matcher.position - usize::from(self.literal_pending)
    }

    /// Says where it stands between two pieces. From level 1 on.
    pub(super) fn hand_over(&self, to: &mut Handover) {
        let matcher = &self.matcher;
        let position = self.next_token();
        // A slide leaves as many.
        let before = position.min(matcher.reach() - 1);
        let end = matcher.position + matcher.lookahead;
        to.bits = self.blocks.bits();
        to.place = matcher.slid + position as u64;
        to.before = before;
        to.tokens.clone_from(&self.tokens);
        to.bytes.clear();
        to.bytes
            .extend_from_slice(&matcher.buffer[position - before..end]);
    }

    /// Whether some choice may not be zlib's: a search took too long.
    pub(super) fn gave_up(&self) -> bool {
        self.matcher.gave_up()
    }

    /// Takes tokens of the reference, in their order, before the bytes that they stand for.
    pub(super) fn add_reference(&mut self, tokens: &[Token]) {
        if self.is_lazy() {
            self.reference.extend(tokens);
        }
    }

    /// Whether matches are chosen lazily: then every position is inserted, so that choices depend on
    /// bytes only.
    pub(super) fn is_lazy(&self) -> bool {
        let Parameters {
            level, strategy, ..
        } = self.parameters;
        level >= 4 && !matches!(strategy, Strategy::HuffmanOnly | Strategy::RunLength)
    }

    /// Compresses `input`, of which `same_start` bytes at the start and `same_end` at the end are
    /// those of the reference at the same place.
    pub(super) fn push_compared(
        &mut self,
        input: &[u8],
        same_start: usize,
        same_end: usize,
        out: &mut Vec<u8>,
    ) {
        let different = input.len().saturating_sub(same_start + same_end);
        self.reference.extend_equal(same_start.min(input.len()));
        self.run(input, Flush::None, out);
        if different > 0 {
            self.reference.extend_different(different);
            self.reference.extend_equal(same_end);
        }
        let position = self.matcher.slid + self.matcher.position as u64;
        self.reference.drop_before(position.saturating_sub(1));
    }

    /// Compresses `input` to the tokens that are given for it, which is all there is to choose.
    pub(super) fn push_to_tokens(&mut self, input: &[u8], tokens: &[Token], out: &mut Vec<u8>) {
        self.tokens_are_given = true;
        self.reference.extend(tokens);
        self.run(input, Flush::None, out);
    }

    fn run(&mut self, input: &[u8], flush: Flush, out: &mut Vec<u8>) {
        if self.finished {
            return;
        }
        let mut rest = input;
        self.last_flush = flush;
        match (self.parameters.level, self.parameters.strategy) {
            (0, _) => self.store(&mut rest, flush, out),
            (_, Strategy::HuffmanOnly) => self.code_literals(&mut rest, flush, out),
            (_, Strategy::RunLength) => self.code_runs(&mut rest, flush, out),
            _ if self.tokens_are_given => self.code_given(&mut rest, flush, out),
            (1..=3, _) => self.code_greedily(&mut rest, flush, out),
            _ => vectorized(CodeLazily {
                replay: self,
                input: &mut rest,
                flush,
                out,
            }),
        }
        match flush {
            Flush::None => {}
            Flush::Finish => {
                if self.parameters.level > 0 {
                    self.end_block(true, out);
                }
                self.finished = true;
            }
            _ => {
                if !self.tokens.is_empty() {
                    self.end_block(false, out);
                }
                if flush == Flush::Partial {
                    self.blocks.write_empty_fixed(out);
                } else {
                    self.blocks.write_stored(&[], false, out);
                }
                if flush == Flush::Full {
                    self.matcher.forget();
                }
            }
        }
    }

    /// Stores all (level 0).
    fn store(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        Storing {
            matcher: &mut self.matcher,
            blocks: &mut self.blocks,
            buffer: &mut self.output_buffer,
            pending_limit: 4 * (self.block_tokens + 1),
            flush,
        }
        .run(input, out);
    }

    /// Whether there are enough bytes ahead to go on; takes them from the input.
    #[inline(always)]
    fn is_ready(&mut self, least: usize, input: &mut &[u8], flush: Flush) -> bool {
        if self.matcher.lookahead < least {
            self.matcher.fill(input);
            if self.matcher.lookahead < least && flush == Flush::None {
                return false;
            }
        }
        self.matcher.lookahead > 0
    }

    /// Codes all as literals.
    fn code_literals(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        while self.is_ready(1, input, flush) {
            self.code_literal(self.matcher.position, out);
        }
    }

    /// Codes the byte at `position` as a literal, which is the newest to be coded.
    #[inline(always)]
    fn code_literal(&mut self, position: usize, out: &mut Vec<u8>) {
        self.tokens
            .push(Token::literal(self.matcher.buffer[position]));
        self.matcher.position += 1;
        self.matcher.lookahead -= 1;
        if self.tokens.len() == self.block_tokens {
            self.end_block(false, out);
        }
    }

    /// Codes runs of equal bytes, and all else as literals.
    fn code_runs(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        while self.is_ready(LONGEST_COPY + 1, input, flush) {
            let position = self.matcher.position;
            let mut length = 0;
            if position > 0 {
                let byte = self.matcher.buffer[position - 1];
                let most = self.matcher.lookahead.min(LONGEST_COPY);
                length = self.matcher.buffer[position..position + most]
                    .iter()
                    .take_while(|other| **other == byte)
                    .count();
            }
            if length < SHORTEST_COPY {
                self.code_literal(position, out);
                continue;
            }
            self.tokens
                .push(Token::copy((length - SHORTEST_COPY) as u8, 1));
            self.matcher.position += length;
            self.matcher.lookahead -= length;
            if self.tokens.len() == self.block_tokens {
                self.end_block(false, out);
            }
        }
    }

    /// Takes the longest match at each position (levels 1 to 3).
    fn code_greedily(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        while self.is_ready(LOOKAHEAD, input, flush) {
            let position = self.matcher.position;
            let mut length = 0;
            if self.matcher.lookahead >= SHORTEST_COPY {
                let candidate = self.matcher.insert(position);
                if candidate != 0 && position - candidate <= self.matcher.reach() {
                    length = self.matcher.longest_match(
                        candidate,
                        SHORTEST_COPY - 1,
                        self.effort.chain_length,
                        self.effort.nice_length,
                    );
                }
            }
            if length < SHORTEST_COPY {
                self.code_literal(position, out);
                continue;
            }
            let distance = position - self.matcher.match_start;
            self.tokens
                .push(Token::copy((length - SHORTEST_COPY) as u8, distance as u16));
            self.matcher.lookahead -= length;
            self.matcher.position += length;
            if length <= self.effort.lazy_length && self.matcher.lookahead >= SHORTEST_COPY {
                self.matcher
                    .insert_match(position + 1, 0, position + length);
            } else {
                self.matcher.begin_hash(position + length);
            }
            if self.tokens.len() == self.block_tokens {
                self.end_block(false, out);
            }
        }
        if flush != Flush::None {
            self.matcher.not_inserted = self.matcher.position.min(SHORTEST_COPY - 1);
        }
    }

    /// Takes a match only where the next position has no longer one (levels 4 to 9).
    #[inline(always)]
    fn code_lazily(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        while self.is_ready(LOOKAHEAD, input, flush) {
            let just_copied = !self.literal_pending && self.length < SHORTEST_COPY;
            if just_copied && !self.reference.is_empty() && self.copy_reference(out) {
                continue;
            }
            let position = self.matcher.position;
            let before = (self.length, self.matcher.match_start);
            self.length = SHORTEST_COPY - 1;
            if self.matcher.only_long_matches {
                if before.0 < self.effort.lazy_length {
                    self.length = self.search_long(before.0);
                }
            } else if self.matcher.lookahead >= SHORTEST_COPY {
                let candidate = self.matcher.insert(position);
                if candidate != 0
                    && before.0 < self.effort.lazy_length
                    && position - candidate <= self.matcher.reach()
                {
                    self.length = self.search(candidate, before.0);
                }
            }
            if before.0 >= SHORTEST_COPY && self.length <= before.0 {
                self.take_match(before.0, position - 1 - before.1, out);
            } else if self.literal_pending {
                self.tokens
                    .push(Token::literal(self.matcher.buffer[position - 1]));
                if self.tokens.len() == self.block_tokens {
                    self.end_block(false, out);
                }
                self.matcher.position += 1;
                self.matcher.lookahead -= 1;
            } else {
                self.literal_pending = true;
                self.matcher.position += 1;
                self.matcher.lookahead -= 1;
            }
        }
        if flush != Flush::None {
            if self.literal_pending {
                let byte = self.matcher.buffer[self.matcher.position - 1];
                self.tokens.push(Token::literal(byte));
                self.literal_pending = false;
            }
            self.matcher.not_inserted = self.matcher.position.min(SHORTEST_COPY - 1);
        }
    }

    /// Takes the tokens that are given, each when zlib would have chosen it.
    fn code_given(&mut self, input: &mut &[u8], flush: Flush, out: &mut Vec<u8>) {
        let looks_twice = self.is_lazy();
        while self.is_ready(LOOKAHEAD, input, flush) {
            if self.literal_pending {
                self.take_given(1, out);
            } else if self.take_many_given(LOOKAHEAD + usize::from(looks_twice), out) == 0 {
                if looks_twice {
                    // The choice depends on what the next position has.
                    self.literal_pending = true;
                    self.matcher.position += 1;
                    self.matcher.lookahead -= 1;
                } else {
                    self.take_given(0, out);
                }
            }
        }
        if flush != Flush::None && self.literal_pending {
            self.take_given(1, out);
        }
    }

    /// Takes tokens as long as there are so many bytes ahead, up to the end of the block; how many.
    fn take_many_given(&mut self, ahead: usize, out: &mut Vec<u8>) -> usize {
        let Some(most) = self.matcher.lookahead.checked_sub(ahead) else {
            return 0;
        };
        let room = self.block_tokens - self.tokens.len();
        let count = self.reference.count_within(most as u64).min(room);
        self.take_reference(count, out);
        count
    }

    /// Takes so many tokens, which are within the block, from the reference.
    fn take_reference(&mut self, count: usize, out: &mut Vec<u8>) {
        let first = self.tokens.len();
        let length = self.reference.take(count, &mut self.tokens);
        if !self.tokens_are_given {
            self.matcher.insert_tokens(&self.tokens[first..]);
        }
        self.matcher.position += length;
        self.matcher.lookahead -= length;
        if self.tokens.len() == self.block_tokens {
            self.end_block(false, out);
        }
    }

    /// Takes the next token, of whose bytes so many were passed.
    fn take_given(&mut self, passed: usize, out: &mut Vec<u8>) {
        let position = self.matcher.position - passed;
        let literal = Token::literal(self.matcher.buffer[position]);
        let token = self.reference.take_first().unwrap_or(literal);
        let left = (token.length() - passed).min(self.matcher.lookahead);
        self.tokens.push(token);
        self.literal_pending = false;
        self.matcher.position += left;
        self.matcher.lookahead -= left;
        if self.tokens.len() == self.block_tokens {
            self.end_block(false, out);
        }
    }

    /// Takes tokens from the reference as far as they are those to be chosen; says whether any.
    fn copy_reference(&mut self, out: &mut Vec<u8>) -> bool {
        let matcher = &self.matcher;
        // zlib would take more input while it looks at the second byte of a match.
        let Some(ahead) = matcher.lookahead.checked_sub(LOOKAHEAD - LONGEST_COPY) else {
            return false;
        };
        let position = matcher.slid + matcher.position as u64;
        let end = position + ahead as u64;
        let reach = matcher.reach() as u64;
        let count = self.reference.count_valid(position, reach, end);
        let mut left = count;
        while left > 0 {
            let some = left.min(self.block_tokens - self.tokens.len());
            self.take_reference(some, out);
            left -= some;
        }
        count > 0
    }

    /// The length of the longest match that is worth it, above `before`, where all are long.
    #[inline(always)]
    fn search_long(&mut self, before: usize) -> usize {
        let mut chain = self.effort.chain_length;
        if before >= self.effort.good_length {
            chain >>= 2;
        }
        let best = before.max(FILTERED_SHORTEST);
        let length = self
            .matcher
            .longest_long_match(best, chain, self.effort.nice_length);
        if length <= FILTERED_SHORTEST {
            SHORTEST_COPY - 1
        } else {
            length
        }
    }

    /// The length of the longest match that is worth it, above `before`.
    #[inline(always)]
    fn search(&mut self, candidate: usize, before: usize) -> usize {
        let mut chain = self.effort.chain_length;
        if before >= self.effort.good_length {
            chain >>= 2;
        }
        let filtered = self.parameters.strategy == Strategy::Filtered;
        // What is not worth it need not be found.
        let best = before.max(if filtered { FILTERED_SHORTEST } else { 0 });
        let length = self
            .matcher
            .longest_match(candidate, best, chain, self.effort.nice_length);
        let too_far = length == SHORTEST_COPY
            && self.matcher.position.wrapping_sub(self.matcher.match_start) > TOO_FAR;
        if length <= FILTERED_SHORTEST && (filtered || too_far) {
            SHORTEST_COPY - 1
        } else {
            length
        }
    }

    /// Codes the match that began at the position before.
    #[inline(always)]
    fn take_match(&mut self, length: usize, distance: usize, out: &mut Vec<u8>) {
        self.tokens
            .push(Token::copy((length - SHORTEST_COPY) as u8, distance as u16));
        let position = self.matcher.position;
        let end = position + length - 1;
        if !self.matcher.only_long_matches {
            // Beyond it there are no three bytes to insert.
            let last = (position + self.matcher.lookahead).saturating_sub(SHORTEST_COPY);
            let run_end = if distance == 1 { end - 2 } else { 0 };
            let last = end.min(last + 1);
            self.matcher
                .insert_match(position + 1, run_end.min(last), last);
        }
        self.matcher.lookahead -= length - 1;
        self.matcher.position = end;
        self.literal_pending = false;
        self.length = SHORTEST_COPY - 1;
        if self.tokens.len() == self.block_tokens {
            self.end_block(false, out);
        }
    }

    fn end_block(&mut self, last: bool, out: &mut Vec<u8>) {
        let block = Block {
            tokens: &self.tokens,
            length: self.matcher.block_length(),
            bytes: self.matcher.block_bytes(),
            last,
            fixed: self.parameters.strategy == Strategy::Fixed,
        };
        self.blocks.write(&block, out);
        self.written_tokens += self.tokens.len() as u64;
        self.tokens.clear();
        self.matcher.block_start = self.matcher.position.cast_signed();
    }
}

/// Coding lazily, which takes the most time.
struct CodeLazily<'r, 'i> {
    replay: &'r mut ZlibReplay,
    input: &'r mut &'i [u8],
    flush: Flush,
    out: &'r mut Vec<u8>,
}

impl Vectorized for CodeLazily<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, _simd: S) {
        self.replay.code_lazily(self.input, self.flush, self.out);
    }
}
