//! The default level: binary decisions, each predicted by all its contexts.

use super::decisions::{
    Choice, Contexts, Decisions, Magnitude, MagnitudeShape, SCALES, Shape, Sign,
};
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
    type Magnitude = MixedMagnitude<N>;
    type InteriorMagnitude = super::symbolic::SymbolMagnitude<2>;
    type Sign = MixedSign<N>;
    const PREDICTED_SIGN_ZONES: usize = 13;
}

/// `NODES` slots for every value of each of `N` contexts, and weights for every node of each set.
struct Tables<const N: usize, const NODES: usize> {
    lines: [Vec<[Slot; NODES]>; N],
    weights: Vec<[Weights<N>; NODES]>,
}

/// The lines and weights of one decision or tree of decisions.
struct Selected<'a, const N: usize, const NODES: usize> {
    lines: [&'a mut [Slot; NODES]; N],
    weights: &'a mut [Weights<N>; NODES],
}

impl<const N: usize, const NODES: usize> Tables<N, NODES> {
    fn new(shape: &Shape) -> Self {
        Self {
            lines: std::array::from_fn(|input| vec![[Slot::EVEN; NODES]; shape.contexts[input]]),
            weights: vec![[Weights::INITIAL; NODES]; shape.weight_sets],
        }
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

impl<const N: usize, const NODES: usize> Selected<'_, N, NODES> {
    #[inline(always)]
    fn code<C: Coder>(&mut self, coder: &mut C, node: usize, bit: bool) -> bool {
        mixed_bit::<C, N, NODES, true>(
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
            let bit = selected.code(coder, node & 63, bit);
            node = node << 1 | usize::from(bit);
        }
        node - (1 << self.bits)
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.tables.visit(visitor);
    }
}

/// Zero flag, then the class 1, 2, 3–4, 5–8, … in unary, then the bits within the class.
pub(crate) struct MixedMagnitude<const N: usize> {
    tables: Tables<N, MAGNITUDE_NODES>,
    /// By class, scale and the two top bits so far.
    low_bits: Vec<[Slot; 4]>,
}

const MAGNITUDE_NODES: usize = 8;
const CLASSES: usize = 17;

impl<const N: usize> Magnitude for MixedMagnitude<N> {
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
        if !nonzero && !selected.code(coder, 0, value != 0) {
            return 0;
        }
        if !selected.code(coder, 1, value > 1) {
            return 1;
        }
        if !selected.code(coder, 2, value > 2) {
            return 2;
        }
        let excess = value.wrapping_sub(1);
        // Class k > 0 holds 2^(k-1) < value <= 2^k.
        let wanted = 32u32.wrapping_sub(excess.leading_zeros());
        let mut class = 2u32;
        while class < 16 {
            let node = (class as usize).wrapping_add(1).min(MAGNITUDE_NODES - 1);
            if !selected.code(coder, node, wanted > class) {
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
pub(crate) struct MixedSign<const N: usize>(Tables<N, 1>);

impl<const N: usize> Sign for MixedSign<N> {
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
        mixed_bit::<C, N, 1, false>(
            coder,
            &mut selected.lines,
            0,
            &mut selected.weights[0],
            SLOWEST,
            negative,
        )
    }

    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        self.0.visit(visitor);
    }
}
