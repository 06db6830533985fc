//! How large a coefficient is expected to be, from the coefficients around it.
//!
//! The expectation of a position is a weighted sum of absolute values: of the same coefficient in
//! the neighbouring blocks, of those around it there, and of those around it in this block as far
//! as they are coded. Sums are in 1/64 of a quantiser step; since values are kept and counted
//! saturated, they stay far below 2^16.

use super::block::{Neighbours, Remembered};
use fearless_simd::{Simd, i8x32, prelude::*, u16x8, u16x16};

/// Weights in 1/64 of: the block above and the one to the left, each; the two diagonal ones; the
/// four coefficients around the same one in the blocks above and to the left, each.
const SIDE: u16 = 14;
const DIAGONAL: u16 = 5;
const AROUND: u16 = 2;

/// Rows before the first one and after the last, which take what falls beyond the block.
const FIRST_ROW: usize = 1;
const ROWS: usize = 11;

/// Eight positions of a row at a time, always read and written whole.
type Row = [u16; 8];

/// Coefficients beyond this count as this.
const LARGEST_SIZE: u32 = 255;

/// By column frequency: what a coefficient of size 1 adds to the row above, its own row and the
/// two rows below.
static SPREAD: [[Row; 4]; 8] = spread();

const fn spread() -> [[Row; 4]; 8] {
    let mut spread = [[[0; 8]; 4]; 8];
    let mut column = 0;
    while column < 8 {
        let rows = &mut spread[column];
        (rows[0][column], rows[2][column], rows[3][column]) = (6, 6, 3);
        if column > 0 {
            (rows[1][column - 1], rows[2][column - 1]) = (6, 4);
        }
        if column < 7 {
            (
                rows[0][column + 1],
                rows[1][column + 1],
                rows[2][column + 1],
            ) = (4, 6, 3);
        }
        if column < 6 {
            rows[1][column + 2] = 3;
        }
        column += 1;
    }
    spread
}

/// What a coefficient of size 1 at one natural position adds to the expectation at another.
pub(crate) const fn spread_between(from: usize, to: usize) -> u16 {
    let first = from >> 3;
    let row = (to >> 3) + FIRST_ROW;
    if row < first || row > first + 3 {
        return 0;
    }
    spread()[from & 7][row - first][to & 7]
}

/// What a coefficient adds by its size and by what one of size 1 adds.
#[inline(always)]
pub(crate) fn spread_of(size: u32, weight: u16) -> u32 {
    size.min(LARGEST_SIZE).wrapping_mul(weight.into())
}

/// What the coefficients along an edge add to the expectation of those that follow.
#[derive(Default)]
pub(crate) struct AlongEdge {
    at_next: u32,
    at_second_next: u32,
}

impl AlongEdge {
    /// What they add at the next one.
    #[inline(always)]
    pub(crate) fn expected(&self) -> u32 {
        self.at_next
    }

    /// Goes on behind one of this size.
    #[inline(always)]
    pub(crate) fn push(&mut self, size: u32) {
        let next = spread_of(size, const { spread_between(1, 2) });
        self.at_next = self.at_second_next.wrapping_add(next);
        self.at_second_next = spread_of(size, const { spread_between(1, 3) });
    }
}

/// The expectation of every position of one block.
///
/// Invariant: it holds what the neighbours, the interior and, at the first column, the first row
/// say. What coefficients of an edge say to others of that edge is added by [`AlongEdge`].
#[repr(align(64))]
pub(crate) struct Expectation {
    /// What the neighbours say, in natural order.
    outside: [u16; 64],
    /// The same with what the coded coefficients of the block itself add.
    total: [u16; 8 * ROWS],
}

impl Expectation {
    /// `other_weight` is the weight of the block of another component, in 1/64.
    #[inline(always)]
    pub(crate) fn new<S: Simd>(simd: S, other_weight: u16, near: &Neighbours<'_>) -> Self {
        let above = sizes(simd, near.above);
        let left = sizes(simd, near.left);
        let above_left = sizes(simd, near.above_left);
        let above_right = sizes(simd, near.above_right);
        // Two rows of the block each. Kept in vectors throughout: loads that take parts of several
        // stores wait for all of them.
        let none = u16x16::splat(simd, 0);
        let mut sides = [none; 6];
        for (side, (&above, left)) in sides[1..5].iter_mut().zip(above.iter().zip(left)) {
            *side = above + left;
        }
        let mut other = [none; 4];
        if other_weight > 0 {
            let weight = u16x16::splat(simd, other_weight);
            for (part, sizes) in other.iter_mut().zip(sizes(simd, near.other)) {
                *part = sizes * weight;
            }
        }
        let mut outside = [0u16; 64];
        let mut total = [0u16; 8 * ROWS];
        for quarter in 0..4usize {
            let [before, side, behind] = [0, 1, 2].map(|next| sides[quarter.wrapping_add(next)]);
            let vertical = before.slide::<8>(side) + side.slide::<8>(behind);
            let lower = none.slide_within_blocks::<7>(side);
            let higher = side.slide_within_blocks::<1>(none);
            let sum = side * u16x16::splat(simd, SIDE)
                + (above_left[quarter] + above_right[quarter]) * u16x16::splat(simd, DIAGONAL)
                + other[quarter]
                + (vertical + lower + higher) * u16x16::splat(simd, AROUND);
            let first = quarter.wrapping_mul(16);
            sum.store_slice(&mut outside[first..first.wrapping_add(16)]);
            sum.store_slice(&mut total[first.wrapping_add(8)..first.wrapping_add(24)]);
        }
        Self { outside, total }
    }

    /// Tells of a coded nonzero coefficient of the interior.
    ///
    /// Row by row: wider vectors would be read again before both of the stores they come from are
    /// done, and such loads wait.
    #[inline(always)]
    pub(crate) fn add<S: Simd>(&mut self, simd: S, position: usize, size: u32) {
        let size = u16x8::splat(simd, size.min(LARGEST_SIZE) as u16);
        let (rows, _) = self.total.as_chunks_mut::<8>();
        let rows = rows.iter_mut().skip(position >> 3 & 7);
        for (sums, spread) in rows.zip(&SPREAD[position & 7]) {
            let grown = u16x8::simd_from(simd, *sums) + u16x8::simd_from(simd, *spread) * size;
            *sums = grown.into();
        }
    }

    /// Tells of the first coefficient of the first row: of those behind that row it counts for the
    /// first one of the first column alone.
    #[inline(always)]
    pub(crate) fn add_first_of_row(&mut self, size: u32) {
        let sum = &mut self.total[8 + 8 * FIRST_ROW];
        *sum = sum.wrapping_add(spread_of(size, const { spread_between(1, 8) }) as u16);
    }

    /// Expected magnitude at a position.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> u32 {
        u32::from(self.total[(position & 63).wrapping_add(8 * FIRST_ROW)])
    }

    /// The part of what is expected at a position that comes from the block itself.
    #[inline(always)]
    pub(crate) fn inside(&self, position: usize, expected: u32) -> u32 {
        expected.wrapping_sub(self.outside[position & 63].into())
    }
}

/// Absolute values of a block's coefficients, in four vectors.
#[inline(always)]
fn sizes<S: Simd>(simd: S, block: &Remembered) -> [u16x16<S>; 4] {
    let half = |values: &[i8]| {
        let sizes = i8x32::from_slice(simd, values).abs();
        simd.widen_u8x32(sizes.bitcast())
    };
    let (first, second) = half(&block.values[..32]);
    let (third, fourth) = half(&block.values[32..]);
    [first, second, third, fourth]
}
