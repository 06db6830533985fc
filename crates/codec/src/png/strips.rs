//! The order in which an image's rows are coded: pass by pass, in strips of up to
//! [`STRIP_ROWS`] rows.

use super::header::{ImageHeader, PassImage};
use super::pixels::STRIP_ROWS;

/// Rows that are coded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strip {
    pub(super) pass: PassImage,
    /// Of the pass, counted from 0.
    pub(super) first_row: usize,
    /// 1 to [`STRIP_ROWS`].
    pub(super) rows: usize,
}

impl Strip {
    /// Bytes of its rows with their filter types.
    pub(super) fn scanline_bytes(&self) -> usize {
        self.rows * (1 + self.pass.row_bytes)
    }
}

/// A walk over the strips of an image.
#[derive(Clone, Debug)]
pub(super) struct StripWalk {
    passes: Vec<PassImage>,
    pass: usize,
    next_row: usize,
}

impl StripWalk {
    pub(super) fn new(header: &ImageHeader) -> Self {
        Self {
            passes: header.passes().collect(),
            pass: 0,
            next_row: 0,
        }
    }

    /// The next strip; `None` behind the last one.
    pub(super) fn current(&self) -> Option<Strip> {
        let pass = *self.passes.get(self.pass)?;
        Some(Strip {
            pass,
            first_row: self.next_row,
            rows: STRIP_ROWS.min(pass.height as usize - self.next_row),
        })
    }

    /// Whether no strip comes behind `strip`, which is the current one.
    pub(super) fn is_last(&self, strip: &Strip) -> bool {
        self.pass + 1 == self.passes.len()
            && strip.first_row + strip.rows == strip.pass.height as usize
    }

    /// Goes past `strip`, which is the current one.
    pub(super) fn advance(&mut self, strip: &Strip) {
        self.next_row += strip.rows;
        if self.next_row == strip.pass.height as usize {
            self.next_row = 0;
            self.pass += 1;
        }
    }
}
