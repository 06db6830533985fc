//! Scans that are given up, because they cannot be read any further.
//!
//! Invariant: a scan is given up within a row; what it carries of the row up to there is still coded, and
//! nothing of it afterwards, nor of later scans that refine it.

use super::header::ScanHeader;

/// All MCUs of a row.
pub(crate) const WHOLE_ROW: u32 = u32::MAX;

/// Which scans have been given up.
#[derive(Debug)]
pub(crate) struct Losses {
    /// By scan: how many of its MCUs the next row has; [`WHOLE_ROW`] unless it was given up.
    units: Vec<u32>,
    /// Whether some have another number of MCUs in the next row than in those behind it.
    some_end_in_row: bool,
}

impl Losses {
    /// None yet, of so many scans.
    pub(crate) fn none(scans: usize) -> Self {
        Self {
            units: vec![WHOLE_ROW; scans],
            some_end_in_row: false,
        }
    }

    /// Gives a scan up, behind its first `units` MCUs of the next row, and those that refine it in front of
    /// that row (G.1.1.1): what their bits mean depends on it.
    pub(crate) fn give_up(&mut self, scan: usize, units: u32, headers: &[ScanHeader]) {
        let given_up = &headers[scan];
        for (later, header) in headers.iter().enumerate().skip(scan + 1) {
            if header.refines(given_up) {
                self.units[later] = 0;
            }
        }
        self.units[scan] = units;
        self.some_end_in_row |= units > 0;
    }

    /// How many MCUs of a scan the next row has at most.
    pub(crate) fn units(&self, scan: usize) -> u32 {
        self.units[scan]
    }

    /// Whether a scan was given up.
    pub(crate) fn is_given_up(&self, scan: usize) -> bool {
        self.units[scan] != WHOLE_ROW
    }

    /// Whether no further row has anything of any scan.
    pub(crate) fn are_complete(&self) -> bool {
        self.units.iter().all(|&units| units == 0)
    }

    /// The row is over; whether it had parts of scans that the next one has not.
    pub(crate) fn end_row(&mut self) -> bool {
        for units in self.units.iter_mut().filter(|units| **units != WHOLE_ROW) {
            *units = 0;
        }
        std::mem::take(&mut self.some_end_in_row)
    }
}
