//! Hashes of contexts.

/// Multipliers: odd numbers without a pattern.
pub(super) const ODD: [u32; 16] = [
    0x9E37_79B1,
    0x85EB_CA77,
    0xC2B2_AE3D,
    0x27D4_EB2F,
    0x1656_67B1,
    0xD35A_2D97,
    0xA3C5_9AC3,
    0xB540_1C2D,
    0x7FB5_D329,
    0xE2D6_8F0B,
    0x68BC_21EB,
    0x51ED_270B,
    0x94D0_49BB,
    0xBF58_476D,
    0x2C1B_3C6D,
    0x297A_2D39,
];

/// Spreads the information of a sum of products over all bits.
#[inline(always)]
pub(super) fn finish(sum: u32) -> u32 {
    let mixed = (sum ^ sum >> 15).wrapping_mul(0x2C1B_3C6D);
    mixed ^ mixed >> 13
}

/// Hash of a few numbers.
#[inline(always)]
pub(super) fn hash<const N: usize>(numbers: [u32; N]) -> u32 {
    let mut sum = N as u32;
    for (number, odd) in numbers.iter().zip(ODD) {
        sum = sum.rotate_left(5).wrapping_add(number.wrapping_mul(odd));
    }
    finish(sum)
}
