//! What is coded of an image before its first MCU row: where its scans stand, and their headers.

use super::super::frame::Frame;
use super::super::markers::{Found, HeaderParser};
use super::header::{Progression, ScanHeader};
use super::regions::Regions;
use crate::Error;
use crate::entropy::{Coder, code_number};

/// Writes the opening. `input` begins with the first scan's first byte; `byte` codes one byte.
pub(super) fn encode<C: Coder>(
    coder: &mut C,
    input: &[u8],
    regions: &Regions,
    mut byte: impl FnMut(&mut C, u8) -> u8,
) {
    for scan in 0..regions.count() {
        let end = regions.end(scan);
        code_number(coder, (end - regions.start(scan)) as u32);
        if scan + 1 < regions.count() {
            let between = &input[end..regions.start(scan + 1)];
            code_number(coder, between.len() as u32);
            for &value in between {
                byte(coder, value);
            }
        }
    }
}

/// What an opening says.
pub(super) struct Opening {
    pub(super) frame: Frame,
    pub(super) headers: Vec<ScanHeader>,
    pub(super) regions: Regions,
    /// Offset and contents of the bytes between scans.
    pub(super) between: Vec<(usize, Vec<u8>)>,
}

/// Reads the opening of an image of `scans` scans, whose first one's header the parser has just
/// read.
///
/// # Errors
/// [`Error::BadScan`] if what is between scans is no header of a scan that may follow,
/// [`Error::RowsTooWide`] if the bytes are more than `most`.
pub(super) fn decode<C: Coder>(
    coder: &mut C,
    parser: &HeaderParser,
    first: ScanHeader,
    scans: usize,
    most: usize,
    mut byte: impl FnMut(&mut C, u8) -> u8,
) -> Result<Opening, Error> {
    let mut parser = parser.clone();
    let frame = parser.frame().ok_or(Error::BadScan)?.clone();
    let mut progression = Progression::new();
    let mut opening = Opening {
        frame,
        headers: Vec::with_capacity(scans),
        regions: Regions::default(),
        between: Vec::with_capacity(scans),
    };
    let mut next = first;
    let mut position = 0;
    let mut advance = |length: u32| {
        position += length as usize;
        match position <= most {
            true => Ok(position),
            false => Err(Error::RowsTooWide {
                needed: position,
                budget: most,
            }),
        }
    };
    for scan in 0..scans {
        if !progression.take(&next) {
            return Err(Error::BadScan);
        }
        let length = code_number(coder, 0);
        let end = advance(length)?;
        opening.regions.push(end - length as usize, length as usize);
        opening.headers.push(next);
        if scan + 1 == scans {
            break;
        }
        let length = code_number(coder, 0);
        let start = advance(length)? - length as usize;
        let between: Vec<u8> = (0..length).map(|_| byte(coder, 0)).collect();
        parser.scan_ended();
        next = next_header(&mut parser, &between).ok_or(Error::BadScan)?;
        opening.between.push((start, between));
    }
    Ok(opening)
}

/// The scan header that ends with the last of these bytes.
fn next_header(parser: &mut HeaderParser, between: &[u8]) -> Option<ScanHeader> {
    let (&last, before) = between.split_last()?;
    for &byte in before {
        if parser.push(byte).is_some() {
            return None;
        }
    }
    match parser.push(last) {
        Some(Found::Scan(found)) => found.together.map(|header| *header),
        _ => None,
    }
}
