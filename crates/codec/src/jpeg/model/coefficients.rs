//! Codes the coefficients of one block: written once, for both directions and all levels.
//!
//! Order: how far the 7 × 7 interior reaches, its coefficients along the zigzag sequence, the
//! first row, the first column, then DC, which by then can be predicted from whole borders.
//! Invariant: a context only depends on what both directions know at that point.

use super::block::{Block, Neighbours, Remembered};
use super::borders::Borders;
use super::buckets::{prediction_bucket8, prediction_bucket16, scale_bucket};
use super::decisions::{Choice, Decisions, Magnitude, Shape, Sign};
use super::expectation::{Expectation, Weights};
use super::quantization::Quantization;
use super::tables::{INTERIOR, INTERIOR_ZONE};
use crate::entropy::Coder;

/// The adaptive model of one class of components (the first one, or all others).
pub(crate) struct CoefficientModel<D: Decisions> {
    weights: Weights,
    interior_end: D::Choice,
    interior: D::Magnitude,
    interior_sign: D::Sign,
    edge_end: D::Choice,
    edge: D::Magnitude,
    edge_sign: D::Sign,
    dc_size: D::Choice,
    dc_low: D::Choice,
    dc_sign: D::Sign,
}

/// Coefficients on an edge of the block, DC left out, and their two edges.
const EDGE_POSITIONS: usize = 14;

impl<D: Decisions> CoefficientModel<D> {
    pub(crate) fn new(weights: Weights) -> Self {
        let shape = |contexts, weight_sets| Shape {
            contexts,
            weight_sets,
        };
        Self {
            weights,
            interior_end: D::Choice::new(&shape([50 * 3, 64, 64, 50], 1), 6),
            interior: D::Magnitude::new(&shape(
                [49 * 24 * 4, 24 * 13 * 8, 49 * 12 * 8, 49 * 64],
                49 * 4,
            )),
            interior_sign: D::Sign::new(&shape([49 * 64, 49 * 64, 16 * 16 * 4 * 4, 49 * 27], 49)),
            edge_end: D::Choice::new(&shape([2 * 64, 2 * 8 * 16, 2 * 8 * 8, 2 * 8 * 16], 2), 3),
            edge: D::Magnitude::new(&shape(
                [
                    EDGE_POSITIONS * 24 * 8 * 2,
                    EDGE_POSITIONS * 12 * 16,
                    EDGE_POSITIONS * 12 * 16,
                    EDGE_POSITIONS * 8 * 8 * 3,
                ],
                EDGE_POSITIONS * 2,
            )),
            edge_sign: D::Sign::new(&shape(
                [
                    EDGE_POSITIONS * 32 * 4,
                    EDGE_POSITIONS * 27,
                    32 * 16 * 4,
                    EDGE_POSITIONS * 32 * 3,
                ],
                EDGE_POSITIONS,
            )),
            dc_size: D::Choice::new(&shape([16 * 16, 16 * 16, 16 * 16, 16 * 16], 1), 4),
            dc_low: D::Choice::new(&shape([16, 16, 16, 16], 1), 1),
            dc_sign: D::Sign::new(&shape([16 * 16, 16 * 16, 32, 32], 1)),
        }
    }

    /// Codes `block` and returns what later blocks need of it, and its border sums towards the
    /// right neighbour.
    #[inline(always)]
    pub(crate) fn code_block<C: Coder>(
        &mut self,
        coder: &mut C,
        quantization: &Quantization,
        near: &Neighbours<'_>,
        block: &mut Block,
    ) -> (Remembered, [i16; 8]) {
        let mut state = BlockState {
            quantization,
            near,
            borders: Borders::default(),
            expectation: Expectation::new(&self.weights, near),
        };
        let end = self.code_interior_end(coder, near, block);
        self.code_interior(coder, &mut state, end, block);
        let row_end = self.code_edge::<C, false>(coder, &mut state, end, block);
        let column_end = self.code_edge::<C, true>(coder, &mut state, end, block);
        let dc_residual = self.code_dc(coder, &mut state, end, block);
        state
            .borders
            .add_dc(i32::from(block.0[0]) * quantization.steps[0]);
        let remembered = Remembered {
            values: block.0.map(|value| value.clamp(-127, 127) as i8),
            bottom: state.borders.bottom(),
            dc: block.0[0],
            dc_residual,
            interior_end: end as u8,
            edge_ends: [row_end as u8, column_end as u8],
        };
        (remembered, state.borders.right())
    }

    #[inline(always)]
    fn code_interior_end<C: Coder>(
        &mut self,
        coder: &mut C,
        near: &Neighbours<'_>,
        block: &Block,
    ) -> usize {
        let above = usize::from(near.above.interior_end);
        let left = usize::from(near.left.interior_end);
        let above_left = usize::from(near.above_left.interior_end);
        let above_right = usize::from(near.above_right.interior_end);
        let other = usize::from(near.other.interior_end);
        let mean = (above + left).div_ceil(2);
        let spread = (above.abs_diff(left) + 2) / 6;
        let contexts = [
            mean * 3 + spread.min(2),
            end_bucket(above) * 8 + end_bucket(left),
            end_bucket((above_left + above_right) / 2) * 8 + end_bucket(other),
            (2 * above + 2 * left + above_left + above_right + 2) / 6,
        ];
        let value = if C::ENCODES { interior_end(block) } else { 0 };
        self.interior_end.code(coder, contexts, 0, value).min(49)
    }

    #[inline(always)]
    fn code_interior<C: Coder>(
        &mut self,
        coder: &mut C,
        state: &mut BlockState<'_>,
        end: usize,
        block: &mut Block,
    ) {
        for z in 0..end {
            let position = usize::from(INTERIOR[z]);
            let remaining = end - z;
            let last = remaining == 1;
            let scale = scale_bucket(state.expectation.interior(z, position));
            let inside = scale_bucket(state.expectation.inside(position) << 4) / 2;
            let (from_left, from_above) = state.predictions(position);
            let left8 = prediction_bucket8(from_left.unsigned_abs());
            let above8 = prediction_bucket8(from_above.unsigned_abs());
            let near_end = remaining_bucket4(remaining);
            let contexts = [
                (z * 24 + scale) * 4 + near_end,
                (scale * 13 + INTERIOR_ZONE[z] as usize) * 8 + remaining_bucket8(remaining),
                (z * 12 + inside) * 8 + remaining_bucket8(remaining),
                (z * 8 + left8) * 8 + above8,
            ];
            let value = block.0[position];
            let size = self.interior.code(
                coder,
                contexts,
                z * 4 + near_end,
                last,
                scale,
                u32::from(value.unsigned_abs()),
            );
            if size == 0 {
                continue;
            }
            let m = size.min(4) as usize - 1;
            let signed_left = signed_bucket16(from_left);
            let signed_above = signed_bucket16(from_above);
            let contexts = [
                (z * 16 + signed_left) * 4 + m,
                (z * 16 + signed_above) * 4 + m,
                ((signed_left * 16 + signed_above) * 4 + m) * 4
                    + (INTERIOR_ZONE[z] as usize / 4).min(3),
                z * 27 + state.neighbour_signs(position),
            ];
            let negative = self.interior_sign.code(coder, contexts, z, value < 0);
            let value = signed(size, negative);
            block.0[position] = value;
            state.add(position, value, size);
        }
    }

    /// Codes the first row (`COLUMN` false) or first column; the index of its last nonzero.
    #[inline(always)]
    fn code_edge<C: Coder, const COLUMN: bool>(
        &mut self,
        coder: &mut C,
        state: &mut BlockState<'_>,
        interior_end: usize,
        block: &mut Block,
    ) -> usize {
        let near = state.near;
        let edge = usize::from(COLUMN);
        let step = if COLUMN { 8 } else { 1 };
        let mut expected = 0;
        let mut reach = 0;
        for index in 1..8 {
            let scale = state.expectation.edge(index * step);
            expected += scale;
            if scale > 20 {
                reach = index;
            }
        }
        let contexts = [
            edge * 64
                + usize::from(near.above.edge_ends[edge]) * 8
                + usize::from(near.left.edge_ends[edge]),
            (edge * 8 + end_bucket(interior_end)) * 16
                + (scale_bucket(expected / 2) * 2 / 3).min(15),
            (edge * 8 + usize::from(near.other.edge_ends[edge])) * 8 + reach,
            (edge * 8 + reach) * 16 + (scale_bucket(expected / 2) * 2 / 3).min(15),
        ];
        let value = if C::ENCODES { edge_end(block, step) } else { 0 };
        let end = self.edge_end.code(coder, contexts, edge, value);
        let mut nonzeros = 0;
        let mut previous = 0;
        for index in 1..=end {
            let position = index * step;
            let last = index == end;
            let place = edge * 7 + index - 1;
            let prediction = state.edge_prediction::<COLUMN>(position, index);
            let scale = scale_bucket(state.expectation.edge(position));
            let p8 = prediction_bucket8(prediction.unsigned_abs());
            let p16 = prediction_bucket16(prediction.unsigned_abs());
            let inside = scale_bucket(state.expectation.inside(position) << 4) / 2;
            let other = scale_bucket(
                u32::from(near.other.values[position].unsigned_abs()) * 32
                    + u32::from(
                        if COLUMN { near.above } else { near.left }.values[position].unsigned_abs(),
                    ) * 32,
            ) / 2;
            let contexts = [
                ((place * 24 + scale) * 8 + p8) * 2 + usize::from(last),
                (place * 12 + inside) * 16 + p16,
                (place * 12 + other) * 16 + p16,
                ((place * 8 + end_bucket(interior_end)) * 8 + nonzeros) * 3 + previous,
            ];
            let value = block.0[position];
            let size = self.edge.code(
                coder,
                contexts,
                place * 2 + usize::from(last),
                last,
                scale,
                u32::from(value.unsigned_abs()),
            );
            previous = size.min(2) as usize;
            if size == 0 {
                continue;
            }
            nonzeros = (nonzeros + 1).min(7);
            let m = size.min(4) as usize - 1;
            let signed32 = if prediction < 0 { 16 } else { 0 } + p16;
            let sign_of = |value: i8| (value.signum() + 1) as usize;
            let contexts = [
                (place * 32 + signed32) * 4 + m,
                place * 27 + state.neighbour_signs(position),
                ((signed32 * 4 + m) * 2 + edge) * 8 + index,
                (place * 32 + signed32) * 3 + sign_of(near.other.values[position]),
            ];
            let negative = self.edge_sign.code(coder, contexts, place, value < 0);
            let value = signed(size, negative);
            block.0[position] = value;
            state.add(position, value, size);
        }
        end
    }

    /// Codes DC; the size of what its prediction missed, saturated.
    #[inline(always)]
    fn code_dc<C: Coder>(
        &mut self,
        coder: &mut C,
        state: &mut BlockState<'_>,
        interior_end: usize,
        block: &mut Block,
    ) -> u8 {
        let near = state.near;
        let (from_left, from_above) = state.dc_predictions();
        let (sum, disagreement) = match (near.has_left, near.has_above) {
            (true, true) => (from_left + from_above, from_left.abs_diff(from_above)),
            (true, false) => (2 * from_left, 24),
            (false, true) => (2 * from_above, 24),
            (false, false) => (0, 1000),
        };
        // From 1/8 to whole quantiser steps.
        let prediction = (sum + 8) >> 4;
        let rest = (sum + 8) & 15;
        let distrust = prediction_bucket16(state.border_misfit());
        let disagreement = prediction_bucket16(disagreement);
        let residuals = u32::from(near.above.dc_residual) + u32::from(near.left.dc_residual);
        let around = prediction_bucket16(residuals * 4);
        let other = prediction_bucket16(u32::from(near.other.dc_residual) * 8);
        let contexts = [
            disagreement * 16 + distrust,
            disagreement * 16 + around,
            distrust * 16 + around,
            around * 16 + (end_bucket(interior_end) + 8 * usize::from(other > 6)),
        ];
        let residual = if C::ENCODES {
            i32::from(block.0[0]) - prediction
        } else {
            0
        };
        let size = residual.unsigned_abs();
        let class = (32 - size.leading_zeros()) as usize;
        let class = self.dc_size.code(coder, contexts, 0, class.min(15)) as u32;
        let mut found = 0;
        if class > 0 {
            found = 1;
            for shift in (0..class - 1).rev() {
                let bit = (size >> shift & 1) as usize;
                let bit = if shift + 2 == class {
                    self.dc_low.code(coder, [class as usize; 4], 0, bit)
                } else {
                    usize::from(coder.bit(1 << 15, bit != 0))
                };
                found = found << 1 | bit as i32;
            }
            let contexts = [
                rest as usize * 16 + (class as usize).min(15),
                signed_bucket16(from_left - from_above) * 16 + (class as usize).min(15),
                0,
                0,
            ];
            if self.dc_sign.code(coder, contexts, 0, residual < 0) {
                found = -found;
            }
        }
        block.0[0] = (prediction + found) as i16;
        found.unsigned_abs().min(255) as u8
    }
}

/// What is known while a block is being coded.
struct BlockState<'a> {
    quantization: &'a Quantization,
    near: &'a Neighbours<'a>,
    borders: Borders,
    expectation: Expectation,
}

impl BlockState<'_> {
    /// Predictions of an interior coefficient from the left and upper border, in 1/8 step.
    #[inline(always)]
    fn predictions(&self, position: usize) -> (i32, i32) {
        let reciprocal = self.quantization.reciprocals[position];
        let left = i32::from(self.near.left_border[position / 8]) - self.borders.left(position / 8);
        let above =
            i32::from(self.near.above.bottom[position % 8]) - self.borders.top(position % 8);
        (
            if self.near.has_left {
                scaled(left, reciprocal)
            } else {
                0
            },
            if self.near.has_above {
                scaled(above, reciprocal)
            } else {
                0
            },
        )
    }

    #[inline(always)]
    fn edge_prediction<const COLUMN: bool>(&self, position: usize, index: usize) -> i32 {
        let reciprocal = self.quantization.reciprocals[position];
        if COLUMN {
            let missing = i32::from(self.near.left_border[index]) - self.borders.left(index);
            if self.near.has_left {
                scaled_dc_weight(missing, reciprocal)
            } else {
                0
            }
        } else {
            let missing = i32::from(self.near.above.bottom[index]) - self.borders.top(index);
            if self.near.has_above {
                scaled_dc_weight(missing, reciprocal)
            } else {
                0
            }
        }
    }

    #[inline(always)]
    fn dc_predictions(&self) -> (i32, i32) {
        let reciprocal = self.quantization.reciprocals[0];
        let left = i32::from(self.near.left_border[0]) - self.borders.left(0);
        let above = i32::from(self.near.above.bottom[0]) - self.borders.top(0);
        (
            scaled_dc_weight(left, reciprocal),
            scaled_dc_weight(above, reciprocal),
        )
    }

    /// How badly the edges' coefficients continue the neighbours' borders, in 1/8 DC step.
    #[inline(always)]
    fn border_misfit(&self) -> u32 {
        let mut misfit = 0;
        for index in 1..8 {
            if self.near.has_left {
                misfit += (i32::from(self.near.left_border[index]) - self.borders.left(index))
                    .unsigned_abs();
            }
            if self.near.has_above {
                misfit += (i32::from(self.near.above.bottom[index]) - self.borders.top(index))
                    .unsigned_abs();
            }
        }
        scaled(misfit as i32, self.quantization.reciprocals[0]).unsigned_abs() / 4
    }

    /// Signs of the same coefficient above, to the left, and in the other component: 0..27.
    #[inline(always)]
    fn neighbour_signs(&self, position: usize) -> usize {
        let sign = |block: &Remembered| (block.values[position].signum() + 1) as usize;
        (sign(self.near.above) * 3 + sign(self.near.left)) * 3 + sign(self.near.other)
    }

    #[inline(always)]
    fn add(&mut self, position: usize, value: i16, size: u32) {
        self.expectation.add(position, size);
        self.borders.add(
            position,
            i32::from(value) * self.quantization.steps[position],
        );
    }
}

#[inline(always)]
fn scaled(border: i32, reciprocal: u32) -> i32 {
    (i64::from(border) * i64::from(reciprocal) >> 16) as i32
}

/// As [`scaled`], for a coefficient whose weight in the border is smaller by the root of two.
#[inline(always)]
fn scaled_dc_weight(border: i32, reciprocal: u32) -> i32 {
    (i64::from(border) * i64::from(reciprocal) * 181 >> 23) as i32
}

#[inline(always)]
fn signed(size: u32, negative: bool) -> i16 {
    let value = size as u16 as i16;
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

#[inline(always)]
fn signed_bucket16(prediction: i32) -> usize {
    let bucket = prediction_bucket8(prediction.unsigned_abs());
    if prediction < 0 { 8 + bucket } else { bucket }
}

fn interior_end(block: &Block) -> usize {
    let last = INTERIOR
        .iter()
        .rposition(|&position| block.0[usize::from(position)] != 0);
    last.map_or(0, |z| z + 1)
}

fn edge_end(block: &Block, step: usize) -> usize {
    (1..8)
        .rev()
        .find(|&index| block.0[index * step] != 0)
        .unwrap_or(0)
}

#[inline(always)]
fn end_bucket(end: usize) -> usize {
    const BUCKETS: [u8; 50] = [
        0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6,
        6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    ];
    usize::from(BUCKETS[end.min(49)])
}

#[inline(always)]
fn remaining_bucket4(remaining: usize) -> usize {
    match remaining {
        1 => 0,
        2..=4 => 1,
        5..=12 => 2,
        _ => 3,
    }
}

#[inline(always)]
fn remaining_bucket8(remaining: usize) -> usize {
    const BUCKETS: [u8; 50] = [
        0, 0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    ];
    usize::from(BUCKETS[remaining.min(49)])
}
