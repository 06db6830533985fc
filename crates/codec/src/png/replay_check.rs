//! Whether an exact replay goes the file's way, found out before it has put all of it out.
//!
//! Invariant: what differs is found at the first strip within which it does, so that nothing was handed on by
//! then that is wrong. Where that takes too much memory, bytes alone tell, and later.

use super::deflate::Standing;
use super::token_queue::TokenQueue;
use std::collections::VecDeque;

/// Most blocks of the file that are held: of zlib's smallest, the tokens of the largest strip have half as many.
const HELD_BLOCKS: usize = 2048;

/// A block of the file.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// In bytes from the start of the data.
    start: u64,
    is_stored: bool,
}

/// Compares a replay with a file.
pub(super) struct ReplayCheck {
    /// Where the block in hand of the replay starts, and how many of its tokens were compared.
    block_start: u64,
    compared: usize,
    /// The file's block there, and those behind it, as far as it was read.
    block: Block,
    ahead: VecDeque<Block>,
    /// Where the bytes read so far end.
    read: u64,
    /// Whether the next of them begin a block.
    begins: bool,
    /// There were too many blocks.
    given_up: bool,
}

impl ReplayCheck {
    /// At the start of a stream.
    pub(super) fn new() -> Self {
        let block = Block {
            start: 0,
            is_stored: false,
        };
        Self {
            block_start: 0,
            compared: 0,
            block,
            ahead: VecDeque::new(),
            read: 0,
            begins: true,
            given_up: false,
        }
    }

    /// Takes note of so many bytes of the file, which are of one block and may end it.
    pub(super) fn add(&mut self, bytes: usize, is_stored: bool, ends_block: bool) {
        if bytes > 0 && self.begins {
            let block = Block {
                start: self.read,
                is_stored,
            };
            self.given_up |= self.ahead.len() == HELD_BLOCKS;
            if !self.given_up {
                self.ahead.push_back(block);
            }
            self.begins = false;
        }
        self.read += bytes as u64;
        self.begins |= ends_block;
    }

    /// Whether a replay stands where it may be right. `tokens`: the file's, if they are to be compared.
    pub(super) fn agrees(
        &mut self,
        replay: &Standing<'_>,
        tokens: Option<&mut TokenQueue>,
    ) -> bool {
        if self.given_up {
            return true;
        }
        while let Some(block) = self
            .ahead
            .pop_front_if(|block| block.start <= replay.block_start)
        {
            self.block = block;
        }
        if replay.tokens.is_empty() {
            return true;
        }
        let ends_before = self
            .ahead
            .front()
            .is_some_and(|next| next.start < replay.place);
        self.block.start == replay.block_start
            && !ends_before
            && tokens.is_none_or(|tokens| self.has_tokens(replay, tokens))
    }

    /// Whether the tokens of the block in hand are the file's.
    fn has_tokens(&mut self, replay: &Standing<'_>, queue: &mut TokenQueue) -> bool {
        if self.block_start != replay.block_start {
            self.block_start = replay.block_start;
            self.compared = 0;
            // Those of the blocks put out were compared as bytes.
            queue.take_before(self.block_start);
        }
        let tokens = &replay.tokens[self.compared..];
        self.compared = replay.tokens.len();
        let expected = queue.take_before(replay.place);
        let is_equal = expected == tokens;
        is_equal || self.block.is_stored || queue.has_given_up()
    }
}
