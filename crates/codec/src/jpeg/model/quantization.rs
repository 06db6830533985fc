//! Quantiser steps in the forms that the model uses.

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
}
