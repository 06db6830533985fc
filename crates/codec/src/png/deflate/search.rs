//! Finding the parameters with which a stream was written.
//!
//! Candidates are tried in the order of how common they are, each until its first token or byte
//! that differs: wrong ones mostly end within a few hundred tokens. Invariant: all trials together
//! go through at most three times as many raw bytes as one may, and one step more.

use super::inflater::Inflater;
use super::likely::likely_parameters;
use super::parameters::Parameters;
use super::replay::Replay;
use super::token::Token;
use super::token_reader::{Progress, TokenReader};

/// One step of inflating, and what zlib may hold back, as literals.
const TOKENS_HELD: usize = 1024;
/// A block of memory level 9, in bytes.
const LARGEST_BLOCK: usize = 132_000;

/// Rows longer than this, in bytes, are given in pieces of it.
const LONGEST_PIECE: usize = 1 << 20;

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// Everything is as it was written, up to the end.
    Whole,
    /// What was looked at is as it was written.
    SoFar,
    /// Something differs after this many bytes of raw data.
    Differs(u64),
    /// The stream itself is broken.
    Broken,
}

/// Tries parameters on the beginning of a stream.
pub(crate) struct Search {
    inflater: Inflater,
    /// Tokens that the replay has not chosen yet.
    expected: Vec<Token>,
    /// The number of the first of them.
    first_expected: u64,
    out: Vec<u8>,
    /// Bytes that do not yet make a piece.
    piece: Vec<u8>,
}

impl Search {
    pub(crate) fn new() -> Self {
        Self {
            inflater: Inflater::without_checksum(),
            expected: Vec::with_capacity(TOKENS_HELD),
            first_expected: 0,
            out: Vec::with_capacity(LARGEST_BLOCK),
            piece: Vec::new(),
        }
    }

    /// The parameters that replay the beginning of `stream`, up to `most` raw bytes: `guess` if it
    /// is given and right, else the most common ones. The pieces in which zlib was fed have `row`
    /// bytes. `replay` is used for trying and ends anywhere.
    pub(crate) fn find(
        &mut self,
        replay: &mut Replay,
        guess: Option<&Parameters>,
        stream: &[u8],
        row: usize,
        most: u64,
    ) -> Option<(Parameters, Trial)> {
        let header = u16::from_be_bytes(*stream.first_chunk()?);
        let likely = likely_parameters(header, first_block_tokens(stream));
        let mut budget = most.saturating_mul(3);
        for parameters in guess.copied().into_iter().chain(likely) {
            if budget == 0 {
                break;
            }
            let trial = self.try_parameters(replay, &parameters, stream, row, most.min(budget));
            match trial {
                Trial::Differs(bytes) => budget = budget.saturating_sub(bytes),
                Trial::Broken => break,
                Trial::Whole | Trial::SoFar => return Some((parameters, trial)),
            }
        }
        None
    }

    /// Replays `stream`, which begins with the zlib header, up to its end or `most` raw bytes,
    /// given to zlib in pieces of `row` bytes.
    pub(crate) fn try_parameters(
        &mut self,
        replay: &mut Replay,
        parameters: &Parameters,
        stream: &[u8],
        row: usize,
        most: u64,
    ) -> Trial {
        replay.reset(parameters);
        self.inflater.reset();
        self.expected.clear();
        self.first_expected = 0;
        self.out.clear();
        self.piece.clear();
        let row = row.clamp(1, LONGEST_PIECE);
        let mut input = stream;
        let mut rest = stream.get(2..).unwrap_or(&[]);
        loop {
            let Ok(step) = self.inflater.inflate(&mut input) else {
                return Trial::Broken;
            };
            let progress = step.progress;
            self.expected.extend_from_slice(step.tokens);
            let mut bytes = step.bytes;
            while let Some((start, after)) = bytes.split_at_checked(row - self.piece.len()) {
                bytes = after;
                self.piece.extend_from_slice(start);
                replay.push(&self.piece, &mut self.out);
                self.piece.clear();
                if !equals_start(&mut self.out, &mut rest)
                    || !has_expected(&mut self.expected, &mut self.first_expected, replay)
                {
                    return Trial::Differs(self.inflater.produced());
                }
            }
            self.piece.extend_from_slice(bytes);
            match progress {
                Progress::NeedsRoom if self.inflater.produced() < most => {}
                Progress::NeedsRoom | Progress::NeedsInput => return Trial::SoFar,
                Progress::Ended => break,
            }
        }
        replay.push(&self.piece, &mut self.out);
        replay.finish(self.inflater.flush_before_end(), &mut self.out);
        if equals_start(&mut self.out, &mut rest) {
            Trial::Whole
        } else {
            Trial::Differs(self.inflater.produced())
        }
    }
}

/// How many tokens the first block has, if its end is in `stream`.
fn first_block_tokens(stream: &[u8]) -> Option<u64> {
    let mut reader = TokenReader::new();
    let mut tokens = [Token::default(); 512];
    let mut input = stream;
    while reader.first_block_tokens().is_none() {
        let (_, progress) = reader.read(&mut input, &mut tokens).ok()?;
        if progress != Progress::NeedsRoom {
            break;
        }
    }
    reader.first_block_tokens()
}

/// Whether `rest` begins with `bytes`, as far as it goes; advances it past them and takes them.
fn equals_start(bytes: &mut Vec<u8>, rest: &mut &[u8]) -> bool {
    let length = bytes.len().min(rest.len());
    let (start, after) = rest.split_at(length);
    *rest = after;
    let equal = start == &bytes[..length];
    bytes.clear();
    equal
}

/// Whether the tokens held back by the replay are the expected ones; drops those compared.
fn has_expected(expected: &mut Vec<Token>, first_expected: &mut u64, replay: &Replay) -> bool {
    let Some((written, pending)) = replay.tokens() else {
        expected.clear();
        return true;
    };
    // Those before were compared as bytes.
    let skipped = written.saturating_sub(*first_expected) as usize;
    expected.drain(..skipped.min(expected.len()));
    *first_expected += skipped as u64;
    let start = (*first_expected - written) as usize;
    let tokens = pending.get(start..).unwrap_or(&[]);
    if !expected.starts_with(tokens) {
        return false;
    }
    expected.drain(..tokens.len());
    *first_expected += tokens.len() as u64;
    true
}
