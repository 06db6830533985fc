//! PNGs for pixels that come from elsewhere.
//!
//! Invariant: the same pixels give the same file; what comes out is read back to the same pixels.

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::pixels::Pixels;
use crate::png_reader::{SIGNATURE, paeth};

/// The effort of the compression: what comes of it is compressed anew elsewhere.
const EFFORT: u8 = 6;
/// Bytes of image data in a chunk.
const CHUNK: usize = 1 << 16;

/// The image as a file.
pub(crate) fn write_png(image: &Pixels) -> Vec<u8> {
    let colour = match image.channels {
        1 => 0,
        2 => 4,
        3 => 2,
        _ => 6,
    };
    let mut header = [0; 13];
    header[..4].copy_from_slice(&image.width.to_be_bytes());
    header[4..8].copy_from_slice(&image.height.to_be_bytes());
    header[8..10].copy_from_slice(&[8, colour]);
    let mut file = SIGNATURE.to_vec();
    add_chunk(&mut file, *b"IHDR", &header);
    for data in compress_to_vec_zlib(&filtered(image), EFFORT).chunks(CHUNK) {
        add_chunk(&mut file, *b"IDAT", data);
    }
    add_chunk(&mut file, *b"IEND", &[]);
    file
}

fn add_chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    // Chunks here are short.
    file.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend_from_slice(&kind);
    file.extend_from_slice(data);
    let checksum = crc32fast::hash(&file[start..]);
    file.extend_from_slice(&checksum.to_be_bytes());
}

/// Rows with the filter in front that leaves the least sum of differences (clause 12.7).
fn filtered(image: &Pixels) -> Vec<u8> {
    let row_bytes = image.row_bytes();
    let mut filtered = Vec::with_capacity(image.samples.len() + image.height as usize);
    let first = vec![0; row_bytes];
    let mut above = first.as_slice();
    let mut candidates = [0, 1, 2, 4].map(|filter| (filter, vec![0; row_bytes]));
    for row in image.samples.chunks_exact(row_bytes) {
        for (filter, bytes) in &mut candidates {
            filter_row(*filter, row, above, image.channels, bytes);
        }
        let cost = |bytes: &[u8]| -> u64 {
            let sizes = bytes
                .iter()
                .map(|&byte| u64::from(byte.cast_signed().unsigned_abs()));
            sizes.sum()
        };
        if let Some((filter, bytes)) = candidates.iter().min_by_key(|(_, bytes)| cost(bytes)) {
            filtered.push(*filter);
            filtered.extend_from_slice(bytes);
        }
        above = row;
    }
    filtered
}

fn filter_row(filter: u8, row: &[u8], above: &[u8], distance: usize, out: &mut [u8]) {
    for (index, out) in out.iter_mut().enumerate() {
        let (left, corner) = match index.checked_sub(distance) {
            Some(before) => (row[before], above[before]),
            None => (0, 0),
        };
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => above[index],
            _ => paeth(left, above[index], corner),
        };
        *out = row[index].wrapping_sub(predicted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png_reader::read_png;

    #[test]
    fn what_is_written_is_read_back() {
        for channels in 1..=4 {
            let count = 64 * 37 * channels;
            let image = Pixels {
                width: 64,
                height: 37,
                channels,
                samples: (0..count).map(|index| (index * index / 97) as u8).collect(),
            };
            let file = write_png(&image);
            assert_eq!(read_png(&file), Ok(image.clone()));
            let decoder = png::Decoder::new(file.as_slice());
            let mut reader = decoder.read_info().expect("a PNG");
            let mut samples = vec![0; reader.output_buffer_size()];
            reader.next_frame(&mut samples).expect("pixels");
            assert_eq!(samples, image.samples);
        }
    }
}
