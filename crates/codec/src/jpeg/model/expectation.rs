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

/// Row stride of the padded sums inside a block: two positions beyond each side.
const STRIDE: usize = 12;

/// The expectation of every position of one block.
pub(crate) struct Expectation {
    /// What the neighbours say, in 1/64 step.
    outside: [u16; 64],
    /// Sums of coded coefficients around each position.
    inside: [u16; STRIDE * STRIDE],
    inside_weight: [u16; 64],
}

impl Expectation {
    #[inline(always)]
    pub(crate) fn new(weights: &Weights, near: &Neighbours<'_>) -> Self {
        let mut sides = [0u16; 64 + 16];
        let mut outside = [0u16; 64];
        for index in 0..64 {
            let size = |value: i8| u16::from(value.unsigned_abs());
            let above = size(near.above.values[index]);
            let left = size(near.left.values[index]);
            let diagonal =
                size(near.above_left.values[index]) + size(near.above_right.values[index]);
            let other = size(near.other.values[index]);
            sides[index + 8] = above + left;
            outside[index] = (above.wrapping_mul(weights.above[index]))
                .wrapping_add(left.wrapping_mul(weights.left[index]))
                .wrapping_add(diagonal.wrapping_mul(weights.diagonal[index]))
                .wrapping_add(other.wrapping_mul(weights.other[index]));
        }
        for index in 0..64 {
            let sum = sides[index] + sides[index + 16] + sides[index + 7] + sides[index + 9];
            outside[index] = outside[index].wrapping_add(sum.wrapping_mul(weights.near[index]));
        }
        Self {
            outside,
            inside: [0; STRIDE * STRIDE],
            inside_weight: weights.inside,
        }
    }

    /// Tells of a coded nonzero coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, size: u32) {
        let size = size.min(255) as u16;
        let place = (position / 8 & 7) * STRIDE + (position % 8) + 2 * STRIDE + 2;
        let mut push = |place: usize, amount: u16| {
            let sum = &mut self.inside[place % (STRIDE * STRIDE)];
            *sum = sum.wrapping_add(amount);
        };
        push(place + 1, 2 * size);
        push(place + STRIDE, 2 * size);
        push(place - 1, 2 * size);
        push(place - STRIDE, 2 * size);
        push(place + STRIDE + 1, size);
        push(place + STRIDE - 1, size + size / 2);
        push(place - STRIDE + 1, size + size / 2);
        push(place + 2, size);
        push(place + 2 * STRIDE, size);
    }

    #[inline(always)]
    pub(crate) fn inside(&self, position: usize) -> u32 {
        u32::from(self.inside[(position / 8 & 7) * STRIDE + (position % 8) + 2 * STRIDE + 2])
    }

    #[inline(always)]
    pub(crate) fn interior(&self, _z: usize, position: usize) -> u32 {
        u32::from(self.outside[position & 63])
            + self.inside(position) * u32::from(self.inside_weight[position & 63])
    }

    #[inline(always)]
    pub(crate) fn edge(&self, position: usize) -> u32 {
        self.interior(0, position)
    }
}
