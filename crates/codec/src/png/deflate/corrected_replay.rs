//! The stream of an encoder that no replay follows exactly: what zlib's search finds predicts each
//! token, and what the encoder chose instead is coded.
//!
//! Invariant: both directions are given the same pieces, and make each choice with the same bytes
//! ahead, at least 262 or all that there are; so where a decoder has these bytes, it knows the token.

use super::blocks::BlockWriter;
use super::correction_models::{CorrectionModels, Found, Hint, Place, Sight};
use super::description::Description;
use super::handover::Handover;
use super::matcher::{Effort, LOOKAHEAD, Matcher};
use super::reference_tokens::ReferenceTokens;
use super::token::{SHORTEST_COPY, Token};
use super::token_reader::{BlockKind, BlockStart};
use crate::entropy::Coder;

/// Most tokens of a block that are held. Of a block that has more the codes are told before its end.
const HELD_TOKENS: usize = 32_767;

/// Most blocks without tokens one after another.
const EMPTY_BLOCKS: u32 = 64;

/// Positions of a chain that are looked at for the distance of a copy.
const PLACES: u32 = 4096;

/// Most bytes of a stream that may be put out at a time: no encoder sees more of a file.
const STREAM_MAX: usize = 512 << 10;

/// What an encoder reads: a stream as it was written, token by token. What it gives is `None` where
/// the stream turns out to be none.
pub(crate) trait WrittenStream {
    /// How the block that comes next begins.
    fn block_start(&mut self) -> Option<BlockStart>;
    /// Whether the block in hand ends here; goes behind its end.
    fn block_ends(&mut self) -> Option<bool>;
    /// The token that comes next in the block.
    fn token(&mut self) -> Option<Token>;
    /// The codes of the dynamic block in hand.
    fn description(&self) -> Description;
}

/// A block that has begun.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// So many bytes of it are to come.
    Stored(usize),
    Fixed,
    /// Whether its codes were told.
    Dynamic(bool),
}

/// Puts a stream together from bytes and corrections.
///
/// State: 330 KB.
pub(crate) struct CorrectedReplay {
    effort: Effort,
    matcher: Matcher,
    blocks: BlockWriter,
    /// Of the block in hand, those that were not written.
    tokens: Vec<Token>,
    /// How many it has so far.
    block_tokens: u64,
    open: Option<Open>,
    /// Whether the block in hand, or the one before, is the last.
    last: bool,
    empty_blocks: u32,
    /// What was found at the current position, if it was looked at ahead.
    ahead: Option<Found>,
    /// How many positions from the current one on are in their chains: 0 to 2.
    inserted: usize,
    reference: ReferenceTokens,
}

/// The models, the coder, and in an encoder the stream.
pub(crate) struct Correcting<'a, C, W> {
    pub(crate) models: &'a mut CorrectionModels,
    pub(crate) coder: &'a mut C,
    pub(crate) written: Option<&'a mut W>,
}

impl CorrectedReplay {
    /// At the start of a stream, which is searched as zlib does at `level`.
    pub(crate) fn new(level: u8) -> Self {
        let mut matcher = Matcher::new();
        matcher.reset(8, 15, false);
        let mut reference = ReferenceTokens::default();
        reference.reset();
        Self {
            effort: Effort::LEVELS[usize::from(level.clamp(1, 9))],
            matcher,
            blocks: BlockWriter::new(),
            tokens: Vec::new(),
            block_tokens: 0,
            open: None,
            last: false,
            empty_blocks: 0,
            ahead: None,
            inserted: 0,
            reference,
        }
    }

    /// Where an exact replay stood, in whose stream nothing was wrong so far; of the tokens in hand it is told
    /// what block they are of. `None` if there is no such stream.
    pub(crate) fn take_over<C: Coder, W: WrittenStream>(
        by: &mut Correcting<'_, C, W>,
        from: &Handover,
        level: u8,
        out: &mut Vec<u8>,
    ) -> Option<Self> {
        let mut replay = Self::new(level);
        let slid = from.place - from.before as u64;
        replay.matcher.take_over(&from.bytes, from.before, slid);
        replay.blocks.take_over(from.bits);
        if from.tokens.is_empty() {
            return Some(replay);
        }
        replay.begin_block(by, out)?;
        if matches!(replay.open, Some(Open::Stored(_))) {
            return None;
        }
        for &token in &from.tokens {
            if let Some(written) = &mut by.written
                && (written.block_ends()? || written.token()? != token)
            {
                return None;
            }
            replay.tokens.push(token);
        }
        replay.block_tokens = from.tokens.len() as u64;
        Some(replay)
    }

    /// Takes tokens of the reference from this place on, in bytes from the start of the data.
    pub(crate) fn begin_reference(&mut self, place: u64) {
        self.reference.begin(place);
    }

    /// Takes tokens of the reference, in their order, before the bytes that they stand for.
    pub(crate) fn add_reference(&mut self, tokens: &[Token]) {
        self.reference.extend(tokens);
    }

    /// Codes the tokens for `input`, as far as they can be told, and appends the bytes of the stream
    /// that are complete to `out`. `ends`: nothing comes behind it. `None` if there is no such stream.
    pub(crate) fn push<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        input: &[u8],
        ends: bool,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let mut rest = input;
        while !(self.last && self.open.is_none()) {
            if out.len() > STREAM_MAX {
                return None;
            }
            if self.matcher.lookahead < LOOKAHEAD {
                self.matcher.fill(&mut rest);
                if self.matcher.lookahead < LOOKAHEAD && !ends {
                    break;
                }
            }
            match self.open {
                None => self.begin_block(by, out)?,
                Some(Open::Stored(left)) => self.store(by, left, out)?,
                Some(_) => match self.ends_block(by)? {
                    true => self.end_block(by, out)?,
                    false => self.code_token(by, out)?,
                },
            }
        }
        let is_told = matches!(self.open, Some(Open::Fixed | Open::Dynamic(true)));
        if is_told && !self.tokens.is_empty() {
            self.write_tokens(false, out);
        }
        let is_over = self.last && self.open.is_none();
        // What follows a stream's end is of no stream.
        let is_used = rest.is_empty() && self.matcher.lookahead == 0;
        (if is_over { is_used } else { !ends }).then_some(())
    }

    fn begin_block<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let unknown = BlockStart {
            kind: BlockKind::Dynamic,
            last: false,
        };
        let start = match &mut by.written {
            Some(written) => written.block_start()?,
            None => unknown,
        };
        let start = by.models.blocks.code_start(by.coder, start)?;
        self.last = start.last;
        self.block_tokens = 0;
        self.open = Some(match start.kind {
            BlockKind::Stored(length) => {
                self.blocks
                    .write_stored_header(usize::from(length), start.last, out);
                Open::Stored(usize::from(length))
            }
            BlockKind::Fixed => {
                self.blocks.begin_fixed(start.last, out);
                Open::Fixed
            }
            BlockKind::Dynamic => Open::Dynamic(false),
        });
        Some(())
    }

    /// Passes over bytes of a stored block.
    fn store<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        left: usize,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let count = left.min(self.matcher.lookahead);
        if let Some(written) = &mut by.written {
            for _ in 0..count {
                written.token()?;
            }
            if count == left && !written.block_ends()? {
                return None;
            }
        }
        let position = self.matcher.position;
        out.extend_from_slice(&self.matcher.buffer[position..position + count]);
        self.pass(count);
        self.reference.drop_before(self.place());
        self.block_tokens += count as u64;
        if count < left {
            self.open = Some(Open::Stored(left - count));
            return (count > 0).then_some(());
        }
        self.close_block(out)
    }

    fn ends_block<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
    ) -> Option<bool> {
        let ends = match &mut by.written {
            Some(written) => written.block_ends()?,
            // At the end of the bytes there is nothing else.
            None => true,
        };
        if self.matcher.lookahead == 0 {
            return ends.then_some(true);
        }
        Some(by.models.blocks.code_end(by.coder, self.block_tokens, ends))
    }

    fn end_block<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        self.tell_codes(by, out)?;
        self.write_tokens(true, out);
        self.close_block(out)
    }

    fn close_block(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.open = None;
        if self.last {
            self.blocks.align(out);
        }
        self.empty_blocks = match self.block_tokens {
            0 => self.empty_blocks + 1,
            _ => 0,
        };
        (self.empty_blocks <= EMPTY_BLOCKS).then_some(())
    }

    /// Tells the codes of a dynamic block, if they were not.
    fn tell_codes<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        if !matches!(self.open, Some(Open::Dynamic(false))) {
            return Some(());
        }
        let actual = by.written.as_ref().map(|written| written.description());
        let expected = self.expected_description();
        let blocks = &mut self.blocks;
        let description =
            by.models
                .blocks
                .code_description(by.coder, &expected, actual.as_ref(), |runs| {
                    blocks.predict_code_lengths(runs)
                })?;
        self.blocks.begin_described(&description, self.last, out);
        self.open = Some(Open::Dynamic(true));
        Some(())
    }

    /// The description that zlib would write for the tokens that are held.
    fn expected_description(&mut self) -> Description {
        let (literal_lengths, distance_lengths) = self.blocks.predict(&self.tokens);
        Description {
            literal_lengths,
            distance_lengths,
            literal_count: 257,
            distance_count: 1,
            runs: Vec::new(),
            code_length_lengths: Default::default(),
            code_length_count: 4,
        }
    }

    fn write_tokens(&mut self, ends: bool, out: &mut Vec<u8>) {
        let fixed = matches!(self.open, Some(Open::Fixed));
        self.blocks.write_tokens(&self.tokens, fixed, ends, out);
        self.tokens.clear();
    }

    fn code_token<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let actual = match &mut by.written {
            Some(written) => Some(written.token()?),
            None => None,
        };
        let mut hint = self.hint();
        let mut alike = None;
        if let Hint::Token(token) = hint
            && by.models.trusts_reference()
        {
            let is_alike = actual == Some(token);
            if by.models.code_like_reference(by.coder, token, is_alike) {
                alike = Some(token);
            } else {
                hint = Hint::Denied;
            }
        }
        let (token, ahead) = match alike {
            Some(token) => (token, None),
            None => self.code_by_search(by, hint, actual)?,
        };
        by.models.learn_hint(hint, token);
        self.pass(token.length());
        self.ahead = ahead;
        self.block_tokens += 1;
        self.tokens.push(token);
        if self.tokens.len() == HELD_TOKENS {
            self.tell_codes(by, out)?;
            self.write_tokens(false, out);
        }
        Some(())
    }

    /// How many bytes were coded.
    fn place(&self) -> u64 {
        self.matcher.slid + self.matcher.position as u64
    }

    /// What the reference says of the token.
    fn hint(&mut self) -> Hint {
        if self.reference.is_empty() {
            return Hint::None;
        }
        match self.reference.token_at(self.place()) {
            None => Hint::None,
            // A literal is whatever byte is there.
            Some(token) if token.distance() == 0 => {
                Hint::Token(Token::literal(self.matcher.buffer[self.matcher.position]))
            }
            Some(token) if self.is_copy(token) => Hint::Token(token),
            Some(_) => Hint::None,
        }
    }

    /// Whether the bytes ahead are what a token stands for.
    fn is_copy(&self, token: Token) -> bool {
        let (length, distance) = (token.length(), token.distance());
        let position = self.matcher.position;
        let Some(start) = position.checked_sub(distance) else {
            return false;
        };
        let buffer = &self.matcher.buffer;
        length <= self.matcher.lookahead
            && (distance == 0
                || buffer[start..start + length] == buffer[position..position + length])
    }

    /// Codes a token by what a search finds; gives what it found at the next position too, if it looked.
    fn code_by_search<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        hint: Hint,
        actual: Option<Token>,
    ) -> Option<(Token, Option<Found>)> {
        let here = match self.ahead.take() {
            Some(found) => found,
            None => self.search(0),
        };
        let looks_on = (SHORTEST_COPY..self.effort.lazy_length).contains(&here.length);
        let behind = looks_on.then(|| self.search(1));
        let byte = self.matcher.buffer[self.matcher.position];
        let sight = Sight {
            here,
            behind,
            byte,
            hint,
        };
        let actual = actual.unwrap_or_default();
        let length = by.models.code_length(by.coder, &sight, actual.length());
        if length > self.matcher.lookahead {
            return None;
        }
        let (token, ahead) = if length < SHORTEST_COPY {
            (Token::literal(byte), behind)
        } else {
            let distance = self.code_distance(by, &sight, length, actual.distance())?;
            let token = Token::copy((length - SHORTEST_COPY) as u8, distance as u16);
            (token, None)
        };
        by.models.learn(&sight, token);
        Some((token, ahead))
    }

    fn code_distance<C: Coder, W: WrittenStream>(
        &mut self,
        by: &mut Correcting<'_, C, W>,
        sight: &Sight,
        length: usize,
        actual: usize,
    ) -> Option<usize> {
        let here = sight.here;
        let position = self.matcher.position;
        let start = position.wrapping_sub(here.chain);
        let steps = if here.chain == 0 { 0 } else { PLACES };
        let mut distances = self
            .matcher
            .matches(start, length, steps)
            .map(|start| position.wrapping_sub(start));
        let predicted = match sight.hint {
            Hint::Token(token) if token.distance() > 0 && token.length() == length => {
                Some(token.distance())
            }
            _ if length == here.length => Some(here.distance),
            _ => distances.clone().next(),
        };
        let place = if !C::ENCODES || predicted == Some(actual) {
            Place::Predicted
        } else {
            let rank = distances.clone().position(|distance| distance == actual);
            rank.map_or(Place::Distance(actual), |rank| Place::InChain(rank as u32))
        };
        let is_longest = length == here.length;
        match by.models.code_place(by.coder, is_longest, length, place) {
            Place::Predicted => predicted,
            Place::InChain(rank) => distances.nth(rank as usize),
            Place::Distance(distance) => (distance <= 1 << 15).then_some(distance),
        }
    }

    /// Goes over bytes, all of whose positions come into their chains.
    fn pass(&mut self, count: usize) {
        let matcher = &mut self.matcher;
        let first = matcher.position + self.inserted;
        let end = matcher.position + count;
        // Beyond it there are no three bytes to insert.
        let last = (matcher.position + matcher.lookahead + 1).saturating_sub(SHORTEST_COPY);
        matcher.insert_match(first, 0, end.min(last));
        matcher.position = end;
        matcher.lookahead -= count;
        self.inserted = self.inserted.saturating_sub(count);
        self.ahead = None;
    }

    /// Finds the longest match so many bytes ahead, 0 or 1, and inserts that position.
    fn search(&mut self, ahead: usize) -> Found {
        let Effort {
            chain_length,
            nice_length,
            ..
        } = self.effort;
        let matcher = &mut self.matcher;
        if matcher.lookahead < ahead + SHORTEST_COPY {
            return Found::default();
        }
        self.inserted = ahead + 1;
        let position = matcher.position + ahead;
        matcher.begin_hash(position);
        let candidate = matcher.insert(position);
        if candidate == 0 || position - candidate > matcher.reach() {
            return Found::default();
        }
        let mut found = Found {
            chain: position - candidate,
            ..Found::default()
        };
        let candidates = (position, candidate);
        matcher.ever_longer_matches(candidates, chain_length, nice_length, |start, length| {
            found.add(length, position - start);
        });
        found
    }
}
