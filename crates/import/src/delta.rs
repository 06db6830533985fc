//! A screenshot as what changed since the one before: a lossless JPEG XL of the differences.
//!
//! Invariant: each sample that comes out is the sum of one of the difference and one of the frame before,
//! modulo 256; whatever is not exactly so stored is refused.

use std::io::{Read, Write};

use lepta_sandbox::StandardOutput;

use crate::failure::Failure;
use crate::jxl::read_jxl;
use crate::pixels::Pixels;
use crate::png_reader::read_png;
use crate::png_writer::write_png;
use crate::report::{count_input, count_output};

/// Restores a frame from its difference, and the frame before it, a PNG, and writes it as a PNG to standard
/// output.
///
/// # Errors
/// If either is not what it should be, or reading or writing fails.
pub(crate) fn restore(input: impl Read, before: impl Read) -> Result<(), Failure> {
    let mut frame = read_jxl(&read_all(input)?)?;
    add(&mut frame, read_png(&read_all(before)?)?)?;
    let png = write_png(&frame);
    StandardOutput
        .write_all(&png)
        .map_err(|error| Failure::writing(&error))?;
    count_output(png.len());
    Ok(())
}

fn read_all(mut input: impl Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let count = input
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::reading(&error))?;
    count_input(count);
    Ok(bytes)
}

/// Adds the frame before to a difference.
fn add(difference: &mut Pixels, before: Pixels) -> Result<(), Failure> {
    let sizes = [&*difference, &before].map(|image| (image.width, image.height));
    let [(width, height), (before_width, before_height)] = sizes;
    if sizes[0] != sizes[1] {
        return Err(Failure::malformed(format!(
            "the difference has {width}x{height} pixels, the frame before {before_width}x{before_height}"
        )));
    }
    let Some(before) = before.with_channels(difference.channels) else {
        let what = "the difference is gray, but the frame before has colours";
        return Err(Failure::malformed(what));
    };
    for (sample, before) in difference.samples.iter_mut().zip(&before.samples) {
        *sample = sample.wrapping_add(*before);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_modulo_256() {
        let pixels = |channels: usize, samples: &[u8]| Pixels {
            width: 1,
            height: 1,
            channels,
            samples: samples.to_vec(),
        };
        let mut frame = pixels(4, &[1, 255, 0, 0]);
        add(&mut frame, pixels(3, &[255, 255, 9])).expect("alike");
        assert_eq!(frame.samples, [0, 254, 9, 255]);
        let mut gray = pixels(1, &[1]);
        assert!(add(&mut gray, pixels(3, &[1, 2, 3])).is_err());
        let mut wide = Pixels {
            width: 2,
            ..pixels(1, &[1, 2])
        };
        assert!(add(&mut wide, pixels(1, &[1])).is_err());
    }
}
