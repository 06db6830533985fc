//! Filters of rows (PNG specification, third edition, clause 9), and the choice between them that
//! most encoders make (clause 12.7).
//!
//! Invariant: for every row and filter type, [`undo`] turns what [`apply`] wrote back into the row,
//! and the other way round.

use crate::simd::{VectorMultiply, Vectorized, vectorized};
use fearless_simd::{Simd, i16x8, prelude::*};

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
/// Without branches, so that pixels become vectors.
#[inline(always)]
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let to_left = b.wrapping_sub(c);
    let to_above = a.wrapping_sub(c);
    let to_corner = to_left.wrapping_add(to_above).wrapping_abs();
    let (to_left, to_above) = (to_left.wrapping_abs(), to_above.wrapping_abs());
    let behind = if to_above <= to_corner { b } else { c };
    let is_left = (to_left <= to_above) & (to_left <= to_corner);
    (if is_left { a } else { behind }).cast_unsigned() as u8
}

#[inline(always)]
fn average(left: u8, above: u8) -> u8 {
    (u16::from(left).wrapping_add(u16::from(above)) >> 1) as u8
}

/// Filters `row` into `out`, as long as it; `above` is the row before of the same length, zeros for
/// the first row of an image, and `distance` the bytes of a pixel, 1 to 8.
pub(crate) fn apply(filter: FilterType, distance: usize, row: &[u8], above: &[u8], out: &mut [u8]) {
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

/// Undoes a filter within `row`; `above` and `distance` as in [`apply`].
pub(crate) fn undo(filter: FilterType, distance: usize, row: &mut [u8], above: &[u8]) {
    match distance {
        1 => undo_by::<1>(filter, row, above),
        2 => undo_by::<2>(filter, row, above),
        3 => undo_by::<3>(filter, row, above),
        4 => undo_by::<4>(filter, row, above),
        6 => undo_by::<6>(filter, row, above),
        _ => undo_by::<8>(filter, row, above),
    }
}

/// The samples of a pixel as lanes, zeros behind them.
#[inline(always)]
fn widen<S: Simd, const N: usize>(simd: S, pixel: &[u8; N]) -> i16x8<S> {
    let mut samples = [0i16; 8];
    for channel in 0..N {
        samples[channel] = i16::from(pixel[channel]);
    }
    i16x8::simd_from(simd, samples)
}

/// Undoes type Paeth in whole pixels of `N` bytes, all samples of a pixel at a time.
struct UndoPaeth<'p, const N: usize> {
    pixels: &'p mut [[u8; N]],
    aboves: &'p [[u8; N]],
}

impl<const N: usize> Vectorized for UndoPaeth<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorMultiply>(self, simd: S) {
        let low_byte = i16x8::splat(simd, 255);
        let mut left = i16x8::splat(simd, 0);
        let mut corner = left;
        for index in 0..self.pixels.len().min(self.aboves.len()) {
            let above = widen(simd, &self.aboves[index]);
            let to_left = above - corner;
            let to_above = left - corner;
            let to_corner = (to_left + to_above).abs();
            let (to_left, to_above) = (to_left.abs(), to_above.abs());
            let least = to_left.min(to_above).min(to_corner);
            let behind = to_above.simd_eq(least).select(above, corner);
            let prediction = to_left.simd_eq(least).select(left, behind);
            left = (widen(simd, &self.pixels[index]) + prediction) & low_byte;
            corner = above;
            let samples: [i16; 8] = left.into();
            let mut pixel = [0; N];
            for channel in 0..N {
                pixel[channel] = samples[channel].cast_unsigned() as u8;
            }
            self.pixels[index] = pixel;
        }
    }
}

/// [`undo`] for pixels of `N` bytes, whose samples are independent of each other.
fn undo_by<const N: usize>(filter: FilterType, row: &mut [u8], above: &[u8]) {
    let above = &above[..row.len()];
    let mut left = [0u8; N];
    let mut corner = [0u8; N];
    match filter {
        FilterType::None => {}
        FilterType::Up => {
            for (value, &above) in row.iter_mut().zip(above) {
                *value = value.wrapping_add(above);
            }
        }
        FilterType::Sub => {
            let (pixels, rest) = row.as_chunks_mut::<N>();
            for pixel in pixels {
                for channel in 0..N {
                    left[channel] = left[channel].wrapping_add(pixel[channel]);
                }
                *pixel = left;
            }
            for (value, left) in rest.iter_mut().zip(&left) {
                *value = value.wrapping_add(*left);
            }
        }
        FilterType::Average => {
            let (pixels, rest) = row.as_chunks_mut::<N>();
            let (aboves, rest_above) = above.as_chunks::<N>();
            for (pixel, above) in pixels.iter_mut().zip(aboves) {
                for channel in 0..N {
                    let prediction = average(left[channel], above[channel]);
                    left[channel] = pixel[channel].wrapping_add(prediction);
                }
                *pixel = left;
            }
            for ((value, left), above) in rest.iter_mut().zip(&left).zip(rest_above) {
                *value = value.wrapping_add(average(*left, *above));
            }
        }
        FilterType::Paeth => {
            let (pixels, rest) = row.as_chunks_mut::<N>();
            let (aboves, rest_above) = above.as_chunks::<N>();
            vectorized(UndoPaeth {
                pixels: &mut *pixels,
                aboves,
            });
            if let (Some(pixel), Some(above)) = (pixels.last(), aboves.last()) {
                (left, corner) = (*pixel, *above);
            }
            for (((value, left), above), corner) in
                rest.iter_mut().zip(&left).zip(rest_above).zip(&corner)
            {
                *value = value.wrapping_add(paeth(*left, *above, *corner));
            }
        }
    }
}

/// The filter type that gives the least sum of absolute differences, its bytes taken as signed; the
/// first of them where several do. This is what libpng chooses where it may choose.
/// `scratch` is as long as `row`.
pub(crate) fn least_sum(
    distance: usize,
    row: &[u8],
    above: &[u8],
    scratch: &mut [u8],
) -> FilterType {
    let mut best = FilterType::None;
    let mut least = u64::MAX;
    for filter in FilterType::ALL {
        let sum = match filter {
            FilterType::None => sum_of_absolutes(row),
            _ => {
                apply(filter, distance, row, above, scratch);
                sum_of_absolutes(&scratch[..row.len()])
            }
        };
        if sum < least {
            least = sum;
            best = filter;
        }
    }
    best
}

fn sum_of_absolutes(bytes: &[u8]) -> u64 {
    // Blocks are short enough for a sum in 32 bits, and are summed by vectors.
    bytes
        .chunks(1 << 16)
        .map(|block| {
            let sum = block.iter().fold(0u32, |sum, &byte| {
                sum.wrapping_add(u32::from(byte.cast_signed().unsigned_abs()))
            });
            u64::from(sum)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn filters_are_undone(
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
            undo(filter, distance, &mut filtered, &above);
            prop_assert_eq!(filtered, row);
        }
    }

    #[test]
    fn the_first_of_the_best_filters_is_chosen() {
        let mut scratch = [0; 6];
        let mut choose = |row: [u8; 6], above: [u8; 6]| least_sum(1, &row, &above, &mut scratch);
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
