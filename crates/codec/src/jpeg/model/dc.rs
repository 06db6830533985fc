//! Codes the DC coefficient, when all others of its block are known.

use super::block::Block;
use super::buckets::{prediction_bucket16, signed_bucket16};
use super::context::combine;
use super::decisions::{Choice, Decisions, Shape, Sign};
use super::surroundings::Surroundings;
use crate::entropy::learned::LearnedStates;
use crate::entropy::{Coder, Vectorizing, code_evenly};

/// The adaptive model of DC.
pub(crate) struct DcModel<D: Decisions> {
    /// Bit length of what the prediction missed.
    length: D::Choice,
    /// The bit after the highest.
    low_bit: D::Choice,
    sign: D::Sign,
}

const LENGTHS: usize = 16;

/// Together with the largest DC that is coded (2^14), below 2^15.
const LARGEST_PREDICTION: i32 = (1 << 14) - 1;

impl<D: Decisions> DcModel<D> {
    pub(crate) fn new() -> Self {
        let square = Shape {
            contexts: [256, 256, 256, 16],
            weight_sets: 1,
        };
        Self {
            length: D::Choice::new(&square, 4),
            low_bit: D::Choice::new(
                &Shape {
                    contexts: [LENGTHS; 4],
                    weight_sets: 1,
                },
                1,
            ),
            sign: D::Sign::new(&square),
        }
    }

    /// Shows everything that it learns.
    pub(crate) fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.length.visit(visitor);
        self.low_bit.visit(visitor);
        self.sign.visit(visitor);
    }

    /// Codes DC; the size of what its prediction missed, saturated at 255.
    #[inline(always)]
    pub(crate) fn code<C: Vectorizing>(
        &mut self,
        coder: &mut C,
        around: &Surroundings<'_, C::Simd>,
        block: &mut Block,
    ) -> u8 {
        let near = around.near;
        let (from_left, from_above) = around.dc_predictions();
        let (sum, disagreement) = match (near.has_left, near.has_above) {
            (true, true) => (
                from_left.wrapping_add(from_above),
                from_left.abs_diff(from_above),
            ),
            (true, false) => (from_left.wrapping_mul(2), 24),
            (false, true) => (from_above.wrapping_mul(2), 24),
            (false, false) => (0, 1000),
        };
        // The sum is in 1/16 of a step; the remainder says which way rounding went. Absurd
        // predictions are cut, so that what they miss has fewer than LENGTHS bits.
        let prediction = (sum.wrapping_add(8) >> 4).clamp(-LARGEST_PREDICTION, LARGEST_PREDICTION);
        let rounding = (sum.wrapping_add(8) & 15).cast_unsigned() as usize;
        let distrust = prediction_bucket16(around.border_misfit());
        let disagreement = prediction_bucket16(disagreement);
        let residuals =
            u32::from(near.above.dc_residual).wrapping_add(u32::from(near.left.dc_residual));
        let missed = prediction_bucket16(residuals.wrapping_mul(4));
        let contexts = [
            combine([(disagreement, 16), (distrust, 16)]),
            combine([(disagreement, 16), (missed, 16)]),
            combine([(distrust, 16), (missed, 16)]),
            disagreement,
        ];
        let residual = i32::from(block.dc()).wrapping_sub(prediction);
        let size = if C::ENCODES {
            residual.unsigned_abs()
        } else {
            0
        };
        let length = 32u32.wrapping_sub(size.leading_zeros()) as usize;
        let length = self
            .length
            .code(coder, contexts, 0, length.min(LENGTHS - 1));
        if length == 0 {
            block.set_dc(prediction as i16);
            return 0;
        }
        let size = self.code_low_bits(coder, length, size);
        let contexts = [
            combine([(rounding, 16), (length, LENGTHS)]),
            combine([
                (signed_bucket16(from_left.wrapping_sub(from_above)), 16),
                (length, LENGTHS),
            ]),
            combine([(rounding, 16), (disagreement, 16)]),
            length,
        ];
        let negative = self.sign.code(coder, contexts, 0, residual < 0);
        let residual = size.cast_signed();
        let residual = if negative {
            residual.wrapping_neg()
        } else {
            residual
        };
        block.set_dc(prediction.wrapping_add(residual) as i16);
        size.min(255) as u8
    }

    /// The bits below the highest of a value of `length` bits.
    #[inline(always)]
    fn code_low_bits<C: Coder>(&mut self, coder: &mut C, length: usize, size: u32) -> u32 {
        let Some(below) = (length as u32).checked_sub(2) else {
            return 1;
        };
        let bit = (size >> below & 1) as usize;
        let bit = self.low_bit.code(coder, [length; 4], 0, bit) as u32;
        let rest = code_evenly(coder, below, size & (1u32 << below).wrapping_sub(1));
        (2 | bit) << below | rest
    }
}
