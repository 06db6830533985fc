//! What a PNG's IHDR chunk says, and the images of its interlace passes (PNG specification, third
//! edition, clauses 8.1 and 11.2.1).
//!
//! Invariant: an [`ImageHeader`] exists only for a combination of values that the specification
//! allows, so that all sizes below are those of a real image.

/// Bytes of an IHDR chunk's data.
pub(crate) const SIZE: usize = 13;

/// Largest width and height that the specification allows.
const DIMENSION_MAX: u32 = (1 << 31) - 1;

/// A legal image header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageHeader {
    /// In pixels, 1 to 2^31 - 1.
    pub(crate) width: u32,
    /// In pixels, 1 to 2^31 - 1.
    pub(crate) height: u32,
    /// Bits of a sample, or of a palette index: 1, 2, 4, 8 or 16.
    pub(crate) bit_depth: u8,
    /// 0 grayscale, 2 RGB, 3 palette, 4 grayscale and alpha, 6 RGB and alpha.
    pub(crate) colour_type: u8,
    /// Whether the image comes in the seven passes of Adam7.
    pub(crate) interlaced: bool,
}

/// An image of one pass, or the whole image where it is not interlaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassImage {
    /// In pixels, at least 1.
    pub(crate) width: u32,
    /// In rows, at least 1.
    pub(crate) height: u32,
    /// Bytes of a row, without the filter type in front.
    pub(crate) row_bytes: usize,
}

/// First column, first row, column step and row step of the passes of Adam7.
const ADAM7: [[u32; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

impl ImageHeader {
    /// Reads the data of an IHDR chunk; `None` if they break a rule.
    pub(crate) fn parse(data: &[u8; SIZE]) -> Option<Self> {
        let [
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
            depth,
            colour,
            compression,
            filter,
            interlace,
        ] = *data;
        let width = u32::from_be_bytes([w0, w1, w2, w3]);
        let height = u32::from_be_bytes([h0, h1, h2, h3]);
        let depth_fits = match colour {
            0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
            3 => matches!(depth, 1 | 2 | 4 | 8),
            2 | 4 | 6 => matches!(depth, 8 | 16),
            _ => false,
        };
        let size_fits =
            (1..=DIMENSION_MAX).contains(&width) && (1..=DIMENSION_MAX).contains(&height);
        let methods_fit = compression == 0 && filter == 0 && interlace <= 1;
        (depth_fits && size_fits && methods_fit).then_some(Self {
            width,
            height,
            bit_depth: depth,
            colour_type: colour,
            interlaced: interlace == 1,
        })
    }

    /// Samples of a pixel.
    pub(crate) fn channels(&self) -> usize {
        match self.colour_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }

    /// Bits of a pixel, 1 to 64.
    pub(crate) fn pixel_bits(&self) -> usize {
        self.channels() * usize::from(self.bit_depth)
    }

    /// Distance in bytes between a byte and the one that filters compare it with to its left.
    pub(crate) fn filter_distance(&self) -> usize {
        self.pixel_bits().div_ceil(8)
    }

    /// Bytes of the widest row, without the filter type. Saturates.
    pub(crate) fn widest_row(&self) -> usize {
        row_bytes(self.width, self.pixel_bits())
    }

    /// The images, in the order in which they are stored. Passes without a pixel are left out.
    pub(crate) fn passes(&self) -> impl Iterator<Item = PassImage> + use<> {
        let header = *self;
        let count = if self.interlaced { ADAM7.len() } else { 1 };
        (0..count).filter_map(move |pass| header.pass(pass))
    }

    fn pass(&self, pass: usize) -> Option<PassImage> {
        let [first_column, first_row, column_step, row_step] = match self.interlaced {
            true => *ADAM7.get(pass)?,
            false => [0, 0, 1, 1],
        };
        let width = self.width.checked_sub(first_column)?.div_ceil(column_step);
        let height = self.height.checked_sub(first_row)?.div_ceil(row_step);
        (width > 0 && height > 0).then_some(PassImage {
            width,
            height,
            row_bytes: row_bytes(width, self.pixel_bits()),
        })
    }
}

fn row_bytes(width: u32, pixel_bits: usize) -> usize {
    let bits = u64::from(width) * pixel_bits as u64;
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(width: u32, height: u32, last: [u8; 5]) -> Option<ImageHeader> {
        let mut data = [0; SIZE];
        data[..4].copy_from_slice(&width.to_be_bytes());
        data[4..8].copy_from_slice(&height.to_be_bytes());
        data[8..].copy_from_slice(&last);
        ImageHeader::parse(&data)
    }

    #[test]
    fn only_legal_headers_are_taken() {
        let legal = (0..=255u8)
            .flat_map(|colour| (0..=255u8).map(move |depth| (colour, depth)))
            .filter(|&(colour, depth)| header(1, 1, [depth, colour, 0, 0, 0]).is_some())
            .count();
        assert_eq!(legal, 15);
        assert!(header(0, 1, [8, 0, 0, 0, 0]).is_none());
        assert!(header(1, 1 << 31, [8, 0, 0, 0, 0]).is_none());
        for broken in [[8, 0, 1, 0, 0], [8, 0, 0, 1, 0], [8, 0, 0, 0, 2]] {
            assert!(header(1, 1, broken).is_none());
        }
    }

    #[test]
    fn passes_hold_every_pixel_once() {
        for width in 1..20u32 {
            for height in 1..20u32 {
                let interlaced = header(width, height, [16, 6, 0, 0, 1]).unwrap();
                let pixels: u32 = interlaced.passes().map(|p| p.width * p.height).sum();
                assert_eq!(pixels, width * height);
                let whole = header(width, height, [1, 0, 0, 0, 0]).unwrap();
                let rows: Vec<_> = whole.passes().map(|p| (p.height, p.row_bytes)).collect();
                assert_eq!(rows, [(height, width.div_ceil(8) as usize)]);
            }
        }
    }
}
