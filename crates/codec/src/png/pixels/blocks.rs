//! Blocks of 16 × 16 pixels: which are copied, and from where.
//!
//! The modes of a strip's blocks are coded first and the copies made, so that the pixels of the
//! other blocks see all of them.

use super::ReferenceWindow;
use super::canvas::Canvas;
use super::format::{BLOCK, PixelFormat};
use super::slot::{Dither, REMEMBERING, Slot};
use crate::entropy::Coder;

/// How a block is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As in the previous image.
    Same = 0,
    /// Pixel by pixel.
    Coded = 1,
    /// Every pixel is the one left of it.
    Flat = 2,
}

impl Mode {
    /// Whether a block's bytes, and not only its pixels, come from the previous image.
    pub(super) fn copies_bytes(self) -> bool {
        self == Self::Same
    }
}

/// Modes, and none beyond the edges.
const MODES: usize = 8;
const OUTSIDE: usize = 7;

/// Adaptive state of block modes.
#[derive(Debug)]
pub(super) struct Blocks {
    equal_strip: [Slot; 4],
    /// By decision; by whether there is a reference; by the modes at W, N, NE.
    mode_flags: Box<[[[Slot; MODES * MODES * MODES]; 2]; 5]>,
    /// By column: the mode of the block above, behind the block in work that of the strip in work.
    modes: Vec<Mode>,
    has_reference: bool,
    /// Whether the last two strips were equal to the previous image.
    last_equal: usize,
    rows_done: bool,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            equal_strip: [Slot::EVEN; 4],
            mode_flags: Box::new([[[Slot::EVEN; MODES * MODES * MODES]; 2]; 5]),
            modes: Vec::new(),
            has_reference: false,
            last_equal: 0,
            rows_done: false,
        }
    }

    pub(super) fn reset(&mut self) {
        self.equal_strip.fill(Slot::EVEN);
        for flags in self.mode_flags.iter_mut().flatten() {
            flags.fill(Slot::EVEN);
        }
    }

    pub(super) fn begin(&mut self, width: usize, has_reference: bool) {
        self.modes.clear();
        self.modes.resize(width.div_ceil(BLOCK), Mode::Same);
        self.has_reference = has_reference;
        self.last_equal = 3;
        self.rows_done = false;
    }

    /// The mode of the block in column `index` of blocks.
    #[inline(always)]
    pub(super) fn mode(&self, index: usize) -> Mode {
        self.modes[index]
    }

    /// Codes whether the whole strip is as in the previous image, and copies it if so.
    pub(super) fn code_equal_strip<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        format: &PixelFormat,
        rows: &mut [u8],
        window: &ReferenceWindow<'_>,
    ) -> bool {
        let start = window.above * format.row_bytes();
        let Some(old) = window
            .rows
            .get(start..)
            .and_then(|rest| rest.get(..rows.len()))
        else {
            return false;
        };
        let slot = &mut self.equal_strip[self.last_equal & 3];
        let equal = slot.code(coder, dither, REMEMBERING, C::ENCODES && *rows == *old);
        self.last_equal = self.last_equal << 1 | usize::from(equal);
        if equal {
            rows.copy_from_slice(old);
            self.modes.fill(Mode::Same);
            self.rows_done = true;
        }
        equal
    }

    /// Codes the modes of a strip's blocks and makes the copies.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        format: &PixelFormat,
        canvas: &mut Canvas,
        rows: &mut [u8],
        reference: Option<&ReferenceWindow<'_>>,
    ) {
        let row_bytes = format.row_bytes();
        let height = rows.len() / row_bytes;
        for x in (0..format.width()).step_by(BLOCK) {
            let count = BLOCK.min(format.width() - x);
            let bytes = format.byte_range(x, count);
            let context = self.context(x / BLOCK);
            let is_same = C::ENCODES
                && reference.is_some_and(|window| {
                    (0..height).all(|y| {
                        window.row(format, y.cast_signed()).is_some_and(|old| {
                            old[bytes.clone()] == rows[y * row_bytes..][bytes.clone()]
                        })
                    })
                });
            let mode = self.code_mode(coder, dither, context, reference.is_some(), || {
                if is_same {
                    Mode::Same
                } else if is_flat(canvas, x, count, height) {
                    Mode::Flat
                } else {
                    Mode::Coded
                }
            });
            if mode == Mode::Same
                && let Some(window) = reference
            {
                for y in 0..height {
                    if let Some(old) = window.row(format, y.cast_signed()) {
                        rows[y * row_bytes..][bytes.clone()].copy_from_slice(&old[bytes.clone()]);
                        format.load(&old[bytes.clone()], canvas.segment_mut(y, x, count));
                    }
                }
            }
            self.modes[x / BLOCK] = mode;
        }
        self.rows_done = true;
    }

    /// The modes at W, N, NE.
    fn context(&self, index: usize) -> usize {
        let above = |index: usize| match (self.rows_done, self.modes.get(index)) {
            (true, Some(mode)) => *mode as usize,
            _ => OUTSIDE,
        };
        let left = match index {
            0 => OUTSIDE,
            _ => self.modes[index - 1] as usize,
        };
        (left * MODES + above(index)) * MODES + above(index + 1)
    }

    fn code_mode<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        context: usize,
        has_reference: bool,
        choose: impl FnOnce() -> Mode,
    ) -> Mode {
        let mode = if C::ENCODES { choose() } else { Mode::Coded };
        let flags = &mut self.mode_flags;
        let mut decide = |decision: usize, choice: Mode| {
            let slot = &mut flags[decision][usize::from(has_reference)][context];
            slot.code(coder, dither, REMEMBERING, mode == choice)
        };
        if has_reference && decide(0, Mode::Same) {
            return Mode::Same;
        }
        for (decision, choice) in [Mode::Coded].into_iter().enumerate() {
            if decide(decision + 1, choice) {
                return choice;
            }
        }
        Mode::Flat
    }
}

/// Whether every pixel of a block is the one left of it.
fn is_flat(canvas: &Canvas, x: usize, count: usize, height: usize) -> bool {
    (0..height).all(|y| {
        let left = canvas.left_of(y, x);
        let row = canvas.segment(y, x, count);
        row.iter().all(|pixel| *pixel == left)
    })
}
