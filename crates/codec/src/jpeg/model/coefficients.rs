//! Codes the coefficients of one block: written once, for both directions and all levels.
//!
//! Order: how far the 7 × 7 interior reaches, its coefficients along the zigzag sequence, the
//! first row, the first column, then DC, which by then can be predicted from whole borders.
//! Invariant: a context only depends on what both directions know at that point.

use super::block::{Block, Neighbours, Remembered};
use super::dc::DcModel;
use super::decisions::Decisions;
use super::edges::EdgeModel;
use super::interior::InteriorModel;
use super::quantization::Quantization;
use super::surroundings::Surroundings;
use crate::entropy::Vectorizing;
use crate::entropy::learned::LearnedStates;

/// The adaptive model of one class of components (the first one, or all others).
pub(crate) struct CoefficientModel<D: Decisions> {
    /// Weight of the other component's block in expectations, in 1/64.
    other_weight: u16,
    interior: InteriorModel<D>,
    edges: EdgeModel<D>,
    dc: DcModel<D>,
}

impl<D: Decisions> CoefficientModel<D> {
    pub(crate) fn new(other_weight: u16) -> Self {
        Self {
            other_weight,
            interior: InteriorModel::new(),
            edges: EdgeModel::new(),
            dc: DcModel::new(),
        }
    }

    /// Shows everything that it learns.
    pub(crate) fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.interior.visit(visitor);
        self.edges.visit(visitor);
        self.dc.visit(visitor);
    }

    /// Codes `block` and returns what later blocks need of it, and its border sums towards the
    /// right neighbour.
    #[inline(always)]
    pub(crate) fn code_block<C: Vectorizing>(
        &mut self,
        coder: &mut C,
        quantization: &Quantization,
        near: &Neighbours<'_>,
        block: &mut Block,
    ) -> (Remembered, [i16; 8]) {
        let mut around = Surroundings::new(coder.simd(), self.other_weight, quantization, near);
        let end = self.interior.code_end(coder, &around, block);
        self.interior.code(coder, &mut around, end, block);
        let row_end = self.edges.code::<C, false>(coder, &mut around, end, block);
        let column_end = self.edges.code::<C, true>(coder, &mut around, end, block);
        let dc_residual = self.dc.code(coder, &around, block);
        around
            .borders
            .add_dc(i32::from(block.dc()).wrapping_mul(quantization.steps[0]));
        let remembered = Remembered {
            values: block.values().map(|value| value.clamp(-127, 127) as i8),
            bottom: around.borders.bottom(),
            dc_residual,
            interior_end: end as u8,
            edge_ends: [row_end as u8, column_end as u8],
        };
        (remembered, around.borders.right())
    }
}
