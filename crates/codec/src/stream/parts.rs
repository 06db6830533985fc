//! The list of parts at the start of a coded segment's payload.

use super::varint;
use crate::Error;
use crate::jpeg::{HEADER_MAX, MCU_MAX, MCU_ROWS_MAX, SCANS_MAX};
use crate::png::STRIPS_MAX;

/// A stretch of a coded segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// So many bytes, coded by the bytes model.
    Bytes(u32),
    /// So many bytes, not coded: they follow the list of parts.
    Raw(u32),
    /// So many MCUs of the current scan.
    McuRun(u32),
    /// So many strips of the current PNG.
    StripRun(u32),
    /// The opening of an image of so many scans.
    Opening(u32),
    /// So many MCU rows of that image.
    Rows(u32),
    /// So many bytes that rows have put out.
    Release(u32),
    /// The scan of this number, counted from 1, of that image is given up.
    GivenUp(u32),
    /// The scan of this number, counted from 1, of that image goes on.
    ScanReentry(u32),
    /// The scan that was left goes on with the MCU of this number, counted from 1.
    Reentry(u32),
    /// A scan goes on behind a header of so many bytes.
    Resumption(u32),
}

/// Most MCUs in a run: each takes at least two bits (a DC and an AC code), and the first may share
/// a byte with what stands before the segment.
fn most_mcus(raw_length: usize) -> usize {
    4 * (raw_length + 1)
}

/// Appends a list of parts.
pub(super) fn write(parts: impl ExactSizeIterator<Item = Part>, out: &mut Vec<u8>) {
    varint::write(parts.len() as u32, out);
    for part in parts {
        let (kind, count) = match part {
            Part::Bytes(count) => (0, count),
            Part::Raw(count) => (1, count),
            Part::McuRun(count) => (2, count),
            Part::StripRun(count) => (6, count),
            Part::Opening(count) => (3, count),
            Part::Rows(count) => (4, count),
            Part::Release(count) => (5, count),
            Part::Reentry(count) => (7, count),
            Part::GivenUp(count) => (8, count),
            Part::ScanReentry(count) => (9, count),
            Part::Resumption(count) => (10, count),
        };
        varint::write(kind, out);
        varint::write(count, out);
    }
}

/// A list of parts that has been checked, still in its coded form.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartList<'a> {
    list: &'a [u8],
    /// Bytes of all raw parts together.
    pub(super) raw_bytes: usize,
}

impl<'a> PartList<'a> {
    /// Takes a list of parts off the front of `payload`, the payload of a segment of `raw_length`
    /// bytes.
    ///
    /// # Errors
    /// A number, kind or count that breaks the format's limits, or more bytes than the segment has.
    pub(super) fn parse(payload: &mut &'a [u8], raw_length: usize) -> Result<Self, Error> {
        let count = varint::read(payload)?;
        // Every part takes two bytes at least, so this bounds the work by the payload's size.
        if count == 0 || count as usize > payload.len() / 2 {
            return Err(Error::PartCount(count));
        }
        let start = *payload;
        let (mut bytes, mut raw_bytes) = (0, 0);
        for _ in 0..count {
            let part = read_part(payload)?;
            let (length, most) = match part {
                Part::Bytes(length) | Part::Raw(length) | Part::Release(length) => {
                    (length, raw_length - bytes)
                }
                Part::McuRun(length) => (length, most_mcus(raw_length)),
                Part::StripRun(length) => (length, STRIPS_MAX as usize),
                Part::Opening(scans) | Part::GivenUp(scans) | Part::ScanReentry(scans) => {
                    (scans, SCANS_MAX)
                }
                Part::Rows(rows) => (rows, MCU_ROWS_MAX),
                Part::Reentry(mcu) => (mcu, MCU_MAX),
                Part::Resumption(length) => (length, HEADER_MAX),
            };
            if length == 0 || length as usize > most {
                return Err(Error::PartLength(length));
            }
            match part {
                Part::Bytes(length) | Part::Release(length) => bytes += length as usize,
                Part::Raw(length) => {
                    bytes += length as usize;
                    raw_bytes += length as usize;
                }
                Part::McuRun(_)
                | Part::Opening(_)
                | Part::Rows(_)
                | Part::StripRun(_)
                | Part::GivenUp(_)
                | Part::ScanReentry(_)
                | Part::Reentry(_)
                | Part::Resumption(_) => {}
            }
        }
        let list = &start[..start.len() - payload.len()];
        Ok(Self { list, raw_bytes })
    }
}

impl Iterator for PartList<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        read_part(&mut self.list).ok()
    }
}

fn read_part(bytes: &mut &[u8]) -> Result<Part, Error> {
    let kind = varint::read(bytes)?;
    let count = varint::read(bytes)?;
    match kind {
        0 => Ok(Part::Bytes(count)),
        1 => Ok(Part::Raw(count)),
        2 => Ok(Part::McuRun(count)),
        6 => Ok(Part::StripRun(count)),
        3 => Ok(Part::Opening(count)),
        4 => Ok(Part::Rows(count)),
        5 => Ok(Part::Release(count)),
        7 => Ok(Part::Reentry(count)),
        8 => Ok(Part::GivenUp(count)),
        9 => Ok(Part::ScanReentry(count)),
        10 => Ok(Part::Resumption(count)),
        _ => Err(Error::UnknownPartKind(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], raw_length: usize) -> Result<Vec<Part>, Error> {
        PartList::parse(&mut &bytes[..], raw_length).map(Iterator::collect)
    }

    #[test]
    fn a_list_reads_back() {
        let parts = [
            Part::Bytes(600),
            Part::McuRun(9),
            Part::Raw(4096),
            Part::Bytes(1),
        ];
        let mut bytes = Vec::new();
        write(parts.into_iter(), &mut bytes);
        bytes.extend([1, 2, 3]);
        let mut payload = &bytes[..];
        let list = PartList::parse(&mut payload, 5000).unwrap();
        assert_eq!(list.raw_bytes, 4096);
        assert_eq!(payload, [1, 2, 3]);
        assert_eq!(list.collect::<Vec<_>>(), parts);
    }

    #[test]
    fn limits_hold() {
        assert_eq!(parse(&[0], 9), Err(Error::PartCount(0)));
        assert_eq!(parse(&[2, 0, 1], 9), Err(Error::PartCount(2)));
        assert_eq!(parse(&[1, 11, 1], 9), Err(Error::UnknownPartKind(11)));
        assert_eq!(parse(&[1, 0, 0], 9), Err(Error::PartLength(0)));
        assert_eq!(parse(&[1, 0, 10], 9), Err(Error::PartLength(10)));
        assert_eq!(parse(&[2, 0, 5, 1, 5], 9), Err(Error::PartLength(5)));
        assert_eq!(parse(&[1, 2, 41], 9), Err(Error::PartLength(41)));
        assert_eq!(parse(&[1, 2, 40], 9), Ok(vec![Part::McuRun(40)]));
    }
}
