//! Codes the 7 × 7 interior of a block: the coefficients both of whose frequencies differ from 0.

use super::block::{Block, Neighbours, signed};
use super::buckets::{
    end_bucket, prediction_bucket8, remaining_bucket4, remaining_bucket8, scale_bucket,
    signed_bucket16,
};
use super::context::combine;
use super::decisions::{Choice, Decisions, Magnitude, MagnitudeShape, Shape, Sign};
use super::surroundings::Surroundings;
use super::tables::{INTERIOR, INTERIOR_PLACE, INTERIOR_PLACES, INTERIOR_ZONE};
use crate::entropy::learned::LearnedStates;
use crate::entropy::{Coder, Vectorizing};

/// The adaptive model of the interior.
pub(crate) struct InteriorModel<D: Decisions> {
    end: D::Choice,
    magnitude: D::InteriorMagnitude,
    sign: D::Sign,
}

const POSITIONS: usize = 49;

impl<D: Decisions> InteriorModel<D> {
    pub(crate) fn new() -> Self {
        Self {
            end: D::Choice::new(
                &Shape {
                    contexts: [50 * 3, 8 * 8, 50, 8 * 8],
                    weight_sets: 1,
                },
                6,
            ),
            magnitude: D::InteriorMagnitude::new(&MagnitudeShape {
                shape: Shape {
                    contexts: [
                        POSITIONS * 24 * 4,
                        POSITIONS * 12 * 8,
                        POSITIONS * 8 * 8,
                        24 * 13 * 8,
                    ],
                    weight_sets: POSITIONS * 4,
                },
                scale_step: 4,
            }),
            sign: D::Sign::new(&Shape {
                contexts: [
                    16 * 16 * 4 * 4,
                    POSITIONS * 16 * 4,
                    POSITIONS * 16 * 4,
                    POSITIONS * 27,
                ],
                weight_sets: POSITIONS,
            }),
        }
    }

    /// Shows everything that it learns.
    pub(crate) fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.end.visit(visitor);
        self.magnitude.visit(visitor);
        self.sign.visit(visitor);
    }

    /// Codes one past the last nonzero coefficient in zigzag order, 0..=49.
    #[inline(always)]
    pub(crate) fn code_end<C: Coder>(
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
        let spread = (above.abs_diff(left).wrapping_add(2) / 6).min(2);
        let sides = above.wrapping_add(left);
        let diagonal = above_left.wrapping_add(above_right);
        let contexts = [
            combine([(sides.div_ceil(2), 50), (spread, 3)]),
            combine([(end_bucket(diagonal / 2), 8), (end_bucket(other), 8)]),
            sides.wrapping_mul(2).wrapping_add(diagonal).wrapping_add(2) / 6,
            combine([(end_bucket(above), 8), (end_bucket(left), 8)]),
        ];
        let end = if C::ENCODES { interior_end(block) } else { 0 };
        self.end.code(coder, contexts, 0, end).min(POSITIONS)
    }

    /// Codes the coefficients before `end`.
    #[inline(always)]
    pub(crate) fn code<C: Vectorizing>(
        &mut self,
        coder: &mut C,
        around: &mut Surroundings<'_, C::Simd>,
        end: usize,
        block: &mut Block,
    ) {
        for z in 0..end.min(POSITIONS) {
            let position = usize::from(INTERIOR[z]) & 63;
            let remaining = end.wrapping_sub(z);
            let scale = scale_bucket(around.expectation.at(position));
            let inside = scale_bucket(around.expectation.inside(position).wrapping_mul(10)) / 2;
            let (from_left, from_above) = around.interior_predictions(position);
            let left8 = prediction_bucket8(from_left.unsigned_abs());
            let above8 = prediction_bucket8(from_above.unsigned_abs());
            let near_end = remaining_bucket4(remaining);
            let rest = remaining_bucket8(remaining);
            let zone = usize::from(INTERIOR_ZONE[z]);
            let contexts = [
                combine([(z, POSITIONS), (scale, 24), (near_end, 4)]),
                combine([(z, POSITIONS), (inside, 12), (rest, 8)]),
                combine([(z, POSITIONS), (left8, 8), (above8, 8)]),
                combine([(scale, 24), (zone, 13), (rest, 8)]),
            ];
            let weight_set = combine([(z, POSITIONS), (near_end, 4)]);
            let last = remaining == 1;
            let size = u32::from(block.at(position).unsigned_abs());
            let size = self
                .magnitude
                .code(coder, contexts, weight_set, last, scale, size);
            if size == 0 {
                continue;
            }
            let negative = if zone < D::PREDICTED_SIGN_ZONES {
                self.code_sign(coder, around, z, size, block)
            } else {
                coder.unpredictable_bit(1 << 15, block.at(position) < 0)
            };
            let value = signed(size, negative);
            block.set_at(position, usize::from(INTERIOR_PLACE[z]), value);
            around.add_interior(position, size, value);
        }
    }

    /// Codes whether the coefficient at index `z` of [`INTERIOR`] is negative.
    #[inline(always)]
    fn code_sign<C: Vectorizing>(
        &mut self,
        coder: &mut C,
        around: &Surroundings<'_, C::Simd>,
        z: usize,
        size: u32,
        block: &Block,
    ) -> bool {
        let position = usize::from(INTERIOR[z]) & 63;
        let zone = usize::from(INTERIOR_ZONE[z]);
        let (from_left, from_above) = around.interior_predictions(position);
        let class = (size.min(4) as usize).wrapping_sub(1);
        let left = signed_bucket16(from_left);
        let above = signed_bucket16(from_above);
        let contexts = [
            combine([(left, 16), (above, 16), (class, 4), (zone / 4, 4)]),
            combine([(z, POSITIONS), (left, 16), (class, 4)]),
            combine([(z, POSITIONS), (above, 16), (class, 4)]),
            combine([(z, POSITIONS), (around.signs(position), 27)]),
        ];
        self.sign.code(coder, contexts, z, block.at(position) < 0)
    }
}

/// Places before the last nonzero one, that one included, counted in the interior alone.
fn interior_end(block: &Block) -> usize {
    let nonzero = block.nonzero() & INTERIOR_PLACES;
    let reach = u64::MAX.checked_shr(nonzero.leading_zeros()).unwrap_or(0);
    (reach & INTERIOR_PLACES).count_ones() as usize
}
