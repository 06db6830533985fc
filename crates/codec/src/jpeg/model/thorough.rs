//! The max level: binary decisions, each predicted by all its contexts, with two sets of weights.

use super::binary::{BinarySign, MAGNITUDE_NODES, NodeTables, Nodes, UnaryMagnitude};
use super::decisions::{Choice, Contexts, Decisions, Shape};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;
use crate::entropy::refined::{INPUTS, LaneWeights, refined_bit};

/// The one of [`Contexts`] that predicts nothing, but selects the second set of weights.
const SECOND: usize = INPUTS;

/// Binary decisions, mixed from three contexts.
pub(crate) struct Thorough;

impl Decisions for Thorough {
    type Choice = Tree;
    type Magnitude = UnaryMagnitude<Tables<MAGNITUDE_NODES>>;
    type InteriorMagnitude = UnaryMagnitude<Tables<MAGNITUDE_NODES>>;
    type Sign = BinarySign<Tables<1>>;
    const PREDICTED_SIGN_ZONES: usize = 13;
}

/// As in the default level: slots for every value of each context, and weights for every node of each set.
pub(crate) struct Tables<const NODES: usize> {
    lines: [Vec<[Slot; NODES]>; INPUTS],
    weights: [Vec<[LaneWeights; NODES]>; 2],
}

/// What one decision or tree of decisions uses.
pub(crate) struct Selected<'a, const NODES: usize> {
    lines: [&'a mut [Slot; NODES]; INPUTS],
    weights: [&'a mut [LaneWeights; NODES]; 2],
}

impl<const NODES: usize> NodeTables<NODES> for Tables<NODES> {
    type Selected<'a> = Selected<'a, NODES>;

    fn new(shape: &Shape) -> Self {
        Self {
            lines: std::array::from_fn(|input| vec![[Slot::EVEN; NODES]; shape.contexts[input]]),
            weights: [shape.weight_sets, shape.contexts[SECOND]]
                .map(|sets| vec![[LaneWeights::INITIAL; NODES]; sets]),
        }
    }

    fn first_lines(&mut self) -> &mut Vec<[Slot; NODES]> {
        &mut self.lines[0]
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        for lines in &mut self.lines {
            visitor.slots(lines.as_flattened_mut());
        }
        for weights in self.weights.iter_mut().flatten().flatten() {
            visitor.weights(weights.all());
        }
    }

    #[inline(always)]
    fn select(&mut self, contexts: &Contexts, weight_set: usize) -> Selected<'_, NODES> {
        let [c0, c1, c2, second_set] = *contexts;
        let [l0, l1, l2] = &mut self.lines;
        let [first, second] = &mut self.weights;
        Selected {
            // Written out: `map` is not always inlined.
            lines: [&mut l0[c0], &mut l1[c1], &mut l2[c2]],
            weights: [&mut first[weight_set], &mut second[second_set]],
        }
    }
}

impl<const NODES: usize> Nodes for Selected<'_, NODES> {
    #[inline(always)]
    fn code<C: Coder, const PREDICTABLE: bool>(
        &mut self,
        coder: &mut C,
        node: usize,
        bit: bool,
    ) -> bool {
        let [l0, l1, l2] = &mut self.lines;
        let [first, second] = &mut self.weights;
        refined_bit::<C, PREDICTABLE>(
            coder,
            [&mut l0[node], &mut l1[node], &mut l2[node]],
            [&mut first[node], &mut second[node]],
            bit,
        )
    }
}

/// A binary tree whose nodes are mixed decisions.
pub(crate) struct Tree {
    /// By context, then group of nodes.
    tables: Tables<TREE_GROUP>,
    bits: u32,
    /// Groups of nodes of one context.
    groups: usize,
}

/// How many nodes of a tree stand together.
const TREE_GROUP: usize = 8;

impl Choice for Tree {
    fn new(shape: &Shape, bits: u32) -> Self {
        let groups = (1usize << bits).div_ceil(TREE_GROUP);
        Self {
            tables: Tables::new(&Shape {
                contexts: shape.contexts.map(|count| count * groups),
                weight_sets: shape.weight_sets * groups,
            }),
            bits,
            groups,
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
        let first = contexts.map(|context| context.wrapping_mul(self.groups));
        let first_set = weight_set.wrapping_mul(self.groups);
        let mut node = 1usize;
        for shift in (0..self.bits).rev() {
            let group = node / TREE_GROUP;
            let contexts = first.map(|context| context.wrapping_add(group));
            let mut selected = self.tables.select(&contexts, first_set.wrapping_add(group));
            let bit = value >> shift & 1 != 0;
            let bit = selected.code::<C, true>(coder, node % TREE_GROUP, bit);
            node = node << 1 | usize::from(bit);
        }
        node - (1 << self.bits)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.tables.visit(visitor);
    }
}
