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
    /// How many blocks were begun by then.
    blocks: u64,
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
            blocks: 0,
            given_up: false,
        }
    }

    /// Takes note of so many bytes of the file, which are of its `number`th block.
    pub(super) fn add(&mut self, bytes: usize, number: u64, is_stored: bool) {
        if bytes > 0 && self.blocks != number {
            let block = Block {
                start: self.read,
                is_stored,
            };
            self.given_up |= self.ahead.len() == HELD_BLOCKS;
            if !self.given_up {
                self.ahead.push_back(block);
            }
            self.blocks = number;
        }
        self.read += bytes as u64;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::deflate::{Flush, Inflater, Parameters, Progress, Replay, Strategy, Token};

    /// A block of as many tokens as a step of the inflater has, one without any, and one more.
    #[test]
    fn a_block_that_ends_with_a_step_is_counted() {
        let parameters = Parameters::new(6, Strategy::HuffmanOnly);
        let mut replay = Replay::new(&parameters);
        let mut stream = vec![0x78, 0x9C];
        replay.flush(&[7; 512], Flush::Sync, &mut stream);
        replay.flush(&[7; 9], Flush::Sync, &mut stream);
        replay.finish(Flush::None, &mut stream);
        // A checksum, which is not looked at.
        stream.extend([0; 4]);

        let mut inflater = Inflater::by_blocks();
        let mut check = ReplayCheck::new();
        let mut input = stream.as_slice();
        loop {
            let inflated = inflater.inflate(&mut input).expect("a zlib stream");
            let (bytes, progress) = (inflated.bytes.len(), inflated.progress);
            check.add(bytes, inflater.blocks(), inflater.is_stored());
            if progress == Progress::Ended {
                break;
            }
        }
        let tokens = [Token::literal(7); 3];
        let standing = |block_start| Standing {
            block_start,
            place: 515,
            tokens: &tokens,
        };
        assert!(!check.agrees(&standing(511), None));
        assert!(check.agrees(&standing(512), None));
    }
}
