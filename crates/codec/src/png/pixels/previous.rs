//! The previous image, as much of it as can be seen from a strip.

use super::STRIP_ROWS;
use super::format::PixelFormat;

/// The rows of the previous image around a strip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReferenceWindow<'a> {
    /// Whole rows in the layout of the image, in a ring: behind the last row comes the first one. Each slab has
    /// the rows at the place of a strip, at least those that there are.
    pub(crate) ring: &'a [Vec<u8>],
    /// The place in the ring of the first row that the window holds.
    pub(crate) first: usize,
    /// Rows that the window holds.
    pub(crate) count: usize,
    /// How many of them lie before the one at the place of the strip's first row.
    pub(crate) above: usize,
}

impl<'a> ReferenceWindow<'a> {
    /// The row that is `y` rows below the strip's first one, if the window holds it.
    #[inline(always)]
    pub(super) fn row(&self, format: &PixelFormat, y: isize) -> Option<&'a [u8]> {
        let index = self.above.checked_add_signed(y)?;
        if index >= self.count {
            return None;
        }
        let row_bytes = format.row_bytes();
        let place = self.place(index);
        let slab = self.ring.get(place / STRIP_ROWS)?;
        slab.get(place % STRIP_ROWS * row_bytes..)?.get(..row_bytes)
    }

    /// The rows at the place of a strip of `length` bytes, if the window holds them.
    pub(super) fn strip(&self, format: &PixelFormat, length: usize) -> Option<&'a [u8]> {
        let row_bytes = format.row_bytes();
        if self.above + length / row_bytes > self.count {
            return None;
        }
        let slab = self.ring.get(self.place(self.above) / STRIP_ROWS)?;
        slab.get(..length)
    }

    /// The place in the ring of a row of the window.
    #[inline(always)]
    fn place(&self, index: usize) -> usize {
        let place = self.first + index;
        let rows = self.ring.len() * STRIP_ROWS;
        if place < rows { place } else { place - rows }
    }

    /// Reads `pixels.len()` pixels from column `x`, a multiple of 8, of a row; black where there is
    /// none. Returns whether there is.
    #[inline(always)]
    pub(super) fn load(
        &self,
        format: &PixelFormat,
        y: isize,
        x: usize,
        pixels: &mut [u32],
    ) -> bool {
        let Some(row) = self.row(format, y) else {
            return false;
        };
        format.load(&row[format.byte_range(x, pixels.len())], pixels);
        true
    }
}
