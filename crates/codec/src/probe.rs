//! What a file is, from its header alone.
//!
//! Invariant: nothing is decoded, and what the bytes say is believed only as far as the formats allow
//! it: a file is an image if it begins with one.

use crate::jpeg::{Found as JpegFound, HeaderParser, START_OF_IMAGE};
use crate::png::{ChunkParser, Found as PngFound, SIGNATURE};

/// How many bytes from a file's start are looked at at most. The header of a JPEG may stand behind its
/// metadata.
pub const PROBED: usize = 1 << 20;

/// A file's kind, and its size in pixels as far as its header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbedImage {
    /// Name of its kind: "JPEG" or "PNG".
    pub kind: &'static str,
    /// Width and height in pixels; `None` if the header is not there, is wrong, or is of a kind of JPEG that
    /// is not modelled.
    pub dimensions: Option<(u32, u32)>,
}

/// Looks for a header at the start of `bytes`, the first [`PROBED`] of a file or all that it has; `None` if it
/// does not begin like an image.
#[must_use]
pub fn probe(bytes: &[u8]) -> Option<ProbedImage> {
    if bytes.starts_with(&SIGNATURE) {
        return Some(ProbedImage {
            kind: "PNG",
            dimensions: png_dimensions(bytes),
        });
    }
    bytes.starts_with(&START_OF_IMAGE).then(|| ProbedImage {
        kind: "JPEG",
        dimensions: jpeg_dimensions(bytes),
    })
}

fn png_dimensions(mut bytes: &[u8]) -> Option<(u32, u32)> {
    let mut parser = ChunkParser::new();
    while let Some((&byte, rest)) = bytes.split_first() {
        match parser.push(byte) {
            Some(PngFound::Header(header)) => return Some((header.width, header.height)),
            Some(_) => return None,
            None if parser.is_outside() => return None,
            None => bytes = &rest[parser.skip(rest)..],
        }
    }
    None
}

fn jpeg_dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut parser = HeaderParser::new();
    let (start, mut bytes) = bytes.split_at(START_OF_IMAGE.len());
    for &byte in start {
        parser.push(byte);
    }
    while let Some((&byte, rest)) = bytes.split_first() {
        match parser.push(byte) {
            Some(JpegFound::Frame { width, height }) => return Some((width.into(), height.into())),
            // A thumbnail's scan, in a segment of the image.
            Some(JpegFound::Scan(_)) if parser.is_inside_segment() => parser.scan_abandoned(),
            Some(JpegFound::Refused(_)) if parser.is_inside_segment() => {}
            Some(_) => return None,
            None => {}
        }
        if parser.is_between_images() {
            return None;
        }
        bytes = &rest[parser.skip(rest)..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u8) -> Vec<u8> {
        let header = [
            0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 1, width, 0, 0, 0, 7,
        ];
        [&SIGNATURE[..], &header, &[8, 6, 0, 0, 0, 1, 2, 3, 4]].concat()
    }

    /// A frame header of 16 × 24 pixels, behind `before`.
    fn jpeg(before: &[u8], code: u8) -> Vec<u8> {
        let frame = [0xFF, code, 0, 11, 8, 0, 24, 0, 16, 1, 1, 0x11, 0];
        [&START_OF_IMAGE[..2], before, &frame].concat()
    }

    fn dimensions(bytes: &[u8]) -> (&'static str, Option<(u32, u32)>) {
        let image = probe(bytes).expect("an image");
        (image.kind, image.dimensions)
    }

    #[test]
    fn headers_tell_kind_and_size() {
        assert_eq!(dimensions(&png(4)), ("PNG", Some((260, 7))));
        assert_eq!(dimensions(&jpeg(&[], 0xC0)), ("JPEG", Some((16, 24))));
        // Behind metadata in which another image stands.
        let inner = jpeg(&[], 0xC2);
        let mut segment = vec![0xFF, 0xE1, 0, 2 + inner.len() as u8];
        segment.extend(inner);
        assert_eq!(dimensions(&jpeg(&segment, 0xC0)), ("JPEG", Some((16, 24))));
    }

    #[test]
    fn what_is_cut_or_unknown_has_no_size() {
        let whole = png(4);
        for length in SIGNATURE.len()..=28 {
            assert_eq!(dimensions(&whole[..length]), ("PNG", None), "{length}");
        }
        assert_eq!(dimensions(&jpeg(&[], 0xC9)), ("JPEG", None));
        assert_eq!(dimensions(&jpeg(&[0xFF, 0xD9], 0xC0)), ("JPEG", None));
        let mut wrong = png(4);
        wrong[13] = b'X';
        assert_eq!(dimensions(&wrong), ("PNG", None));
    }

    #[test]
    fn what_does_not_begin_with_an_image_is_none() {
        let behind = [b"x", png(4).as_slice()].concat();
        for bytes in [&b""[..], b"\xff\xd8", b"\x89PNG", &behind] {
            assert_eq!(probe(bytes), None);
        }
    }
}
