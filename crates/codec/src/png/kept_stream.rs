//! Compressed image data that are kept, because the next image may be like this one.
//!
//! Invariant: all that is kept and recorded at a time takes no more blocks than the budget has; a
//! block read for the last time is free for what is recorded. Memory is set aside for all blocks at once, so
//! that none stands where something larger is needed later, and in slabs, for which there is room anywhere.

use std::collections::VecDeque;

/// Bytes of a block.
pub(super) const BLOCK: usize = 32 << 10;

/// Blocks of a slab.
const SLAB: usize = 8;

/// The number of a block.
type BlockNumber = usize;

/// Blocks of memory, of which there is a bounded number.
#[derive(Debug)]
pub(super) struct BlockPool {
    /// With room for all blocks, of which those that were in use at any time are there.
    slabs: Vec<Vec<u8>>,
    blocks: usize,
    free: Vec<BlockNumber>,
    /// How many were in use at any time.
    used: usize,
}

impl BlockPool {
    /// A pool of so many blocks.
    pub(super) fn new(blocks: usize) -> Self {
        let lengths = (0..blocks)
            .step_by(SLAB)
            .map(|first| SLAB.min(blocks - first));
        Self {
            slabs: lengths
                .map(|length| Vec::with_capacity(length * BLOCK))
                .collect(),
            blocks,
            free: Vec::new(),
            used: 0,
        }
    }

    fn take(&mut self) -> Option<BlockNumber> {
        self.free.pop().or_else(|| {
            let number = self.used;
            if number == self.blocks {
                return None;
            }
            let slab = self.slabs.get_mut(number / SLAB)?;
            slab.resize(slab.len() + BLOCK, 0);
            self.used += 1;
            Some(number)
        })
    }

    fn block(&self, number: BlockNumber) -> &[u8] {
        &self.slabs[number / SLAB][number % SLAB * BLOCK..][..BLOCK]
    }

    fn block_mut(&mut self, number: BlockNumber) -> &mut [u8] {
        &mut self.slabs[number / SLAB][number % SLAB * BLOCK..][..BLOCK]
    }

    /// Takes all blocks of a stream back.
    pub(super) fn recycle(&mut self, stream: KeptStream) {
        self.free.extend(stream.blocks);
    }
}

/// A stream of bytes, read from its start while its end may still be written.
#[derive(Debug, Default)]
pub(super) struct KeptStream {
    blocks: VecDeque<BlockNumber>,
    /// Bytes read of the first block.
    read: usize,
    /// Bytes written to the last block; [`BLOCK`] if there is none.
    written: usize,
}

impl KeptStream {
    /// Appends bytes; whether there was room for all of them.
    #[must_use]
    pub(super) fn append(&mut self, pool: &mut BlockPool, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.blocks.is_empty() || self.written == BLOCK {
                let Some(block) = pool.take() else {
                    return false;
                };
                self.blocks.push_back(block);
                self.written = 0;
            }
            let Some(&last) = self.blocks.back() else {
                return false;
            };
            let count = rest.len().min(BLOCK - self.written);
            let (now, after) = rest.split_at(count);
            pool.block_mut(last)[self.written..][..count].copy_from_slice(now);
            self.written += count;
            rest = after;
        }
        true
    }

    /// The next bytes, as many as lie together; empty at the end.
    pub(super) fn peek<'p>(&self, pool: &'p BlockPool) -> &'p [u8] {
        match self.blocks.front() {
            Some(&block) if self.blocks.len() == 1 => &pool.block(block)[self.read..self.written],
            Some(&block) => &pool.block(block)[self.read..],
            None => &[],
        }
    }

    /// Goes past `count` of the bytes that [`KeptStream::peek`] gives.
    pub(super) fn consume(&mut self, pool: &mut BlockPool, count: usize) {
        self.read += count;
        if self.read == BLOCK {
            self.read = 0;
            pool.free.extend(self.blocks.pop_front());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn streams_come_back_within_the_budget(
            pieces in proptest::collection::vec(1usize..90_000, 1..20),
            step in 1usize..BLOCK,
        ) {
            let bytes: Vec<u8> = (0..pieces.iter().sum::<usize>()).map(|i| (i >> 3) as u8).collect();
            let blocks = bytes.len().div_ceil(BLOCK);
            let mut pool = BlockPool::new(blocks);
            let mut stream = KeptStream::default();
            let mut rest = &bytes[..];
            for length in pieces {
                let (piece, after) = rest.split_at(length);
                prop_assert!(stream.append(&mut pool, piece));
                rest = after;
            }
            let mut read = vec![];
            loop {
                let now = stream.peek(&pool);
                let count = now.len().min(step);
                if count == 0 {
                    break;
                }
                read.extend_from_slice(&now[..count]);
                stream.consume(&mut pool, count);
            }
            prop_assert!(read == bytes);
            pool.recycle(stream);
            prop_assert_eq!(pool.free.len(), blocks);
            let mut another = KeptStream::default();
            prop_assert!(another.append(&mut pool, &vec![1; blocks * BLOCK]));
            prop_assert!(!another.append(&mut pool, &[1]));
        }
    }
}
