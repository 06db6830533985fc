//! IDAT chunks around a zlib stream (PNG specification, third edition, clauses 5.3 and 10.1).
//!
//! The zlib stream is cut into chunks at any place. Most chunks are as long as the one before and have the
//! right CRC; the others are exceptions, which are coded with the strip whose bytes reach them. Invariants:
//! a decoder never has to know what comes behind the last byte that a strip leads to; and what is coded can
//! be read without knowing any byte of the stream, nor how many there are.

use super::chunk_parser::CHUNK_LENGTH_MAX;
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crc32fast::Hasher;

/// A chunk's type, which its CRC covers.
const IDAT: [u8; 4] = *b"IDAT";

/// Bytes of a CRC, and of the length and type of the chunk after it.
const BOUNDARY: usize = 12;

/// The last chunk of a PNG, behind the CRC of the last IDAT.
const IEND: [u8; 12] = *b"\0\0\0\0IEND\xAE\x42\x60\x82";

/// The slowest rate of all slots here.
const SLOWEST: u32 = 1000;

/// How long the chunk behind an empty first one is expected to be, in bytes: what libpng writes.
const USUAL_LENGTH: u32 = 8192;

/// What stands between the data of two IDAT chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Boundary {
    /// Of the chunk before.
    crc: u32,
    /// Of the data of the chunk behind.
    length: u32,
}

impl Boundary {
    /// The boundary at the start of `bytes`, if an IDAT follows it.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let [c0, c1, c2, c3, l0, l1, l2, l3, kind @ ..] = *bytes.first_chunk::<BOUNDARY>()?;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        (kind == IDAT && length <= CHUNK_LENGTH_MAX).then_some(Self {
            crc: u32::from_be_bytes([c0, c1, c2, c3]),
            length,
        })
    }

    fn to_bytes(self) -> [u8; BOUNDARY] {
        let mut bytes = [0; BOUNDARY];
        bytes[..4].copy_from_slice(&self.crc.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_be_bytes());
        bytes[8..].copy_from_slice(&IDAT);
        bytes
    }
}

/// A walk over the chunks of a file that is there: what the encoder reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkWalk {
    /// Bytes of the current chunk's data that are still to come.
    remaining: u32,
    /// Offset of the next byte.
    pub(super) place: usize,
}

/// What a walk finds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked<'w> {
    /// Data, not empty.
    Data(&'w [u8]),
    /// More bytes are needed to tell.
    OutOfInput,
    /// No IDAT follows.
    NoMoreChunks,
}

impl ChunkWalk {
    /// At the start of the file and of the data of a chunk with this many bytes.
    pub(super) fn new(length: u32) -> Self {
        Self::at(length, 0)
    }

    /// At `place`, the start of the data of a chunk with `length` bytes.
    pub(super) fn at(length: u32, place: usize) -> Self {
        Self {
            remaining: length,
            place,
        }
    }

    /// Goes to the next data of at most `most` bytes, and over them.
    pub(super) fn next<'w>(&mut self, file: &'w [u8], most: usize) -> Walked<'w> {
        while self.remaining == 0 {
            let rest = file.get(self.place..).unwrap_or_default();
            match Boundary::parse(rest) {
                Some(boundary) => {
                    self.remaining = boundary.length;
                    self.place += BOUNDARY;
                }
                None if rest.len() < BOUNDARY => return Walked::OutOfInput,
                None => return Walked::NoMoreChunks,
            }
        }
        let rest = file.get(self.place..).unwrap_or_default();
        let count = rest.len().min(most).min(self.remaining as usize);
        self.remaining -= count as u32;
        self.place += count;
        match count {
            0 => Walked::OutOfInput,
            _ => Walked::Data(&rest[..count]),
        }
    }

    /// How many of the bytes of `stream` the file holds next, with chunks around them; goes over
    /// these.
    pub(super) fn count_equal(&mut self, file: &[u8], stream: &[u8]) -> usize {
        let mut equal = 0;
        while equal < stream.len() {
            let rest = &stream[equal..];
            let Walked::Data(data) = self.next(file, rest.len()) else {
                break;
            };
            if data == &rest[..data.len()] {
                equal += data.len();
            } else {
                equal += data.iter().zip(rest).take_while(|(a, b)| a == b).count();
                break;
            }
        }
        equal
    }

    /// Goes back over `count` bytes of the data that were last given.
    pub(super) fn back(&mut self, count: usize) {
        self.remaining += count as u32;
        self.place -= count;
    }

    /// Whether the current chunk's data are over.
    pub(super) fn at_chunk_end(&self) -> bool {
        self.remaining == 0
    }

    /// Follows the file's first `bytes` bytes having gone.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.place -= bytes;
    }
}

/// Which strip the bytes come from that are put into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Whether it is the image's last one.
    pub(super) is_last: bool,
    /// Whether the stream ends with these bytes: it is the last one, and nothing of it is wrong.
    pub(super) ends: bool,
}

/// The chunks as far as they are coded.
#[derive(Clone, Debug)]
pub(super) struct Framing {
    /// Bytes of the data of the last chunk that has any.
    usual: u32,
    /// Bytes of the current chunk's data that are still to come.
    remaining: u32,
    checksum: Hasher,
}

impl Framing {
    /// At the start of the data of a chunk with this many bytes.
    pub(super) fn new(length: u32) -> Self {
        let mut framing = Self {
            usual: USUAL_LENGTH,
            remaining: 0,
            checksum: Hasher::new(),
        };
        framing.begin_chunk(length);
        framing
    }

    /// A walk over `file` from where this stands, which is at `place`.
    pub(super) fn walk(&self, place: usize) -> ChunkWalk {
        ChunkWalk {
            remaining: self.remaining,
            place,
        }
    }

    /// Codes what stands around the next `count` bytes of the stream, which are in the file from
    /// `place` on; returns the place behind them.
    pub(super) fn encode<C: Coder>(
        &mut self,
        models: &mut FramingModels,
        coder: &mut C,
        (file, mut place): (&[u8], usize),
        count: usize,
        stretch: Stretch,
    ) -> usize {
        let mut exceptions = Exceptions::new(stretch);
        let mut usual_before = 0;
        let mut left = count;
        while left > 0 {
            if self.remaining > 0 {
                let run = left.min(self.remaining as usize);
                self.pass(&file[place..place + run]);
                place += run;
                left -= run;
                continue;
            }
            let boundary = Boundary::parse(&file[place..]).unwrap_or_default();
            let expected = self.expected(left, stretch);
            if boundary == expected {
                usual_before += 1;
            } else {
                let exception = Exception::between(usual_before, expected, boundary);
                exceptions.code(models, coder, Some(exception));
                usual_before = 0;
            }
            self.begin_chunk(boundary.length);
            place += BOUNDARY;
        }
        exceptions.code(models, coder, None);
        place
    }

    /// Appends the next bytes of the stream to `file`, and the chunks around them. `file` may grow
    /// to about `limit` bytes; what is beyond is left out. `None` if an exception lies behind these bytes.
    pub(super) fn decode<C: Coder>(
        &mut self,
        models: &mut FramingModels,
        coder: &mut C,
        (file, limit): (&mut Vec<u8>, usize),
        stream: &[u8],
        stretch: Stretch,
    ) -> Option<()> {
        let mut exceptions = Exceptions::new(stretch);
        let mut next = exceptions.code(models, coder, None);
        let mut usual_before = 0;
        let mut rest = stream;
        while !rest.is_empty() && file.len() <= limit {
            if self.remaining > 0 {
                let run = rest.len().min(self.remaining as usize);
                let (run, after) = rest.split_at(run);
                self.pass(run);
                file.extend_from_slice(run);
                rest = after;
                continue;
            }
            let mut boundary = self.expected(rest.len(), stretch);
            match next {
                Some(exception) if exception.usual_before == usual_before => {
                    boundary = exception.instead_of(boundary);
                    next = exceptions.code(models, coder, None);
                    usual_before = 0;
                }
                _ => usual_before += 1,
            }
            file.extend_from_slice(&boundary.to_bytes());
            self.begin_chunk(boundary.length);
        }
        next.is_none().then_some(())
    }

    /// Reads over what [`Framing::decode`] reads, where the bytes of the stream are not known; `None` if it
    /// stands for more than `limit` bytes of the file.
    pub(super) fn pass_over<C: Coder>(
        models: &mut FramingModels,
        coder: &mut C,
        stretch: Stretch,
        limit: usize,
    ) -> Option<()> {
        let mut exceptions = Exceptions::new(stretch);
        let mut bytes = 0;
        while exceptions.code(models, coder, None).is_some() {
            bytes += BOUNDARY;
            if bytes > limit {
                return None;
            }
        }
        Some(())
    }

    /// Codes what follows the last byte of the stream. The encoder gives the file from there on, the
    /// decoder an empty slice; the bytes are appended to `out`. `None` if there is a CRC where the chunk's
    /// data go on.
    pub(super) fn code_end<C: Coder>(
        &self,
        models: &mut FramingModels,
        coder: &mut C,
        file: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let right = self.checksum.clone().finalize();
        let actual = (self.remaining == 0).then(|| {
            let crc = file.first_chunk().map_or(0, |crc| u32::from_be_bytes(*crc));
            ChunksEnd {
                wrong_checksum: (crc != right).then_some(crc),
                has_last_chunk: file.get(4..).is_some_and(|rest| rest.starts_with(&IEND)),
            }
        });
        let Some(end) = ChunksEnd::code(models, coder, actual) else {
            return Some(());
        };
        if self.remaining > 0 {
            return None;
        }
        let crc = end.wrong_checksum.unwrap_or(right);
        out.extend_from_slice(&crc.to_be_bytes());
        if end.has_last_chunk {
            out.extend_from_slice(&IEND);
        }
        Some(())
    }

    /// The boundary that is no exception here, where `left` bytes of the stream are still to be put out.
    /// Its chunk is not empty.
    fn expected(&self, left: usize, stretch: Stretch) -> Boundary {
        let rest = u32::try_from(left).unwrap_or(u32::MAX);
        Boundary {
            crc: self.checksum.clone().finalize(),
            length: match stretch.ends {
                true => self.usual.min(rest),
                false => self.usual,
            },
        }
    }

    fn begin_chunk(&mut self, length: u32) {
        if length > 0 {
            self.usual = length;
        }
        self.remaining = length;
        self.checksum = Hasher::new();
        self.checksum.update(&IDAT);
    }

    fn pass(&mut self, run: &[u8]) {
        self.checksum.update(run);
        self.remaining -= run.len() as u32;
    }
}

/// A boundary that is not the expected one.
#[derive(Clone, Copy, Debug)]
struct Exception {
    /// How many come before it that are as expected, since the last exception of the strip.
    usual_before: u32,
    wrong_checksum: Option<u32>,
    other_length: Option<u32>,
}

impl Exception {
    fn between(usual_before: u32, expected: Boundary, actual: Boundary) -> Self {
        Self {
            usual_before,
            wrong_checksum: (actual.crc != expected.crc).then_some(actual.crc),
            other_length: (actual.length != expected.length).then_some(actual.length),
        }
    }

    fn instead_of(self, expected: Boundary) -> Boundary {
        Boundary {
            crc: self.wrong_checksum.unwrap_or(expected.crc),
            length: self.other_length.unwrap_or(expected.length),
        }
    }
}

/// Codes the exceptions of a strip, one after another.
struct Exceptions {
    is_last_strip: bool,
    are_some: bool,
}

impl Exceptions {
    fn new(stretch: Stretch) -> Self {
        Self {
            is_last_strip: stretch.is_last,
            are_some: false,
        }
    }

    /// Codes the next one, or that there is none.
    fn code<C: Coder>(
        &mut self,
        models: &mut FramingModels,
        coder: &mut C,
        actual: Option<Exception>,
    ) -> Option<Exception> {
        let context = match (self.are_some, self.is_last_strip) {
            (false, false) => 0,
            (false, true) => 1,
            (true, _) => 2,
        };
        if !models.exception[context].code(coder, actual.is_some(), SLOWEST) {
            return None;
        }
        self.are_some = true;
        let usual_before = code_growing(coder, actual.map_or(0, |actual| actual.usual_before));
        let checksum = actual.and_then(|actual| actual.wrong_checksum);
        let length = actual.and_then(|actual| actual.other_length);
        Some(Exception {
            usual_before,
            wrong_checksum: models.code_wrong_checksum(coder, checksum),
            other_length: models
                .other_length
                .code(coder, length.is_some(), SLOWEST)
                .then(|| code_growing(coder, length.unwrap_or(0))),
        })
    }
}

/// What stands behind the last chunk of a stream that ends where its chunk does.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunksEnd {
    wrong_checksum: Option<u32>,
    /// Whether the chunk IEND follows.
    has_last_chunk: bool,
}

impl ChunksEnd {
    /// Codes it; `None` stands for a chunk whose data go on behind the stream.
    pub(super) fn code<C: Coder>(
        models: &mut FramingModels,
        coder: &mut C,
        actual: Option<Self>,
    ) -> Option<Self> {
        if !models.chunk_ends.code(coder, actual.is_some(), SLOWEST) {
            return None;
        }
        let checksum = actual.and_then(|actual| actual.wrong_checksum);
        let has_last_chunk = actual.is_some_and(|actual| actual.has_last_chunk);
        Some(Self {
            wrong_checksum: models.code_wrong_checksum(coder, checksum),
            has_last_chunk: models.last.code(coder, has_last_chunk, SLOWEST),
        })
    }
}

/// What is learned about chunks.
#[derive(Debug)]
pub(super) struct FramingModels {
    /// Whether there is an exception, or another one: in a strip, in the last strip, behind an exception.
    exception: [Slot; 3],
    wrong_checksum: Slot,
    other_length: Slot,
    chunk_ends: Slot,
    last: Slot,
}

impl FramingModels {
    pub(super) fn new() -> Self {
        Self {
            exception: [1000, 8000, 8000].map(Slot::expecting),
            wrong_checksum: Slot::expecting(1000),
            other_length: Slot::expecting(60_000),
            chunk_ends: Slot::expecting(64_000),
            last: Slot::expecting(60_000),
        }
    }

    /// Codes a CRC, if it is wrong.
    fn code_wrong_checksum<C: Coder>(&mut self, coder: &mut C, crc: Option<u32>) -> Option<u32> {
        self.wrong_checksum
            .code(coder, crc.is_some(), SLOWEST)
            .then(|| code_number(coder, 32, crc.unwrap_or(0)))
    }
}

/// Codes a number below 2^31: how many bits it has, then those behind the first one.
fn code_growing<C: Coder>(coder: &mut C, value: u32) -> u32 {
    let bits = code_number(coder, 5, 32 - value.leading_zeros());
    match bits.checked_sub(1) {
        None => 0,
        Some(below) => 1 << below | code_number(coder, below, value & ((1 << below) - 1)),
    }
}

/// Codes the lowest `bits` (0..=32) bits of `value`, all values alike.
pub(super) fn code_number<C: Coder>(coder: &mut C, bits: u32, value: u32) -> u32 {
    let mut left = bits;
    let mut number = 0u32;
    while left > 0 {
        let count = left.min(8);
        left -= count;
        let piece = coder.raw_bits(count, value >> left & ((1 << count) - 1));
        number = number << count | piece;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{RangeDecoder, RangeEncoder};
    use proptest::prelude::*;

    fn chunk(data: &[u8], damage: u32) -> Vec<u8> {
        let covered = [&IDAT[..], data].concat();
        let crc = crc32fast::hash(&covered) ^ damage;
        [
            &(data.len() as u32).to_be_bytes()[..],
            &covered,
            &crc.to_be_bytes(),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn chunks_come_back(
            lengths in proptest::collection::vec(prop_oneof![Just(40usize), 0usize..90], 1..12),
            damage in proptest::collection::vec(prop_oneof![9 => Just(0u32), 1 => any::<u32>()], 12),
            step in 1usize..200,
            has_end in any::<bool>(),
            is_wrong in any::<bool>(),
        ) {
            let stream: Vec<u8> = (0..lengths.iter().sum::<usize>()).map(|i| (i * i) as u8).collect();
            let mut file = Vec::new();
            let mut rest = &stream[..];
            for (&length, &damage) in lengths.iter().zip(&damage) {
                let (data, after) = rest.split_at(length);
                file.extend(chunk(data, damage));
                rest = after;
            }
            if has_end {
                file.extend_from_slice(&IEND);
            } else {
                file.extend_from_slice(b"something else here");
            }
            let first = Framing::new(lengths[0] as u32);
            let pieces: Vec<&[u8]> = stream.chunks(step).collect();
            let stretch = |number: usize| {
                let is_last = number + 1 == pieces.len();
                Stretch { is_last, ends: is_last && !is_wrong }
            };

            let mut buffer = vec![0; 8192];
            let mut coder = RangeEncoder::new(&mut buffer);
            let mut models = FramingModels::new();
            let mut framing = first.clone();
            let mut place = 8;
            let mut tail = Vec::new();
            for (number, piece) in pieces.iter().enumerate() {
                prop_assert_eq!(framing.walk(place).count_equal(&file, piece), piece.len());
                let (count, stretch) = (piece.len(), stretch(number));
                place = framing.encode(&mut models, &mut coder, (&file, place), count, stretch);
            }
            let end = framing.code_end(&mut models, &mut coder, &file[place..], &mut tail);
            prop_assert!(end.is_some() && file[place..].starts_with(&tail));
            place += tail.len();
            code_number(&mut coder, 32, 0xCAFE_F00D);
            let length = coder.finish().expect("the buffer is large enough");

            let mut coder = RangeDecoder::new(&buffer[..length]);
            let mut models = FramingModels::new();
            let mut framing = first;
            let mut decoded = file[..8].to_vec();
            for (number, piece) in pieces.iter().enumerate() {
                let room = (&mut decoded, 1 << 20);
                let right = framing.decode(&mut models, &mut coder, room, piece, stretch(number));
                prop_assert!(right.is_some());
            }
            let end = framing.code_end(&mut models, &mut coder, &[], &mut decoded);
            prop_assert!(end.is_some());
            prop_assert_eq!(&decoded[..], &file[..place]);
            prop_assert_eq!(code_number(&mut coder, 32, 0), 0xCAFE_F00D);

            let mut coder = RangeDecoder::new(&buffer[..length]);
            let mut models = FramingModels::new();
            for number in 0..pieces.len() {
                let right = Framing::pass_over(&mut models, &mut coder, stretch(number), 1 << 20);
                prop_assert!(right.is_some());
            }
            ChunksEnd::code(&mut models, &mut coder, None);
            prop_assert_eq!(code_number(&mut coder, 32, 0), 0xCAFE_F00D);
        }
    }

    /// The bytes that a coder takes for the chunks of a stream, of which `step` bytes are put out at a time.
    fn cost(lengths: &[usize], step: usize) -> usize {
        let stream = vec![7; lengths.iter().sum()];
        let mut file = Vec::new();
        for &length in lengths {
            file.extend(chunk(&stream[..length], 0));
        }
        let mut buffer = vec![0; 8192];
        let mut coder = RangeEncoder::new(&mut buffer);
        let mut models = FramingModels::new();
        let mut framing = Framing::new(lengths[0] as u32);
        let mut place = 8;
        let last = stream.len().div_ceil(step) - 1;
        for (number, piece) in stream.chunks(step).enumerate() {
            let is_last = number == last;
            let stretch = Stretch {
                is_last,
                ends: is_last,
            };
            place = framing.encode(
                &mut models,
                &mut coder,
                (&file, place),
                piece.len(),
                stretch,
            );
        }
        coder.finish().expect("the buffer is large enough")
    }

    #[test]
    fn chunks_of_one_length_cost_next_to_nothing() {
        let lengths = [vec![8192; 40], vec![1000]].concat();
        assert!(cost(&lengths, 5000) <= 2);
        assert!(cost(&[vec![8192; 40], vec![1001, 9999]].concat(), 5000) <= 12);
    }

    #[test]
    fn an_exception_behind_the_bytes_of_a_strip_is_malformed() {
        let stretch = Stretch {
            is_last: false,
            ends: false,
        };
        let mut buffer = vec![0; 64];
        let mut coder = RangeEncoder::new(&mut buffer);
        let mut models = FramingModels::new();
        let mut exceptions = Exceptions::new(stretch);
        let exception = Exception {
            usual_before: 3,
            wrong_checksum: None,
            other_length: Some(5),
        };
        exceptions.code(&mut models, &mut coder, Some(exception));
        exceptions.code(&mut models, &mut coder, None);
        let length = coder.finish().expect("the buffer is large enough");
        for (bytes, is_right) in [(30, false), (40, false), (41, true)] {
            let mut coder = RangeDecoder::new(&buffer[..length]);
            let mut out = Vec::new();
            let decoded = Framing::new(10).decode(
                &mut FramingModels::new(),
                &mut coder,
                (&mut out, 1 << 20),
                &vec![1; bytes],
                stretch,
            );
            assert_eq!(decoded.is_some(), is_right, "{bytes}");
        }
    }

    #[test]
    fn differences_are_counted_to() {
        let file = [
            chunk(b"abcd", 0),
            chunk(b"efgh", 0),
            b"other chunk...".to_vec(),
        ]
        .concat();
        let framing = Framing::new(4);
        for (stream, equal) in [
            (&b"abcdefgh"[..], 8),
            (b"abcdefghi", 8),
            (b"abcxefgh", 3),
            (b"abcdefxh", 6),
            (b"", 0),
        ] {
            assert_eq!(framing.walk(8).count_equal(&file, stream), equal);
        }
        assert_eq!(framing.walk(8).count_equal(&file[..11], b"abcdefgh"), 3);
    }
}
