//! What a row of an image looks like in bytes, and its pixels as numbers.
//!
//! A pixel is a `u32`: red, green, blue and alpha from the lowest byte up. Of samples of 16 bits it
//! holds the upper bytes; a gray sample or a palette index is held as green, with red and blue 0; a
//! pixel without alpha is opaque. Invariant: [`PixelFormat::store`] gives back the bytes that
//! [`PixelFormat::load`] read, save for the lower bytes of 16-bit samples and the bits that pad the
//! last byte of a row.

/// Columns of a block, and of one row of it, a segment. A multiple of 8, so that a segment begins
/// at a whole byte at every depth.
pub(super) const BLOCK: usize = 16;

/// Alpha of opaque pixels.
pub(super) const OPAQUE: u32 = 0xFF00_0000;

/// All of a pixel but its alpha.
pub(super) const COLOUR: u32 = 0x00FF_FFFF;

/// Channels of a pixel (PNG, clause 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColourType {
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
    pub(super) fn channels(&self) -> usize {
        match self.colour {
            ColourType::Gray | ColourType::Palette => 1,
            ColourType::GrayAlpha => 2,
            ColourType::Rgb => 3,
            ColourType::Rgba => 4,
        }
    }

    /// Whether a pixel has red and blue.
    pub(super) fn is_colourful(&self) -> bool {
        matches!(self.colour, ColourType::Rgb | ColourType::Rgba)
    }

    /// Whether neighbouring values mean neighbouring brightness.
    pub(super) fn is_smooth(&self) -> bool {
        self.colour != ColourType::Palette && self.depth >= 8
    }

    pub(super) fn has_alpha(&self) -> bool {
        matches!(self.colour, ColourType::GrayAlpha | ColourType::Rgba)
    }

    /// Whether samples have 16 bits.
    pub(super) fn has_lower_bytes(&self) -> bool {
        self.depth == 16
    }

    /// Whether pixels leave out some of a row's bits.
    pub(super) fn has_remainders(&self) -> bool {
        self.has_lower_bytes() || self.padding_bits() > 0
    }

    /// Bits behind the last pixel of a row, 0..=7.
    pub(super) fn padding_bits(&self) -> usize {
        self.row_bytes() * 8 - self.width * self.channels() * self.depth
    }

    /// Where the bytes of `count` pixels at column `start`, a multiple of 8, lie in a row.
    pub(super) fn byte_range(&self, start: usize, count: usize) -> std::ops::Range<usize> {
        let bits = self.channels() * self.depth;
        start * bits / 8..((start + count) * bits).div_ceil(8)
    }

    /// Reads pixels from their bytes.
    pub(super) fn load(&self, bytes: &[u8], pixels: &mut [u32]) {
        let gray = |value: u8| u32::from(value) << 8 | OPAQUE;
        match (self.colour, self.depth) {
            (ColourType::Rgba, 8) => {
                for (pixel, bytes) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = u32::from_le_bytes(*bytes);
                }
            }
            (ColourType::Rgb, 8) => {
                for (pixel, [r, g, b]) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = u32::from_le_bytes([*r, *g, *b, 255]);
                }
            }
            (ColourType::GrayAlpha, 8) => {
                for (pixel, [v, a]) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = u32::from_le_bytes([0, *v, 0, *a]);
                }
            }
            (ColourType::Rgba, _) => {
                for (pixel, [r, _, g, _, b, _, a, _]) in pixels.iter_mut().zip(bytes.as_chunks().0)
                {
                    *pixel = u32::from_le_bytes([*r, *g, *b, *a]);
                }
            }
            (ColourType::Rgb, _) => {
                for (pixel, [r, _, g, _, b, _]) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = u32::from_le_bytes([*r, *g, *b, 255]);
                }
            }
            (ColourType::GrayAlpha, _) => {
                for (pixel, [v, _, a, _]) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = u32::from_le_bytes([0, *v, 0, *a]);
                }
            }
            (ColourType::Gray, 16) => {
                for (pixel, [v, _]) in pixels.iter_mut().zip(bytes.as_chunks().0) {
                    *pixel = gray(*v);
                }
            }
            (ColourType::Gray | ColourType::Palette, 8) => {
                for (pixel, value) in pixels.iter_mut().zip(bytes) {
                    *pixel = gray(*value);
                }
            }
            (ColourType::Gray | ColourType::Palette, depth) => {
                let mask = (1 << depth) - 1;
                for (pixels, byte) in pixels.chunks_mut(8 / depth).zip(bytes) {
                    for (index, pixel) in pixels.iter_mut().enumerate() {
                        *pixel = gray(byte >> (8 - depth * (index + 1)) & mask);
                    }
                }
            }
        }
    }

    /// Writes pixels as bytes. Padding bits become 0; lower bytes of 16-bit samples stay.
    pub(super) fn store(&self, pixels: &[u32], bytes: &mut [u8]) {
        match (self.colour, self.depth) {
            (ColourType::Rgba, 8) => {
                for (pixel, bytes) in pixels.iter().zip(bytes.as_chunks_mut().0) {
                    *bytes = pixel.to_le_bytes();
                }
            }
            (ColourType::Rgb, 8) => {
                for (pixel, bytes) in pixels.iter().zip(bytes.as_chunks_mut().0) {
                    let [r, g, b, _] = pixel.to_le_bytes();
                    *bytes = [r, g, b];
                }
            }
            (ColourType::Gray | ColourType::Palette, depth @ 1..8) => {
                for (pixels, byte) in pixels.chunks(8 / depth).zip(bytes) {
                    *byte = 0;
                    for (index, pixel) in pixels.iter().enumerate() {
                        *byte |= ((pixel >> 8) as u8) << (8 - depth * (index + 1));
                    }
                }
            }
            (_, depth) => {
                let channels = self.channels();
                let step = depth / 8;
                for (pixel, bytes) in pixels.iter().zip(bytes.chunks_mut(channels * step)) {
                    for (channel, bytes) in bytes.chunks_mut(step).enumerate() {
                        bytes[0] = (pixel >> self.shift(channel)) as u8;
                    }
                }
            }
        }
    }

    /// Where a channel lies in a pixel.
    pub(super) fn shift(&self, channel: usize) -> usize {
        match (self.is_colourful(), channel) {
            (true, channel) => 8 * channel,
            (false, 0) => 8,
            (false, _) => 24,
        }
    }
}
