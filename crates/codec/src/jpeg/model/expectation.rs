//! How large a coefficient is expected to be, from the coefficients around it.
//!
//! The expectation of a position is a weighted sum of absolute values: of the same coefficient in
//! the neighbouring blocks, of those around it there, and of those around it in this block as far
//! as they are coded. Sums are in 1/64 of a quantiser step and wrap around where hostile data
//! drives them far enough, in both directions of the codec alike.

use super::block::{Neighbours, Remembered};

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

/// The expectation of every position of one block.
pub(crate) struct Expectation {
    /// What the neighbours say.
    outside: [Row; 8],
    /// The same with what the coded coefficients of the block itself add.
    total: [Row; ROWS],
}

impl Expectation {
    /// `other_weight` is the weight of the block of another component, in 1/64.
    #[inline(always)]
    pub(crate) fn new(other_weight: u16, near: &Neighbours<'_>) -> Self {
        let mut sides = [[0u16; 8]; 10];
        let mut outside = [[0u16; 8]; 8];
        for row in 0..8usize {
            let above = sizes(near.above, row);
            let left = sizes(near.left, row);
            let above_left = sizes(near.above_left, row);
            let above_right = sizes(near.above_right, row);
            let other = sizes(near.other, row);
            for column in 0..8 {
                let side = above[column].wrapping_add(left[column]);
                let diagonal = above_left[column].wrapping_add(above_right[column]);
                sides[row.wrapping_add(FIRST_ROW)][column] = side;
                outside[row][column] = (side.wrapping_mul(SIDE))
                    .wrapping_add(diagonal.wrapping_mul(DIAGONAL))
                    .wrapping_add(other[column].wrapping_mul(other_weight));
            }
        }
        let mut total = [[0u16; 8]; ROWS];
        for row in 0..8usize {
            let (before, here, after) = (&sides[row], &sides[row + 1], &sides[row + 2]);
            let [first, second, third, fourth, fifth, sixth, seventh, eighth] = *here;
            let from_left = [0, first, second, third, fourth, fifth, sixth, seventh];
            let from_right = [second, third, fourth, fifth, sixth, seventh, eighth, 0];
            for column in 0..8 {
                let vertical = before[column].wrapping_add(after[column]);
                let horizontal = from_left[column].wrapping_add(from_right[column]);
                let around = vertical.wrapping_add(horizontal).wrapping_mul(AROUND);
                outside[row][column] = outside[row][column].wrapping_add(around);
            }
            total[row + FIRST_ROW] = outside[row];
        }
        Self { outside, total }
    }

    /// Tells of a coded nonzero coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, size: u32) {
        let size = size.min(255) as u16;
        let row = position >> 3 & 7;
        for (offset, spread) in SPREAD[position & 7].iter().enumerate() {
            let sums = &mut self.total[row.wrapping_add(offset)];
            for (sum, share) in sums.iter_mut().zip(spread) {
                *sum = sum.wrapping_add(share.wrapping_mul(size));
            }
        }
    }

    /// Expected magnitude at a position.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> u32 {
        u32::from(self.total[(position >> 3 & 7).wrapping_add(FIRST_ROW)][position & 7])
    }

    /// The part of it that comes from the block itself.
    #[inline(always)]
    pub(crate) fn inside(&self, position: usize) -> u32 {
        let outside = u32::from(self.outside[position >> 3 & 7][position & 7]);
        self.at(position).wrapping_sub(outside) & 0xFFFF
    }
}

/// Absolute values of one row of a block.
#[inline(always)]
fn sizes(block: &Remembered, row: usize) -> Row {
    let first = (row & 7) << 3;
    let mut sizes = [0; 8];
    for (size, value) in sizes
        .iter_mut()
        .zip(&block.values[first..first.wrapping_add(8)])
    {
        *size = u16::from(value.unsigned_abs());
    }
    sizes
}
