//! What a row of an image looks like in bytes.

/// Channels of a pixel (PNG, clause 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourType {
    Gray,
    Rgb,
    Palette,
    GrayAlpha,
    Rgba,
}

/// Layout of the rows of one image, or of one pass of an interlaced image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelFormat {
    width: usize,
    colour: ColourType,
    depth: usize,
}

impl PixelFormat {
    /// The format of rows of `width` pixels, by the fields of IHDR (PNG, clause 11.2.1). `None` for
    /// an empty row, for a combination that the specification does not allow, and for rows whose
    /// size is not a `u32`.
    pub(crate) fn new(width: u32, colour_type: u8, bit_depth: u8) -> Option<Self> {
        let colour = match (colour_type, bit_depth) {
            (0, 1 | 2 | 4 | 8 | 16) => ColourType::Gray,
            (2, 8 | 16) => ColourType::Rgb,
            (3, 1 | 2 | 4 | 8) => ColourType::Palette,
            (4, 8 | 16) => ColourType::GrayAlpha,
            (6, 8 | 16) => ColourType::Rgba,
            _ => return None,
        };
        let format = Self {
            width: width as usize,
            colour,
            depth: usize::from(bit_depth),
        };
        let bits = u64::from(width) * (format.channels() * format.depth) as u64;
        (width > 0 && bits.div_ceil(8) <= u64::from(u32::MAX)).then_some(format)
    }

    /// Pixels in a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Bytes in a row, without the filter type.
    pub(crate) fn row_bytes(&self) -> usize {
        (self.width * self.channels() * self.depth).div_ceil(8)
    }

    /// Samples in a pixel.
    pub(crate) fn channels(&self) -> usize {
        match self.colour {
            ColourType::Gray | ColourType::Palette => 1,
            ColourType::GrayAlpha => 2,
            ColourType::Rgb => 3,
            ColourType::Rgba => 4,
        }
    }
}
