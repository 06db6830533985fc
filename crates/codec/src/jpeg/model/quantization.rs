//! Quantiser steps in the forms that the model uses.

use crate::jpeg::zigzag::ZIGZAG;

/// Steps of one component and what predictions are divided by.
#[derive(Clone, Debug)]
pub(crate) struct Quantization {
    /// Steps in natural order, 1..=65535.
    pub(crate) steps: [i32; 64],
    /// 4 × 65536 / step: turns border units (half a unit of dequantised coefficient) into 1/8 step.
    pub(crate) reciprocals: [u32; 64],
}

impl Quantization {
    pub(crate) fn new(steps: &[u16; 64]) -> Self {
        Self {
            steps: steps.map(i32::from),
            reciprocals: steps.map(|step| 4 * 65536 / u32::from(step.max(1))),
        }
    }

    /// Of coefficients without their lowest bits; `missing` tells how many, by place of the zigzag
    /// sequence.
    pub(crate) fn without_low_bits(steps: &[u16; 64], missing: &[u8; 64]) -> Self {
        let mut coarser = *steps;
        for (place, &bits) in missing.iter().enumerate() {
            let step = &mut coarser[usize::from(ZIGZAG[place])];
            *step = (u32::from(*step) << bits).min(65535) as u16;
        }
        Self::new(&coarser)
    }
}
