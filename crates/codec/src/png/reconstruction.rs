//! Rows from filtered rows (PNG specification, third edition, clause 9.2).
//!
//! Invariant: what is written depends on the filtered bytes and the row above alone, and every byte of
//! the row is written.

use super::filter::{FilterType, average, paeth};
use crate::simd::{VectorInstructions, Vectorized, vectorized};
use fearless_simd::{Simd, i16x8, prelude::*};

/// Turns `filtered` back into `row`, which is as long; `above` is the row before of the same length,
/// zeros for the first row of an image, and `distance` the bytes of a pixel, 1 to 8.
pub(crate) fn reconstruct(
    filter: FilterType,
    distance: usize,
    filtered: &[u8],
    above: &[u8],
    row: &mut [u8],
) {
    let above = &above[..row.len()];
    match distance {
        1 => reconstruct_by::<1>(filter, filtered, above, row),
        2 => reconstruct_by::<2>(filter, filtered, above, row),
        3 => reconstruct_by::<3>(filter, filtered, above, row),
        4 => reconstruct_by::<4>(filter, filtered, above, row),
        6 => reconstruct_by::<6>(filter, filtered, above, row),
        _ => reconstruct_by::<8>(filter, filtered, above, row),
    }
}

/// [`reconstruct`] for pixels of `N` bytes, whose samples are independent of each other.
fn reconstruct_by<const N: usize>(
    filter: FilterType,
    filtered: &[u8],
    above: &[u8],
    row: &mut [u8],
) {
    match filter {
        FilterType::None => row.copy_from_slice(filtered),
        FilterType::Up => {
            for ((value, &filtered), &above) in row.iter_mut().zip(filtered).zip(above) {
                *value = filtered.wrapping_add(above);
            }
        }
        FilterType::Sub => {
            by_pixels::<N>(filtered, above, row, |left, _| left);
        }
        FilterType::Average => {
            by_pixels::<N>(filtered, above, row, average);
        }
        FilterType::Paeth => {
            let whole = row.len() - row.len() % N;
            let (pixels, _) = row.as_chunks_mut::<N>();
            vectorized(ReconstructPaeth {
                filtered: filtered.as_chunks().0,
                aboves: above.as_chunks().0,
                pixels,
            });
            for index in whole..row.len() {
                let (left, corner) = match index.checked_sub(N) {
                    Some(before) => (row[before], above[before]),
                    None => (0, 0),
                };
                row[index] = filtered[index].wrapping_add(paeth(left, above[index], corner));
            }
        }
    }
}

/// Reconstructs pixel by pixel; `predict` takes the samples to the left and above.
#[inline(always)]
fn by_pixels<const N: usize>(
    filtered: &[u8],
    above: &[u8],
    row: &mut [u8],
    predict: impl Fn(u8, u8) -> u8,
) {
    let mut left = [0u8; N];
    let (pixels, rest) = row.as_chunks_mut::<N>();
    let (residuals, rest_residuals) = filtered.as_chunks::<N>();
    let (aboves, rest_above) = above.as_chunks::<N>();
    for ((pixel, residual), above) in pixels.iter_mut().zip(residuals).zip(aboves) {
        for channel in 0..N {
            let prediction = predict(left[channel], above[channel]);
            left[channel] = residual[channel].wrapping_add(prediction);
        }
        *pixel = left;
    }
    for (channel, value) in rest.iter_mut().enumerate() {
        let prediction = predict(left[channel], rest_above[channel]);
        *value = rest_residuals[channel].wrapping_add(prediction);
    }
}

/// Pixels that are looked at together.
const RUN: usize = 8;

/// Reconstructs rows of type Paeth in whole pixels of `N` bytes.
///
/// Most pixels of a screenshot are predicted exactly. A run of these is copied from above if it begins
/// below a pixel like its corner, and repeats the pixel left of it if all above it are alike.
struct ReconstructPaeth<'p, const N: usize> {
    filtered: &'p [[u8; N]],
    aboves: &'p [[u8; N]],
    pixels: &'p mut [[u8; N]],
}

impl<const N: usize> Vectorized for ReconstructPaeth<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) {
        let (mut left, mut corner) = ([0u8; N], [0u8; N]);
        let (runs, rest) = self.filtered.as_chunks::<RUN>();
        let (aboves, rest_above) = self.aboves.as_chunks::<RUN>();
        let (pixels, rest_pixels) = self.pixels.as_chunks_mut::<RUN>();
        for ((filtered, aboves), pixels) in runs.iter().zip(aboves).zip(pixels) {
            let is_exact = *filtered == [[0; N]; RUN];
            if is_exact && left == corner {
                *pixels = *aboves;
            } else if is_exact && *aboves == [corner; RUN] {
                *pixels = [left; RUN];
            } else {
                reconstruct_run(simd, [left, corner], filtered, aboves, pixels);
            }
            (left, corner) = (pixels[RUN - 1], aboves[RUN - 1]);
        }
        reconstruct_run(simd, [left, corner], rest, rest_above, rest_pixels);
    }
}

/// Reconstructs pixels of type Paeth, all samples of a pixel at a time.
#[inline(always)]
fn reconstruct_run<S: Simd, const N: usize>(
    simd: S,
    [left, corner]: [[u8; N]; 2],
    filtered: &[[u8; N]],
    aboves: &[[u8; N]],
    pixels: &mut [[u8; N]],
) {
    let low_byte = i16x8::splat(simd, 255);
    let (mut left, mut corner) = (widen(simd, &left), widen(simd, &corner));
    for ((filtered, above), pixel) in filtered.iter().zip(aboves).zip(pixels) {
        let above = widen(simd, above);
        let to_left = above - corner;
        let to_above = left - corner;
        let to_corner = (to_left + to_above).abs();
        let (to_left, to_above) = (to_left.abs(), to_above.abs());
        let least = to_left.min(to_above).min(to_corner);
        let behind = to_above.simd_eq(least).select(above, corner);
        let prediction = to_left.simd_eq(least).select(left, behind);
        left = (widen(simd, filtered) + prediction) & low_byte;
        corner = above;
        let samples: [i16; 8] = left.into();
        for channel in 0..N {
            pixel[channel] = samples[channel].cast_unsigned() as u8;
        }
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

#[cfg(test)]
mod tests {
    use super::super::filter::apply;
    use super::*;
    use proptest::prelude::*;

    /// Bytes that are often like those before them, so that runs are predicted exactly.
    fn often_alike() -> impl Strategy<Value = Vec<u8>> {
        let stretch = (any::<[u8; 8]>(), 1usize..30);
        proptest::collection::vec(stretch, 1..8).prop_map(|stretches| {
            let repeated = stretches.iter().map(|(bytes, count)| bytes.repeat(*count));
            repeated.flatten().collect()
        })
    }

    proptest! {
        #[test]
        fn filters_are_undone(
            row in prop_oneof![often_alike(), proptest::collection::vec(any::<u8>(), 1..300)],
            above in prop_oneof![often_alike(), proptest::collection::vec(any::<u8>(), 1..300)],
            is_like_above in any::<bool>(),
            distance in prop_oneof![Just(1usize), Just(2), Just(3), Just(4), Just(6), Just(8)],
            number in 0u8..5,
        ) {
            let length = row.len().min(above.len());
            let (mut row, above) = (row[..length].to_vec(), &above[..length]);
            if is_like_above {
                row[length / 3..].copy_from_slice(&above[length / 3..]);
            }
            let filter = FilterType::from_byte(number).unwrap();
            let mut filtered = vec![0; length];
            apply(filter, distance, &row, above, &mut filtered);
            let mut undone = vec![0; length];
            reconstruct(filter, distance, &filtered, above, &mut undone);
            prop_assert_eq!(undone, row);
        }
    }
}
