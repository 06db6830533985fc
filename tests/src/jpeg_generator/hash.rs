//! Position-dependent pseudo-random numbers.
//!
//! Invariant: values depend on the seed and the position alone, never on the
//! order in which positions are visited.

/// Mixes a seed and two coordinates into 64 well-spread bits
/// (the finaliser of SplitMix64, Steele et al. 2014).
pub(super) fn mix(seed: u64, x: u64, y: u64) -> u64 {
    let mut z = seed
        .wrapping_add(x.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(y.wrapping_mul(0xC2B2_AE3D_27D4_EB4F));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A uniform number in 0.0..1.0 that belongs to one lattice point.
pub(super) fn unit(seed: u64, x: u64, y: u64) -> f32 {
    (mix(seed, x, y) >> 40) as f32 / (1u64 << 24) as f32
}

/// Smooth noise in 0.0..1.0: lattice values `cell` apart, interpolated with a
/// cubic fade. Coordinates are not negative.
pub(super) fn value_noise(seed: u64, x: f32, y: f32, cell: f32) -> f32 {
    let (x, y) = (x / cell, y / cell);
    let (column, row) = (x.floor(), y.floor());
    let fade = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (fade(x - column), fade(y - row));
    let (column, row) = (lattice(column), lattice(row));
    let top = blend(unit(seed, column, row), unit(seed, column + 1, row), fx);
    let bottom = blend(
        unit(seed, column, row + 1),
        unit(seed, column + 1, row + 1),
        fx,
    );
    blend(top, bottom, fy)
}

/// Several octaves of [`value_noise`], each half as wide and half as strong.
pub(super) fn fractal_noise(seed: u64, x: f32, y: f32, cell: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut cell) = (0.0, 1.0, 0.0, cell);
    for octave in 0..octaves {
        sum += weight * value_noise(seed.wrapping_add(u64::from(octave)), x, y, cell);
        total += weight;
        weight *= 0.5;
        cell *= 0.5;
    }
    sum / total
}

pub(super) fn blend(from: f32, to: f32, t: f32) -> f32 {
    from + (to - from) * t
}

/// The lattice point at or below a coordinate that is not negative.
#[expect(
    clippy::cast_sign_loss,
    reason = "coordinates are not negative, and `as` saturates at zero"
)]
pub(super) fn lattice(coordinate: f32) -> u64 {
    coordinate as u64
}
