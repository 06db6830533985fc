//! The pixels of a strip and of the two rows above it.
//!
//! Invariant: pixels in the margins left and right of a row are copies of pixels that both
//! directions know when the row's pixels are coded.

use super::STRIP_ROWS;
use super::format::{OPAQUE, PixelFormat};

/// Rows above the strip that are kept.
const ABOVE: usize = 2;

/// Pixels beyond either end of a row.
pub(super) const MARGIN: usize = 4;

/// Rows of pixels with margins; row 2 is the strip's first.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    pixels: Vec<u32>,
    width: usize,
    stride: usize,
}

/// A pixel's neighbours. Letters are directions: NNE is two up, one right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbours {
    pub(super) w: u32,
    pub(super) ww: u32,
    pub(super) n: u32,
    pub(super) nw: u32,
    pub(super) ne: u32,
    pub(super) nn: u32,
    pub(super) nne: u32,
}

impl Canvas {
    /// Bytes that a canvas of `width` takes.
    pub(super) fn memory(width: usize) -> usize {
        4 * (ABOVE + STRIP_ROWS) * (width + 2 * MARGIN)
    }

    /// Starts an image: all above it is black.
    pub(super) fn begin(&mut self, width: usize) {
        self.width = width;
        self.stride = width + 2 * MARGIN;
        self.pixels.clear();
        self.pixels
            .resize((ABOVE + STRIP_ROWS) * self.stride, OPAQUE);
    }

    /// The strip's row `y` with its margins.
    #[inline(always)]
    pub(super) fn row(&self, y: usize) -> &[u32] {
        &self.pixels[(ABOVE + y) * self.stride..][..self.stride]
    }

    /// The row above the strip's row `y` with its margins.
    #[inline(always)]
    pub(super) fn row_above(&self, y: usize) -> &[u32] {
        &self.pixels[(ABOVE - 1 + y) * self.stride..][..self.stride]
    }

    /// The rows two above, above and at `y` of the strip, with their margins.
    #[inline(always)]
    pub(super) fn three_rows(&mut self, y: usize) -> [&mut [u32]; 3] {
        let (first, rest) = self.pixels[y * self.stride..].split_at_mut(self.stride);
        let (second, rest) = rest.split_at_mut(self.stride);
        [first, second, &mut rest[..self.stride]]
    }

    /// `count` pixels of the strip's row `y` from column `x` on.
    #[inline(always)]
    pub(super) fn segment(&self, y: usize, x: usize, count: usize) -> &[u32] {
        &self.row(y)[MARGIN + x..][..count]
    }

    #[inline(always)]
    pub(super) fn segment_mut(&mut self, y: usize, x: usize, count: usize) -> &mut [u32] {
        &mut self.pixels[(ABOVE + y) * self.stride + MARGIN + x..][..count]
    }

    /// The pixel left of column `x` in the strip's row `y`: left of the first column, the one above.
    #[inline(always)]
    pub(super) fn left_of(&self, y: usize, x: usize) -> u32 {
        match x {
            0 => self.pixels[(ABOVE + y - 1) * self.stride + MARGIN],
            _ => self.row(y)[MARGIN + x - 1],
        }
    }

    /// Fills the left margin of the strip's row `y` with the pixel above the row's first.
    pub(super) fn open_row(&mut self, y: usize) {
        let place = (ABOVE + y) * self.stride;
        let pixel = self.pixels[place - self.stride + MARGIN];
        self.pixels[place..place + MARGIN].fill(pixel);
    }

    /// Fills the right margin of the strip's row `y` with the row's last pixel.
    pub(super) fn close_row(&mut self, y: usize) {
        let end = (ABOVE + y + 1) * self.stride;
        let pixel = self.pixels[end - MARGIN - 1];
        self.pixels[end - MARGIN..end].fill(pixel);
    }

    /// Keeps the last rows of a strip of `count` rows as those above the next one.
    pub(super) fn end_strip(&mut self, count: usize) {
        let start = count * self.stride;
        self.pixels
            .copy_within(start..start + ABOVE * self.stride, 0);
    }

    /// The same for a strip that is only known as bytes.
    pub(super) fn skip_strip(&mut self, format: &PixelFormat, rows: &[u8]) {
        let row_bytes = format.row_bytes();
        let count = rows.len() / row_bytes;
        for y in count.saturating_sub(ABOVE)..count {
            format.load(
                &rows[y * row_bytes..][..row_bytes],
                self.segment_mut(y, 0, format.width()),
            );
            self.open_row(y);
            self.close_row(y);
        }
        self.end_strip(count);
    }
}

impl Neighbours {
    /// Of the pixel at `place` in `rows`, counted from the left margin's start.
    #[inline(always)]
    pub(super) fn at(rows: &[&mut [u32]; 3], place: usize) -> Self {
        let [nn, n, w] = rows;
        Self {
            w: w[place - 1],
            ww: w[place - 2],
            n: n[place],
            nw: n[place - 1],
            ne: n[place + 1],
            nn: nn[place],
            nne: nn[place + 1],
        }
    }
}
