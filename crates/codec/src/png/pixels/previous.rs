//! The previous image, as much of it as can be seen from a strip.

use super::format::PixelFormat;

/// The rows of the previous image around a strip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReferenceWindow<'a> {
    /// Whole rows in the layout of the image.
    pub(crate) rows: &'a [u8],
    /// Rows that lie before the one at the place of the strip's first row.
    pub(crate) above: usize,
}

impl<'a> ReferenceWindow<'a> {
    /// The row that is `y` rows below the strip's first one, if the window holds it.
    #[inline(always)]
    pub(super) fn row(&self, format: &PixelFormat, y: isize) -> Option<&'a [u8]> {
        let row_bytes = format.row_bytes();
        let start = self.above.checked_add_signed(y)?.checked_mul(row_bytes)?;
        self.rows.get(start..)?.get(..row_bytes)
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
