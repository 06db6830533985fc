//! IDAT chunks around a zlib stream (PNG specification, third edition, clauses 5.3 and 10.1).
//!
//! The zlib stream is cut into chunks at any place. Invariant: what stands between two bytes of it
//! is coded where the later one is put out, so that a decoder never has to know what comes behind
//! its last byte.

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

/// What stands between the data of two IDAT chunks.
#[derive(Clone, Copy, Debug, Default)]
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

/// The chunks as far as they are coded.
#[derive(Clone, Debug)]
pub(super) struct Framing {
    /// Bytes of the current chunk's data.
    length: u32,
    remaining: u32,
    checksum: Hasher,
}

impl Framing {
    /// At the start of the data of a chunk with this many bytes.
    pub(super) fn new(length: u32) -> Self {
        let mut checksum = Hasher::new();
        checksum.update(&IDAT);
        Self {
            length,
            remaining: length,
            checksum,
        }
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
        file: &[u8],
        mut place: usize,
        count: usize,
    ) -> usize {
        let mut left = count;
        while left > 0 {
            if self.remaining == 0 {
                let boundary = Boundary::parse(&file[place..]).unwrap_or_default();
                self.code_boundary(models, coder, boundary);
                place += BOUNDARY;
                continue;
            }
            let run = left.min(self.remaining as usize);
            self.pass(&file[place..place + run]);
            place += run;
            left -= run;
        }
        place
    }

    /// Appends the next bytes of the stream to `file`, and the chunks around them. `file` may grow
    /// to about `limit` bytes; what is beyond is left out.
    pub(super) fn decode<C: Coder>(
        &mut self,
        models: &mut FramingModels,
        coder: &mut C,
        file: &mut Vec<u8>,
        stream: &[u8],
        limit: usize,
    ) {
        let mut rest = stream;
        while !rest.is_empty() && file.len() <= limit {
            if self.remaining == 0 {
                let boundary = self.code_boundary(models, coder, Boundary::default());
                file.extend_from_slice(&boundary.to_bytes());
                continue;
            }
            let run = rest.len().min(self.remaining as usize);
            let (run, after) = rest.split_at(run);
            self.pass(run);
            file.extend_from_slice(run);
            rest = after;
        }
    }

    /// Whether the current chunk's data are over.
    pub(super) fn at_chunk_end(&self) -> bool {
        self.remaining == 0
    }

    /// Codes what follows the last byte of the stream, if the chunk ends with it: the CRC, and
    /// whether IEND is next. The encoder gives the file from there on, the decoder an empty slice;
    /// the bytes are appended to `out`.
    pub(super) fn code_end<C: Coder>(
        &self,
        models: &mut FramingModels,
        coder: &mut C,
        file: &[u8],
        out: &mut Vec<u8>,
    ) {
        let crc = file.first_chunk().map_or(0, |crc| u32::from_be_bytes(*crc));
        let crc = self.code_checksum(models, coder, crc);
        out.extend_from_slice(&crc.to_be_bytes());
        let last = file.get(4..).is_some_and(|rest| rest.starts_with(&IEND));
        if models.last.code(coder, last, SLOWEST) {
            out.extend_from_slice(&IEND);
        }
    }

    fn pass(&mut self, run: &[u8]) {
        self.checksum.update(run);
        self.remaining -= run.len() as u32;
    }

    fn code_boundary<C: Coder>(
        &mut self,
        models: &mut FramingModels,
        coder: &mut C,
        boundary: Boundary,
    ) -> Boundary {
        let crc = self.code_checksum(models, coder, boundary.crc);
        let length = models.code_length(coder, self.length, boundary.length);
        *self = Self::new(length);
        Boundary { crc, length }
    }

    fn code_checksum<C: Coder>(
        &self,
        models: &mut FramingModels,
        coder: &mut C,
        actual: u32,
    ) -> u32 {
        let right = self.checksum.clone().finalize();
        if models.wrong_checksum.code(coder, actual != right, SLOWEST) {
            code_number(coder, 32, actual)
        } else {
            right
        }
    }
}

/// What is learned about chunks.
#[derive(Debug)]
pub(super) struct FramingModels {
    wrong_checksum: Slot,
    other_length: Slot,
    longer: Slot,
    last: Slot,
}

impl FramingModels {
    pub(super) fn new() -> Self {
        Self {
            wrong_checksum: Slot::expecting(1000),
            other_length: Slot::expecting(4000),
            longer: Slot::expecting(8000),
            last: Slot::expecting(60_000),
        }
    }

    /// Codes a chunk's length, given that of the chunk before.
    fn code_length<C: Coder>(&mut self, coder: &mut C, before: u32, length: u32) -> u32 {
        if !self.other_length.code(coder, length != before, SLOWEST) {
            return before;
        }
        let bits = match self.longer.code(coder, length > before, SLOWEST) {
            true => 31,
            false => 32 - before.leading_zeros(),
        };
        code_number(coder, bits, length)
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

            let mut buffer = vec![0; 4096];
            let mut coder = RangeEncoder::new(&mut buffer);
            let mut models = FramingModels::new();
            let mut framing = first.clone();
            let mut place = 8;
            let mut tail = Vec::new();
            for piece in stream.chunks(step) {
                prop_assert_eq!(framing.walk(place).count_equal(&file, piece), piece.len());
                place = framing.encode(&mut models, &mut coder, &file, place, piece.len());
            }
            if framing.at_chunk_end() {
                framing.code_end(&mut models, &mut coder, &file[place..], &mut tail);
                prop_assert!(file[place..].starts_with(&tail));
            }
            place += tail.len();
            let length = coder.finish().expect("the buffer is large enough");

            let mut coder = RangeDecoder::new(&buffer[..length]);
            let mut models = FramingModels::new();
            let mut framing = first;
            let mut decoded = file[..8].to_vec();
            for piece in stream.chunks(step) {
                framing.decode(&mut models, &mut coder, &mut decoded, piece, 1 << 20);
            }
            if framing.at_chunk_end() {
                framing.code_end(&mut models, &mut coder, &[], &mut decoded);
            }
            prop_assert_eq!(&decoded[..], &file[..place]);
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
