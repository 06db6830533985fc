//! The pixel model: predicts the pixels of an image from those before them and from the image that
//! came before.
//!
//! Images are coded strip by strip, [`STRIP_ROWS`] rows each. Invariant: the model's state after a
//! strip depends on nothing but the pixels coded since the last reset and the references given, so
//! it is the same in both directions.

mod block_cache;
mod blocks;
mod byte_tree;
mod candidates;
mod canvas;
mod colour_tables;
mod escape;
mod format;
mod hashing;
mod packing;
mod photo;
mod previous;
mod remainders;
mod residual;
mod segments;
mod slot;

pub(crate) use format::PixelFormat;
pub(crate) use previous::ReferenceWindow;

use crate::Level;
use crate::entropy::Coder;
use blocks::{Blocks, Mode};
use canvas::Canvas;
use format::{BLOCK, COLOUR, OPAQUE};
use photo::Photo;
use remainders::{Place, Remainders};
use segments::{Segments, Task};
use slot::{Dither, REMEMBERING, Slot};

/// Rows that are coded together. The last strip of an image may have fewer.
pub(crate) const STRIP_ROWS: usize = 16;

/// Rows above and below a strip that a reference window should hold where the image has them.
pub(crate) const REFERENCE_MARGIN: usize = 32;

/// Adaptive model of pixels, the same for both directions.
#[derive(Debug)]
pub(crate) struct PixelModel {
    level: Level,
    format: PixelFormat,
    has_reference: bool,
    canvas: Canvas,
    dither: Dither,
    blocks: Blocks,
    segments: Segments,
    remainders: Remainders,
    /// Blocks of the strip that are not copied: first column, number of columns, mode.
    work: Vec<(usize, usize, Mode)>,
    alpha_flag: Slot,
    /// The alpha of the last strip that had one alpha only, as uppermost byte.
    last_alpha: u32,
}

impl PixelModel {
    /// A model that has seen nothing.
    pub(crate) fn new(level: Level) -> Self {
        Self {
            level,
            format: PixelFormat::new(1, 6, 8).expect("a format of the specification"),
            has_reference: false,
            canvas: Canvas::default(),
            dither: Dither::NEW,
            blocks: Blocks::new(),
            segments: Segments::new(level != Level::Fast),
            remainders: Remainders::new(),
            work: Vec::new(),
            alpha_flag: Slot::EVEN,
            last_alpha: OPAQUE,
        }
    }

    /// Back to the state of [`PixelModel::new`], rows allocated for images kept.
    pub(crate) fn reset(&mut self) {
        self.dither = Dither::NEW;
        self.blocks.reset();
        self.segments.reset();
        self.remainders.reset();
        self.alpha_flag = Slot::EVEN;
        self.last_alpha = OPAQUE;
    }

    /// Bytes that rows of an image take besides the model's own.
    pub(crate) fn row_memory(format: &PixelFormat) -> usize {
        Canvas::memory(format.width()) + Photo::memory(format.width()) + 2 * format.width()
    }

    /// Starts an image, or one pass of an interlaced one, and allocates its rows. `has_reference`
    /// says whether its strips will be given a reference; without it, references are ignored.
    pub(crate) fn begin_image(&mut self, format: PixelFormat, has_reference: bool) {
        self.format = format;
        self.has_reference = has_reference;
        self.work = Vec::with_capacity(format.width().div_ceil(BLOCK));
        self.canvas.begin(format.width());
        self.blocks.begin(format.width());
        self.segments.begin(format.width());
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
        debug_assert!((1..=STRIP_ROWS * self.format.row_bytes()).contains(&rows.len()));
        let reference = reference.filter(|_| self.has_reference);
        match self.level {
            Level::Fast => self.code_strip_at::<C, false>(coder, rows, reference),
            Level::Default | Level::Max => self.code_strip_at::<C, true>(coder, rows, reference),
        }
    }

    fn code_strip_at<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        rows: &mut [u8],
        reference: Option<ReferenceWindow<'_>>,
    ) {
        if let Some(window) = &reference
            && self
                .blocks
                .code_equal_strip(coder, &mut self.dither, &self.format, rows, window)
        {
            self.canvas.skip_strip(&self.format, rows);
            self.segments.skip_strip();
            return;
        }
        let format = self.format;
        let count = rows.len() / format.row_bytes();
        if C::ENCODES {
            for (y, row) in rows.chunks_exact(format.row_bytes()).enumerate() {
                format.load(row, self.canvas.segment_mut(y, 0, format.width()));
            }
        }
        self.blocks.code(
            coder,
            &mut self.dither,
            &format,
            &mut self.canvas,
            rows,
            reference.as_ref(),
        );
        self.work.clear();
        for x in (0..format.width()).step_by(BLOCK) {
            let width = BLOCK.min(format.width() - x);
            match self.blocks.mode(x / BLOCK) {
                Mode::Same | Mode::Shifted | Mode::Cached => self.segments.skip_block(x, width),
                mode => self.work.push((x, width, mode)),
            }
        }
        let alpha = self.code_common_alpha(coder, count);
        for y in 0..count {
            self.code_row::<C, MIXES>(coder, y, reference, alpha);
        }
        if !C::ENCODES || format.has_remainders() {
            for y in 0..count {
                self.complete_row(coder, y, rows, reference.as_ref());
            }
        }
        self.canvas.end_strip(count);
    }

    /// Turns the pixels of a row into bytes, and codes what is not in them.
    fn complete_row<C: Coder>(
        &mut self,
        coder: &mut C,
        y: usize,
        rows: &mut [u8],
        reference: Option<&ReferenceWindow<'_>>,
    ) {
        let format = &self.format;
        let width = format.width();
        let row_bytes = format.row_bytes();
        for x in (0..width).step_by(BLOCK) {
            if self.blocks.mode(x / BLOCK).copies_bytes() {
                continue;
            }
            let count = BLOCK.min(width - x);
            let row = &mut rows[y * row_bytes..][..row_bytes];
            if !C::ENCODES {
                let bytes = &mut row[format.byte_range(x, count)];
                format.store(self.canvas.segment(y, x, count), bytes);
            }
            if x + count == width {
                self.remainders
                    .code_padding(coder, &mut self.dither, format, row);
            }
            if format.has_lower_bytes() {
                let place = Place {
                    format,
                    reference,
                    y,
                    x,
                    count,
                };
                let tree = &mut self.segments.escapes.tree;
                self.remainders
                    .code_lower(coder, &mut self.dither, tree, place, rows);
            }
        }
    }

    /// The alpha of all pixels that are not copied, if they have but one and it is the last one.
    fn code_common_alpha<C: Coder>(&mut self, coder: &mut C, count: usize) -> Option<u32> {
        if !self.format.has_alpha() || self.work.is_empty() {
            return Some(OPAQUE);
        }
        let (alpha, width) = (self.last_alpha, self.format.width());
        // Without an early end, so that pixels become vectors.
        let differences = |y| {
            let row = self.canvas.segment(y, 0, width).iter();
            row.fold(0, |all, pixel| all | (pixel ^ alpha))
        };
        let is_common = C::ENCODES && (0..count).all(|y| differences(y) & !COLOUR == 0);
        self.alpha_flag
            .code(coder, &mut self.dither, REMEMBERING, is_common)
            .then_some(self.last_alpha)
    }

    fn code_row<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        y: usize,
        reference: Option<ReferenceWindow<'_>>,
        alpha: Option<u32>,
    ) {
        self.canvas.open_row(y);
        for (x, width, mode) in &self.work {
            let task = Task {
                format: &self.format,
                reference,
                y,
                x: *x,
                count: *width,
                alpha,
            };
            let (segments, canvas) = (&mut self.segments, &mut self.canvas);
            match mode {
                Mode::Flat => segments.fill(canvas, &task),
                Mode::Photo => {
                    segments.code_photo::<C, MIXES>(coder, &mut self.dither, canvas, &task);
                }
                _ => segments.code::<C, MIXES>(coder, &mut self.dither, canvas, &task),
            }
        }
        self.canvas.close_row(y);
    }
}

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;
