//! The default level: binary decisions, each predicted by all its contexts.

use super::decisions::{Choice, Contexts, Decisions, Magnitude, Shape, Sign};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use crate::entropy::mixed::{Weights, mixed_bit};

/// Slots stop slowing down after this many decisions.
const LIMIT: u32 = 250;

/// Binary decisions mixed from four contexts.
pub(crate) struct Mixing;

impl Decisions for Mixing {
    type Choice = MixedTree;
    type Magnitude = MixedMagnitude;
    type Sign = MixedSign;
}

/// `nodes` slots for every value of each of four contexts, and weights for every node of each set.
struct Tables {
    slots: [Vec<Slot>; 4],
    weights: Vec<Weights<4>>,
    nodes: usize,
}

impl Tables {
    fn new(shape: &Shape, nodes: usize) -> Self {
        Self {
            slots: shape.contexts.map(|count| vec![Slot::EVEN; count * nodes]),
            weights: vec![Weights::initial(); shape.weight_sets * nodes],
            nodes,
        }
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: &Contexts,
        weight_set: usize,
        node: usize,
        bit: bool,
    ) -> bool {
        let [first, second, third, fourth] = &mut self.slots;
        let nodes = self.nodes;
        let slots = [
            &mut first[contexts[0] * nodes + node],
            &mut second[contexts[1] * nodes + node],
            &mut third[contexts[2] * nodes + node],
            &mut fourth[contexts[3] * nodes + node],
        ];
        mixed_bit(
            coder,
            slots,
            &mut self.weights[weight_set * nodes + node],
            LIMIT,
            bit,
        )
    }
}

/// A binary tree whose nodes are mixed decisions.
pub(crate) struct MixedTree {
    tables: Tables,
    bits: u32,
}

impl Choice for MixedTree {
    fn new(shape: &Shape, bits: u32) -> Self {
        Self {
            tables: Tables::new(shape, 1 << bits),
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
        let mut node = 1;
        for shift in (0..self.bits).rev() {
            let bit = value >> shift & 1 != 0;
            let bit = self.tables.code(coder, &contexts, weight_set, node, bit);
            node = node << 1 | usize::from(bit);
        }
        node - (1 << self.bits)
    }
}

/// Zero flag, then the class 1, 2, 3–4, 5–8, … in unary, then the bits within the class.
pub(crate) struct MixedMagnitude {
    tables: Tables,
    /// By class, scale and the two top bits so far.
    low_bits: Vec<Slot>,
}

const MAGNITUDE_NODES: usize = 8;
const CLASSES: usize = 17;
const SCALES: usize = 24;

impl Magnitude for MixedMagnitude {
    fn new(shape: &Shape) -> Self {
        Self {
            tables: Tables::new(shape, MAGNITUDE_NODES),
            low_bits: vec![Slot::EVEN; CLASSES * SCALES * 4],
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
        if !nonzero
            && !self
                .tables
                .code(coder, &contexts, weight_set, 0, value != 0)
        {
            return 0;
        }
        let excess = value.wrapping_sub(1);
        // Class k > 0 holds 2^(k-1) < value <= 2^k.
        let wanted = 32 - excess.leading_zeros();
        let mut class = 0;
        while class < 16 {
            let node = (class as usize + 1).min(MAGNITUDE_NODES - 1);
            if !self
                .tables
                .code(coder, &contexts, weight_set, node, wanted > class)
            {
                break;
            }
            class += 1;
        }
        if class < 2 {
            return class + 1;
        }
        let low = self.code_low_bits(coder, class, scale, excess);
        (1 << (class - 1) | low) + 1
    }
}

impl MixedMagnitude {
    #[inline(always)]
    fn code_low_bits<C: Coder>(
        &mut self,
        coder: &mut C,
        class: u32,
        scale: usize,
        excess: u32,
    ) -> u32 {
        let base = (class as usize * SCALES + scale) * 4;
        let mut low = 0;
        for shift in (0..class - 1).rev() {
            let bit = excess >> shift & 1 != 0;
            let bit = if shift + 3 >= class {
                let node = if shift + 2 == class {
                    1
                } else {
                    2 + low as usize
                };
                self.low_bits[base + node].code(coder, bit, LIMIT)
            } else {
                coder.bit(1 << 15, bit)
            };
            low = low << 1 | u32::from(bit);
        }
        low
    }
}

/// Signs as mixed decisions.
pub(crate) struct MixedSign(Tables);

impl Sign for MixedSign {
    fn new(shape: &Shape) -> Self {
        Self(Tables::new(shape, 1))
    }

    #[inline(always)]
    fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: Contexts,
        weight_set: usize,
        negative: bool,
    ) -> bool {
        self.0.code(coder, &contexts, weight_set, 0, negative)
    }
}
