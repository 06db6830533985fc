//! How large a coefficient is expected to be, from the coefficients around it.

use super::block::Neighbours;

/// Weights of the terms by position (natural order), in 1/64.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(crate) above: [u16; 64],
    pub(crate) left: [u16; 64],
    pub(crate) diagonal: [u16; 64],
    pub(crate) other: [u16; 64],
    pub(crate) near: [u16; 64],
    pub(crate) inside: [u16; 64],
}

impl Weights {
    pub(crate) fn guess(chroma: bool) -> Self {
        Self {
            above: [14; 64],
            left: [14; 64],
            diagonal: [5; 64],
            other: [if chroma { 6 } else { 0 }; 64],
            near: [2; 64],
            inside: [3; 64],
        }
    }
}

/// Positions of a padded row of sums, and where a block's first position stands in it.
const STRIDE: usize = 16;
const FIRST_ROW: usize = 1;
const FIRST_COLUMN: usize = 4;

/// By column frequency: what a coefficient of size 1 adds to the row above, its own row and the
/// two rows below, in half units.
static SPREAD: [[[u16; STRIDE]; 4]; 8] = spread();

const fn spread() -> [[[u16; STRIDE]; 4]; 8] {
    let mut spread = [[[0; STRIDE]; 4]; 8];
    let mut column = 0;
    while column < 8 {
        let place = column + FIRST_COLUMN;
        let rows = &mut spread[column];
        (rows[0][place], rows[0][place + 1]) = (4, 3);
        (rows[1][place - 1], rows[1][place + 1], rows[1][place + 2]) = (4, 4, 2);
        (rows[2][place - 1], rows[2][place], rows[2][place + 1]) = (3, 4, 2);
        rows[3][place] = 2;
        column += 1;
    }
    spread
}

/// The expectation of every position of one block.
pub(crate) struct Expectation {
    /// What the neighbours say, in 1/64 step.
    outside: [u16; 64],
    /// Sums of coded coefficients around each position, in half units.
    inside: [[u16; STRIDE]; 16],
    inside_weight: [u16; 64],
}

impl Expectation {
    #[inline(always)]
    pub(crate) fn new(weights: &Weights, near: &Neighbours<'_>) -> Self {
        let size = |value: i8| u16::from(value.unsigned_abs());
        let mut sides = [0u16; 64 + 16];
        let mut outside = [0u16; 64];
        for index in 0..64 {
            let above = size(near.above.values[index]);
            let left = size(near.left.values[index]);
            let above_left = size(near.above_left.values[index]);
            let diagonal = above_left.wrapping_add(size(near.above_right.values[index]));
            let other = size(near.other.values[index]);
            sides[index.wrapping_add(8)] = above.wrapping_add(left);
            outside[index] = (above.wrapping_mul(weights.above[index]))
                .wrapping_add(left.wrapping_mul(weights.left[index]))
                .wrapping_add(diagonal.wrapping_mul(weights.diagonal[index]))
                .wrapping_add(other.wrapping_mul(weights.other[index]));
        }
        for index in 0..64 {
            let row = sides[index].wrapping_add(sides[index.wrapping_add(16)]);
            let column = sides[index.wrapping_add(7)].wrapping_add(sides[index.wrapping_add(9)]);
            let around = row.wrapping_add(column).wrapping_mul(weights.near[index]);
            outside[index] = outside[index].wrapping_add(around);
        }
        Self {
            outside,
            inside: [[0; STRIDE]; 16],
            inside_weight: weights.inside,
        }
    }

    /// Tells of a coded nonzero coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, size: u32) {
        let size = size.min(255) as u16;
        let row = position >> 3 & 7;
        for (offset, spread) in SPREAD[position & 7].iter().enumerate() {
            let sums = &mut self.inside[row.wrapping_add(offset) & 15];
            for (sum, share) in sums.iter_mut().zip(spread) {
                *sum = sum.wrapping_add(share.wrapping_mul(size));
            }
        }
    }

    /// Sum of coded coefficients around a position.
    #[inline(always)]
    pub(crate) fn inside(&self, position: usize) -> u32 {
        let row = (position >> 3 & 7).wrapping_add(FIRST_ROW);
        let column = (position & 7).wrapping_add(FIRST_COLUMN);
        u32::from(self.inside[row][column] >> 1)
    }

    /// Expected magnitude at a position, in 1/64 step.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> u32 {
        let weight = u32::from(self.inside_weight[position & 63]);
        u32::from(self.outside[position & 63])
            .wrapping_add(self.inside(position).wrapping_mul(weight))
    }
}
