//! Scans that are given up, because they cannot be read any further, and go on behind the damage.
//!
//! Invariant: a scan is given up within a row; what it carries of the row up to there is still coded, and
//! nothing of it afterwards, nor of later scans that refine it, until each of them goes on by itself.

use super::header::ScanHeader;
use super::row_reentry::RowReentry;
use std::ops::Range;

/// Behind the last MCU of any row.
const ROW_END: u32 = u32::MAX;

/// Most reentries of an image.
const REENTRIES_MAX: u32 = 256;

/// Bytes that the gaps in front of so many take.
pub(crate) const GAP_BYTES: usize = REENTRIES_MAX as usize * size_of::<Range<usize>>();

/// What a scan has of one MCU row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowPart {
    /// Its MCUs in front of this one,
    end: u32,
    /// and then those from a reentry on, up to another end.
    reentry: Option<(RowReentry, u32)>,
}

impl RowPart {
    pub(crate) const WHOLE: Self = Self {
        end: ROW_END,
        reentry: None,
    };
    const NOTHING: Self = Self {
        end: 0,
        reentry: None,
    };

    /// The MCUs in front of a gap, or all.
    pub(crate) fn first_units(&self) -> Range<u32> {
        0..self.end
    }

    /// How the scan goes on behind a gap, and with which MCUs.
    pub(crate) fn reentry(&self) -> Option<(&RowReentry, Range<u32>)> {
        let (reentry, end) = self.reentry.as_ref()?;
        Some((reentry, reentry.unit..*end))
    }

    /// Whether it is all up to the row's end, from this MCU on.
    pub(crate) fn is_whole_from(&self, unit: u32) -> bool {
        match &self.reentry {
            None => self.end == ROW_END,
            Some((reentry, end)) => reentry.unit <= unit && *end == ROW_END,
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }

    /// Whether the scan is given up in this row or before it, and does not go on.
    fn is_given_up(&self) -> bool {
        self.reentry.map_or(self.end, |(_, end)| end) != ROW_END
    }
}

/// Which scans have been given up.
#[derive(Debug)]
pub(crate) struct Losses {
    /// By scan: what the next row has of it.
    parts: Vec<RowPart>,
    reentries: u32,
}

impl Losses {
    /// None yet, of so many scans.
    pub(crate) fn none(scans: usize) -> Self {
        Self {
            parts: vec![RowPart::WHOLE; scans],
            reentries: 0,
        }
    }

    /// Gives a scan up, behind its first `units` MCUs of the next row, and those that refine it in front of
    /// that row (G.1.1.1): what their bits mean depends on it.
    ///
    /// Returns whether that can be.
    pub(crate) fn give_up(&mut self, scan: usize, units: u32, headers: &[ScanHeader]) -> bool {
        if units == ROW_END || self.is_given_up(scan) {
            return false;
        }
        for later in refining(scan, headers) {
            self.parts[later] = RowPart::NOTHING;
        }
        let part = &mut self.parts[scan];
        match &mut part.reentry {
            Some((_, end)) => *end = units,
            None => part.end = units,
        }
        true
    }

    /// Whether a scan was given up and may go on in the next row, behind what that has of it.
    pub(crate) fn may_reenter(&self, scan: usize) -> bool {
        let part = &self.parts[scan];
        part.end != ROW_END && part.reentry.is_none() && self.reentries < REENTRIES_MAX
    }

    /// A scan that was given up goes on in the next row.
    ///
    /// Returns whether that can be.
    pub(crate) fn reenter(&mut self, scan: usize, reentry: RowReentry) -> bool {
        let can = self.may_reenter(scan) && self.parts[scan].end <= reentry.unit;
        if can {
            self.parts[scan].reentry = Some((reentry, ROW_END));
            self.reentries += 1;
        }
        can
    }

    /// What the next row has of a scan.
    pub(crate) fn part(&self, scan: usize) -> &RowPart {
        &self.parts[scan]
    }

    /// Whether the next row has anything of a scan.
    pub(crate) fn has_part(&self, scan: usize) -> bool {
        !self.parts[scan].is_nothing()
    }

    /// Whether a scan was given up, and does not go on in the next row.
    pub(crate) fn is_given_up(&self, scan: usize) -> bool {
        self.parts[scan].is_given_up()
    }

    /// Whether the next row has nothing of any scan.
    pub(crate) fn are_complete(&self) -> bool {
        self.parts.iter().all(RowPart::is_nothing)
    }

    /// The row is over; whether it had parts of scans that the next one has not.
    pub(crate) fn end_row(&mut self) -> bool {
        let mut some_end = false;
        for part in &mut self.parts {
            let next = match part.is_given_up() {
                true => RowPart::NOTHING,
                false => RowPart::WHOLE,
            };
            some_end |= next.is_nothing() && !part.is_nothing();
            *part = next;
        }
        some_end
    }
}

/// The scans that refine this one.
pub(crate) fn refining(scan: usize, headers: &[ScanHeader]) -> impl Iterator<Item = usize> {
    let later = headers.iter().enumerate().skip(scan + 1);
    later.filter_map(move |(later, header)| header.refines(&headers[scan]).then_some(later))
}
