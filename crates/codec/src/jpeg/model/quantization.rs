//! Quantiser steps in the forms that the model uses.

use crate::jpeg::zigzag::ZIGZAG;

/// Steps of one component and what predictions are divided by.
#[derive(Clone, Debug)]
pub(crate) struct Quantization {
    /// Steps in natural order, 1..=65535.
    pub(crate) steps: [i32; 64],
    /// 4 × 65536 / step: turns border units (half a unit of dequantised coefficient) into 1/8 step.
    pub(crate) reciprocals: [u32; 64],
    /// The same for the weight 1/√2 of frequency zero, times 128: 181 / 128 is √2.
    pub(crate) flat_reciprocals: [i64; 64],
}

impl Quantization {
    pub(crate) fn new(steps: &[u16; 64]) -> Self {
        let reciprocals = steps.map(|step| 4 * 65536 / u32::from(step.max(1)));
        Self {
            steps: steps.map(i32::from),
            reciprocals,
            flat_reciprocals: reciprocals.map(|reciprocal| 181 * i64::from(reciprocal)),
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
