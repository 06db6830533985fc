//! What is to be seen: windows on a background, lines of text, a corner with a gradient and one with
//! noise, and something that moves from frame to frame.

use super::parameters::PngParameters;
use fastrand::Rng;

/// The samples of an image, row by row, 16 bits each of which the depth takes the highest.
pub(super) fn samples(parameters: &PngParameters) -> Vec<u16> {
    let mut random = Rng::with_seed(parameters.seed);
    let (width, height) = (parameters.width as usize, parameters.height as usize);
    let channels = parameters.channels();
    let palette: Vec<[u16; 4]> = (0..12)
        .map(|_| std::array::from_fn(|_| random.u16(..) & 0xF0F0))
        .collect();
    let mut colours = vec![0usize; width * height];
    for _ in 0..6 {
        let colour = random.usize(..palette.len());
        let (left, top) = (random.usize(..width), random.usize(..height));
        let (right, bottom) = (random.usize(left..width), random.usize(top..height));
        for row in colours.chunks_mut(width).take(bottom + 1).skip(top) {
            row[left..=right].fill(colour);
        }
    }
    for line in 0..height / 12 {
        let glyphs: Vec<u8> = (0..width / 7).map(|_| random.u8(..26)).collect();
        for (place, glyph) in glyphs.iter().enumerate() {
            draw_glyph(&mut colours, width, place * 7, line * 12 + 2, *glyph);
        }
    }
    for frame in 0..=parameters.frame {
        let mut moving = Rng::with_seed(u64::from(frame));
        let (x, y) = (moving.usize(..width), moving.usize(..height));
        draw_glyph(&mut colours, width, x, y, moving.u8(..26));
    }
    let mut samples = Vec::with_capacity(width * height * channels);
    for (place, &colour) in colours.iter().enumerate() {
        let (x, y) = (place % width, place / width);
        for (channel, &sample) in palette[colour].iter().enumerate().take(channels) {
            samples.push(match (x * 8 / width, y * 8 / height) {
                (7, 7) => random.u16(..),
                (0, 7) => ((x * 700 + y * 300 + channel * 5000) & 0xFFFF) as u16,
                _ => sample,
            });
        }
    }
    samples
}

/// Draws one of 26 forms of 5 × 9 pixels, as far as it fits.
fn draw_glyph(colours: &mut [usize], width: usize, left: usize, top: usize, glyph: u8) {
    let bits = u64::from(glyph).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for (row, pixels) in colours.chunks_mut(width).skip(top).take(9).enumerate() {
        for (column, pixel) in pixels.iter_mut().skip(left).take(5).enumerate() {
            if bits >> (row * 5 + column) & 1 == 1 {
                *pixel = 1;
            }
        }
    }
}
