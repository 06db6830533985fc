//! Pixels of photographs and gradients: predicted, not looked up.
//!
//! Six linear predictors are weighted by how well each did around, after B. Meyer and P. Tischer,
//! "Glicbawls" (2001); the mean error that followed a like texture is taken off; what is left is
//! coded in several contexts. Green comes first, red and blue as differences to it.

use super::canvas::Neighbours;
use super::format::COLOUR;
use super::hashing::hash;
use super::residual::{Residuals, class, wrap};
use super::slot::Dither;
use crate::entropy::Coder;

const PREDICTORS: usize = 6;

/// Where a channel's errors hold the size of what was coded, behind those of the predictors.
const CODED: usize = 6;

/// Contexts of the mean errors of a channel.
const TEXTURES: usize = 1 << 9;

/// Fractional bits of mean errors.
const BIAS_BITS: i32 = 7;

/// Sizes of errors by channel, of the predictors and of what was coded.
type Errors = [[u8; 8]; 3];

/// Adaptive state.
#[derive(Debug)]
pub(super) struct Photo {
    /// By column; of the row above right of the column in work, behind it of the row in work.
    errors: Vec<Errors>,
    biases: Box<[[i16; TEXTURES]; 3]>,
}

/// By sum of errors: the weight of a predictor.
static WEIGHTS: [u32; 1024] = {
    let mut weights = [0; 1024];
    let mut sum = 0;
    while sum < 1024 {
        let size = sum as u32 + 2;
        weights[sum] = (1 << 20) / (size * size) + 1;
        sum += 1;
    }
    weights
};

/// Green, red less green and blue less green of a pixel.
#[inline(always)]
fn parts(pixel: u32) -> [i32; 3] {
    let [r, g, b, _] = pixel.to_le_bytes().map(i32::from);
    [g, r - g, b - g]
}

impl Photo {
    pub(super) fn new() -> Self {
        Self {
            errors: Vec::new(),
            biases: Box::new([[0; TEXTURES]; 3]),
        }
    }

    pub(super) fn reset(&mut self) {
        for biases in self.biases.iter_mut() {
            biases.fill(0);
        }
    }

    /// Bytes that rows of `width` take.
    pub(super) fn memory(width: usize) -> usize {
        size_of::<Errors>() * (width + 2)
    }

    pub(super) fn begin(&mut self, width: usize) {
        self.errors.clear();
        self.errors.resize(width + 2, [[0; 8]; 3]);
    }

    /// Codes a pixel in column `x`, whose alpha is known.
    #[inline(always)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        residuals: &mut Residuals,
        near: &Neighbours,
        x: usize,
        colourful: bool,
        pixel: u32,
    ) -> u32 {
        let [w, n, nw, ne, nn, nne] =
            [near.w, near.n, near.nw, near.ne, near.nn, near.nne].map(parts);
        let actual = parts(pixel);
        let around = [self.errors[x], self.errors[x + 1], self.errors[x + 2]];
        let mut values = [0; 3];
        let mut coded = [0i32; 3];
        let mut green = 0;
        for channel in 0..if colourful { 3 } else { 1 } {
            let c = channel;
            let candidates = [
                w[c],
                n[c],
                w[c] + n[c] - nw[c],
                w[c] + ne[c] - n[c],
                n[c] + ne[c] - nne[c],
                2 * n[c] - nn[c],
            ];
            let (mut sum, mut total) = (0, 0);
            for (index, candidate) in candidates.iter().enumerate() {
                let error = 2 * u32::from(around[0][c][index])
                    + u32::from(around[1][c][index])
                    + u32::from(around[2][c][index]);
                let weight = WEIGHTS[error as usize & 1023];
                sum += (weight >> 2).cast_signed() * candidate;
                total += (weight >> 2).cast_signed();
            }
            let total = total.max(1);
            let low = if channel == 0 { 0 } else { -green };
            let blended = (sum + (total >> 1)).div_euclid(total);
            let sizes = around.map(|errors| i32::from(errors[c][CODED]));
            let energy = 2 * sizes[0]
                + sizes[1]
                + sizes[2]
                + (w[c] - nw[c]).abs().min(255) / 2
                + (n[c] - nw[c]).abs().min(255) / 2
                + (n[c] - ne[c]).abs().min(255) / 2;
            let energy_class = fine_class(energy);
            let texture = usize::from(w[c] > blended)
                | usize::from(n[c] > blended) << 1
                | usize::from(nw[c] > blended) << 2
                | usize::from(ne[c] > blended) << 3
                | (energy_class as usize).min(31) << 4;
            let bias = &mut self.biases[c][texture % TEXTURES];
            let expected = (blended + ((i32::from(*bias) + (1 << (BIAS_BITS - 1))) >> BIAS_BITS))
                .clamp(low, low + 255);
            let before = match channel {
                0 => 0,
                1 => coded[0],
                _ => coded[1],
            };
            let kind = c as u32;
            let contexts = [
                hash([kind, energy_class, class(before)]),
                hash([
                    kind | 8,
                    signed_class(expected - w[c]),
                    signed_class(expected - n[c]),
                ]),
                hash([
                    kind | 16,
                    (expected >> 1).cast_unsigned(),
                    energy_class >> 2,
                ]),
                hash([
                    kind | 24,
                    signed_class(before),
                    signed_class(coded[0]),
                    energy_class >> 1,
                ]),
            ];
            let difference = residuals.code::<C, MIXES>(
                coder,
                dither,
                2 + c,
                contexts,
                if C::ENCODES {
                    wrap(actual[c] - expected)
                } else {
                    0
                },
            );
            let value = match channel {
                0 => (expected + difference) & 255,
                _ => ((expected + difference + green) & 255) - green,
            };
            if channel == 0 {
                green = value;
            }
            values[c] = value;
            coded[c] = difference;
            let off = value - blended;
            *bias += (((off << BIAS_BITS).clamp(-32000, 32000) - i32::from(*bias)) >> 6) as i16;
            let errors = &mut self.errors[x + 1][c];
            for (error, candidate) in errors.iter_mut().zip(candidates) {
                *error = (candidate - value).unsigned_abs().min(255) as u8;
            }
            errors[CODED] = difference.unsigned_abs() as u8;
        }
        let [g, r, b] = values;
        let colour = match colourful {
            true => u32::from_le_bytes([(r + g) as u8, g as u8, (b + g) as u8, 0]),
            false => u32::from(g as u8) << 8,
        };
        colour | pixel & !COLOUR
    }
}

/// Logarithmic class of a size in steps of a quarter octave, below 48.
#[inline(always)]
fn fine_class(size: i32) -> u32 {
    let size = size.cast_unsigned() + 4;
    let octave = 31 - size.leading_zeros();
    (octave - 2) * 4 + (size >> (octave - 2) & 3)
}

/// Class of a difference, told apart by sign.
#[inline(always)]
fn signed_class(difference: i32) -> u32 {
    class(difference) | u32::from(difference < 0) << 4
}
