//! Quantised coefficients by block position.
//!
//! Invariant: a block depends on the seed, the component and its position alone,
//! and fits the 8-bit process: DC in -1024..=1023, AC in -1023..=1023.

use super::frame::Frame;
use super::hash::{fractal_noise, mix, unit, value_noise};
use super::scene::Scene;
use fastrand::Rng;

/// 64 quantised coefficients in zigzag order.
pub(super) type Block = [i16; 64];

/// What the image shows, as far as a coder can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    /// One flat colour: all coefficients zero.
    Flat,
    /// Every coefficient independent and uniform in -`magnitude`..=`magnitude`
    /// (at most 1,023).
    Noise {
        /// Largest absolute value, 1..=1,023.
        magnitude: i16,
    },
    /// The largest values of either sign, and zeros.
    Extreme,
    /// A few coefficients anywhere in the block, long zero runs between.
    Sparse,
    /// Smooth DC and Laplacian AC coefficients that fall with frequency, busy and
    /// quiet areas: the statistics of photos without their pixels.
    Natural {
        /// Mean absolute value of the lowest AC coefficients, e.g. 4.0.
        detail: f32,
    },
    /// A rendered landscape through a real forward DCT.
    Scene,
}

/// Computes blocks for one file.
#[derive(Clone, Debug)]
pub(super) struct ContentSource {
    content: Content,
    seed: u64,
    scene: Option<Scene>,
    /// Multiplies every coefficient; 1 for legal files.
    scale: i16,
}

impl ContentSource {
    pub(super) fn new(
        content: Content,
        seed: u64,
        frame: &Frame,
        quantizers: &[[u16; 64]; 4],
        scale: i16,
    ) -> Self {
        let scene = (content == Content::Scene).then(|| Scene::new(seed, frame, quantizers));
        Self {
            content,
            seed,
            scene,
            scale,
        }
    }

    /// The block of `component` at a block column and row.
    pub(super) fn block(&self, component: usize, column: u32, row: u32) -> Block {
        let seed = self.seed.wrapping_add(component as u64 * 0x51ED);
        let mut random = Rng::with_seed(mix(seed, column.into(), row.into()));
        let block = match self.content {
            Content::Flat => [0; 64],
            Content::Noise { magnitude } => noise(magnitude, &mut random),
            Content::Extreme => extreme(&mut random),
            Content::Sparse => sparse(&mut random),
            Content::Natural { detail } => {
                let detail = if component == 0 { detail } else { detail * 0.4 };
                natural(seed, detail, column, row, &mut random)
            }
            Content::Scene => match &self.scene {
                Some(scene) => scene.block(component, column, row),
                None => [0; 64],
            },
        };
        block.map(|value| value.saturating_mul(self.scale))
    }
}

fn noise(magnitude: i16, random: &mut Rng) -> Block {
    std::array::from_fn(|_| random.i16(-magnitude..=magnitude))
}

fn extreme(random: &mut Rng) -> Block {
    std::array::from_fn(|index| match random.u8(..4) {
        0 if index == 0 => -1024,
        0 => -1023,
        1 => 1023,
        _ => 0,
    })
}

fn sparse(random: &mut Rng) -> Block {
    let mut block = [0; 64];
    for _ in 0..random.u8(..4) {
        block[random.usize(..64)] = 1i16 << random.u8(..9);
    }
    if random.bool() {
        block[random.usize(1..64)] = -1;
    }
    block
}

/// Laplacian coefficients around smooth fields of brightness and activity.
fn natural(seed: u64, detail: f32, column: u32, row: u32, random: &mut Rng) -> Block {
    let (x, y) = (column as f32, row as f32);
    let brightness = fractal_noise(seed, x, y, 40.0, 3);
    let activity = value_noise(seed ^ 1, x, y, 12.0).powi(3) * 2.5 + 0.02;
    let lean = unit(seed ^ 2, u64::from(column / 8), u64::from(row / 8));
    let mut block = [0; 64];
    block[0] = ((brightness - 0.5) * 900.0 * (0.3 + detail * 0.1).min(1.0)) as i16
        + laplacian(detail * activity * 2.0, random).clamp(-100, 100);
    for (index, value) in block.iter_mut().enumerate().skip(1) {
        let natural_position = super::quantization::ZIGZAG[index];
        let (u, v) = (natural_position % 8, natural_position / 8);
        let radius = f32::from(u) * (0.6 + 0.8 * lean) + f32::from(v) * (1.4 - 0.8 * lean);
        let scale = detail * activity * 3.0 / (radius * radius.sqrt());
        // Below this fewer than one in five hundred would round to one.
        if scale > 0.08 {
            *value = laplacian(scale, random);
        }
    }
    block
}

/// A Laplacian number of the given mean absolute value, rounded, within the AC
/// range.
fn laplacian(scale: f32, random: &mut Rng) -> i16 {
    let magnitude = (-(1.0 - random.f32()).ln() * scale + 0.5).min(1000.0) as i16;
    if random.bool() { magnitude } else { -magnitude }
}
