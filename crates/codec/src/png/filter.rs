//! Filters of rows (PNG specification, third edition, clause 9), and the choice between them that
//! most encoders make (clause 12.7).
//!
//! Invariant: for every row and filter type, [`reconstruct`](super::reconstruction::reconstruct) turns
//! what [`apply`] wrote back into the row, and the other way round.

use crate::simd::{VectorInstructions, Vectorized, vectorized};
use fearless_simd::{Simd, prelude::*, u8x32, u16x16};

/// Number of filter types.
pub(crate) const TYPES: usize = 5;

/// A row's filter type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterType {
    None,
    Sub,
    Up,
    Average,
    Paeth,
}

impl FilterType {
    /// All types, in the order of their numbers.
    pub(crate) const ALL: [Self; TYPES] =
        [Self::None, Self::Sub, Self::Up, Self::Average, Self::Paeth];

    /// The type with this number in a file.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// The predictor of type Paeth: of the three, the one closest to `left + above - corner`.
///
/// Without branches, and in eight bits, so that bytes become vectors: the distance to the corner is the
/// sum of the other two, and then not less than either, or their difference. It is not spelled out,
/// because the compiler takes differences of differences in 32 bits.
#[inline(always)]
pub(super) fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let to_left = above.abs_diff(corner);
    let to_above = left.abs_diff(corner);
    let is_sum = (above >= corner) == (left >= corner);
    let most_to_left = if is_sum {
        to_above
    } else {
        to_above.saturating_sub(to_left)
    };
    let is_above = is_sum | (to_above <= to_left.saturating_sub(to_above));
    let behind = if is_above { above } else { corner };
    if to_left <= most_to_left {
        left
    } else {
        behind
    }
}

#[inline(always)]
pub(super) fn average(left: u8, above: u8) -> u8 {
    (left & above).wrapping_add((left ^ above) >> 1)
}

/// Filters `row` into `out`, as long as it; `above` is the row before of the same length, zeros for
/// the first row of an image, and `distance` the bytes of a pixel, 1 to 8.
pub(crate) fn apply(filter: FilterType, distance: usize, row: &[u8], above: &[u8], out: &mut [u8]) {
    vectorized(Apply {
        filter,
        distance,
        row,
        above,
        out,
    });
}

/// The work of [`apply`].
struct Apply<'r> {
    filter: FilterType,
    distance: usize,
    row: &'r [u8],
    above: &'r [u8],
    out: &'r mut [u8],
}

impl Vectorized for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, _simd: S) {
        apply_plainly(self.filter, self.distance, self.row, self.above, self.out);
    }
}

#[inline(always)]
fn apply_plainly(filter: FilterType, distance: usize, row: &[u8], above: &[u8], out: &mut [u8]) {
    let distance = distance.min(row.len());
    let above = &above[..row.len()];
    let out = &mut out[..row.len()];
    let (left, corner) = (&row[..row.len() - distance], above);
    let tail = distance..row.len();
    match filter {
        FilterType::None => out.copy_from_slice(row),
        FilterType::Sub => {
            out[..distance].copy_from_slice(&row[..distance]);
            for ((out, &value), &left) in out[tail.clone()].iter_mut().zip(&row[tail]).zip(left) {
                *out = value.wrapping_sub(left);
            }
        }
        FilterType::Up => {
            for ((out, &value), &above) in out.iter_mut().zip(row).zip(above) {
                *out = value.wrapping_sub(above);
            }
        }
        FilterType::Average => {
            for ((out, &value), &above) in out[..distance].iter_mut().zip(row).zip(above) {
                *out = value.wrapping_sub(average(0, above));
            }
            for (((out, &value), &above), &left) in out[tail.clone()]
                .iter_mut()
                .zip(&row[tail.clone()])
                .zip(&above[tail])
                .zip(left)
            {
                *out = value.wrapping_sub(average(left, above));
            }
        }
        FilterType::Paeth => {
            for ((out, &value), &above) in out[..distance].iter_mut().zip(row).zip(above) {
                *out = value.wrapping_sub(above);
            }
            for ((((out, &value), &above), &left), &corner) in out[tail.clone()]
                .iter_mut()
                .zip(&row[tail.clone()])
                .zip(&above[tail])
                .zip(left)
                .zip(corner)
            {
                *out = value.wrapping_sub(paeth(left, above, corner));
            }
        }
    }
}

/// Bytes that are summed side by side.
const LANES: usize = 32;

/// Most of their rows for which sums of pairs fit 16 bits: sizes of signed bytes are at most 128.
const ROWS: usize = 255;

/// The filter type that gives the least sum of absolute differences, its bytes taken as signed; the
/// first of them where several do. This is what libpng chooses where it may choose.
pub(crate) fn least_sum(distance: usize, row: &[u8], above: &[u8]) -> FilterType {
    let sums = vectorized(Sums {
        distance: distance.min(row.len()),
        row,
        above: &above[..row.len()],
    });
    let mut best = FilterType::None;
    for filter in FilterType::ALL {
        if sums[filter as usize] < sums[best as usize] {
            best = filter;
        }
    }
    best
}

/// Sums of absolute differences for all filter types, in one pass over a row.
struct Sums<'r> {
    distance: usize,
    row: &'r [u8],
    above: &'r [u8],
}

impl Vectorized for Sums<'_> {
    type Output = [u64; TYPES];

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) -> [u64; TYPES] {
        let Self {
            distance,
            row,
            above,
        } = self;
        let mut sums = [0u64; TYPES];
        for (&value, &above) in row[..distance].iter().zip(above) {
            add_sizes(&mut sums, filtered(value, 0, above, 0));
        }
        let (lefts, corners) = (&row[..row.len() - distance], &above[..row.len() - distance]);
        let (values, rest) = row[distance..].as_chunks::<LANES>();
        let (aboves, rest_above) = above[distance..].as_chunks::<LANES>();
        let (lefts, rest_left) = lefts.as_chunks::<LANES>();
        let (corners, rest_corner) = corners.as_chunks::<LANES>();
        let blocks = values.chunks(ROWS).zip(aboves.chunks(ROWS));
        let before = lefts.chunks(ROWS).zip(corners.chunks(ROWS));
        for ((values, aboves), (lefts, corners)) in blocks.zip(before) {
            let block = sum_block(simd, values, lefts, aboves, corners);
            for (sum, more) in sums.iter_mut().zip(block) {
                *sum += u64::from(more);
            }
        }
        let rest = rest.iter().zip(rest_left).zip(rest_above).zip(rest_corner);
        for (((&value, &left), &above), &corner) in rest {
            add_sizes(&mut sums, filtered(value, left, above, corner));
        }
        sums
    }
}

/// A byte by all filter types.
#[inline(always)]
fn filtered(value: u8, left: u8, above: u8, corner: u8) -> [u8; TYPES] {
    [
        value,
        value.wrapping_sub(left),
        value.wrapping_sub(above),
        value.wrapping_sub(average(left, above)),
        value.wrapping_sub(paeth(left, above, corner)),
    ]
}

/// The size of a byte taken as signed.
#[inline(always)]
fn size(byte: u8) -> u8 {
    byte.min(byte.wrapping_neg())
}

#[inline(always)]
fn add_sizes(sums: &mut [u64; TYPES], bytes: [u8; TYPES]) {
    for (sum, byte) in sums.iter_mut().zip(bytes) {
        *sum += u64::from(size(byte));
    }
}

/// The sums over at most [`ROWS`] rows of lanes.
#[inline(always)]
fn sum_block<S: Simd>(
    simd: S,
    values: &[[u8; LANES]],
    lefts: &[[u8; LANES]],
    aboves: &[[u8; LANES]],
    corners: &[[u8; LANES]],
) -> [u32; TYPES] {
    let mut sums = [u16x16::splat(simd, 0); TYPES];
    for (((values, lefts), aboves), corners) in values.iter().zip(lefts).zip(aboves).zip(corners) {
        let mut sizes = [[0; LANES]; TYPES];
        for lane in 0..LANES {
            let bytes = filtered(values[lane], lefts[lane], aboves[lane], corners[lane]);
            for filter in 0..TYPES {
                sizes[filter][lane] = size(bytes[filter]);
            }
        }
        for (sum, sizes) in sums.iter_mut().zip(sizes) {
            let sizes = u8x32::simd_from(simd, sizes);
            *sum += simd.pairwise_widening_add_u8x32(sizes);
        }
    }
    sums.map(|sums| {
        let sums: [u16; LANES / 2] = sums.into();
        sums.into_iter().map(u32::from).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn filters_are_those_of_the_definition(
            rows in proptest::collection::vec(any::<(u8, u8)>(), 1..70),
            distance in prop_oneof![Just(1usize), Just(2), Just(3), Just(4), Just(6), Just(8)],
            number in 0u8..5,
        ) {
            let (row, above): (Vec<u8>, Vec<u8>) = rows.into_iter().unzip();
            let filter = FilterType::from_byte(number).unwrap();
            let mut filtered = vec![0; row.len()];
            apply(filter, distance, &row, &above, &mut filtered);
            // The definition, byte by byte.
            for index in 0..row.len() {
                let at = |bytes: &[u8]| index.checked_sub(distance).map_or(0, |left| bytes[left]);
                let (left, up, corner) = (at(&row), above[index], at(&above));
                let prediction = match filter {
                    FilterType::None => 0,
                    FilterType::Sub => left,
                    FilterType::Up => up,
                    FilterType::Average => ((u16::from(left) + u16::from(up)) / 2) as u8,
                    FilterType::Paeth => {
                        let p = i32::from(left) + i32::from(up) - i32::from(corner);
                        *[left, up, corner]
                            .iter()
                            .min_by_key(|&&v| (p - i32::from(v)).abs())
                            .unwrap()
                    }
                };
                prop_assert_eq!(filtered[index], row[index].wrapping_sub(prediction));
            }
        }
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_filters_one_by_one(
            rows in proptest::collection::vec(any::<(u8, u8)>(), 1..300),
            repeated in 1usize..200,
            distance in 1usize..9,
        ) {
            let rows = rows.repeat(repeated);
            let (row, above): (Vec<u8>, Vec<u8>) = rows.into_iter().unzip();
            let mut filtered = vec![0; row.len()];
            let mut least = None;
            for filter in FilterType::ALL {
                apply(filter, distance, &row, &above, &mut filtered);
                let sizes = filtered.iter().map(|&byte| u64::from(byte.cast_signed().unsigned_abs()));
                let sum: u64 = sizes.sum();
                if least.is_none_or(|(least, _)| sum < least) {
                    least = Some((sum, filter));
                }
            }
            prop_assert_eq!(Some(least_sum(distance, &row, &above)), least.map(|(_, filter)| filter));
        }
    }

    #[test]
    fn the_first_of_the_best_filters_is_chosen() {
        let choose = |row: [u8; 6], above: [u8; 6]| least_sum(1, &row, &above);
        assert_eq!(choose([0; 6], [0; 6]), FilterType::None);
        assert_eq!(choose([9; 6], [0; 6]), FilterType::Sub);
        assert_eq!(
            choose([9, 99, 7, 80, 4, 250], [9, 99, 7, 80, 4, 250]),
            FilterType::Up
        );
        assert_eq!(
            choose([10, 15, 18, 19, 20, 20], [20; 6]),
            FilterType::Average
        );
        assert_eq!(choose([255, 0, 1, 255, 0, 1], [77; 6]), FilterType::None);
    }
}
