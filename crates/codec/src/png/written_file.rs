//! The zlib stream of a file that is there, token by token: what corrections are found from.
//!
//! Invariant: what is given out is what stands in the file, which has been inflated up to there.

use super::deflate::{
    BlockStart, Description, Handover, Pause, Progress, Token, TokenReader, WrittenStream,
};
use super::framing::{ChunkWalk, Walked};

/// Tokens that are read at a time.
const TOKENS: usize = 256;

/// A walk over the tokens of a stream in a file.
#[derive(Clone)]
pub(super) struct TokenWalk {
    walk: ChunkWalk,
    reader: Box<TokenReader>,
    tokens: [Token; TOKENS],
    /// How many of them were read, and how many of these were given out.
    read: usize,
    used: usize,
    /// Where reading stopped.
    pause: Option<Pause>,
}

impl TokenWalk {
    /// At the start of the stream that `walk` goes over. Its header is read at once, because it is put
    /// out in front of all tokens.
    pub(super) fn new(walk: ChunkWalk, file: &[u8]) -> Self {
        let mut tokens = Self {
            walk,
            reader: Box::new(TokenReader::new()),
            tokens: [Token::default(); TOKENS],
            read: 0,
            used: 0,
            pause: None,
        };
        // Where there is nothing to read, that is found out again.
        let _ = tokens.of(file).fill();
        tokens
    }

    /// Behind the first `skipped` bytes of the data that `walk` goes over, where a replay stood: at the block in
    /// hand of what is handed over. `None` where there is none.
    pub(super) fn within(
        mut walk: ChunkWalk,
        skipped: usize,
        from: &Handover,
        file: &[u8],
    ) -> Option<Self> {
        let mut left = skipped;
        while left > 0 {
            let Walked::Data(data) = walk.next(file, left) else {
                return None;
            };
            left -= data.len();
        }
        let mut first = &[][..];
        if from.passed_bits() > 0 {
            let Walked::Data(data) = walk.next(file, 1) else {
                return None;
            };
            first = data;
        }
        let reader = TokenReader::within(&mut first, from.passed_bits(), from.block_start())?;
        Some(Self {
            walk,
            reader: Box::new(reader),
            tokens: [Token::default(); TOKENS],
            read: 0,
            used: 0,
            pause: None,
        })
    }

    /// Follows the file's first `bytes` bytes having gone.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.walk.forget(bytes);
    }

    /// What the file holds, given from where the walk began less what was forgotten.
    pub(super) fn of<'f>(&'f mut self, file: &'f [u8]) -> WrittenFile<'f> {
        WrittenFile { walk: self, file }
    }
}

/// A walk, and the file.
pub(super) struct WrittenFile<'f> {
    walk: &'f mut TokenWalk,
    file: &'f [u8],
}

impl WrittenFile<'_> {
    /// Reads on where all tokens were given out and no block's start or end is next; `None` where
    /// there is no more.
    fn fill(&mut self) -> Option<()> {
        let walk = &mut *self.walk;
        while walk.used == walk.read && walk.pause.is_none() {
            let Walked::Data(data) = walk.walk.next(self.file, usize::MAX) else {
                return None;
            };
            let mut input = data;
            let (read, pause) = walk
                .reader
                .read_to_pause(&mut input, &mut walk.tokens)
                .ok()?;
            walk.walk.back(input.len());
            (walk.read, walk.used) = (read, 0);
            match pause {
                Pause::Progress(Progress::Ended) => return None,
                Pause::Progress(_) if read == 0 && input.len() == data.len() => return None,
                Pause::Progress(_) => {}
                pause => walk.pause = Some(pause),
            }
        }
        Some(())
    }
}

impl WrittenStream for WrittenFile<'_> {
    fn block_start(&mut self) -> Option<BlockStart> {
        self.fill()?;
        match self.walk.pause {
            Some(Pause::BlockBegan(start)) if self.walk.used == self.walk.read => {
                self.walk.pause = None;
                Some(start)
            }
            _ => None,
        }
    }

    fn block_ends(&mut self) -> Option<bool> {
        self.fill()?;
        if self.walk.used < self.walk.read {
            return Some(false);
        }
        self.walk.pause = None;
        Some(true)
    }

    fn token(&mut self) -> Option<Token> {
        self.fill()?;
        let token = *self.walk.tokens[..self.walk.read].get(self.walk.used)?;
        self.walk.used += 1;
        Some(token)
    }

    fn description(&self) -> Description {
        self.walk.reader.description()
    }
}
