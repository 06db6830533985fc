//! A rendered landscape: sky, hills, a lake, houses, grain.
//!
//! Invariant: a sample depends on its position alone, so that blocks can be
//! rendered in any order.

use super::content::Block;
use super::frame::Frame;
use super::hash::{blend, fractal_noise, lattice, unit};
use super::quantization::ZIGZAG;
use std::f32::consts::PI;

/// Red, green and blue, 0.0..=255.0.
type Colour = [f32; 3];

/// The landscape, its sampling, and the quantisers its blocks are divided by.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    seed: u64,
    width: f32,
    height: f32,
    /// Image samples a component's sample covers, and its quantiser, by component.
    components: Vec<((f32, f32), [u16; 64])>,
    /// `cosines[u][x]`, normalised (T.81 A.3.3).
    cosines: [[f32; 8]; 8],
}

impl Scene {
    pub(super) fn new(seed: u64, frame: &Frame, quantizers: &[[u16; 64]; 4]) -> Self {
        let components = (0..frame.components.len())
            .map(|index| {
                let slot = usize::from(frame.components[index].quantization_slot);
                (frame.sample_pitch(index), quantizers[slot])
            })
            .collect();
        let cosines = std::array::from_fn(|u| {
            let norm = if u == 0 { 0.125f32.sqrt() } else { 0.5 };
            std::array::from_fn(|x| norm * ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos())
        });
        Self {
            seed,
            width: f32::from(frame.width.max(1)),
            height: f32::from(frame.height.max(1)),
            components,
            cosines,
        }
    }

    /// One block of quantised coefficients.
    pub(super) fn block(&self, component: usize, column: u32, row: u32) -> Block {
        let ((pitch_x, pitch_y), quantizer) = &self.components[component];
        let samples: [[f32; 8]; 8] = std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let x = ((column * 8) as f32 + x as f32 + 0.5) * pitch_x;
                let y = ((row * 8) as f32 + y as f32 + 0.5) * pitch_y;
                // Beyond the edge the last sample is repeated, as encoders do.
                let (x, y) = (x.min(self.width - 0.5), y.min(self.height - 0.5));
                self.sample(component, x, y) - 128.0
            })
        });
        let spectrum = self.transform(&samples);
        std::array::from_fn(|index| {
            let position = usize::from(ZIGZAG[index]);
            let value = spectrum[position / 8][position % 8] / f32::from(quantizer[index].max(1));
            let lowest = if index == 0 { -1024.0 } else { -1023.0 };
            value.round().clamp(lowest, 1023.0) as i16
        })
    }

    /// The forward DCT of T.81 A.3.3, rows then columns.
    fn transform(&self, samples: &[[f32; 8]; 8]) -> [[f32; 8]; 8] {
        let rows: [[f32; 8]; 8] = std::array::from_fn(|y| {
            std::array::from_fn(|u| (0..8).map(|x| samples[y][x] * self.cosines[u][x]).sum())
        });
        std::array::from_fn(|v| {
            std::array::from_fn(|u| (0..8).map(|y| rows[y][u] * self.cosines[v][y]).sum())
        })
    }

    /// Y, Cb, Cr (JFIF), and inverted Y for a fourth component.
    fn sample(&self, component: usize, x: f32, y: f32) -> f32 {
        let [red, green, blue] = self.colour(x, y);
        let luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
        let value = match component {
            0 => luminance,
            1 => 128.0 + (blue - luminance) * 0.564,
            2 => 128.0 + (red - luminance) * 0.713,
            _ => 255.0 - luminance,
        };
        value.clamp(0.0, 255.0)
    }

    fn colour(&self, x: f32, y: f32) -> Colour {
        // Scene coordinates: the longer side is 1,000 units.
        let scale = 1000.0 / self.width.max(self.height);
        let (u, v) = (x * scale, y * scale);
        let horizon = self.height * scale * 0.55;
        let base = if v < horizon {
            self.above_the_horizon(u, v, horizon)
        } else {
            self.below_the_horizon(u, v, horizon)
        };
        // Grain as of a sensor: a little in every sample.
        let grain = unit(self.seed ^ 0x6741, lattice(x), lattice(y)) - 0.5;
        base.map(|channel| (channel + grain * 5.0).clamp(0.0, 255.0))
    }

    fn above_the_horizon(&self, u: f32, v: f32, horizon: f32) -> Colour {
        if let Some(house) = self.house(u, v, horizon) {
            return house;
        }
        for (layer, (height, tone)) in [(0.18, 0.35), (0.32, 0.55), (0.5, 0.75)]
            .into_iter()
            .enumerate()
        {
            let seed = self.seed.wrapping_add(layer as u64 * 77);
            let ridge = fractal_noise(seed, u, 0.0, 260.0, 7);
            if v > horizon - horizon * height * (0.4 + ridge) {
                let trees = fractal_noise(seed ^ 9, u, v * 1.5, 18.0, 4) - 0.5;
                let light = 60.0 + tone * 90.0 + trees * 70.0 * (1.0 - tone);
                return [light * 0.72, light * 0.86, light * (0.55 + tone * 0.55)];
            }
        }
        self.sky(u, v, horizon)
    }

    fn sky(&self, u: f32, v: f32, horizon: f32) -> Colour {
        let depth = v / horizon;
        let cloud = (fractal_noise(self.seed ^ 3, u, v * 2.2, 190.0, 6) - 0.48).max(0.0) * 3.2;
        let cloud = cloud.min(1.0) * (1.0 - depth * 0.5);
        let blue = [
            blend(70.0, 190.0, depth),
            blend(125.0, 208.0, depth),
            blend(205.0, 228.0, depth),
        ];
        blue.map(|channel| blend(channel, 244.0, cloud))
    }

    /// A row of houses on the horizon: straight edges, windows, flat colours.
    fn house(&self, u: f32, v: f32, horizon: f32) -> Option<Colour> {
        let lot = (u / 70.0).floor();
        let key = lattice(lot);
        if unit(self.seed ^ 4, key, 0) < 0.45 {
            return None;
        }
        let left = lot * 70.0 + 8.0 + 10.0 * unit(self.seed ^ 4, key, 1);
        let width = 26.0 + 18.0 * unit(self.seed ^ 4, key, 2);
        let height = 24.0 + 34.0 * unit(self.seed ^ 4, key, 3);
        let (across, up) = (u - left, horizon - v);
        let roof = height + 14.0 * (1.0 - (2.0 * across / width - 1.0).abs());
        if !(0.0..width).contains(&across) || up > roof {
            return None;
        }
        if up > height {
            return Some([128.0, 62.0, 50.0]);
        }
        let in_window = (across % 9.0 - 4.5).abs() < 2.0 && (up % 12.0 - 6.0).abs() < 3.2;
        Some(if in_window {
            [48.0, 56.0, 70.0]
        } else {
            let tone = 150.0 + 80.0 * unit(self.seed ^ 4, key, 4);
            [tone, tone * 0.95, tone * 0.84]
        })
    }

    /// Water near the horizon, grass with perspective before it.
    fn below_the_horizon(&self, u: f32, v: f32, horizon: f32) -> Colour {
        let depth = v - horizon;
        let shore = 70.0 + 60.0 * fractal_noise(self.seed ^ 5, u, 0.0, 330.0, 4);
        if depth < shore {
            let mirrored = self.above_the_horizon(u, (horizon - depth * 1.7).max(0.0), horizon);
            let ripple = fractal_noise(self.seed ^ 6, u * 0.35, v * 3.0, 16.0, 3) - 0.5;
            return mirrored.map(|channel| channel * 0.72 + 14.0 + ripple * 46.0);
        }
        let near = (depth / 40.0).max(1.0);
        let blades = fractal_noise(self.seed ^ 7, u * 3.0 / near, v * 1.2 / near, 6.0, 4) - 0.5;
        let patches = fractal_noise(self.seed ^ 8, u, v * 2.0, 120.0, 3);
        let light = 70.0 + 70.0 * patches + blades * 85.0;
        [light * 0.8, light, light * 0.42]
    }
}
