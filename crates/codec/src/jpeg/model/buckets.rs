//! Logarithmic buckets for contexts.

/// Lower ends of buckets 1.. of an expected magnitude, in 1/64 of a quantiser step: five buckets
/// for every factor of four.
const SCALE_BOUNDS: [u16; 23] = [
    5, 6, 8, 10, 13, 17, 23, 30, 39, 52, 68, 90, 118, 156, 205, 271, 357, 471, 622, 820, 1081,
    1427, 1882,
];

/// A magnitude in the middle of bucket `scale`, in 1/64 of a quantiser step.
pub(crate) fn typical_magnitude(scale: usize) -> u32 {
    let lower = if scale == 0 {
        2
    } else {
        SCALE_BOUNDS[scale - 1]
    };
    let upper = SCALE_BOUNDS.get(scale).copied().unwrap_or(2500);
    u32::from(lower).midpoint(u32::from(upper))
}

static SCALE: [u8; 2048] = table(&SCALE_BOUNDS);

/// Bucket 0..24 of an expected magnitude in 1/64 of a quantiser step.
#[inline(always)]
pub(crate) fn scale_bucket(expected: u32) -> usize {
    usize::from(SCALE[(expected.min(2047)) as usize & 2047])
}

const PREDICTION8: [u8; 128] = table(&[2, 4, 7, 11, 18, 34, 66]);
const PREDICTION16: [u8; 1024] = table(&[1, 2, 4, 6, 8, 11, 15, 20, 28, 40, 56, 80, 128, 220, 480]);

/// Bucket 0..8 of a prediction's size, in 1/8 of a quantiser step.
#[inline(always)]
pub(crate) fn prediction_bucket8(size: u32) -> usize {
    usize::from(PREDICTION8[size.min(127) as usize & 127])
}

/// Bucket 0..16 of a prediction's size, in 1/8 of a quantiser step.
#[inline(always)]
pub(crate) fn prediction_bucket16(size: u32) -> usize {
    usize::from(PREDICTION16[size.min(1023) as usize & 1023])
}

/// By prediction plus half of `N`: the bucket of its size, plus `negative` for one below zero.
const fn signed<const N: usize, const HALF: usize>(sizes: &[u8; HALF], negative: u8) -> [u8; N] {
    let mut buckets = [0; N];
    let mut index = 0;
    while index < HALF {
        buckets[HALF + index] = sizes[index];
        // The lowest prediction has no opposite: it counts as the next one.
        let size = if index == 0 { HALF - 1 } else { HALF - index };
        buckets[index] = negative + sizes[size];
        index += 1;
    }
    buckets
}

static SIGNED16: [u8; 256] = signed(&PREDICTION8, 8);
static SIGNED32: [u8; 2048] = signed(&PREDICTION16, 16);

/// Bucket 0..16 of a prediction's size and sign, in 1/8 of a quantiser step.
#[inline(always)]
pub(crate) fn signed_bucket16(prediction: i32) -> usize {
    let index = prediction.clamp(-128, 127).wrapping_add(128);
    usize::from(SIGNED16[index.cast_unsigned() as usize & 255])
}

/// Bucket 0..32 of a prediction's size and sign, in 1/8 of a quantiser step; from 16 on if it is
/// negative.
#[inline(always)]
pub(crate) fn signed_bucket32(prediction: i32) -> usize {
    let index = prediction.clamp(-1024, 1023).wrapping_add(1024);
    usize::from(SIGNED32[index.cast_unsigned() as usize & 2047])
}

static END: [u8; 64] = table(&[1, 3, 6, 10, 15, 22, 32]);
static REMAINING4: [u8; 64] = table(&[2, 5, 13]);
static REMAINING8: [u8; 64] = table(&[2, 3, 4, 6, 9, 14, 22]);

/// Bucket 0..8 of how far an interior reaches, 0..=49.
#[inline(always)]
pub(crate) fn end_bucket(end: usize) -> usize {
    usize::from(END[end & 63])
}

/// Bucket 0..4 of how many interior coefficients are left, 1..=49; bucket 0 is the last one.
#[inline(always)]
pub(crate) fn remaining_bucket4(remaining: usize) -> usize {
    usize::from(REMAINING4[remaining & 63])
}

/// Bucket 0..8 of how many interior coefficients are left, 1..=49; bucket 0 is the last one.
#[inline(always)]
pub(crate) fn remaining_bucket8(remaining: usize) -> usize {
    usize::from(REMAINING8[remaining & 63])
}

const fn table<const N: usize>(bounds: &[u16]) -> [u8; N] {
    let mut table = [0; N];
    let mut bucket = 0;
    let mut value = 0;
    while value < N {
        while bucket < bounds.len() && value >= bounds[bucket] as usize {
            bucket += 1;
        }
        table[value] = bucket as u8;
        value += 1;
    }
    table
}
