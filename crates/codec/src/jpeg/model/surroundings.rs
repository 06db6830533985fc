//! What is known around a coefficient while its block is being coded.

use super::block::{Neighbours, Remembered};
use super::borders::Borders;
use super::expectation::Expectation;
use super::quantization::Quantization;
use crate::simd::VectorInstructions;

/// The neighbours of a block, and running sums over what has been coded of it.
pub(crate) struct Surroundings<'a, S> {
    simd: S,
    pub(crate) near: &'a Neighbours<'a>,
    pub(crate) expectation: Expectation,
    pub(crate) borders: Borders,
    quantization: &'a Quantization,
}

/// Border units to 1/8 step of a coefficient whose frequencies both differ from zero.
const WAVE_SHIFT: u32 = 16;
/// The same for the weight 1/√2 of frequency zero.
const FLAT_SHIFT: u32 = 23;

impl<'a, S: VectorInstructions> Surroundings<'a, S> {
    #[inline(always)]
    pub(crate) fn new(
        simd: S,
        other_weight: u16,
        quantization: &'a Quantization,
        near: &'a Neighbours<'a>,
    ) -> Self {
        Self {
            simd,
            near,
            expectation: Expectation::new(simd, other_weight, near),
            borders: Borders::default(),
            quantization,
        }
    }

    /// What the left border lacks at a row frequency, in border units; 0 without left neighbour.
    #[inline(always)]
    fn missing_left(&self, row: usize) -> i32 {
        let missing =
            i32::from(self.near.left_border[row & 7]).wrapping_sub(self.borders.left(row));
        if self.near.has_left { missing } else { 0 }
    }

    /// What the upper border lacks at a column frequency.
    #[inline(always)]
    fn missing_above(&self, column: usize) -> i32 {
        let missing =
            i32::from(self.near.above.bottom[column & 7]).wrapping_sub(self.borders.top(column));
        if self.near.has_above { missing } else { 0 }
    }

    /// Predictions of an interior coefficient from the left and upper border, in 1/8 step.
    #[inline(always)]
    pub(crate) fn interior_predictions(&self, position: usize) -> (i32, i32) {
        let reciprocal = i64::from(self.quantization.reciprocals[position & 63]);
        let scaled =
            |border: i32| (i64::from(border).wrapping_mul(reciprocal) >> WAVE_SHIFT) as i32;
        (
            scaled(self.missing_left(position >> 3)),
            scaled(self.missing_above(position)),
        )
    }

    /// Prediction of a coefficient of the first row (from above) or first column (from the left),
    /// in 1/8 step. `index` is its frequency along the edge.
    #[inline(always)]
    pub(crate) fn edge_prediction<const COLUMN: bool>(&self, index: usize) -> i32 {
        let position = if COLUMN { index << 3 } else { index };
        let missing = if COLUMN {
            self.missing_left(index)
        } else {
            self.missing_above(index)
        };
        self.scale_flat(missing, position)
    }

    /// Predictions of DC from the left and from above, in 1/8 step.
    #[inline(always)]
    pub(crate) fn dc_predictions(&self) -> (i32, i32) {
        (
            self.scale_flat(self.missing_left(0), 0),
            self.scale_flat(self.missing_above(0), 0),
        )
    }

    /// How badly the coefficients on the edges continue the neighbours' borders, in 1/32 DC step.
    #[inline(always)]
    pub(crate) fn border_misfit(&self) -> u32 {
        let mut misfit = 0u32;
        for index in 1..8 {
            misfit = misfit.wrapping_add(self.missing_left(index).unsigned_abs());
            misfit = misfit.wrapping_add(self.missing_above(index).unsigned_abs());
        }
        (u64::from(misfit).wrapping_mul(u64::from(self.quantization.reciprocals[0])) >> 18) as u32
    }

    #[inline(always)]
    fn scale_flat(&self, border: i32, position: usize) -> i32 {
        let reciprocal = self.quantization.flat_reciprocals[position & 63];
        (i64::from(border).wrapping_mul(reciprocal) >> FLAT_SHIFT) as i32
    }

    /// Signs of the same coefficient above, to the left, and in the other component: 0..27.
    #[inline(always)]
    pub(crate) fn signs(&self, position: usize) -> usize {
        let sign = |block: &Remembered| sign_class(block.values[position & 63]);
        sign(self.near.above)
            .wrapping_mul(3)
            .wrapping_add(sign(self.near.left))
            .wrapping_mul(3)
            .wrapping_add(sign(self.near.other))
    }

    /// Takes a coded nonzero coefficient of an edge into account.
    #[inline(always)]
    pub(crate) fn add_edge(&mut self, position: usize, value: i16) {
        self.borders
            .add(position, self.dequantized(position, value));
    }

    /// The same of the interior.
    #[inline(always)]
    pub(crate) fn add_interior(&mut self, position: usize, size: u32, value: i16) {
        self.expectation.add(self.simd, position, size);
        self.borders
            .add_interior(position, self.dequantized(position, value));
    }

    #[inline(always)]
    fn dequantized(&self, position: usize, value: i16) -> i32 {
        i32::from(value).wrapping_mul(self.quantization.steps[position & 63])
    }
}

/// 0 for negative, 1 for zero, 2 for positive.
#[inline(always)]
fn sign_class(value: i8) -> usize {
    value.signum().wrapping_add(1).cast_unsigned() as usize
}
