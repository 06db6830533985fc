//! One row of a block that is not copied: 16 pixels, or fewer at the right edge.

use super::ReferenceWindow;
use super::candidates::{Candidates, Outcome, SOURCES, Surroundings};
use super::canvas::{Canvas, MARGIN, Neighbours};
use super::colour_tables::{ColourTable, Found, HashesAbove};
use super::escape::Escapes;
use super::format::{BLOCK, COLOUR, OPAQUE, PixelFormat};
use super::photo::{Photo, Spot};
use super::slot::{Dither, REMEMBERING, Slot};
use crate::entropy::Coder;

/// How a segment came about; the context of the segments right of and below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Copied = 0,
    /// Every pixel is the one left of it.
    Flat = 1,
    /// As in the previous image.
    Previous = 2,
    Coded = 3,
    /// As the row above.
    Above = 4,
}

/// Adaptive state of segments.
#[derive(Debug)]
pub(super) struct Segments {
    previous_flags: [Slot; 1024],
    flat_flags: [Slot; 512],
    above_flags: [Slot; 512],
    alpha_flags: [Slot; 4],
    table: ColourTable,
    candidates: Candidates,
    pub(super) escapes: Escapes,
    photo: Photo,
    /// By column: how the segment above came about.
    kinds: Vec<Segment>,
    /// By column: whether no candidate hit the pixel above; right of the column in work. Behind
    /// it, of the row in work.
    escaped: Vec<u8>,
}

/// What a segment is coded from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task<'a> {
    pub(super) format: &'a PixelFormat,
    pub(super) reference: Option<ReferenceWindow<'a>>,
    /// Row within the strip, first column, number of columns.
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) count: usize,
    /// The alpha of all pixels of the strip, if they have one, as uppermost byte.
    pub(super) alpha: Option<u32>,
}

impl Segments {
    pub(super) fn new(mixes: bool) -> Self {
        Self {
            previous_flags: [Slot::EVEN; 1024],
            flat_flags: [Slot::EVEN; 512],
            above_flags: [Slot::EVEN; 512],
            alpha_flags: [Slot::EVEN; 4],
            table: ColourTable::new(),
            candidates: Candidates::new(mixes),
            escapes: Escapes::new(),
            photo: Photo::new(),
            kinds: Vec::new(),
            escaped: Vec::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.previous_flags.fill(Slot::EVEN);
        self.flat_flags.fill(Slot::EVEN);
        self.above_flags.fill(Slot::EVEN);
        self.alpha_flags.fill(Slot::EVEN);
        self.table.reset();
        self.candidates.reset();
        self.escapes.reset();
        self.photo.reset();
    }

    pub(super) fn begin(&mut self, width: usize) {
        self.photo.begin(width);
        self.kinds.clear();
        self.kinds.resize(width.div_ceil(BLOCK), Segment::Copied);
        self.escaped.clear();
        self.escaped.resize(width + 2, 0);
    }

    /// Nothing of the strip was coded.
    pub(super) fn skip_strip(&mut self) {
        self.kinds.fill(Segment::Copied);
        self.escaped.fill(0);
    }

    /// Notes a block whose segments need no coding.
    pub(super) fn skip_block(&mut self, x: usize, count: usize) {
        self.finish(x, count, Segment::Copied);
    }

    #[inline(always)]
    fn finish(&mut self, x: usize, count: usize, kind: Segment) {
        self.kinds[x / BLOCK] = kind;
        if kind != Segment::Coded {
            self.escaped[x + 1..][..count].fill(0);
        }
    }

    /// Fills a segment with the pixel left of it.
    pub(super) fn fill(&mut self, canvas: &mut Canvas, task: &Task<'_>) {
        let left = canvas.left_of(task.y, task.x);
        canvas.segment_mut(task.y, task.x, task.count).fill(left);
        self.finish(task.x, task.count, Segment::Flat);
    }

    /// Codes a segment.
    #[inline(always)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        canvas: &mut Canvas,
        task: &Task<'_>,
    ) {
        let mut previous = PreviousPixels::new(task);
        let [two_above, above, row] = canvas.three_rows(task.y);
        let start = MARGIN + task.x;
        let left = row[start - 1];
        let left_is_above = left == above[start - 1];
        let two_above = &two_above[start..][..task.count];
        let above = &above[start..][..task.count];
        let pixels = &mut row[start..][..task.count];
        let column = task.x / BLOCK;
        let left_kind = match column {
            0 => Segment::Copied,
            column => self.kinds[column - 1],
        };
        let kinds = (self.kinds[column] as usize) << 3 | left_kind as usize;
        previous.compare(above, left);
        if previous.valid {
            let old = &previous.pixels[..task.count];
            let above_agrees = previous.above_agrees.count_ones() as usize;
            let above_class = match above_agrees {
                n if n == task.count => 3,
                0 => 0,
                n if 2 * n < task.count => 1,
                _ => 2,
            };
            let context = kinds << 4
                | above_class << 2
                | usize::from(previous.left_agrees) << 1
                | usize::from(old.iter().all(|pixel| *pixel == left));
            let slot = &mut self.previous_flags[context & 1023];
            if slot.code(coder, dither, REMEMBERING, C::ENCODES && pixels == old) {
                pixels.copy_from_slice(old);
                return self.finish(task.x, task.count, Segment::Previous);
            }
        }
        let above_is_flat = above.iter().all(|pixel| *pixel == above[0]);
        let context = kinds << 3
            | usize::from(above_is_flat) << 2
            | usize::from(above[0] == left) << 1
            | usize::from(previous.valid);
        let slot = &mut self.flat_flags[context & 511];
        let flat = C::ENCODES && pixels.iter().all(|pixel| *pixel == left);
        if slot.code(coder, dither, REMEMBERING, flat) {
            pixels.fill(left);
            return self.finish(task.x, task.count, Segment::Flat);
        }
        let context = kinds << 3
            | usize::from(above_is_flat) << 2
            | usize::from(left_is_above) << 1
            | usize::from(above == two_above);
        let slot = &mut self.above_flags[context & 511];
        if slot.code(coder, dither, REMEMBERING, C::ENCODES && pixels == above) {
            pixels.copy_from_slice(above);
            return self.finish(task.x, task.count, Segment::Above);
        }
        self.code_pixels::<C, MIXES>(coder, dither, canvas, task, &previous);
        self.finish(task.x, task.count, Segment::Coded);
    }

    /// Whether all pixels of the segment have the alpha of the one left of it, where alpha varies.
    fn code_alpha_flag<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        pixels: &[u32],
        left: u32,
    ) -> Option<u32> {
        let constant = C::ENCODES && pixels.iter().all(|pixel| (pixel ^ left) < 1 << 24);
        let slot =
            &mut self.alpha_flags[usize::from(left >= OPAQUE) << 1 | usize::from(left < 1 << 24)];
        slot.code(coder, dither, REMEMBERING, constant)
            .then_some(left & !COLOUR)
    }

    #[inline(always)]
    fn code_pixels<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        canvas: &mut Canvas,
        task: &Task<'_>,
        previous: &PreviousPixels,
    ) {
        let rows = canvas.three_rows(task.y);
        let start = MARGIN + task.x;
        let common_alpha = match task.alpha {
            Some(alpha) => Some(alpha),
            None => self.code_alpha_flag(
                coder,
                dither,
                &rows[2][start..][..task.count],
                rows[2][start - 1],
            ),
        };
        let hashes = {
            let mut two_above = [0; 22];
            let mut above = [0; 22];
            let count = task.count + 6;
            two_above[..count].copy_from_slice(&rows[0][start - 3..][..count]);
            above[..count].copy_from_slice(&rows[1][start - 3..][..count]);
            HashesAbove::new::<MIXES>(&two_above, &above)
        };
        let colourful = task.format.is_colourful();
        let mut left_agrees = previous.left_agrees;
        let mut ahead = None;
        for index in 0..task.count {
            let place = start + index;
            let near = Neighbours::at(&rows, place);
            let pixel = rows[2][place];
            let alpha = match common_alpha {
                Some(alpha) => alpha,
                None => self.escapes.code_alpha(coder, dither, &near, pixel),
            };
            let www = rows[2][place - 3];
            let hashes_here = match ahead {
                Some((expected, hashes)) if expected == (near.w, alpha) => hashes,
                _ => hashes.finish(index, [near.w, near.ww, www, rows[2][place - 4]], alpha),
            };
            // Without `map`, which is not unrolled here.
            let found = [
                match MIXES {
                    true => self.table.find(hashes_here[0]),
                    false => Found::default(),
                },
                self.table.find(hashes_here[1]),
                self.table.find(hashes_here[2]),
            ];
            let old = previous.pixels[index];
            let mut sources = [0; SOURCES];
            for (source, found) in sources.iter_mut().zip(&found) {
                *source = found.colour | alpha;
            }
            for (source, pixel) in sources[3..]
                .iter_mut()
                .zip([near.w, near.n, old, near.ne, near.nw])
            {
                *source = pixel & COLOUR | alpha;
            }
            let valid = 0b1101_1000
                | u32::from(found[0].confidence != 0)
                | u32::from(found[1].confidence != 0) << 1
                | u32::from(found[2].confidence != 0) << 2
                | u32::from(previous.valid) << 5;
            // What the next pixel needs is far away in memory, so it is asked for now.
            let expected = match C::ENCODES {
                true => pixel & COLOUR | alpha,
                false => sources[valid.trailing_zeros() as usize & 7],
            };
            let next = hashes.finish(index + 1, [expected, near.w, near.ww, www], alpha);
            self.table.prepare::<MIXES>(next);
            ahead = Some(((expected, alpha), next));
            let column = task.x + index;
            let escapes = usize::from(self.escaped[column] & 1)
                | usize::from(self.escaped[column + 1] & 1) << 1
                | usize::from(self.escaped.get(column + 2).copied().unwrap_or(0) & 1) << 2;
            let above_agrees = previous.above_agrees >> index & 1;
            let around = Surroundings {
                found,
                sources,
                valid,
                previous_agrees: usize::from(left_agrees) | (above_agrees as usize) << 1,
                escapes,
                hash: hashes_here[0],
                pattern: if MIXES { pattern(&near, www) } else { 0 },
            };
            let (pixel, right) = match self.candidates.code::<C, MIXES>(
                coder,
                dither,
                &around,
                pixel & COLOUR | alpha,
            ) {
                Outcome::Hit(pixel, sources) => {
                    self.escaped[column + 1] = 0;
                    (pixel, sources)
                }
                Outcome::Escape => {
                    self.escaped[column + 1] = 1;
                    let pixel = self.escapes.code::<C, MIXES>(
                        coder,
                        dither,
                        &around,
                        &near,
                        colourful,
                        pixel & COLOUR | alpha,
                    );
                    (pixel, 0)
                }
            };
            rows[2][place] = pixel;
            left_agrees = previous.valid && pixel == old;
            self.learn::<MIXES>(&around, &near, pixel, right);
        }
    }

    /// Codes a segment of a photograph.
    #[inline(never)]
    pub(super) fn code_photo<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        canvas: &mut Canvas,
        task: &Task<'_>,
    ) {
        let rows = canvas.three_rows(task.y);
        let start = MARGIN + task.x;
        let common_alpha = match task.alpha {
            Some(alpha) => Some(alpha),
            None => self.code_alpha_flag(
                coder,
                dither,
                &rows[2][start..][..task.count],
                rows[2][start - 1],
            ),
        };
        let colourful = task.format.is_colourful();
        for index in 0..task.count {
            let place = start + index;
            let near = Neighbours::at(&rows, place);
            let pixel = rows[2][place];
            let alpha = match common_alpha {
                Some(alpha) => alpha,
                None => self.escapes.code_alpha(coder, dither, &near, pixel),
            };
            rows[2][place] = self.photo.code::<C, MIXES>(
                coder,
                dither,
                &mut self.escapes.residuals,
                &Spot {
                    near: &near,
                    x: task.x + index,
                    colourful,
                },
                pixel & COLOUR | alpha,
            );
        }
        self.finish(task.x, task.count, Segment::Copied);
    }

    /// Tells the tables which colour came, and which sources had it.
    #[inline(always)]
    fn learn<const MIXES: bool>(
        &mut self,
        around: &Surroundings,
        near: &Neighbours,
        pixel: u32,
        right: u32,
    ) {
        let plain = pixel == near.w && pixel == near.n;
        let found = &around.found;
        self.table.learn(&found[2], pixel, !plain);
        self.table
            .learn(&found[1], pixel, !plain && right & 0b100 == 0);
        if MIXES {
            self.table
                .learn(&found[0], pixel, !plain && right & 0b110 == 0);
        }
    }
}

/// Which neighbours are alike, one bit each.
#[inline(always)]
fn pattern(near: &Neighbours, www: u32) -> u32 {
    u32::from(near.w == near.n)
        | u32::from(near.w == near.nw) << 1
        | u32::from(near.n == near.nw) << 2
        | u32::from(near.n == near.ne) << 3
        | u32::from(near.w == near.ww) << 4
        | u32::from(near.n == near.nn) << 5
        | u32::from(near.ne == near.nne) << 6
        | u32::from(near.ww == www) << 7
        | u32::from(near.w == near.ne) << 8
}

/// The previous image at the place of a segment.
#[derive(Clone, Copy, Debug)]
struct PreviousPixels {
    valid: bool,
    pixels: [u32; BLOCK],
    above: [u32; BLOCK],
    left: u32,
    has_above: bool,
    has_left: bool,
    /// One bit for each pixel above the segment.
    above_agrees: u32,
    left_agrees: bool,
}

impl PreviousPixels {
    #[inline(always)]
    fn new(task: &Task<'_>) -> Self {
        let mut all = Self {
            valid: false,
            pixels: [0; BLOCK],
            above: [0; BLOCK],
            left: 0,
            has_above: false,
            has_left: false,
            above_agrees: 0,
            left_agrees: false,
        };
        if let Some(window) = &task.reference {
            let y = task.y.cast_signed();
            let count = task.count;
            all.valid = window.load(task.format, y, task.x, &mut all.pixels[..count]);
            all.has_above = window.load(task.format, y - 1, task.x, &mut all.above[..count]);
            if task.x > 0 {
                let mut eight = [0; 8];
                all.has_left = window.load(task.format, y, task.x - 8, &mut eight);
                all.left = eight[7];
            }
        }
        all
    }

    /// Compares with the pixels above and left of the segment.
    #[inline(always)]
    fn compare(&mut self, above: &[u32], left: u32) {
        self.left_agrees = self.has_left && self.left == left;
        if self.has_above {
            for (index, (old, new)) in self.above.iter().zip(above).enumerate() {
                self.above_agrees |= u32::from(old == new) << index;
            }
        }
    }
}
