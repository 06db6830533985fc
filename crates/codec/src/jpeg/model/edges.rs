//! Codes the first row and the first column of a block, DC left out.

use super::block::{Block, signed};
use super::buckets::{
    end_bucket, prediction_bucket8, prediction_bucket16, scale_bucket, signed_bucket16,
    signed_bucket32,
};
use super::context::combine;
use super::decisions::{Choice, Decisions, Magnitude, MagnitudeShape, Shape, Sign};
use super::expectation::AlongEdge;
use super::surroundings::Surroundings;
use super::tables::EDGE_PLACE;
use crate::entropy::Vectorizing;
use crate::entropy::learned::LearnedStates;

/// The adaptive model of both edges.
pub(crate) struct EdgeModel<D: Decisions> {
    end: D::Choice,
    magnitude: D::Magnitude,
    sign: D::Sign,
}

/// Seven coefficients on each of two edges.
const PLACES: usize = 14;

impl<D: Decisions> EdgeModel<D> {
    pub(crate) fn new() -> Self {
        Self {
            end: D::Choice::new(
                &Shape {
                    contexts: [2 * 8 * 8, 2 * 8 * 16, 2 * 8 * 8, 2 * 8],
                    weight_sets: 2,
                },
                3,
            ),
            magnitude: D::Magnitude::new(&MagnitudeShape {
                shape: Shape {
                    contexts: [
                        PLACES * 2 * 24 * 8,
                        PLACES * 12 * 16,
                        PLACES * 8 * 8 * 3,
                        24 * 8,
                    ],
                    weight_sets: PLACES * 2,
                },
                scale_step: 8,
            }),
            sign: D::Sign::new(&Shape {
                contexts: [PLACES * 32 * 4, PLACES * 27, PLACES * 16 * 9, 32 * 4],
                weight_sets: PLACES,
            }),
        }
    }

    /// Shows everything that it learns.
    pub(crate) fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.end.visit(visitor);
        self.magnitude.visit(visitor);
        self.sign.visit(visitor);
    }

    /// Codes the first column (`COLUMN`) or first row; the frequency, 0..=7, of its last nonzero.
    #[inline(always)]
    pub(crate) fn code<C: Vectorizing, const COLUMN: bool>(
        &mut self,
        coder: &mut C,
        around: &mut Surroundings<'_, C::Simd>,
        interior_end: usize,
        block: &mut Block,
    ) -> usize {
        let end = self.code_end::<C, COLUMN>(coder, around, interior_end, block);
        let edge = usize::from(COLUMN);
        let interior = end_bucket(interior_end);
        let mut nonzeros = 0usize;
        let mut previous = 0;
        let mut along = AlongEdge::default();
        let mut index = 0usize;
        while index < end {
            index = index.wrapping_add(1);
            let position = place_on_edge::<COLUMN>(index);
            let last = index == end;
            let place = edge.wrapping_mul(7).wrapping_add(index).wrapping_sub(1);
            let prediction = around.edge_prediction::<COLUMN>(index);
            let expected = around
                .expectation
                .at(position)
                .wrapping_add(along.expected());
            let scale = scale_bucket(expected);
            let predicted8 = prediction_bucket8(prediction.unsigned_abs());
            let predicted16 = prediction_bucket16(prediction.unsigned_abs());
            let inside = around.expectation.inside(position, expected);
            let inside = scale_bucket(inside.wrapping_mul(10)) / 2;
            let contexts = [
                combine([
                    (place, PLACES),
                    (usize::from(last), 2),
                    (scale, 24),
                    (predicted8, 8),
                ]),
                combine([(place, PLACES), (inside, 12), (predicted16, 16)]),
                combine([(place, PLACES), (interior, 8), (nonzeros, 8), (previous, 3)]),
                combine([(scale, 24), (predicted8, 8)]),
            ];
            let weight_set = combine([(place, PLACES), (usize::from(last), 2)]);
            let size = u32::from(block.at(position).unsigned_abs());
            let size = self
                .magnitude
                .code(coder, contexts, weight_set, last, scale, size);
            previous = size.min(2) as usize;
            if size == 0 {
                along.push(0);
                continue;
            }
            along.push(size);
            nonzeros = nonzeros.wrapping_add(1);
            let class = (size.min(4) as usize).wrapping_sub(1);
            let predicted = signed_bucket32(prediction);
            let sign_at = |position: usize| {
                block
                    .at(position & 63)
                    .signum()
                    .wrapping_add(1)
                    .cast_unsigned() as usize
            };
            let step = if COLUMN { 8 } else { 1 };
            let before = if index > 2 {
                sign_at(position.wrapping_sub(step))
                    .wrapping_mul(3)
                    .wrapping_add(sign_at(position.wrapping_sub(step * 2)))
            } else {
                4
            };
            let contexts = [
                combine([(place, PLACES), (predicted, 32), (class, 4)]),
                combine([(place, PLACES), (around.signs(position), 27)]),
                combine([
                    (place, PLACES),
                    (signed_bucket16(prediction), 16),
                    (before, 9),
                ]),
                combine([(predicted, 32), (class, 4)]),
            ];
            let negative = self
                .sign
                .code(coder, contexts, place, block.at(position) < 0);
            let value = signed(size, negative);
            block.set_at(position, usize::from(EDGE_PLACE[edge][index & 7]), value);
            around.add_edge(position, value);
        }
        if !COLUMN {
            let first = u32::from(block.at(1).unsigned_abs());
            around.expectation.add_first_of_row(first);
        }
        end
    }

    #[inline(always)]
    fn code_end<C: Vectorizing, const COLUMN: bool>(
        &mut self,
        coder: &mut C,
        around: &Surroundings<'_, C::Simd>,
        interior_end: usize,
        block: &Block,
    ) -> usize {
        let near = around.near;
        let edge = usize::from(COLUMN);
        let mut expected = 0u32;
        let mut reach = 0;
        for index in 1..8 {
            let here = around.expectation.at(place_on_edge::<COLUMN>(index));
            expected = expected.wrapping_add(here);
            if here > 20 {
                reach = index;
            }
        }
        let expected = (scale_bucket(expected / 2).wrapping_mul(2) / 3).min(15);
        let above = usize::from(near.above.edge_ends[edge]);
        let left = usize::from(near.left.edge_ends[edge]);
        let other = usize::from(near.other.edge_ends[edge]);
        let contexts = [
            combine([(edge, 2), (above, 8), (left, 8)]),
            combine([(edge, 2), (end_bucket(interior_end), 8), (expected, 16)]),
            combine([(edge, 2), (other, 8), (reach, 8)]),
            combine([(edge, 2), (reach, 8)]),
        ];
        let end = if C::ENCODES {
            edge_end::<COLUMN>(block)
        } else {
            0
        };
        self.end.code(coder, contexts, edge, end)
    }
}

/// Natural position of a frequency along an edge.
#[inline(always)]
fn place_on_edge<const COLUMN: bool>(index: usize) -> usize {
    if COLUMN { (index & 7) << 3 } else { index & 7 }
}

fn edge_end<const COLUMN: bool>(block: &Block) -> usize {
    let nonzero = |&index: &usize| block.at(place_on_edge::<COLUMN>(index)) != 0;
    (1..8).rev().find(nonzero).unwrap_or(0)
}
