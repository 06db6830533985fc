//! The default level: binary decisions, each predicted by all its contexts.

use super::binary::{BinarySign, MAGNITUDE_NODES, NodeTables, Nodes, UnaryMagnitude};
use super::decisions::{Choice, Contexts, Decisions, Shape};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;
use crate::entropy::mixed::{Weights, mixed_bit};

/// The slowest rate of a slot: it remembers some 220 decisions.
const SLOWEST: u32 = 300;

/// Binary decisions mixed from their first `N` contexts.
pub(crate) struct Mixing<const N: usize>;

impl<const N: usize> Decisions for Mixing<N> {
    type Choice = MixedTree<N>;
    type Magnitude = UnaryMagnitude<Tables<N, MAGNITUDE_NODES>>;
    type InteriorMagnitude = super::symbolic::SymbolMagnitude<2, true>;
    type Sign = BinarySign<Tables<N, 1>>;
    const PREDICTED_SIGN_ZONES: usize = 13;
}

/// `NODES` slots for every value of each of `N` contexts, and weights for every node of each set.
pub(crate) struct Tables<const N: usize, const NODES: usize> {
    lines: [Vec<[Slot; NODES]>; N],
    weights: Vec<[Weights<N>; NODES]>,
}

/// The lines and weights of one decision or tree of decisions.
pub(crate) struct Selected<'a, const N: usize, const NODES: usize> {
    lines: [&'a mut [Slot; NODES]; N],
    weights: &'a mut [Weights<N>; NODES],
}

impl<const N: usize, const NODES: usize> NodeTables<NODES> for Tables<N, NODES> {
    type Selected<'a> = Selected<'a, N, NODES>;

    fn new(shape: &Shape) -> Self {
        Self {
            lines: std::array::from_fn(|input| vec![[Slot::EVEN; NODES]; shape.contexts[input]]),
            weights: vec![[Weights::INITIAL; NODES]; shape.weight_sets],
        }
    }

    fn first_lines(&mut self) -> &mut Vec<[Slot; NODES]> {
        &mut self.lines[0]
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        for lines in &mut self.lines {
            visitor.slots(lines.as_flattened_mut());
        }
        for weights in self.weights.as_flattened_mut() {
            visitor.weights(weights.all());
        }
    }

    #[inline(always)]
    fn select(&mut self, contexts: &Contexts, weight_set: usize) -> Selected<'_, N, NODES> {
        let mut contexts = contexts.iter();
        Selected {
            lines: self.lines.each_mut().map(|lines| {
                let context = contexts.next().copied().unwrap_or(0);
                &mut lines[context]
            }),
            weights: &mut self.weights[weight_set],
        }
    }
}

impl<const N: usize, const NODES: usize> Nodes for Selected<'_, N, NODES> {
    #[inline(always)]
    fn code<C: Coder, const PREDICTABLE: bool>(
        &mut self,
        coder: &mut C,
        node: usize,
        bit: bool,
    ) -> bool {
        mixed_bit::<C, N, NODES, PREDICTABLE>(
            coder,
            &mut self.lines,
            node,
            &mut self.weights[node],
            SLOWEST,
            bit,
        )
    }
}

/// A binary tree whose nodes are mixed decisions.
pub(crate) struct MixedTree<const N: usize> {
    tables: Tables<N, 64>,
    bits: u32,
}

impl<const N: usize> Choice for MixedTree<N> {
    fn new(shape: &Shape, bits: u32) -> Self {
        Self {
            tables: Tables::new(shape),
            bits,
        }
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        value: usize,
    ) -> usize {
        let mut selected = self.tables.select(&contexts, weight_set);
        let mut node = 1;
        for shift in (0..self.bits).rev() {
            let bit = value >> shift & 1 != 0;
            let bit = selected.code::<C, true>(coder, node & 63, bit);
            node = node << 1 | usize::from(bit);
        }
        node - (1 << self.bits)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.tables.visit(visitor);
    }
}
