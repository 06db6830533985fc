//! Reading a zlib stream as tokens.
//!
//! Invariant: no byte is taken from the input that the tokens given out, or the one being read, do
//! not need; so when the stream ends, what follows it is still in the input.

use super::bit_reader::{BitReader, Needed, Starved};
use super::block_codes::BlockCodes;
use super::decoding_table::Kind;
use super::description::Description;
use super::error::InflateError;
use super::parameters::Flush;
use super::token::{SHORTEST_COPY, Token};

/// The largest window, in bytes.
pub(super) const WINDOW: usize = 32_768;

/// Where reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All input is used.
    NeedsInput,
    /// There is no room for more output.
    NeedsRoom,
    /// The stream has ended; input after it is left alone.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Header,
    BlockHeader,
    StoredLength,
    /// Bytes left.
    Stored(u16),
    Codes,
    Tokens,
    Checksum,
    Ended,
}

/// Where reading stopped that stops at blocks as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// All input is used, there is no room for more output, or the stream has ended.
    Progress(Progress),
    /// A block has begun, and nothing of what it holds has been read.
    BlockBegan(BlockStart),
    /// A block has ended.
    BlockEnded,
}

/// How a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockStart {
    pub(crate) kind: BlockKind,
    /// Whether it is the last of its stream.
    pub(crate) last: bool,
}

/// Types of blocks (RFC 1951, 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// So many bytes as they are.
    Stored(u16),
    Fixed,
    Dynamic,
}

/// Reads a zlib stream, given in pieces, as tokens.
#[derive(Clone)]
pub(crate) struct TokenReader {
    stage: Stage,
    failure: Option<InflateError>,
    bits: BitReader,
    header: u16,
    last_block: bool,
    checksum: u32,
    /// How far a copy may reach back, at most 32,768 bytes.
    reach: usize,
    stops_at_blocks: bool,
    /// How many blocks were begun.
    blocks: u64,
    /// Tokens of the block being read, or of the first if that has ended.
    block_tokens: u64,
    first_block: bool,
    /// The type of the block being read.
    block_type: u32,
    /// Whether it has no tokens so far.
    is_empty: bool,
    /// The flush that the block before is the mark of.
    flush: Flush,
    codes: BlockCodes,
}

impl TokenReader {
    pub(crate) const fn new() -> Self {
        Self {
            stage: Stage::Header,
            failure: None,
            bits: BitReader::new(),
            header: 0,
            last_block: false,
            checksum: 0,
            reach: 0,
            stops_at_blocks: false,
            blocks: 0,
            block_tokens: 0,
            first_block: true,
            block_type: 0,
            is_empty: false,
            flush: Flush::None,
            codes: BlockCodes::new(),
        }
    }

    /// In front of a block within a stream, behind `passed` bits of the first byte of `input`, which is
    /// taken if there are any. `produced`: how many bytes of data came before.
    pub(crate) fn within(input: &mut &[u8], passed: u32, produced: u64) -> Option<Self> {
        let mut reader = Self::new();
        reader.stage = Stage::BlockHeader;
        reader.reach = produced.min(WINDOW as u64) as usize;
        reader.bits.need(input, passed).ok()?;
        reader.bits.consume(passed);
        Some(reader)
    }

    /// Has [`read`](Self::read) stop behind each block that has tokens.
    pub(crate) fn stop_at_blocks(&mut self) {
        self.stops_at_blocks = true;
    }

    fn is_behind_block(&self) -> bool {
        self.stage == Stage::BlockHeader
    }

    /// How many blocks were begun.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether the block that was begun last is stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.block_type == 0
    }

    /// Begins another stream.
    pub(crate) fn reset(&mut self) {
        self.stage = Stage::Header;
        self.failure = None;
        self.bits = BitReader::new();
        self.last_block = false;
        self.reach = 0;
        self.blocks = 0;
        self.block_tokens = 0;
        self.first_block = true;
        self.is_empty = false;
        self.flush = Flush::None;
    }

    /// The two bytes of the zlib header as a big-endian number, once they were read.
    pub(crate) fn header(&self) -> Option<u16> {
        (self.stage != Stage::Header).then_some(self.header)
    }

    /// The Adler-32 that the stream ends with, once it was read.
    pub(crate) fn checksum(&self) -> Option<u32> {
        (self.stage == Stage::Ended).then_some(self.checksum)
    }

    /// What was flushed last, if nothing but the end follows; to be asked at the end.
    pub(crate) fn flush_before_end(&self) -> Flush {
        match self.is_empty {
            true => self.flush,
            false => Flush::None,
        }
    }

    /// How many tokens the first block has, once it has ended.
    ///
    /// zlib ends it after 2^(memory level + 6) - 1 tokens, unless the input ends.
    pub(crate) fn first_block_tokens(&self) -> Option<u64> {
        (!self.first_block).then_some(self.block_tokens)
    }

    /// Reads tokens from `input`, which is advanced past what was used, into `tokens`; gives the
    /// number of tokens and why no more.
    ///
    /// # Errors
    ///
    /// The rule that the stream breaks, once all tokens before were given out.
    pub(crate) fn read(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
    ) -> Result<(usize, Progress), InflateError> {
        let mut count = 0;
        while self.failure.is_none() {
            let before = count;
            let step = self.advance(input, tokens, &mut count);
            self.is_empty &= count == before;
            if self.first_block {
                self.block_tokens += (count - before) as u64;
                self.first_block = self.block_tokens == 0 || self.stage != Stage::BlockHeader;
            }
            match step {
                Ok(Ok(None)) if self.stops_at_blocks && count > 0 && self.is_behind_block() => {
                    return Ok((count, Progress::NeedsRoom));
                }
                Ok(Ok(None)) => {}
                Ok(Ok(Some(progress))) => return Ok((count, progress)),
                Ok(Err(Starved)) => return Ok((count, Progress::NeedsInput)),
                Err(failure) => self.failure = Some(failure),
            }
        }
        match self.failure {
            Some(failure) if count == 0 => Err(failure),
            _ => Ok((count, Progress::NeedsRoom)),
        }
    }

    /// Reads tokens as [`read`](Self::read) does, and stops where a block begins or ends too. To be
    /// used for a whole stream, or not at all.
    ///
    /// # Errors
    ///
    /// The rule that the stream breaks.
    pub(crate) fn read_to_pause(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
    ) -> Result<(usize, Pause), InflateError> {
        let mut count = 0;
        loop {
            let was_inside = self.is_inside_block();
            match self.advance(input, tokens, &mut count)? {
                Ok(Some(progress)) => return Ok((count, Pause::Progress(progress))),
                Err(Starved) => return Ok((count, Pause::Progress(Progress::NeedsInput))),
                Ok(None) => {}
            }
            match (was_inside, self.is_inside_block()) {
                (false, true) => return Ok((count, Pause::BlockBegan(self.block_start()))),
                (true, false) => return Ok((count, Pause::BlockEnded)),
                _ => {}
            }
        }
    }

    fn is_inside_block(&self) -> bool {
        matches!(self.stage, Stage::Tokens | Stage::Stored(_))
    }

    /// How the block begins in which nothing has been read.
    fn block_start(&self) -> BlockStart {
        let kind = match (self.stage, self.block_type) {
            (Stage::Stored(length), _) => BlockKind::Stored(length),
            (_, 1) => BlockKind::Fixed,
            _ => BlockKind::Dynamic,
        };
        BlockStart {
            kind,
            last: self.last_block,
        }
    }

    /// The codes of the dynamic block that was begun last.
    pub(crate) fn description(&self) -> Description {
        self.codes.description()
    }

    /// Completes one stage, or says why it cannot.
    fn advance(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
        count: &mut usize,
    ) -> Result<Needed<Option<Progress>>, InflateError> {
        let step = match self.stage {
            Stage::Header => self.read_header(input)?,
            Stage::BlockHeader => self.read_block_header(input)?,
            Stage::StoredLength => self.read_stored_length(input)?,
            Stage::Codes => {
                let step = self.codes.read(&mut self.bits, input)?;
                if step.is_ok() {
                    self.stage = Stage::Tokens;
                }
                step
            }
            Stage::Checksum => self.read_checksum(input),
            Stage::Stored(left) => return Ok(self.read_stored(input, tokens, count, left)),
            Stage::Tokens => {
                self.read_tokens_fast(input, tokens, count)?;
                if self.stage == Stage::Tokens {
                    return self.read_token(input, tokens, count);
                }
                Ok(())
            }
            Stage::Ended => return Ok(Ok(Some(Progress::Ended))),
        };
        Ok(step.map(|()| None))
    }

    fn read_header(&mut self, input: &mut &[u8]) -> Result<Needed<()>, InflateError> {
        if self.bits.need(input, 16).is_err() {
            return Ok(Err(Starved));
        }
        let header = (self.bits.take(16) as u16).swap_bytes();
        self.header = header;
        self.stage = Stage::BlockHeader;
        let (method, window_bits) = ((header >> 8 & 15) as u8, (header >> 12) as u8 + 8);
        if !header.is_multiple_of(31) {
            Err(InflateError::HeaderCheck(header))
        } else if method != 8 {
            Err(InflateError::Method(method))
        } else if window_bits > 15 {
            Err(InflateError::WindowBits(window_bits))
        } else if header & 0x20 != 0 {
            Err(InflateError::PresetDictionary)
        } else {
            Ok(Ok(()))
        }
    }

    fn read_block_header(&mut self, input: &mut &[u8]) -> Result<Needed<()>, InflateError> {
        if self.last_block {
            self.bits.align();
            self.stage = Stage::Checksum;
            return Ok(Ok(()));
        }
        if self.bits.need(input, 3).is_err() {
            return Ok(Err(Starved));
        }
        self.last_block = self.bits.take(1) == 1;
        self.flush = match (self.is_empty, self.block_type) {
            (true, 0) => Flush::Sync,
            (true, 1) => Flush::Partial,
            _ => Flush::None,
        };
        self.is_empty = true;
        self.blocks += 1;
        self.block_type = self.bits.take(2);
        self.stage = match self.block_type {
            0 => {
                self.bits.align();
                Stage::StoredLength
            }
            1 => {
                self.codes.use_fixed();
                Stage::Tokens
            }
            2 => {
                self.codes.begin();
                Stage::Codes
            }
            _ => return Err(InflateError::BlockType),
        };
        Ok(Ok(()))
    }

    fn read_stored_length(&mut self, input: &mut &[u8]) -> Result<Needed<()>, InflateError> {
        if self.bits.need(input, 32).is_err() {
            return Ok(Err(Starved));
        }
        let length = self.bits.take(16) as u16;
        let complement = self.bits.take(16) as u16;
        if length != !complement {
            return Err(InflateError::StoredLength { length, complement });
        }
        self.stage = Stage::Stored(length);
        Ok(Ok(()))
    }

    fn read_stored(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
        count: &mut usize,
        left: u16,
    ) -> Needed<Option<Progress>> {
        let room = &mut tokens[*count..];
        let length = room.len().min(input.len()).min(usize::from(left));
        let (bytes, rest) = input.split_at(length);
        for (token, byte) in room.iter_mut().zip(bytes) {
            *token = Token::literal(*byte);
        }
        *input = rest;
        *count += length;
        self.reach = (self.reach + length).min(WINDOW);
        let left = left - length as u16;
        if left == 0 {
            self.stage = Stage::BlockHeader;
            return Ok(None);
        }
        self.stage = Stage::Stored(left);
        if *count == tokens.len() {
            Ok(Some(Progress::NeedsRoom))
        } else {
            Err(Starved)
        }
    }

    fn read_checksum(&mut self, input: &mut &[u8]) -> Needed<()> {
        self.bits.need(input, 32)?;
        self.checksum = self.bits.take(32).swap_bytes();
        self.stage = Stage::Ended;
        Ok(())
    }

    /// Reads tokens as long as there is input to read eight bytes ahead.
    fn read_tokens_fast(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
        count: &mut usize,
    ) -> Result<(), InflateError> {
        let mut bits = self.bits.clone();
        let mut position = 0;
        let mut reach = self.reach;
        let mut written = *count;
        let mut failure = None;
        // Three literals, or one copy, for each eight bytes of input that are looked at.
        while let Some([first, second, third]) = tokens
            .get_mut(written..)
            .and_then(<[Token]>::first_chunk_mut)
            && bits.refill(input, &mut position)
        {
            let entry = self.codes.literals.look_up(bits.bits);
            if entry.is_symbol() {
                bits.consume(entry.bits());
                *first = Token::literal(entry.value() as u8);
                written = written.wrapping_add(1);
                reach = reach.wrapping_add(1);
                let entry = self.codes.literals.look_up(bits.bits);
                if !entry.is_symbol() {
                    continue;
                }
                bits.consume(entry.bits());
                *second = Token::literal(entry.value() as u8);
                written = written.wrapping_add(1);
                reach = reach.wrapping_add(1);
                let entry = self.codes.literals.look_up(bits.bits);
                if !entry.is_symbol() {
                    continue;
                }
                bits.consume(entry.bits());
                *third = Token::literal(entry.value() as u8);
                written = written.wrapping_add(1);
                reach = reach.wrapping_add(1);
                continue;
            }
            if entry.kind() != Kind::Base {
                if entry.kind() == Kind::EndOfBlock {
                    bits.consume(entry.bits());
                    self.stage = Stage::BlockHeader;
                } else {
                    failure = Some(InflateError::UnknownLiteralLength);
                }
                break;
            }
            let length = entry.extended(bits.bits);
            bits.consume(entry.bits());
            let entry = self.codes.distances.look_up(bits.bits);
            if entry.kind() != Kind::Base {
                failure = Some(InflateError::UnknownDistance);
                break;
            }
            let distance = entry.extended(bits.bits).wrapping_add(1);
            bits.consume(entry.bits());
            if distance as usize > reach {
                failure = Some(InflateError::DistanceTooFar(distance as u16));
                break;
            }
            *first = Token::copy(length as u8, distance as u16);
            written = written.wrapping_add(1);
            reach = reach.wrapping_add(length as usize + SHORTEST_COPY);
        }
        // A token has taken all bits from before, so what is left came from this input.
        if position > 0 && failure.is_none() {
            position -= bits.give_back();
        }
        *input = &input[position..];
        *count = written;
        self.reach = reach.min(WINDOW);
        self.bits = bits;
        failure.map_or(Ok(()), Err)
    }

    /// Reads a token, taking no more input than it needs.
    fn read_token(
        &mut self,
        input: &mut &[u8],
        tokens: &mut [Token],
        count: &mut usize,
    ) -> Result<Needed<Option<Progress>>, InflateError> {
        let Some(slot) = tokens.get_mut(*count) else {
            return Ok(Ok(Some(Progress::NeedsRoom)));
        };
        loop {
            match self.try_token()? {
                Some(Some(token)) => {
                    *slot = token;
                    *count += 1;
                    self.reach = (self.reach + token.length()).min(WINDOW);
                    return Ok(Ok(None));
                }
                Some(None) => {
                    self.stage = Stage::BlockHeader;
                    return Ok(Ok(None));
                }
                None if self.bits.load_byte(input).is_err() => return Ok(Err(Starved)),
                None => {}
            }
        }
    }

    /// The next token, or `Some(None)` at the end of a block, if the bits at hand hold all of it.
    fn try_token(&mut self) -> Result<Option<Option<Token>>, InflateError> {
        let entry = self.codes.literals.look_up(self.bits.bits);
        let first_bits = entry.bits();
        // Of an unknown code no length is known, so it needs as many bits as the longest has.
        let needed = if entry.kind() == Kind::Unknown {
            15
        } else {
            first_bits
        };
        if needed > self.bits.count {
            return Ok(None);
        }
        match entry.kind() {
            Kind::Symbol => {
                self.bits.consume(first_bits);
                return Ok(Some(Some(Token::literal(entry.value() as u8))));
            }
            Kind::EndOfBlock => {
                self.bits.consume(first_bits);
                return Ok(Some(None));
            }
            Kind::Base => {}
            Kind::Unknown | Kind::Longer => return Err(InflateError::UnknownLiteralLength),
        }
        let length = entry.extended(self.bits.bits);
        let entry = self.codes.distances.look_up(self.bits.bits >> first_bits);
        let needed = if entry.kind() == Kind::Unknown {
            15
        } else {
            entry.bits()
        };
        if first_bits + needed > self.bits.count {
            return Ok(None);
        }
        if entry.kind() != Kind::Base {
            return Err(InflateError::UnknownDistance);
        }
        let distance = entry.extended(self.bits.bits >> first_bits) + 1;
        if distance as usize > self.reach {
            return Err(InflateError::DistanceTooFar(distance as u16));
        }
        self.bits.consume(first_bits + entry.bits());
        Ok(Some(Some(Token::copy(length as u8, distance as u16))))
    }
}
