//! Follows the chunks of PNG files through a byte stream (PNG specification, third edition,
//! clause 5), up to the first IDAT.
//!
//! The parser sees every byte that is not part of coded image data, one after another, in both
//! directions of the codec. Invariant: its state depends on those bytes alone, so that encoder and
//! decoder agree on where image data begin without any side information.

use super::header::{self, ImageHeader};

/// The first bytes of every PNG.
pub(crate) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];

/// Largest length of a chunk's data.
pub(super) const CHUNK_LENGTH_MAX: u32 = (1 << 31) - 1;

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
    /// Looking for the signature; how many of its bytes have been seen.
    Hunt(usize),
    /// In the length and type of a chunk; how many bytes of them have been seen.
    ChunkStart(usize),
    /// Bytes of IHDR data that have been seen.
    Header(usize),
    /// Bytes of data and CRC that are still to come.
    Rest(u32),
}

/// The incremental parser.
#[derive(Clone, Debug)]
pub(crate) struct ChunkParser {
    state: State,
    chunk_start: [u8; 8],
    data: [u8; header::SIZE],
    header: Option<ImageHeader>,
}

impl ChunkParser {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Hunt(0),
            chunk_start: [0; 8],
            data: [0; header::SIZE],
            header: None,
        }
    }

    /// Skips as many bytes as cannot change what is found; how many.
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> usize {
        match self.state {
            State::Hunt(0) => bytes
                .iter()
                .position(|&byte| byte == SIGNATURE[0])
                .unwrap_or(bytes.len()),
            State::Rest(remaining) if remaining > 1 => {
                let count = bytes.len().min(remaining as usize - 1);
                self.state = State::Rest(remaining - count as u32);
                count
            }
            _ => 0,
        }
    }

    /// Whether nothing of an image has come.
    pub(crate) fn is_outside(&self) -> bool {
        self.state == State::Hunt(0)
    }

    /// Takes one byte.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Found> {
        match self.state {
            State::Hunt(seen) => self.hunt(seen, byte),
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

    fn hunt(&mut self, seen: usize, byte: u8) {
        // No proper end of the signature is also its beginning, so a mismatch starts over.
        self.state = match byte {
            _ if byte == SIGNATURE[seen] && seen + 1 == SIGNATURE.len() => {
                self.header = None;
                State::ChunkStart(0)
            }
            _ if byte == SIGNATURE[seen] => State::Hunt(seen + 1),
            _ => State::Hunt(usize::from(byte == SIGNATURE[0])),
        };
    }

    fn begin_chunk(&mut self) -> Option<Found> {
        let [l0, l1, l2, l3, kind @ ..] = self.chunk_start;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        self.state = State::Hunt(0);
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
                self.state = State::Hunt(0);
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
        let mut parser = ChunkParser::new();
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
