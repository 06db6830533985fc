//! Blocks of 16 × 16 pixels: which are copied, and from where.
//!
//! The modes of a strip's blocks are coded first and the copies made, so that the pixels of the
//! other blocks see all of them.

use super::block_cache::{BlockCache, NEWEST, Number};
use super::canvas::{Canvas, MARGIN};
use super::format::{BLOCK, PixelFormat};
use super::packing::Block;
use super::slot::{Dither, REMEMBERING, Slot};
use super::{REFERENCE_MARGIN, ReferenceWindow};
use crate::entropy::Coder;
use std::ops::Range;

/// How a block is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As in the previous image.
    Same = 0,
    /// Pixel by pixel.
    Coded = 1,
    /// As a block that vanished before.
    Cached = 2,
    /// Every pixel is the one left of it.
    Flat = 3,
    /// As in the previous image some rows further up or down.
    Shifted = 4,
    /// Pixel by pixel, as a photograph.
    Photo = 5,
}

impl Mode {
    /// Whether a block's bytes, and not only its pixels, come from the previous image.
    pub(super) fn copies_bytes(self) -> bool {
        matches!(self, Self::Same | Self::Shifted)
    }
}

/// Modes, and none beyond the edges.
const MODES: usize = 8;
const OUTSIDE: usize = 7;

/// Decisions in their order; what is none of them is the last mode.
const ORDER: [Mode; 6] = [
    Mode::Same,
    Mode::Coded,
    Mode::Cached,
    Mode::Flat,
    Mode::Shifted,
    Mode::Photo,
];

/// What the encoder has found for a block.
#[derive(Clone, Copy, Debug)]
struct Choice {
    mode: Mode,
    number: Number,
    shift: isize,
}

/// A block's place.
#[derive(Clone, Copy, Debug)]
struct Place {
    x: usize,
    width: usize,
    height: usize,
    /// Counts all blocks of the image.
    index: usize,
}

/// Adaptive state of block modes.
#[derive(Debug)]
pub(super) struct Blocks {
    equal_strip: [Slot; 4],
    /// By decision; by whether there is a reference; by the modes at W, N, NE.
    mode_flags: Box<[[[Slot; MODES * MODES * MODES]; 2]; ORDER.len()]>,
    /// By what hit last; the first is the successor's, then those of the newest.
    number_flags: [[Slot; NEWEST + 1]; NEWEST + 2],
    last_number: Number,
    last_hit: usize,
    shift_flags: [Slot; 2],
    last_shift: isize,
    cache: BlockCache,
    /// By column: the mode of the block above, behind the block in work that of the strip in work.
    modes: Vec<Mode>,
    /// Whether the last strips were equal to the previous image, the latest lowest.
    last_equal: usize,
    /// Strips done.
    strips: usize,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            equal_strip: [Slot::EVEN; 4],
            mode_flags: Box::new([[[Slot::EVEN; MODES * MODES * MODES]; 2]; ORDER.len()]),
            number_flags: [[Slot::EVEN; NEWEST + 1]; NEWEST + 2],
            last_number: 0,
            last_hit: 0,
            shift_flags: [Slot::EVEN; 2],
            last_shift: 0,
            cache: BlockCache::new(),
            modes: Vec::new(),
            last_equal: 0,
            strips: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.equal_strip.fill(Slot::EVEN);
        for flags in self.mode_flags.iter_mut().flatten() {
            flags.fill(Slot::EVEN);
        }
        self.number_flags = [[Slot::EVEN; NEWEST + 1]; NEWEST + 2];
        self.last_number = 0;
        self.last_hit = 0;
        self.shift_flags.fill(Slot::EVEN);
        self.last_shift = 0;
        self.cache.reset();
    }

    pub(super) fn begin(&mut self, width: usize) {
        self.modes.clear();
        self.modes.resize(width.div_ceil(BLOCK), Mode::Same);
        self.last_equal = 3;
        self.strips = 0;
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
        let Some(old) = window.strip(format, rows.len()) else {
            return false;
        };
        let slot = &mut self.equal_strip[self.last_equal & 3];
        let equal = slot.code(coder, dither, REMEMBERING, C::ENCODES && *rows == *old);
        self.last_equal = self.last_equal << 1 | usize::from(equal);
        if equal {
            if !C::ENCODES {
                rows.copy_from_slice(old);
            }
            self.modes.fill(Mode::Same);
            self.strips += 1;
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
        let height = rows.len() / format.row_bytes();
        for column in 0..self.modes.len() {
            let x = column * BLOCK;
            let place = Place {
                x,
                width: BLOCK.min(format.width() - x),
                height,
                index: self.strips.wrapping_mul(self.modes.len()) + column,
            };
            let mut choice = Choice {
                mode: Mode::Coded,
                number: 0,
                shift: 0,
            };
            if C::ENCODES {
                choice = self.choose(format, canvas, rows, reference, place);
            }
            choice.mode = self.code_mode(coder, dither, column, reference.is_some(), choice.mode);
            if choice.mode == Mode::Shifted && reference.is_none() {
                // No encoder writes this.
                choice.mode = Mode::Coded;
            }
            match (choice.mode, reference) {
                (Mode::Shifted, Some(window)) => {
                    let shift = self.code_shift(coder, dither, column, choice.shift);
                    if !C::ENCODES {
                        let columns = x..x + place.width;
                        copy(format, canvas, rows, window, columns, shift);
                    }
                }
                (Mode::Cached, _) => {
                    let number = self.code_number(coder, dither, place.index, choice.number);
                    self.copy_cached(canvas, place, number);
                }
                _ => {}
            }
            self.modes[column] = choice.mode;
            if choice.mode != Mode::Same
                && let Some(window) = reference
            {
                let old = load(format, window, place);
                self.cache.insert(&old, format.is_colourful(), place.index);
            }
        }
        if let Some(window) = reference
            && !C::ENCODES
        {
            self.copy_same(format, canvas, rows, window);
        }
        self.strips += 1;
    }

    /// Copies the blocks that are as in the previous image, those side by side at once.
    fn copy_same(
        &self,
        format: &PixelFormat,
        canvas: &mut Canvas,
        rows: &mut [u8],
        window: &ReferenceWindow<'_>,
    ) {
        let mut first = 0;
        for modes in self.modes.chunk_by(|left, right| left == right) {
            if modes[0] == Mode::Same {
                let x = first * BLOCK;
                let width = (modes.len() * BLOCK).min(format.width() - x);
                copy(format, canvas, rows, window, x..x + width, 0);
            }
            first += modes.len();
        }
    }

    /// The best mode for a block.
    fn choose(
        &self,
        format: &PixelFormat,
        canvas: &Canvas,
        rows: &[u8],
        reference: Option<&ReferenceWindow<'_>>,
        place: Place,
    ) -> Choice {
        let row_bytes = format.row_bytes();
        let bytes = format.byte_range(place.x, place.width);
        let is_at = |shift: isize| {
            reference.is_some_and(|window| {
                rows.chunks_exact(row_bytes).enumerate().all(|(y, row)| {
                    let old = window.row(format, y.cast_signed() + shift);
                    old.is_some_and(|old| old[bytes.clone()] == row[bytes.clone()])
                })
            })
        };
        let mut choice = Choice {
            mode: Mode::Coded,
            number: 0,
            shift: 0,
        };
        if is_at(0) {
            choice.mode = Mode::Same;
        } else if is_flat(canvas, place) {
            choice.mode = Mode::Flat;
        } else if let Some(number) = self.find_cached(canvas, place) {
            choice.mode = Mode::Cached;
            choice.number = number;
        } else if reference.is_some() {
            let reach = REFERENCE_MARGIN.cast_signed();
            let mut shifts = std::iter::once(self.last_shift)
                .chain((1..=reach).flat_map(|shift| [shift, -shift]))
                .filter(|shift| *shift != 0);
            if let Some(shift) = shifts.find(|shift| is_at(*shift)) {
                choice.mode = Mode::Shifted;
                choice.shift = shift;
            }
        }
        if choice.mode == Mode::Coded
            && format.is_smooth()
            && is_photo(format, canvas, reference, place)
        {
            choice.mode = Mode::Photo;
        }
        choice
    }

    fn find_cached(&self, canvas: &Canvas, place: Place) -> Option<Number> {
        let block = take(canvas, place);
        let number = self.cache.find(block.hash())?;
        (self.cache.get(number)? == block).then_some(number)
    }

    /// Copies a block out of the cache: black if there is none, which no encoder asks for.
    fn copy_cached(&mut self, canvas: &mut Canvas, place: Place, number: Number) {
        let cached = self.cache.get(number);
        let block = cached.unwrap_or(Block::BLACK);
        for y in 0..place.height {
            canvas
                .segment_mut(y, place.x, place.width)
                .copy_from_slice(&block.pixels[y * BLOCK..][..place.width]);
        }
        if cached.is_some() {
            self.cache.renew(number, block.hash(), place.index);
        }
    }

    /// The modes at W, N, NE.
    fn context(&self, column: usize) -> usize {
        let above = |column: usize| match (self.strips > 0, self.modes.get(column)) {
            (true, Some(mode)) => *mode as usize,
            _ => OUTSIDE,
        };
        let left = match column {
            0 => OUTSIDE,
            _ => self.modes[column - 1] as usize,
        };
        (left * MODES + above(column)) * MODES + above(column + 1)
    }

    fn code_mode<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        column: usize,
        has_reference: bool,
        mode: Mode,
    ) -> Mode {
        let context = self.context(column);
        let last = ORDER.len() - 1;
        for (decision, choice) in ORDER[..last].iter().enumerate() {
            if *choice == Mode::Same && !has_reference {
                continue;
            }
            let slot = &mut self.mode_flags[decision][usize::from(has_reference)][context];
            if slot.code(coder, dither, REMEMBERING, C::ENCODES && mode == *choice) {
                return *choice;
            }
        }
        ORDER[last]
    }

    /// Codes how many rows further down the block was, -32..=32.
    fn code_shift<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        column: usize,
        shift: isize,
    ) -> isize {
        let after = column > 0 && self.modes[column - 1] == Mode::Shifted;
        let slot = &mut self.shift_flags[usize::from(after)];
        let repeats = C::ENCODES && shift == self.last_shift;
        if !slot.code(coder, dither, REMEMBERING, repeats) {
            let margin = REFERENCE_MARGIN.cast_signed();
            let value = (shift + margin).cast_unsigned() as u32;
            let value = coder.raw_bits(7, value & 127) as usize;
            self.last_shift = value.cast_signed() - margin;
        }
        self.last_shift
    }

    /// Codes the number of a cached block.
    fn code_number<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        place: usize,
        number: Number,
    ) -> Number {
        let mut candidates = [self.last_number.wrapping_add(1); NEWEST + 1];
        candidates[1..].copy_from_slice(&self.cache.newest_at(place));
        let mut result = None;
        for (index, candidate) in candidates.iter().enumerate() {
            if !self.cache.is_alive(*candidate) || candidates[..index].contains(candidate) {
                continue;
            }
            let slot = &mut self.number_flags[self.last_hit][index];
            if slot.code(
                coder,
                dither,
                REMEMBERING,
                C::ENCODES && number == *candidate,
            ) {
                result = Some((index, *candidate));
                break;
            }
        }
        let (hit, number) = result.unwrap_or_else(|| {
            let distance = self.cache.distance(number);
            let high = coder.raw_bits(8, distance >> 7 & 255);
            let low = coder.raw_bits(7, distance & 127);
            (NEWEST + 1, self.cache.number_at(high << 7 | low))
        });
        self.last_hit = hit;
        self.last_number = number;
        number
    }
}

/// Copies the bytes and pixels of some columns from `shift` rows further down in the previous image.
/// Rows that the window lacks, which no encoder asks for, are 0.
fn copy(
    format: &PixelFormat,
    canvas: &mut Canvas,
    rows: &mut [u8],
    window: &ReferenceWindow<'_>,
    columns: Range<usize>,
    shift: isize,
) {
    let (x, width) = (columns.start, columns.len());
    let bytes = format.byte_range(x, width);
    for (y, row) in rows.chunks_exact_mut(format.row_bytes()).enumerate() {
        let row = &mut row[bytes.clone()];
        match window.row(format, y.cast_signed() + shift) {
            Some(old) => row.copy_from_slice(&old[bytes.clone()]),
            None => row.fill(0),
        }
        format.load(row, canvas.segment_mut(y, x, width));
    }
}

/// A block of the previous image.
fn load(format: &PixelFormat, window: &ReferenceWindow<'_>, place: Place) -> Block {
    let mut block = Block::BLACK;
    block.width = place.width;
    block.height = place.height;
    for y in 0..place.height {
        let row = &mut block.pixels[y * BLOCK..][..place.width];
        window.load(format, y.cast_signed(), place.x, row);
    }
    block
}

/// A block of the strip.
fn take(canvas: &Canvas, place: Place) -> Block {
    let mut block = Block::BLACK;
    block.width = place.width;
    block.height = place.height;
    for y in 0..place.height {
        block.pixels[y * BLOCK..][..place.width].copy_from_slice(canvas.segment(
            y,
            place.x,
            place.width,
        ));
    }
    block
}

/// Whether every pixel of a block is the one left of it.
fn is_flat(canvas: &Canvas, place: Place) -> bool {
    (0..place.height).all(|y| {
        let left = canvas.left_of(y, place.x);
        let row = canvas.segment(y, place.x, place.width);
        row.iter().all(|pixel| *pixel == left)
    })
}

/// Whether fewer than 41 % of a block's pixels are like one of W, N, NE or that of the previous
/// image.
fn is_photo(
    format: &PixelFormat,
    canvas: &Canvas,
    reference: Option<&ReferenceWindow<'_>>,
    place: Place,
) -> bool {
    let mut alike = 0;
    for y in 0..place.height {
        let start = MARGIN + place.x;
        let above = canvas.row_above(y);
        let row = canvas.row(y);
        let mut old = [0; BLOCK];
        let has_old = reference.is_some_and(|window| {
            window.load(format, y.cast_signed(), place.x, &mut old[..place.width])
        });
        for (index, old) in old[..place.width].iter().enumerate() {
            let here = start + index;
            let pixel = row[here];
            alike += usize::from(
                pixel == row[here - 1]
                    || pixel == above[here]
                    || pixel == above[here + 1]
                    || has_old && pixel == *old,
            );
        }
    }
    alike * 100 < 41 * place.width * place.height
}
