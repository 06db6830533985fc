//! The pixel model: predicts the samples of an image from those before them and from the image
//! that came before.
//!
//! Images are coded strip by strip, [`STRIP_ROWS`] rows each. Invariant: the model's state after a
//! strip depends on nothing but the pixels coded since the last reset and the references given, so
//! it is the same in both directions.

mod format;

pub(crate) use format::PixelFormat;

use crate::Level;
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// Rows that are coded together. The last strip of an image may have fewer.
pub(crate) const STRIP_ROWS: usize = 16;

/// Rows above and below a strip that a reference window should hold where the image has them.
pub(crate) const REFERENCE_MARGIN: usize = 32;

/// The rows of the previous image around a strip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReferenceWindow<'a> {
    /// Whole rows in the layout of the image.
    pub(crate) rows: &'a [u8],
    /// Rows that lie before the one at the place of the strip's first row.
    pub(crate) above: usize,
}

/// Adaptive model of pixels, the same for both directions.
#[derive(Debug)]
pub(crate) struct PixelModel {
    format: PixelFormat,
    equal: Slot,
    nodes: Box<[Slot]>,
    above: Vec<u8>,
}

impl PixelModel {
    /// A model that has seen nothing.
    pub(crate) fn new(_level: Level) -> Self {
        Self {
            format: PixelFormat::new(1, 0, 8).expect("a format of the specification"),
            equal: Slot::EVEN,
            nodes: vec![Slot::EVEN; 256 * 256].into_boxed_slice(),
            above: Vec::new(),
        }
    }

    /// Back to the state of [`PixelModel::new`], rows allocated for images kept.
    pub(crate) fn reset(&mut self) {
        self.equal = Slot::EVEN;
        self.nodes.fill(Slot::EVEN);
        self.above.clear();
    }

    /// Starts an image, or one pass of an interlaced one. `has_reference` says whether its strips
    /// will be given a reference.
    pub(crate) fn begin_image(&mut self, format: PixelFormat, _has_reference: bool) {
        self.format = format;
        self.above.clear();
        self.above.resize(format.row_bytes(), 0);
    }

    /// Codes the next strip of the image: 1..=[`STRIP_ROWS`] whole rows of unfiltered bytes. An
    /// encoder reads them, a decoder fills them in. Only the last strip of an image may have fewer
    /// than [`STRIP_ROWS`] rows.
    pub(crate) fn code_strip<C: Coder>(
        &mut self,
        coder: &mut C,
        rows: &mut [u8],
        reference: Option<ReferenceWindow<'_>>,
    ) {
        let row_bytes = self.format.row_bytes();
        if let Some(window) = reference {
            let same = &window.rows[window.above * row_bytes..][..rows.len()];
            if self.equal.code(coder, C::ENCODES && *rows == *same, 400) {
                rows.copy_from_slice(same);
                self.above.copy_from_slice(&rows[rows.len() - row_bytes..]);
                return;
            }
        }
        for row in rows.chunks_exact_mut(row_bytes) {
            for (byte, above) in row.iter_mut().zip(&mut self.above) {
                let nodes = &mut self.nodes[usize::from(*above) << 8..][..256];
                let mut path = 1;
                for shift in (0..8).rev() {
                    let bit = nodes[path].code(coder, *byte >> shift & 1 == 1, 400);
                    path = path << 1 | usize::from(bit);
                }
                *byte = path as u8;
                *above = path as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests;
