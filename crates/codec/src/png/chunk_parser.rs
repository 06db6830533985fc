//! Follows the chunks of PNG files through a byte stream (PNG specification, third edition,
//! clause 5), up to the first IDAT.
//!
//! The parser sees every byte that is not part of coded image data, one after another, in both
//! directions of the codec, and is told how many the others are. Invariant: its state depends on those bytes
//! and numbers alone, so that encoder and decoder agree on where image data begin without any side information.
//!
//! A signature begins a PNG wherever it stands: the one before may have been cut off, or its chunk's length
//! may be wrong. Since it may also be a picture within the chunk, the parser goes back to the chunk behind it.

use super::header::{self, ImageHeader};

/// The first bytes of every PNG.
pub(crate) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];

/// Largest length of a chunk's data.
pub(super) const CHUNK_LENGTH_MAX: u32 = (1 << 31) - 1;

/// Most bytes that may be left of a chunk which the parser goes back to: longer ones than this of 16 MiB hold
/// no pictures, but have wrong lengths.
const OUTER_MAX: u32 = 16 << 20;

/// What the parser found at the byte it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A legal image header was read.
    Header(ImageHeader),
    /// An IHDR chunk that breaks a rule.
    BadHeader,
    /// The next byte is the first of the data of the image's first IDAT chunk.
    ImageData {
        header: ImageHeader,
        /// Bytes of the chunk's data.
        length: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Looking for the signature.
    Hunt,
    /// In the length and type of a chunk; how many bytes of them have been seen.
    ChunkStart(usize),
    /// Bytes of IHDR data that have been seen.
    Header(usize),
    /// Bytes of data and CRC that are still to come.
    Rest(u32),
}

/// A chunk within which another PNG has begun.
#[derive(Clone, Copy, Debug)]
struct OuterChunk {
    /// Bytes of its data and CRC that are still to come, at least one.
    remaining: u32,
    header: Option<ImageHeader>,
}

/// The incremental parser.
#[derive(Clone, Debug)]
pub(crate) struct ChunkParser {
    state: State,
    /// How many bytes of the signature have been seen last.
    signature_seen: usize,
    outer: Option<OuterChunk>,
    chunk_start: [u8; 8],
    data: [u8; header::SIZE],
    header: Option<ImageHeader>,
}

impl ChunkParser {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Hunt,
            signature_seen: 0,
            outer: None,
            chunk_start: [0; 8],
            data: [0; header::SIZE],
            header: None,
        }
    }

    /// Skips as many bytes as cannot change what is found; how many.
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> usize {
        if self.signature_seen > 0 {
            return 0;
        }
        // The last byte of a chunk is one that changes something.
        let before_last = |remaining: u32| remaining as usize - 1;
        let most = match self.state {
            State::Hunt => bytes.len(),
            State::Rest(remaining) => bytes.len().min(before_last(remaining)),
            State::ChunkStart(_) | State::Header(_) => 0,
        };
        let outer = self
            .outer
            .map_or(most, |outer| before_last(outer.remaining));
        let bytes = &bytes[..most.min(outer)];
        let next = bytes.iter().position(|&byte| byte == SIGNATURE[0]);
        let count = next.unwrap_or(bytes.len());
        if let State::Rest(remaining) = &mut self.state {
            *remaining -= count as u32;
        }
        self.pass_over(count);
        count
    }

    /// Whether nothing of an image has come.
    pub(crate) fn is_outside(&self) -> bool {
        self.state == State::Hunt && self.signature_seen == 0 && self.outer.is_none()
    }

    /// Whether it counts the bytes of a PNG that stands within another.
    pub(crate) fn is_within_chunk(&self) -> bool {
        self.outer.is_some()
    }

    /// Follows `count` bytes of image data.
    pub(crate) fn pass_over(&mut self, count: usize) {
        let Some(outer) = &mut self.outer else { return };
        let ends = count == outer.remaining as usize;
        if count < outer.remaining as usize {
            outer.remaining -= count as u32;
        } else if let Some(outer) = self.outer.take()
            && ends
            && self.state == State::Hunt
        {
            self.state = State::ChunkStart(0);
            self.header = outer.header;
        }
    }

    /// Takes one byte.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Found> {
        let found = match self.completes_signature(byte) {
            true => {
                self.begin_png();
                None
            }
            false => self.advance(byte),
        };
        self.pass_over(1);
        found
    }

    fn advance(&mut self, byte: u8) -> Option<Found> {
        match self.state {
            State::Hunt => {}
            State::ChunkStart(seen) => {
                self.chunk_start[seen] = byte;
                self.state = State::ChunkStart(seen + 1);
                if seen + 1 == self.chunk_start.len() {
                    return self.begin_chunk();
                }
            }
            State::Header(seen) => {
                self.data[seen] = byte;
                self.state = State::Header(seen + 1);
                if seen + 1 == self.data.len() {
                    return Some(self.take_header());
                }
            }
            State::Rest(1) => self.state = State::ChunkStart(0),
            State::Rest(remaining) => self.state = State::Rest(remaining - 1),
        }
        None
    }

    fn completes_signature(&mut self, byte: u8) -> bool {
        // No proper end of the signature is also its beginning, so a mismatch starts over.
        self.signature_seen = match byte == SIGNATURE[self.signature_seen] {
            true => self.signature_seen + 1,
            false => usize::from(byte == SIGNATURE[0]),
        };
        let is_complete = self.signature_seen == SIGNATURE.len();
        if is_complete {
            self.signature_seen = 0;
        }
        is_complete
    }

    fn begin_png(&mut self) {
        if let State::Rest(remaining @ ..=OUTER_MAX) = self.state
            && self.outer.is_none()
        {
            self.outer = Some(OuterChunk {
                remaining,
                header: self.header,
            });
        }
        self.header = None;
        self.state = State::ChunkStart(0);
    }

    fn begin_chunk(&mut self) -> Option<Found> {
        let [l0, l1, l2, l3, kind @ ..] = self.chunk_start;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        self.state = State::Hunt;
        if length > CHUNK_LENGTH_MAX || !kind.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        match (self.header, &kind) {
            (None, b"IHDR") if length == header::SIZE as u32 => self.state = State::Header(0),
            (None, b"IHDR") => return Some(Found::BadHeader),
            // CgBI stands before IHDR in what Apple's tools make, whose image data are no zlib
            // streams; nothing else does.
            (None, _) | (_, b"IEND") => {}
            (Some(header), b"IDAT") => return Some(Found::ImageData { header, length }),
            _ => self.state = State::Rest(length + 4),
        }
        None
    }

    fn take_header(&mut self) -> Found {
        match ImageHeader::parse(&self.data) {
            Some(header) => {
                self.header = Some(header);
                self.state = State::Rest(4);
                Found::Header(header)
            }
            None => {
                self.state = State::Hunt;
                Found::BadHeader
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0\0\0\x0dIHDR\0\0\0\x05\0\0\0\x07\x08\x02\0\0\0crc.";

    fn found(bytes: &[u8]) -> Vec<(usize, Found)> {
        feed(&mut ChunkParser::new(), bytes)
    }

    /// What is found, and behind which of the bytes.
    fn feed(parser: &mut ChunkParser, bytes: &[u8]) -> Vec<(usize, Found)> {
        let mut results = vec![];
        let mut place = 0;
        while place < bytes.len() {
            place += parser.skip(&bytes[place..]);
            let Some(&byte) = bytes.get(place) else { break };
            place += 1;
            results.extend(parser.push(byte).map(|found| (place, found)));
        }
        results
    }

    #[test]
    fn image_data_are_found_behind_other_chunks_and_anywhere() {
        for before in [&b""[..], b"tar header \x89PN", b"\x89"] {
            let mut bytes = [before, &SIGNATURE, HEADER].concat();
            bytes.extend_from_slice(b"\0\0\0\x04gAMAabcd1234\0\0\x20\0IDAT");
            let header = bytes.len();
            bytes.extend_from_slice(b"image data");
            let found = found(&bytes);
            assert!(matches!(
                found[..],
                [
                    (_, Found::Header(ImageHeader { width: 5, height: 7, .. })),
                    (place, Found::ImageData { length: 0x2000, .. })
                ] if place == header
            ));
        }
    }

    #[test]
    fn a_signature_begins_a_png_wherever_it_stands() {
        let whole = [&SIGNATURE, HEADER, b"\0\0\0\x04IDAT"].concat();
        let wrong_length = b"\x7f\xff\xff\xfftEXtText";
        for before in [&b""[..], b"\x89P", b"\0\0\0\x04gAMAab", wrong_length] {
            for cut in SIGNATURE.len()..SIGNATURE.len() + HEADER.len() {
                let cut_off = [&SIGNATURE, HEADER].concat();
                let cut = if before.is_empty() {
                    cut
                } else {
                    cut_off.len()
                };
                let bytes = [&cut_off[..cut], before, &whole].concat();
                let last = found(&bytes).pop();
                let is_found = matches!(last, Some((_, Found::ImageData { length: 4, .. })));
                assert!(is_found, "{bytes:?}");
            }
        }
    }

    #[test]
    fn behind_a_png_within_a_chunk_the_chunk_goes_on() {
        let inner = [&SIGNATURE, HEADER, b"\0\0\0\x02gAMA12crc.\0\0\0\x03IDAT"].concat();
        for (data, tail) in [(3, 12), (3, 0), (0, 700)] {
            let tail = vec![0x89; tail];
            let length = (inner.len() + data + tail.len()) as u32;
            let before = [&SIGNATURE, HEADER, &length.to_be_bytes(), b"caBX"].concat();
            let mut parser = ChunkParser::new();
            assert_eq!(feed(&mut parser, &[&before[..], &inner].concat()).len(), 3);
            parser.pass_over(data);
            assert!(parser.is_within_chunk());
            let rest = [&tail[..], b"crc.\0\0\0\x09IDAT"].concat();
            assert!(matches!(
                feed(&mut parser, &rest)[..],
                [(_, Found::ImageData { length: 9, header })] if header.width == 5
            ));
            assert!(!parser.is_within_chunk());
        }
    }

    #[test]
    fn what_is_no_png_is_left_alone() {
        let no_header = [&SIGNATURE[..], b"\0\0\0\x04IDATabcd"].concat();
        assert_eq!(found(&no_header), []);
        let mut zero_width = [&SIGNATURE[..], HEADER].concat();
        zero_width[19] = 0;
        assert!(matches!(found(&zero_width)[..], [(_, Found::BadHeader)]));
        let bad_type = [&SIGNATURE[..], HEADER, b"\0\0\0\x04ID\0T"].concat();
        assert_eq!(found(&bad_type).len(), 1);
        let ended = [&SIGNATURE[..], HEADER, b"\0\0\0\0IENDcrc.\0\0\0\x04IDAT"].concat();
        assert_eq!(found(&ended).len(), 1);
    }
}
