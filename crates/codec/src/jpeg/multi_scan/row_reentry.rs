//! How a scan that was given up goes on within a row.

use super::header::ScanHeader;
use crate::entropy::{Coder, code_number};

/// Where a scan goes on, and in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowReentry {
    /// The MCU of the scan that comes next, from the row's first one.
    pub(crate) unit: u32,
    /// The byte that the next bit is in, from the scan's first one.
    pub(crate) place: u32,
    /// Number of the next restart marker, below 8.
    pub(crate) next_restart: u8,
    /// How many bits of that byte belong to what is before, below 8, and their value.
    pub(crate) used_bits: u32,
    pub(crate) used: u32,
}

impl RowReentry {
    /// Codes how `scan` goes on; `known` tells it to an encoder.
    pub(crate) fn code<C: Coder>(coder: &mut C, scan: &ScanHeader, known: Option<&Self>) -> Self {
        let number = |of: fn(&Self) -> u32| known.map_or(0, of);
        let unit = code_number(coder, number(|reentry| reentry.unit));
        let place = code_number(coder, number(|reentry| reentry.place));
        let next_restart = match scan.restart_interval {
            0 => 0,
            _ => coder.raw_bits(3, number(|reentry| reentry.next_restart.into())),
        };
        let used_bits = coder.raw_bits(3, number(|reentry| reentry.used_bits));
        Self {
            unit,
            place,
            next_restart: next_restart as u8,
            used_bits,
            used: coder.raw_bits(used_bits, number(|reentry| reentry.used)),
        }
    }

    /// DC predictions behind it, of those in front of the gap: restart markers make them zero.
    pub(crate) fn predictions(scan: &ScanHeader, before: [i32; 4]) -> [i32; 4] {
        match scan.restart_interval {
            0 => before,
            _ => [0; 4],
        }
    }
}
