//! PNGs of eight bits a sample, as screenshot tools write them (PNG specification, third edition).
//!
//! Invariant: an image comes out only of chunks whose checksums are right and of exactly as much image data
//! as its size needs.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::failure::Failure;
use crate::pixels::{Pixels, sample_count};

pub(crate) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
/// Bytes of the header's data.
const HEADER: usize = 13;

/// What of a file is needed.
#[derive(Default)]
struct Parts<'a> {
    header: Option<&'a [u8; HEADER]>,
    palette: &'a [u8],
    transparency: Option<&'a [u8]>,
    image_data: Vec<u8>,
}

/// Reads an image; one with a palette becomes RGB, or RGB and alpha.
///
/// # Errors
/// If it is none, damaged, or of a kind that screenshots are not: interlaced, of another depth, or with one
/// transparent colour.
pub(crate) fn read_png(bytes: &[u8]) -> Result<Pixels, Failure> {
    let parts = parts(bytes)?;
    let Some(&[w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, 0, 0, 0]) = parts.header else {
        return refuse("has no header, or is interlaced");
    };
    let width = u32::from_be_bytes([w0, w1, w2, w3]);
    let height = u32::from_be_bytes([h0, h1, h2, h3]);
    let stored = match (colour, depth) {
        (0 | 3, 8) => 1,
        (4, 8) => 2,
        (2, 8) => 3,
        (6, 8) => 4,
        _ => return refuse("does not have eight bits a sample"),
    };
    if parts.transparency.is_some() && colour != 3 {
        return refuse("has a transparent colour");
    }
    let samples = unfiltered(&parts.image_data, width, height, stored)?;
    let image = Pixels {
        width,
        height,
        channels: stored,
        samples,
    };
    match colour {
        3 => with_palette(&image, parts.palette, parts.transparency),
        _ => Ok(image),
    }
}

fn refuse<T>(what: &str) -> Result<T, Failure> {
    Err(Failure::malformed(format!(
        "the frame before: a PNG that {what}"
    )))
}

fn parts(bytes: &[u8]) -> Result<Parts<'_>, Failure> {
    let Some(mut rest) = bytes.strip_prefix(&SIGNATURE) else {
        return Err(Failure::malformed("the frame before is no PNG"));
    };
    let mut parts = Parts::default();
    loop {
        let Some((kind, data, after)) = chunk(rest) else {
            return refuse("is cut or damaged");
        };
        match kind {
            b"IHDR" => parts.header = data.try_into().ok(),
            b"PLTE" => parts.palette = data,
            b"tRNS" => parts.transparency = Some(data),
            b"IDAT" => parts.image_data.extend_from_slice(data),
            b"IEND" => return Ok(parts),
            _ => {}
        }
        rest = after;
    }
}

/// The kind and the data of the first chunk, and what is behind it; `None` if it is cut or its checksum is
/// wrong.
fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (checked, rest) = rest.split_at_checked(length.checked_add(4)?)?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let (kind, data) = checked.split_first_chunk::<4>()?;
    (crc32fast::hash(checked) == u32::from_be_bytes(*checksum)).then_some((kind, data, rest))
}

fn unfiltered(
    compressed: &[u8],
    width: u32,
    height: u32,
    channels: usize,
) -> Result<Vec<u8>, Failure> {
    let count = sample_count(width, height, channels)?;
    let row_bytes = width as usize * channels;
    let filtered_bytes = count + height as usize;
    let filtered = match decompress_to_vec_zlib_with_limit(compressed, filtered_bytes) {
        Ok(filtered) if filtered.len() == filtered_bytes => filtered,
        _ => return refuse("has damaged image data"),
    };
    let mut samples = vec![0; count];
    let mut above = vec![0; row_bytes];
    let rows = samples.chunks_exact_mut(row_bytes);
    for (row, filtered) in rows.zip(filtered.chunks_exact(row_bytes + 1)) {
        let (&filter, filtered) = filtered.split_first().unwrap_or((&0, &[]));
        row.copy_from_slice(filtered);
        if filter > 4 {
            return refuse("has an unknown filter");
        }
        unfilter(filter, row, &above, channels);
        above.copy_from_slice(row);
    }
    Ok(samples)
}

/// Undoes the filter of a row (clause 9.2).
fn unfilter(filter: u8, row: &mut [u8], above: &[u8], distance: usize) {
    for index in 0..row.len() {
        let (left, corner) = match index.checked_sub(distance) {
            Some(before) => (row[before], above[before]),
            None => (0, 0),
        };
        let up = above[index];
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
            _ => paeth(left, up, corner),
        };
        row[index] = row[index].wrapping_add(predicted);
    }
}

/// The Paeth predictor (clause 9.4).
pub(crate) fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let estimate = a + b - c;
    let [to_left, to_up, to_corner] = [a, b, c].map(|value| estimate.abs_diff(value));
    if to_left <= to_up && to_left <= to_corner {
        left
    } else if to_up <= to_corner {
        up
    } else {
        corner
    }
}

fn with_palette(
    image: &Pixels,
    palette: &[u8],
    transparency: Option<&[u8]>,
) -> Result<Pixels, Failure> {
    let channels = match transparency {
        Some(_) => 4,
        None => 3,
    };
    let mut samples = Vec::with_capacity(sample_count(image.width, image.height, channels)?);
    for &index in &image.samples {
        let index = usize::from(index);
        let Some(colour) = palette.chunks_exact(3).nth(index) else {
            return refuse("has an index without a colour");
        };
        samples.extend_from_slice(colour);
        if let Some(alphas) = transparency {
            samples.push(alphas.get(index).copied().unwrap_or(255));
        }
    }
    Ok(Pixels {
        width: image.width,
        height: image.height,
        channels,
        samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use png::{BitDepth, ColorType, Compression, Encoder, FilterType};

    fn encoded(
        colour: ColorType,
        samples: &[u8],
        set: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 5, 7);
        encoder.set_color(colour);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Best);
        set(&mut encoder);
        let mut writer = encoder.write_header().expect("memory");
        writer.write_image_data(samples).expect("memory");
        drop(writer);
        bytes
    }

    fn samples(count: usize) -> Vec<u8> {
        (0..count)
            .map(|index| (index * index % 251) as u8)
            .collect()
    }

    #[test]
    fn images_of_every_kind_and_filter_are_read() {
        for (colour, channels) in [
            (ColorType::Grayscale, 1),
            (ColorType::GrayscaleAlpha, 2),
            (ColorType::Rgb, 3),
            (ColorType::Rgba, 4),
        ] {
            let samples = samples(5 * 7 * channels);
            for filter in [
                FilterType::NoFilter,
                FilterType::Sub,
                FilterType::Up,
                FilterType::Avg,
                FilterType::Paeth,
            ] {
                let file = encoded(colour, &samples, |encoder| encoder.set_filter(filter));
                let image = read_png(&file).expect("a PNG");
                assert_eq!(
                    (image.width, image.height, image.channels),
                    (5, 7, channels)
                );
                assert_eq!(image.samples, samples, "{colour:?} {filter:?}");
            }
        }
    }

    #[test]
    fn palettes_become_colours() {
        let palette = &[1, 2, 3, 4, 5, 6];
        let indices: Vec<u8> = (0..35).map(|index| index % 2).collect();
        let file = encoded(ColorType::Indexed, &indices, |encoder| {
            encoder.set_palette(&palette[..]);
            encoder.set_trns(&[9][..]);
        });
        let image = read_png(&file).expect("a PNG");
        assert_eq!(image.samples[..8], [1, 2, 3, 9, 4, 5, 6, 255]);
        let file = encoded(ColorType::Indexed, &indices, |encoder| {
            encoder.set_palette(&palette[..3]);
        });
        assert!(read_png(&file).is_err());
    }

    #[test]
    fn damage_is_refused() {
        let file = encoded(ColorType::Rgb, &samples(105), |_| {});
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_png(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(read_png(&file[..length]).is_err(), "{length} bytes");
        }
    }
}
