//! A byte as eight decisions from the top bit down, each by several mixed contexts.

use super::hashing::{ODD, finish};
use super::slot::{Dither, FOLLOWING, Slot, Weights, code_mixed};
use crate::entropy::Coder;

/// Contexts of a byte.
pub(super) const TREE_CONTEXTS: usize = 5;

/// Slots that all contexts share, in lines of 16: one for each half of a byte.
const SLOTS: usize = 1 << 16;

/// Adaptive state.
#[derive(Debug)]
pub(super) struct ByteTree {
    slots: Box<[Slot]>,
    /// By the bits so far behind a leading one.
    weights: Box<[Weights<TREE_CONTEXTS>; 256]>,
}

impl ByteTree {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::EVEN; SLOTS].into_boxed_slice(),
            weights: Box::new([Weights::INITIAL; 256]),
        }
    }

    pub(super) fn reset(&mut self) {
        self.slots.fill(Slot::EVEN);
        self.weights.fill(Weights::INITIAL);
    }

    /// Codes a byte; the contexts are numbers of any size, told apart by their places.
    #[inline(never)]
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        contexts: [u32; TREE_CONTEXTS],
        byte: u8,
    ) -> u8 {
        let mut path = 1u32;
        for half in 0..2u32 {
            let mut lines = [0; TREE_CONTEXTS];
            for (index, (line, context)) in lines.iter_mut().zip(contexts).enumerate() {
                let sum = context
                    .wrapping_mul(ODD[index])
                    .wrapping_add((path * half).wrapping_mul(ODD[8]))
                    .wrapping_add((index as u32 * 2 + half).wrapping_mul(ODD[9]));
                *line = (finish(sum) >> 11) as usize & (SLOTS - 16);
            }
            let mut node = 1;
            for shift in (4 * (1 - half)..4 * (2 - half)).rev() {
                let bit = code_mixed(
                    coder,
                    dither,
                    &mut self.slots,
                    lines.map(|line| line | node),
                    &mut self.weights[path as usize & 255],
                    FOLLOWING,
                    C::ENCODES && byte >> shift & 1 == 1,
                );
                node = node << 1 | usize::from(bit);
                path = path << 1 | u32::from(bit);
            }
        }
        path as u8
    }
}
