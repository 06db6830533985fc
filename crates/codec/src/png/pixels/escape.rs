//! Pixels that no candidate hit: first colours that came in like places, then the samples.

use super::byte_tree::ByteTree;
use super::candidates::{Surroundings, agreeing};
use super::canvas::Neighbours;
use super::format::COLOUR;
use super::hashing::{finish, hash};
use super::residual::{Residuals, class, median, wrap};
use super::slot::{Dither, REMEMBERING, Slot};
use crate::entropy::Coder;

/// Sets of the newest colours after a context.
const SETS: usize = 1 << 12;

/// Newest colours remembered after W and N, after WW and W, above N and NE.
const CONTEXTS: usize = 3;
const NEWEST: usize = 2;

/// Adaptive state.
#[derive(Debug)]
pub(super) struct Escapes {
    newest: Box<[[u32; NEWEST]]>,
    newest_flags: [Slot; 512],
    /// The last colour by its green and W, and by its green alone.
    by_green_and_w: Box<[u32]>,
    by_green: Box<[u32; 256]>,
    green_flags: [Slot; 64],
    alpha_flags: [Slot; 64],
    /// The last colour that was coded here.
    last: u32,
    pub(super) tree: ByteTree,
    pub(super) residuals: Residuals,
}

/// What red and blue of an edge are expected to be.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Red and blue, less green.
    expected: [i32; 2],
    /// How far apart in green the colours are that say so; 0 if it is but a gradient.
    spread: i32,
}

/// Green of a pixel.
#[inline(always)]
fn green(pixel: u32) -> i32 {
    (pixel >> 8 & 255).cast_signed()
}

/// A channel of a pixel less its green.
#[inline(always)]
fn over_green(pixel: u32, shift: u32) -> i32 {
    (pixel >> shift & 255).cast_signed() - green(pixel)
}

impl Escapes {
    pub(super) fn new() -> Self {
        Self {
            newest: vec![[0; NEWEST]; CONTEXTS * SETS].into_boxed_slice(),
            newest_flags: [Slot::EVEN; 512],
            by_green_and_w: vec![0; SETS].into_boxed_slice(),
            by_green: Box::new([0; 256]),
            green_flags: [Slot::EVEN; 64],
            alpha_flags: [Slot::EVEN; 64],
            last: 0,
            tree: ByteTree::new(),
            residuals: Residuals::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.newest.fill([0; NEWEST]);
        self.newest_flags.fill(Slot::EVEN);
        self.by_green_and_w.fill(0);
        self.by_green.fill(0);
        self.green_flags.fill(Slot::EVEN);
        self.alpha_flags.fill(Slot::EVEN);
        self.last = 0;
        self.tree.reset();
        self.residuals.reset();
    }

    /// Codes a pixel whose alpha is known.
    #[inline(never)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        around: &Surroundings,
        near: &Neighbours,
        colourful: bool,
        pixel: u32,
    ) -> u32 {
        let alpha = pixel & !COLOUR;
        let sets = [[near.w, near.n], [near.w, near.ww], [near.n, near.ne]]
            .map(|[first, second]| (hash([first & COLOUR, second & COLOUR]) >> 20) as usize);
        let sets = [sets[0], SETS + sets[1], 2 * SETS + sets[2]];
        let pixel = match self.code_newest(coder, dither, around, &sets, pixel) {
            Some(pixel) => pixel,
            None => self.code_samples::<C, MIXES>(coder, dither, near, colourful, pixel),
        };
        for set in sets {
            let [first, second] = &mut self.newest[set];
            if *first != pixel & COLOUR {
                *second = *first;
                *first = pixel & COLOUR;
            }
        }
        let set = (hash([near.w & COLOUR, pixel >> 8 & 255]) >> 20) as usize;
        self.by_green_and_w[set] = pixel & COLOUR;
        self.by_green[(pixel >> 8 & 255) as usize] = pixel & COLOUR;
        self.last = pixel & COLOUR;
        pixel & COLOUR | alpha
    }

    /// Codes whether the pixel is of one of the newest colours after its neighbours.
    #[inline(always)]
    fn code_newest<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        around: &Surroundings,
        sets: &[usize; CONTEXTS],
        pixel: u32,
    ) -> Option<u32> {
        let alpha = pixel & !COLOUR;
        let mut colours = [0; CONTEXTS * NEWEST];
        for (pair, set) in colours.chunks_exact_mut(NEWEST).zip(sets) {
            pair.copy_from_slice(&self.newest[*set]);
        }
        for (index, colour) in colours.iter().enumerate() {
            let candidate = colour | alpha;
            if agreeing(&around.sources, candidate) & around.valid != 0
                || colours[..index].contains(colour)
            {
                continue;
            }
            let mut agree = 0;
            for (index, other) in colours.iter().enumerate() {
                agree |= usize::from(other == colour) << index;
            }
            let slot = &mut self.newest_flags[index << 6 | agree];
            if slot.code(coder, dither, REMEMBERING, C::ENCODES && candidate == pixel) {
                return Some(candidate);
            }
        }
        None
    }

    fn code_samples<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        near: &Neighbours,
        colourful: bool,
        pixel: u32,
    ) -> u32 {
        let alpha = pixel & !COLOUR;
        let [w, n, nw, ne] = [near.w, near.n, near.nw, near.ne].map(green);
        let expected = median(w, n, nw);
        let contexts = [
            expected.cast_unsigned(),
            w.cast_unsigned(),
            n.cast_unsigned(),
            hash(
                [
                    w >> 6,
                    n >> 6,
                    nw >> 6,
                    ne >> 6,
                    green(near.ww) >> 6,
                    green(near.nn) >> 6,
                    green(near.nne) >> 6,
                ]
                .map(i32::cast_unsigned),
            ),
            0,
        ];
        let value = self.tree.code(coder, dither, contexts, (pixel >> 8) as u8);
        if !colourful {
            return u32::from(value) << 8 | alpha;
        }
        let set = (hash([near.w & COLOUR, u32::from(value)]) >> 20) as usize;
        let colours = [self.by_green_and_w[set], self.by_green[usize::from(value)]];
        let line = self.expect_over_green(near, i32::from(value));
        for (index, colour) in colours.iter().enumerate() {
            if colour >> 8 & 255 != u32::from(value) || index == 1 && *colour == colours[0] {
                continue;
            }
            let distance = (over_green(*colour, 0) - line.expected[0])
                .abs()
                .max((over_green(*colour, 16) - line.expected[1]).abs());
            let context = (distance.unsigned_abs() as usize).min(7) << 2
                | index << 1
                | usize::from(colours[0] == colours[1]);
            let slot = &mut self.green_flags[context];
            if slot.code(
                coder,
                dither,
                REMEMBERING,
                C::ENCODES && colour | alpha == pixel,
            ) {
                return colour | alpha;
            }
        }
        self.code_red_and_blue::<C, MIXES>(
            coder,
            dither,
            near,
            u32::from(value) << 8 | alpha,
            line,
            pixel,
        )
    }

    /// What red and blue should be, given green. Edges are blended from two colours, so that the channels of all pixels along
    /// one change together: the line is drawn through the darkest and the lightest pixel around, or
    /// the colour coded last where those are alike.
    #[inline(always)]
    fn expect_over_green(&self, near: &Neighbours, g: i32) -> Line {
        let (mut dark, mut light) = (near.w, near.w);
        for pixel in [near.n, near.nw, near.ne, near.ww, near.nn] {
            if green(pixel) < green(dark) {
                dark = pixel;
            }
            if green(pixel) > green(light) {
                light = pixel;
            }
        }
        if green(light) - green(dark) < 16 {
            dark = near.w;
            light = self.last;
        }
        let spread = green(light) - green(dark);
        if spread.abs() < 8 {
            let expected = [0, 16].map(|shift| {
                let [w, n, nw] = [near.w, near.n, near.nw].map(|pixel| over_green(pixel, shift));
                median(w, n, nw)
            });
            return Line {
                expected,
                spread: 0,
            };
        }
        let expected = [0, 16].map(|shift| {
            let (start, end) = (over_green(dark, shift), over_green(light, shift));
            let value =
                start + (2 * (g - green(dark)) * (end - start) + spread).div_euclid(2 * spread);
            value.clamp(-g, 255 - g)
        });
        Line { expected, spread }
    }

    fn code_red_and_blue<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        near: &Neighbours,
        known: u32,
        line: Line,
        pixel: u32,
    ) -> u32 {
        let mut result = known;
        let g = green(known);
        let mut last = 0u32;
        for (kind, shift) in [0, 16].into_iter().enumerate() {
            let expected = line.expected[kind];
            let [w, n] = [near.w, near.n].map(|p| over_green(p, shift));
            let kind = kind as u32;
            let spread = class(w - n) << 4 | class(line.spread);
            let contexts = [
                hash([kind, spread, last]),
                hash([kind, w.cast_unsigned(), n.cast_unsigned(), 1]),
                hash([kind, g.cast_unsigned(), last, 2]),
                finish(kind.wrapping_add(0x7777)),
            ];
            let actual = (pixel >> shift & 255).cast_signed() - g - expected;
            let difference = self.residuals.code::<C, MIXES>(
                coder,
                dither,
                kind as usize,
                contexts,
                if C::ENCODES { wrap(actual) } else { 0 },
            );
            let value = (g + expected + difference) & 255;
            result |= value.cast_unsigned() << shift;
            last = class(difference);
        }
        result
    }

    /// Codes the alpha of a pixel, in the pixel's uppermost byte.
    pub(super) fn code_alpha<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        near: &Neighbours,
        alpha: u32,
    ) -> u32 {
        let [w, n, nw, ne] = [near.w, near.n, near.nw, near.ne].map(|pixel| pixel >> 24);
        let pattern = usize::from(w == n) | usize::from(n == nw) << 1 | usize::from(n == ne) << 2;
        let alpha = alpha >> 24;
        for (index, candidate) in [w, n].into_iter().enumerate() {
            if index == 1 && n == w {
                break;
            }
            let extreme = usize::from(candidate == 0 || candidate == 255);
            let slot = &mut self.alpha_flags[index << 4 | pattern << 1 | extreme];
            if slot.code(coder, dither, REMEMBERING, C::ENCODES && alpha == candidate) {
                return candidate << 24;
            }
        }
        let [w, n, nw, ne] = [w, n, nw, ne].map(u32::cast_signed);
        let expected = median(w, n, nw).cast_unsigned();
        let contexts = [
            0,
            hash([class(w - n), class(n - nw), class(n - ne)]),
            expected,
            (w << 8 | n).cast_unsigned(),
            hash([(w - n).cast_unsigned(), (n - nw).cast_unsigned()]),
        ];
        let contexts = contexts.map(|context| context ^ 0x8000_0000);
        let difference = alpha.wrapping_sub(expected) as u8;
        let difference = self.tree.code(coder, dither, contexts, difference);
        (expected.wrapping_add(u32::from(difference)) & 255) << 24
    }
}
