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

/// Where and after what a pixel is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) near: &'a Neighbours,
    /// Column.
    pub(super) x: usize,
    pub(super) colourful: bool,
}

/// What a channel is expected to be.
#[derive(Clone, Copy, Debug)]
struct Expected {
    /// By each predictor.
    candidates: [i32; PREDICTORS],
    /// By all of them.
    blended: i32,
    /// Less the mean error after a like texture.
    value: i32,
    /// Class of the sizes of errors and steps around.
    energy: u32,
    texture: usize,
}

/// Adaptive state.
#[derive(Debug)]
pub(super) struct Photo {
    /// By column; of the row above right of the column in work, behind it of the row in work.
    errors: Vec<Errors>,
    biases: Box<[[i16; TEXTURES]; 3]>,
}

/// By sum of errors: the weight of a predictor.
static WEIGHTS: [i32; 1024] = {
    let mut weights = [0; 1024];
    let mut sum = 0;
    while sum < 1024 {
        let size = sum as u32 + 2;
        weights[sum] = (((1u32 << 20) / (size * size) + 1) >> 2).cast_signed();
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

    /// Codes a pixel whose alpha is known.
    #[inline(always)]
    pub(super) fn code<C: Coder, const MIXES: bool>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        residuals: &mut Residuals,
        spot: &Spot<'_>,
        pixel: u32,
    ) -> u32 {
        let near = spot.near;
        let near = [near.w, near.n, near.nw, near.ne, near.nn, near.nne].map(parts);
        let actual = parts(pixel);
        let mut values = [0; 3];
        let mut coded = [0; 3];
        for channel in 0..if spot.colourful { 3 } else { 1 } {
            let near = near.map(|parts| parts[channel]);
            let expected = self.expect(channel, spot.x, near, values[0]);
            let before = coded[channel.saturating_sub(1)];
            let kind = channel as u32;
            let contexts = [
                hash([kind, expected.energy, class(before)]),
                hash([
                    kind | 8,
                    signed_class(expected.value - near[0]),
                    signed_class(expected.value - near[1]),
                ]),
                hash([
                    kind | 16,
                    (expected.value >> 1).cast_unsigned(),
                    expected.energy >> 2,
                ]),
                hash([
                    kind | 24,
                    signed_class(before),
                    signed_class(coded[0]),
                    expected.energy >> 1,
                ]),
            ];
            let difference = match C::ENCODES {
                true => wrap(actual[channel] - expected.value),
                false => 0,
            };
            let difference =
                residuals.code::<C, MIXES>(coder, dither, 2 + channel, contexts, difference);
            let green = values[0];
            let value = ((expected.value + difference + green) & 255) - green;
            values[channel] = value;
            coded[channel] = difference;
            self.learn(channel, spot.x, &expected, value, difference);
        }
        let [g, r, b] = values;
        let colour = match spot.colourful {
            true => [r + g, g, b + g, 0],
            false => [0, g, 0, 0],
        };
        u32::from_le_bytes(colour.map(|value| value.cast_unsigned() as u8)) | pixel & !COLOUR
    }

    /// What a channel is expected to be, `near` being W, N, NW, NE, NN and NNE.
    #[inline(always)]
    fn expect(&self, channel: usize, x: usize, near: [i32; 6], green: i32) -> Expected {
        let [w, n, nw, ne, nn, nne] = near;
        let candidates = [w, n, w + n - nw, w + ne - n, n + ne - nne, 2 * n - nn];
        let around = [x, x + 1, x + 2].map(|x| &self.errors[x][channel]);
        let sizes = |index: usize| around.map(|errors| i32::from(errors[index]));
        let (mut sum, mut total) = (0, 0);
        for (index, candidate) in candidates.iter().enumerate() {
            let [w, n, ne] = sizes(index);
            let weight = WEIGHTS[(2 * w + n + ne).cast_unsigned() as usize & 1023];
            sum += weight * candidate;
            total += weight;
        }
        let blended = (sum + (total >> 1)).div_euclid(total.max(1));
        let [size_w, size_n, size_ne] = sizes(CODED);
        let steps = [w - nw, n - nw, n - ne].map(|step| step.abs().min(255) / 2);
        let energy = 2 * size_w + size_n + size_ne + steps[0] + steps[1] + steps[2];
        let energy = fine_class(energy);
        let texture = usize::from(w > blended)
            | usize::from(n > blended) << 1
            | usize::from(nw > blended) << 2
            | usize::from(ne > blended) << 3
            | (energy as usize).min(31) << 4;
        let bias = i32::from(self.biases[channel][texture % TEXTURES]);
        let unbiased = blended + ((bias + (1 << (BIAS_BITS - 1))) >> BIAS_BITS);
        let low = if channel == 0 { 0 } else { -green };
        Expected {
            candidates,
            blended,
            value: unbiased.clamp(low, low + 255),
            energy,
            texture,
        }
    }

    /// Remembers how well a channel was expected.
    #[inline(always)]
    fn learn(
        &mut self,
        channel: usize,
        x: usize,
        expected: &Expected,
        value: i32,
        difference: i32,
    ) {
        let bias = &mut self.biases[channel][expected.texture % TEXTURES];
        let off = ((value - expected.blended) << BIAS_BITS).clamp(-32_000, 32_000);
        // A 64th of the way to a number of 16 bits.
        *bias += ((off - i32::from(*bias)) >> 6) as i16;
        let errors = &mut self.errors[x + 1][channel];
        for (error, candidate) in errors.iter_mut().zip(expected.candidates) {
            *error = (candidate - value).unsigned_abs().min(255) as u8;
        }
        errors[CODED] = difference.unsigned_abs() as u8;
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
