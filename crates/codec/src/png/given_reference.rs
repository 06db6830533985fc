//! The image of a file that was given beside the stream.
//!
//! Nothing of it is copied: its zlib stream is read out of the chunks of the file. Invariant: what is
//! read depends on the file alone.

use super::chunk_parser::{ChunkParser, Found};
use super::deflate::{Inflater, Progress};
use super::filter::FilterType;
use super::framing::{ChunkWalk, Walked};
use super::header::ImageHeader;
use super::strips::StripWalk;
use crate::ReferenceFile;

/// The image data of the first PNG of a file, from some byte on.
#[derive(Clone, Debug)]
pub(super) struct GivenImage {
    file: ReferenceFile,
    header: ImageHeader,
    walk: ChunkWalk,
}

impl GivenImage {
    /// The start of the first image data in `file`, if there are any.
    pub(super) fn find(file: ReferenceFile) -> Option<Self> {
        let bytes = file.bytes();
        let mut parser = ChunkParser::new();
        let mut place = 0;
        loop {
            place += parser.skip(bytes.get(place..)?);
            let byte = *bytes.get(place)?;
            place += 1;
            if let Some(Found::ImageData { header, length }) = parser.push(byte) {
                let walk = ChunkWalk::at(length, place);
                return Some(Self { file, header, walk });
            }
        }
    }

    pub(super) fn header(&self) -> &ImageHeader {
        &self.header
    }

    /// Whether the zlib stream is one, and holds the rows that the header announces and no more.
    pub(super) fn is_whole(&self) -> bool {
        let mut image = self.clone();
        let mut inflater = Box::new(Inflater::without_checksum());
        let mut rows = RowCheck::new(&self.header);
        loop {
            let mut input = image.peek();
            let available = input.len();
            let Ok(inflated) = inflater.inflate(&mut input) else {
                return false;
            };
            if !rows.take(inflated.bytes) {
                return false;
            }
            let (ended, stands) = (
                inflated.progress == Progress::Ended,
                inflated.bytes.is_empty() && input.len() == available,
            );
            let consumed = available - input.len();
            image.consume(consumed);
            if ended || stands {
                return ended && rows.are_complete();
            }
        }
    }

    /// The next bytes of the zlib stream, as many as lie together; empty at the end.
    pub(super) fn peek(&self) -> &[u8] {
        let mut walk = self.walk;
        match walk.next(self.file.bytes(), usize::MAX) {
            Walked::Data(data) => data,
            Walked::OutOfInput | Walked::NoMoreChunks => &[],
        }
    }

    /// Goes past `count` of the bytes that [`GivenImage::peek`] gives.
    pub(super) fn consume(&mut self, count: usize) {
        if count > 0 {
            self.walk.next(self.file.bytes(), count);
        }
    }
}

/// Follows scanlines from the first on.
struct RowCheck {
    walk: StripWalk,
    /// Bytes of the strip that have come.
    seen: usize,
}

impl RowCheck {
    fn new(header: &ImageHeader) -> Self {
        Self {
            walk: StripWalk::new(header),
            seen: 0,
        }
    }

    /// Whether these bytes can come next.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let Some(strip) = self.walk.current() else {
                return false;
            };
            let length = bytes.len().min(strip.scanline_bytes() - self.seen);
            let (these, rest) = bytes.split_at(length);
            let row = 1 + strip.pass.row_bytes;
            let first = (row - self.seen % row) % row;
            let mut types = these.iter().skip(first).step_by(row);
            if !types.all(|&number| FilterType::from_byte(number).is_some()) {
                return false;
            }
            self.seen += length;
            if self.seen == strip.scanline_bytes() {
                self.walk.advance(&strip);
                self.seen = 0;
            }
            bytes = rest;
        }
        true
    }

    fn are_complete(&self) -> bool {
        self.walk.current().is_none()
    }
}
