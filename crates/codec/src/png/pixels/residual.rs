//! Differences between samples and their predictions.
//!
//! A difference is taken modulo 256, within -128..=127, and coded as: is it zero, its sign, the
//! position of its highest bit in unary, the bits below.

use super::slot::{Dither, REMEMBERING, Slot, Weights, code_mixed};
use crate::entropy::Coder;

/// Contexts of a difference.
pub(super) const RESIDUAL_CONTEXTS: usize = 4;

/// Slots that all contexts share, in lines of 32.
const SLOTS: usize = 1 << 16;
const LINE: usize = 32;

const ZERO: usize = 0;
const SIGN: usize = 1;
const HIGHEST_BIT: usize = 2;
const SECOND_BIT: usize = 10;
const THIRD_BIT: usize = 18;

/// Kinds of differences: they have weights of their own.
const KINDS: usize = 8;

/// Adaptive state.
#[derive(Debug)]
pub(super) struct Residuals {
    slots: Box<[Slot]>,
    weights: Box<[[Weights<RESIDUAL_CONTEXTS>; LINE]; KINDS]>,
}

impl Residuals {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::EVEN; SLOTS].into_boxed_slice(),
            weights: Box::new([[Weights::INITIAL; LINE]; KINDS]),
        }
    }

    pub(super) fn reset(&mut self) {
        self.slots.fill(Slot::EVEN);
        self.weights.fill([Weights::INITIAL; LINE]);
    }

    /// Codes a difference of -128..=127. `contexts` are hashes; without mixing only the first
    /// counts.
    #[inline(always)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        kind: usize,
        contexts: [u32; RESIDUAL_CONTEXTS],
        difference: i32,
    ) -> i32 {
        let lines = contexts.map(|hash| (hash >> 16) as usize & (SLOTS - LINE));
        let slots = &mut self.slots;
        let weights = &mut self.weights[kind % KINDS];
        let mut decide = |node: usize, bit: bool| {
            if MIXES {
                code_mixed(
                    coder,
                    dither,
                    slots,
                    lines.map(|line| line | node),
                    &mut weights[node % LINE],
                    REMEMBERING,
                    bit,
                )
            } else {
                slots[lines[0] | node].code(coder, dither, REMEMBERING, bit)
            }
        };
        if decide(ZERO, C::ENCODES && difference == 0) {
            return 0;
        }
        let negative = decide(SIGN, C::ENCODES && difference < 0);
        let size = difference.unsigned_abs().clamp(1, 128);
        let mut top = 0;
        while top < 7 && decide(HIGHEST_BIT + top, C::ENCODES && size >> (top + 1) != 0) {
            top += 1;
        }
        let mut value = 1;
        for shift in (0..top).rev() {
            let bit = C::ENCODES && size >> shift & 1 == 1;
            let bit = match top - shift {
                1 => decide(SECOND_BIT + top, bit),
                2 => decide(THIRD_BIT + top, bit),
                _ => decide(THIRD_BIT + 7 - shift, bit),
            };
            value = value << 1 | i32::from(bit);
        }
        if negative { -value } else { value }
    }
}

/// A difference modulo 256 within -128..=127.
#[inline(always)]
pub(super) fn wrap(difference: i32) -> i32 {
    i32::from(difference as i8)
}

/// The median of W, N and W + N - NW: the gradient predictor of LOCO-I (M. Weinberger, G. Seroussi,
/// G. Sapiro, 2000).
#[inline(always)]
pub(super) fn median(w: i32, n: i32, nw: i32) -> i32 {
    let (low, high) = if w < n { (w, n) } else { (n, w) };
    (w + n - nw).clamp(low, high)
}

/// Logarithmic class of a size: 0, 1, 2, 3–4, 5–8 and so on up to 129 and more.
#[inline(always)]
pub(super) fn class(size: i32) -> u32 {
    32 - size
        .unsigned_abs()
        .min(255)
        .saturating_sub(1)
        .leading_zeros()
        + u32::from(size != 0)
}
