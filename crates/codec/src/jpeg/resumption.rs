//! Where a scan goes on although nothing of what is before it is known.
//!
//! A resumption names the marker segments that a scan depends on, and its state between two MCUs. It is
//! made of the state of an encoder that then forgets everything. Invariant: whoever has coded what is
//! before such a place, and whoever begins there, go on in the same state, because both make it anew from
//! the resumption alone, with [`super::Jpeg::resume`].

use super::frame::MAX_COMPONENTS;
use super::markers::START_OF_IMAGE;
use super::reentry::{self, Reentry};
use super::scan::Scan;
use crate::Error;
use crate::entropy::{Coder, code_evenly, code_number};

/// Most bytes of a header.
pub(crate) const HEADER_MAX: usize = 8192;

/// All that a decoder must be told of a scan to go on with it.
#[derive(Debug)]
pub(crate) struct Resumption {
    /// A file's start up to the end of the scan header, with the marker segments that matter.
    pub(super) header: Vec<u8>,
    pub(super) position: ScanPosition,
}

impl Resumption {
    /// Bytes of the header, at most [`HEADER_MAX`].
    pub(crate) fn header_length(&self) -> usize {
        self.header.len()
    }
}

/// Where in a scan an MCU begins, and in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanPosition {
    pub(super) reentry: Reentry,
    /// What the reentry keeps: MCUs since the last restart marker, at most the restart interval, 0 if
    /// there is none,
    pub(super) since_restart: u32,
    /// and the DC predictions, for each component of the scan.
    pub(super) dc_predictions: [i32; MAX_COMPONENTS],
}

/// Codes where `scan`, of which nothing has been coded, goes on; `known` tells it to an encoder.
///
/// # Errors
/// [`Error::ResumptionMcu`] if the scan has no such MCU, [`Error::ResumptionInterval`] if a restart marker
/// should have come before it.
pub(super) fn code<C: Coder>(
    coder: &mut C,
    scan: &Scan,
    known: Option<&ScanPosition>,
) -> Result<ScanPosition, Error> {
    let layout = scan.layout();
    let mcu = code_number(coder, known.map_or(0, |known| known.reentry.mcu));
    if mcu >= layout.mcu_count {
        return Err(Error::ResumptionMcu(mcu));
    }
    let reentry = reentry::code(coder, scan, mcu, known.map(|known| &known.reentry));
    let mut position = ScanPosition {
        reentry,
        since_restart: 0,
        dc_predictions: [0; MAX_COMPONENTS],
    };
    if !reentry.keeps_predictions {
        return Ok(position);
    }
    if layout.restart_interval > 0 && !reentry.drops_restarts {
        let since_restart = code_number(coder, known.map_or(0, |known| known.since_restart));
        if since_restart > layout.restart_interval {
            return Err(Error::ResumptionInterval(since_restart));
        }
        position.since_restart = since_restart;
    }
    for (index, _) in layout.components.iter().enumerate() {
        let prediction = known.map_or(0, |known| known.dc_predictions[index]);
        let bits = code_evenly(coder, 16, prediction.cast_unsigned() & 0xFFFF);
        position.dc_predictions[index] = i32::from((bits as u16).cast_signed());
    }
    Ok(position)
}

/// The marker segments of an image that its scans depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderRecord {
    /// In their order, from their markers on.
    segments: Vec<u8>,
    /// Bytes of those that no scan header is among: only the last of these matters.
    lasting: usize,
    is_too_long: bool,
}

impl HeaderRecord {
    /// Takes note of a marker segment.
    pub(super) fn add(&mut self, code: u8, payload: &[u8], is_scan_header: bool) {
        self.segments.truncate(self.lasting);
        let length = payload.len() + 2;
        if self.is_too_long || 2 + self.lasting + 2 + length > HEADER_MAX {
            self.is_too_long = true;
            self.segments = Vec::new();
            self.lasting = 0;
            return;
        }
        self.segments.extend_from_slice(&[0xFF, code]);
        self.segments
            .extend_from_slice(&(length as u16).to_be_bytes());
        self.segments.extend_from_slice(payload);
        if !is_scan_header {
            self.lasting = self.segments.len();
        }
    }

    /// A file that begins with these segments; `None` if they are too many.
    pub(super) fn header(&self) -> Option<Vec<u8>> {
        let [start @ .., _] = &START_OF_IMAGE;
        (!self.is_too_long).then(|| [start, &self.segments[..]].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::entropy::{RangeDecoder, RangeEncoder};
    use crate::jpeg::{Jpeg, MemoryBudget};

    /// A gray image of 80 × 16 pixels with a restart interval of 7 MCUs, up to its scan.
    fn header() -> Vec<u8> {
        let mut header = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
        header.extend([16; 64]);
        for class in [0x00, 0x10] {
            header.extend([0xFF, 0xC4, 0, 21, class, 0, 2]);
            header.extend([0; 14]);
            header.extend([0, 1]);
        }
        header.extend([0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 80, 1, 1, 0x11, 0]);
        header.extend([0xFF, 0xDD, 0, 4, 0, 7]);
        header.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
        header
    }

    const POSITION: ScanPosition = ScanPosition {
        reentry: Reentry {
            mcu: 19,
            keeps_predictions: true,
            drops_restarts: false,
            next_restart: 5,
            used_bits: 3,
            used: 0b101,
        },
        since_restart: 7,
        dc_predictions: [-1234, 0, 0, 0],
    };

    fn state(rows: usize) -> Jpeg {
        Jpeg::new(Level::Fast, MemoryBudget { rows, image: 0 })
    }

    /// Codes a resumption without a model of its bytes.
    fn resume<C: Coder>(
        jpeg: &mut Jpeg,
        coder: &mut C,
        length: usize,
        known: Option<&Resumption>,
    ) -> Result<(), Error> {
        jpeg.resume(coder, length, known, |coder, byte| {
            coder.raw_bits(8, u32::from(byte)) as u8
        })
    }

    /// What comes of a resumption on the side that makes it.
    fn made(header: Vec<u8>, position: ScanPosition) -> Result<(), Error> {
        let mut room = [0; 1000];
        let mut coder = RangeEncoder::new(&mut room);
        let length = header.len();
        let known = Resumption { header, position };
        resume(&mut state(1 << 20), &mut coder, length, Some(&known))
    }

    #[test]
    fn a_scan_goes_on_as_it_was_left() {
        let known = Resumption {
            header: header(),
            position: POSITION,
        };
        let length = known.header_length();
        let mut room = [0; 1000];
        let mut coder = RangeEncoder::new(&mut room);
        let mut left = state(1 << 20);
        assert_eq!(resume(&mut left, &mut coder, length, Some(&known)), Ok(()));
        let size = coder.finish().expect("there is room");
        let mut taken_up = state(1 << 20);
        let mut coder = RangeDecoder::new(&room[..size]);
        assert_eq!(resume(&mut taken_up, &mut coder, length, None), Ok(()));
        for jpeg in [&left, &taken_up] {
            let again = jpeg.resumption(&[0b1011_1111]).expect("in a scan");
            assert_eq!((again.header, again.position), (header(), POSITION));
        }
    }

    #[test]
    fn a_header_must_lead_to_a_scan_and_end_there() {
        let rest = |count: usize| [header(), vec![0; count]].concat();
        let wrong = |rest| Err(Error::ResumptionHeader(rest));
        assert_eq!(made(rest(2), POSITION), wrong(2));
        assert_eq!(made(header()[..70].to_vec(), POSITION), wrong(0));
        let progressive = header().into_iter().map(|byte| match byte {
            0xC0 => 0xC2,
            other => other,
        });
        assert_eq!(made(progressive.collect(), POSITION), wrong(0));
        // The image is a preview inside of another one.
        let mut inside = vec![0xFF, 0xD8, 0xFF, 0xE1, 0x10, 0];
        inside.extend(header());
        assert_eq!(made(inside, POSITION), wrong(0));
    }

    #[test]
    fn a_position_must_be_one_of_the_scan() {
        let reentry = Reentry {
            mcu: 20,
            ..POSITION.reentry
        };
        let behind = ScanPosition {
            reentry,
            ..POSITION
        };
        assert_eq!(made(header(), behind), Err(Error::ResumptionMcu(20)));
        let late = ScanPosition {
            since_restart: 8,
            ..POSITION
        };
        assert_eq!(made(header(), late), Err(Error::ResumptionInterval(8)));
    }

    #[test]
    fn rows_need_memory() {
        let known = Resumption {
            header: header(),
            position: POSITION,
        };
        let mut room = [0; 1000];
        let mut coder = RangeEncoder::new(&mut room);
        let length = known.header_length();
        let outcome = resume(&mut state(10), &mut coder, length, Some(&known));
        assert!(matches!(outcome, Err(Error::RowsTooWide { .. })));
    }

    #[test]
    fn of_scan_headers_the_last_is_kept_and_of_long_headers_nothing() {
        let mut record = HeaderRecord::default();
        record.add(0xDB, &[1, 2], false);
        record.add(0xDA, &[3], true);
        record.add(0xC4, &[], false);
        record.add(0xDA, &[4], true);
        let header = [
            0xFF, 0xD8, 0xFF, 0xDB, 0, 4, 1, 2, 0xFF, 0xC4, 0, 2, 0xFF, 0xDA, 0, 3, 4,
        ];
        assert_eq!(record.header().as_deref(), Some(&header[..]));
        let left = HEADER_MAX - (header.len() - 5) - 4;
        record.add(0xDD, &vec![0; left], false);
        assert_eq!(record.header().map(|header| header.len()), Some(HEADER_MAX));
        record.add(0xDA, &[], true);
        assert_eq!(record.header(), None);
        record.add(0xDA, &[5], true);
        assert_eq!(record.header(), None);
    }
}
