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
        let bits = code_evenly(coder, 16, u32::from(prediction as u16));
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
