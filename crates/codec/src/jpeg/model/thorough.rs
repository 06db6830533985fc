//! The max level: binary decisions, each predicted by all its contexts, with two sets of weights.

use super::decisions::{
    Choice, Contexts, Decisions, Magnitude, MagnitudeShape, SCALES, Shape, Sign,
};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;
use crate::entropy::refined::{INPUTS, LaneWeights, refined_bit};

/// The one of [`Contexts`] that predicts nothing, but selects the second set of weights.
const SECOND: usize = INPUTS;

pub(crate) struct Thorough;

impl Decisions for Thorough {
    type Choice = Tree;
    type Magnitude = UnaryMagnitude;
    type InteriorMagnitude = UnaryMagnitude;
    type Sign = MixedSign;
    const PREDICTED_SIGN_ZONES: usize = 13;
}

struct Tables<const NODES: usize> {
    lines: [Vec<[Slot; NODES]>; INPUTS],
    weights: [Vec<[LaneWeights; NODES]>; 2],
}

struct Selected<'a, const NODES: usize> {
    lines: [&'a mut [Slot; NODES]; INPUTS],
    weights: [&'a mut [LaneWeights; NODES]; 2],
}

impl<const NODES: usize> Tables<NODES> {
    fn new(shape: &Shape) -> Self {
        Self {
            lines: std::array::from_fn(|input| vec![[Slot::EVEN; NODES]; shape.contexts[input]]),
            weights: [shape.weight_sets, shape.contexts[SECOND]]
                .map(|sets| vec![[LaneWeights::INITIAL; NODES]; sets]),
        }
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
        let [c0, c1, c2, c3, c4, c5, c6, second_set] = *contexts;
        let [l0, l1, l2, l3, l4, l5, l6] = &mut self.lines;
        let [first, second] = &mut self.weights;
        Selected {
            // Written out: `map` is not always inlined.
            lines: [
                &mut l0[c0],
                &mut l1[c1],
                &mut l2[c2],
                &mut l3[c3],
                &mut l4[c4],
                &mut l5[c5],
                &mut l6[c6],
            ],
            weights: [&mut first[weight_set], &mut second[second_set]],
        }
    }
}

impl<const NODES: usize> Selected<'_, NODES> {
    #[inline(always)]
    fn code<C: Coder, const PREDICTABLE: bool>(
        &mut self,
        coder: &mut C,
        node: usize,
        bit: bool,
    ) -> bool {
        let [l0, l1, l2, l3, l4, l5, l6] = &mut self.lines;
        let [first, second] = &mut self.weights;
        refined_bit::<C, PREDICTABLE>(
            coder,
            [
                &mut l0[node],
                &mut l1[node],
                &mut l2[node],
                &mut l3[node],
                &mut l4[node],
                &mut l5[node],
                &mut l6[node],
            ],
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

/// Zero flag, then the class 1, 2, 3–4, 5–8, … in unary, then the bits within the class.
pub(crate) struct UnaryMagnitude {
    tables: Tables<MAGNITUDE_NODES>,
    /// By class, scale and the two top bits so far.
    low_bits: Vec<[Slot; 4]>,
}

const MAGNITUDE_NODES: usize = 8;
/// The slowest rate of slots of low bits.
const SLOWEST: u32 = 300;
const CLASSES: usize = 17;

impl Magnitude for UnaryMagnitude {
    fn new(shape: &MagnitudeShape) -> Self {
        let mut tables = Tables::new(&shape.shape);
        tables.lines[0] = shape.for_first_contexts(expected_line);
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

/// Signs as mixed decisions.
pub(crate) struct MixedSign(Tables<1>);

impl Sign for MixedSign {
    fn new(shape: &Shape) -> Self {
        Self(Tables::new(shape))
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
