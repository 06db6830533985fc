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

/// Row stride of the padded sums inside a block, and the padding before its first position.
const STRIDE: usize = 16;
const PADDING: usize = 2 * STRIDE + 2;

/// Place of a position (natural order) in the padded sums.
#[inline(always)]
fn padded(position: usize) -> usize {
    (position & 56)
        .wrapping_mul(2)
        .wrapping_add(position & 7)
        .wrapping_add(PADDING)
}

/// The expectation of every position of one block.
pub(crate) struct Expectation {
    /// What the neighbours say, in 1/64 step.
    outside: [u16; 64],
    /// Sums of coded coefficients around each position.
    inside: [u16; 256],
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
            inside: [0; 256],
            inside_weight: weights.inside,
        }
    }

    /// Tells of a coded nonzero coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, size: u32) {
        let size = size.min(255) as u16;
        let place = padded(position);
        let mut push = |place: usize, amount: u16| {
            let sum = &mut self.inside[place & 255];
            *sum = sum.wrapping_add(amount);
        };
        let double = size.wrapping_mul(2);
        let half_more = size.wrapping_add(size / 2);
        push(place.wrapping_add(1), double);
        push(place.wrapping_add(STRIDE), double);
        push(place.wrapping_sub(1), double);
        push(place.wrapping_sub(STRIDE), double);
        push(place.wrapping_add(STRIDE + 1), size);
        push(place.wrapping_add(STRIDE - 1), half_more);
        push(place.wrapping_sub(STRIDE - 1), half_more);
        push(place.wrapping_add(2), size);
        push(place.wrapping_add(2 * STRIDE), size);
    }

    /// Sum of coded coefficients around a position.
    #[inline(always)]
    pub(crate) fn inside(&self, position: usize) -> u32 {
        u32::from(self.inside[padded(position) & 255])
    }

    /// Expected magnitude at a position, in 1/64 step.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> u32 {
        let weight = u32::from(self.inside_weight[position & 63]);
        u32::from(self.outside[position & 63])
            .wrapping_add(self.inside(position).wrapping_mul(weight))
    }
}
