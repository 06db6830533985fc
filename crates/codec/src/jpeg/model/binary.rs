//! Magnitudes and signs as binary decisions, whatever predicts these.
//!
//! Invariant: the levels that decide bit by bit differ in the tables alone that predict a decision.

use super::decisions::{Contexts, Magnitude, MagnitudeShape, SCALES, Shape, Sign};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;

/// The slowest rate of slots of low bits: they remember some 220 decisions.
const SLOWEST: u32 = 300;

/// What predicts decisions, `NODES` of them for every value of each context.
pub(crate) trait NodeTables<const NODES: usize> {
    /// What the decisions in given contexts use.
    type Selected<'a>: Nodes
    where
        Self: 'a;
    /// Tables that expect both outcomes of every decision alike.
    fn new(shape: &Shape) -> Self;
    /// The slots of the first context, by its value.
    fn first_lines(&mut self) -> &mut Vec<[Slot; NODES]>;
    /// Finds what these contexts use.
    fn select(&mut self, contexts: &Contexts, weight_set: usize) -> Self::Selected<'_>;
    /// Shows everything that they learn.
    fn visit<V: LearnedStates>(&mut self, visitor: &mut V);
}

/// Decisions in given contexts.
pub(crate) trait Nodes {
    /// Codes the decision of a node and learns from it; `PREDICTABLE`: a branch predictor may guess it.
    fn code<C: Coder, const PREDICTABLE: bool>(
        &mut self,
        coder: &mut C,
        node: usize,
        bit: bool,
    ) -> bool;
}

/// Zero flag, then the class 1, 2, 3–4, 5–8, … in unary, then the bits within the class.
pub(crate) struct UnaryMagnitude<T> {
    tables: T,
    /// By class, scale and the two top bits so far.
    low_bits: Vec<[Slot; 4]>,
}

/// Nodes of one magnitude.
pub(crate) const MAGNITUDE_NODES: usize = 8;
const CLASSES: usize = 17;

impl<T: NodeTables<MAGNITUDE_NODES>> Magnitude for UnaryMagnitude<T> {
    fn new(shape: &MagnitudeShape) -> Self {
        let mut tables = T::new(&shape.shape);
        *tables.first_lines() = shape.for_first_contexts(expected_line);
        Self {
            tables,
            low_bits: vec![[Slot::EVEN; 4]; CLASSES * SCALES],
        }
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        nonzero: bool,
        scale: usize,
        value: u32,
    ) -> u32 {
        let mut selected = self.tables.select(&contexts, weight_set);
        if !nonzero && !selected.code::<C, true>(coder, 0, value != 0) {
            return 0;
        }
        if !selected.code::<C, true>(coder, 1, value > 1) {
            return 1;
        }
        if !selected.code::<C, true>(coder, 2, value > 2) {
            return 2;
        }
        let excess = value.wrapping_sub(1);
        // Class k > 0 holds 2^(k-1) < value <= 2^k.
        let wanted = 32u32.wrapping_sub(excess.leading_zeros());
        let mut class = 2u32;
        while class < 16 {
            let node = (class as usize).wrapping_add(1).min(MAGNITUDE_NODES - 1);
            if !selected.code::<C, true>(coder, node, wanted > class) {
                break;
            }
            class = class.wrapping_add(1);
        }
        let low_bits = &mut self.low_bits[class as usize * SCALES + scale];
        let top = 1 << class.wrapping_sub(1);
        (top | code_low_bits(coder, low_bits, class, excess)).wrapping_add(1)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.tables.visit(visitor);
        visitor.slots(self.low_bits.as_flattened_mut());
    }
}

/// Slots that expect every value to be followed by a greater one with probability `growth`.
fn expected_line(growth: u32) -> [Slot; MAGNITUDE_NODES] {
    let mut line = [Slot::expecting(growth); MAGNITUDE_NODES];
    let mut power = growth;
    for slot in &mut line[3..] {
        power = (power * power) >> 16;
        *slot = Slot::expecting(power);
    }
    line
}

#[inline(always)]
fn code_low_bits<C: Coder>(coder: &mut C, slots: &mut [Slot; 4], class: u32, excess: u32) -> u32 {
    let mut low = 0;
    for shift in (0..class.wrapping_sub(1)).rev() {
        let bit = excess >> shift & 1 != 0;
        let bit = if shift.wrapping_add(3) >= class {
            let node = if shift.wrapping_add(2) == class {
                1
            } else {
                2 | low as usize
            };
            slots[node & 3].code(coder, bit, SLOWEST)
        } else {
            coder.bit(1 << 15, bit)
        };
        low = low << 1 | u32::from(bit);
    }
    low
}

/// Signs as single decisions.
pub(crate) struct BinarySign<T>(T);

impl<T: NodeTables<1>> Sign for BinarySign<T> {
    fn new(shape: &Shape) -> Self {
        Self(T::new(shape))
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        negative: bool,
    ) -> bool {
        let mut selected = self.0.select(&contexts, weight_set);
        selected.code::<C, false>(coder, 0, negative)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.0.visit(visitor);
    }
}
