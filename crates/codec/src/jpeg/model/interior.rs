//! Codes the 7 × 7 interior of a block: the coefficients both of whose frequencies differ from 0.

use super::block::{Block, signed};
use super::buckets::{
    end_bucket, prediction_bucket8, remaining_bucket4, remaining_bucket8, scale_bucket,
    signed_bucket16, signed_bucket32,
};
use super::context::combine;
use super::decisions::{Choice, Decisions, Magnitude, MagnitudeShape, Shape, Sign};
use super::expectation::{spread_between, spread_of};
use super::surroundings::Surroundings;
use super::tables::{INTERIOR, INTERIOR_PLACE, INTERIOR_PLACES, INTERIOR_ZONE};
use crate::entropy::Vectorizing;
use crate::entropy::learned::LearnedStates;

/// The adaptive model of the interior.
pub(crate) struct InteriorModel<D: Decisions> {
    end: D::Choice,
    magnitude: D::InteriorMagnitude,
    sign: D::Sign,
}

const POSITIONS: usize = 49;

/// By index into [`INTERIOR`]: the position behind it, and what a coefficient of size 1 adds to the
/// expectation there. The last one is its own.
static NEXT: [(u8, u16); POSITIONS] = next();

const fn next() -> [(u8, u16); POSITIONS] {
    let mut next = [(INTERIOR[POSITIONS - 1], 0); POSITIONS];
    let mut z = 1;
    while z < POSITIONS {
        let weight = spread_between(INTERIOR[z - 1] as usize, INTERIOR[z] as usize);
        next[z - 1] = (INTERIOR[z], weight);
        z += 1;
    }
    next
}

/// How many positions are in the zones below `zones`, which come first.
const fn positions_below(zones: usize) -> usize {
    let mut count = 0;
    while count < POSITIONS && (INTERIOR_ZONE[count] as usize) < zones {
        count += 1;
    }
    count
}

impl<D: Decisions> InteriorModel<D> {
    pub(crate) fn new() -> Self {
        Self {
            end: D::Choice::new(
                &Shape {
                    contexts: [50 * 3, 8 * 8, 50, 8],
                    weight_sets: 1,
                },
                6,
            ),
            magnitude: D::InteriorMagnitude::new(&MagnitudeShape {
                shape: Shape {
                    contexts: [
                        POSITIONS * 4 * 24,
                        POSITIONS * 12 * 8,
                        POSITIONS * 8 * 8,
                        24 * 8,
                    ],
                    weight_sets: POSITIONS * 4,
                },
                scale_step: 1,
            }),
            sign: D::Sign::new(&Shape {
                contexts: [
                    4 * 16 * 16 * 4,
                    POSITIONS * 16 * 4,
                    POSITIONS * 16 * 4,
                    32 * 4,
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
    pub(crate) fn code_end<C: Vectorizing>(
        &mut self,
        coder: &mut C,
        around: &Surroundings<'_, C::Simd>,
        block: &Block,
    ) -> usize {
        let near = around.near;
        let above = usize::from(near.above.interior_end);
        let left = usize::from(near.left.interior_end);
        let above_left = usize::from(near.above_left.interior_end);
        let above_right = usize::from(near.above_right.interior_end);
        let other = usize::from(near.other.interior_end);
        let spread = (above.abs_diff(left).wrapping_add(2) / 6).min(2);
        let sides = above.wrapping_add(left);
        let diagonal = above_left.wrapping_add(above_right);
        let mut reach = 0;
        for (z, &position) in INTERIOR.iter().enumerate() {
            if around.expectation.at(position.into()) > 16 {
                reach = z.wrapping_add(1);
            }
        }
        let contexts = [
            combine([(sides.div_ceil(2), 50), (spread, 3)]),
            combine([(end_bucket(diagonal / 2), 8), (end_bucket(other), 8)]),
            sides.wrapping_mul(2).wrapping_add(diagonal).wrapping_add(2) / 6,
            end_bucket(reach),
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
        let predicted = const { positions_below(D::PREDICTED_SIGN_ZONES) };
        let end = end.min(POSITIONS);
        let first = around.expectation.at(INTERIOR[0].into());
        let places = (0, end.min(predicted));
        let expected = self.code_part::<C, true>(coder, around, places, end, first, block);
        if predicted < POSITIONS {
            let places = (predicted, end);
            self.code_part::<C, false>(coder, around, places, end, expected, block);
        }
    }

    /// Codes a part of the coefficients before `end`, with predicted signs or without; takes the
    /// expectation at its first one, and returns that at the one behind it.
    ///
    /// Apart for both kinds of signs, so that no branch on the place has to be guessed.
    #[inline(always)]
    fn code_part<C: Vectorizing, const PREDICTED: bool>(
        &mut self,
        coder: &mut C,
        around: &mut Surroundings<'_, C::Simd>,
        (first, behind): (usize, usize),
        end: usize,
        mut expected: u32,
        block: &mut Block,
    ) -> u32 {
        for z in first..behind.min(POSITIONS) {
            let position = usize::from(INTERIOR[z]) & 63;
            let remaining = end.wrapping_sub(z);
            let scale = scale_bucket(expected);
            let inside = around.expectation.inside(position, expected);
            let inside = scale_bucket(inside.wrapping_mul(10)) / 2;
            let (from_left, from_above) = around.interior_predictions(position);
            let left8 = prediction_bucket8(from_left.unsigned_abs());
            let above8 = prediction_bucket8(from_above.unsigned_abs());
            let near_end = remaining_bucket4(remaining);
            let rest = remaining_bucket8(remaining);
            let contexts = [
                combine([(z, POSITIONS), (near_end, 4), (scale, 24)]),
                combine([(z, POSITIONS), (inside, 12), (rest, 8)]),
                combine([(z, POSITIONS), (left8, 8), (above8, 8)]),
                combine([(scale, 24), (rest, 8)]),
            ];
            let weight_set = combine([(z, POSITIONS), (near_end, 4)]);
            let last = remaining == 1;
            let size = u32::from(block.at(position).unsigned_abs());
            let size = self
                .magnitude
                .code(coder, contexts, weight_set, last, scale, size);
            // Loaded before this coefficient is added: afterwards it would wait for that.
            let (next, weight) = NEXT[z];
            expected = around.expectation.at(next.into());
            if size == 0 {
                continue;
            }
            let negative = if PREDICTED {
                self.code_sign(coder, around, z, size, block)
            } else {
                coder.unpredictable_bit(1 << 15, block.at(position) < 0)
            };
            let value = signed(size, negative);
            block.set_at(position, usize::from(INTERIOR_PLACE[z]), value);
            expected = expected.wrapping_add(spread_of(size, weight));
            around.add_interior(position, size, value);
        }
        expected
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
        let both = signed_bucket32(from_left.wrapping_add(from_above));
        let contexts = [
            combine([(zone / 4, 4), (left, 16), (above, 16), (class, 4)]),
            combine([(z, POSITIONS), (left, 16), (class, 4)]),
            combine([(z, POSITIONS), (above, 16), (class, 4)]),
            combine([(both, 32), (class, 4)]),
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
