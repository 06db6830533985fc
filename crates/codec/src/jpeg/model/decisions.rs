//! What a compression level decides: how a decision uses its contexts.
//!
//! The contexts of every decision are described once, beside the decision; a level takes the
//! first of them or mixes several. Invariant: the three kinds of decision below are all that the
//! coefficient model asks for, so a level is complete once it implements them.

use super::buckets::typical_magnitude;
use crate::entropy::Coder;
use crate::entropy::learned::LearnedStates;

/// Contexts of one decision, the most telling first; the last one selects mixing weights, where there are
/// two sets of them.
pub(crate) type Contexts = [usize; 4];

/// How many values each of the contexts takes, and how many sets of mixing weights there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) contexts: Contexts,
    pub(crate) weight_sets: usize,
}

/// How many scales of expected magnitude there are.
pub(crate) const SCALES: usize = 24;

/// As [`Shape`], for magnitudes: the first context's number holds the scale of the expected
/// magnitude, as `number / scale_step % SCALES`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MagnitudeShape {
    pub(crate) shape: Shape,
    pub(crate) scale_step: usize,
}

impl MagnitudeShape {
    /// Makes what is needed for every first context from what its scale lets expect: the
    /// probability, in units of 1/65536, that a magnitude is greater than one it is known to
    /// reach, as in a geometric distribution with the expected mean.
    pub(crate) fn for_first_contexts<T: Copy>(&self, make: impl Fn(u32) -> T) -> Vec<T> {
        let by_scale: [T; SCALES] = std::array::from_fn(|scale| {
            let mean = typical_magnitude(scale);
            make((mean << 16) / (mean + 64))
        });
        let scale_of = |context| context / self.scale_step % SCALES;
        (0..self.shape.contexts[0])
            .map(|context| by_scale[scale_of(context)])
            .collect()
    }
}

/// Codes one of up to 64 values as a binary tree or as symbols.
pub(crate) trait Choice {
    /// A model for values below 2^`bits`, `bits` at most 6.
    fn new(shape: &Shape, bits: u32) -> Self;
    /// Codes `value`; `weight_set` selects the mixing weights.
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        value: usize,
    ) -> usize;
    /// Shows everything that it learns.
    fn visit<V: LearnedStates>(&mut self, visitor: &mut V);
}

/// Codes absolute values of coefficients.
pub(crate) trait Magnitude {
    /// A model for values up to 65535.
    fn new(shape: &MagnitudeShape) -> Self;
    /// Codes `value`. `nonzero` tells that it cannot be zero; `scale` (below 24) is the expected
    /// magnitude on a logarithmic scale, which guides the low bits of large values.
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        nonzero: bool,
        scale: usize,
        value: u32,
    ) -> u32;
    /// Shows everything that it learns.
    fn visit<V: LearnedStates>(&mut self, visitor: &mut V);
}

/// Codes signs.
pub(crate) trait Sign {
    /// A model that expects both signs alike.
    fn new(shape: &Shape) -> Self;
    /// Codes whether a value is negative.
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        negative: bool,
    ) -> bool;
    /// Shows everything that it learns.
    fn visit<V: LearnedStates>(&mut self, visitor: &mut V);
}

/// One level's way to make each kind of decision.
pub(crate) trait Decisions {
    type Choice: Choice;
    type Magnitude: Magnitude;
    /// For the interior, where most of the coefficients are.
    type InteriorMagnitude: Magnitude;
    type Sign: Sign;
    /// Interior signs are predicted in the zones below this, see
    /// [`INTERIOR_ZONE`](super::tables::INTERIOR_ZONE), and as likely negative as not in the others.
    const PREDICTED_SIGN_ZONES: usize;
}
