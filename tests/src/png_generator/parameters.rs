//! What a generated PNG is like.

use super::defects::Defect;
use fastrand::Rng;

/// Colour types and bit depths of the specification (table 12).
const FORMATS: [(u8, u8); 15] = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
];

/// How the filter types of rows are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterChoice {
    /// The least sum of absolute differences, as libpng does.
    LeastSum,
    /// One type for all rows.
    Fixed(u8),
    /// Any.
    Random,
}

/// What comes to zlib within a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The block ends.
    BlockEnd,
    /// A full flush.
    FullFlush,
    /// A sync flush, and behind it another stream of zlib's, at level 9.
    OtherLevel,
    /// A sync flush, and behind it what an encoder writes that makes any legal choice.
    OtherEncoder,
}

/// What writes the zlib stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamWriter {
    /// zlib, as libpng calls it.
    Zlib,
    /// zlib, with a partial flush before the end.
    ZlibFlushed,
    /// zlib, which something comes to in front of this scanline.
    ZlibInterrupted(u32, Interruption),
    /// `miniz_oxide`, for which of zlib's parameters the level alone means something.
    Miniz,
    /// `miniz_oxide`, with a sync flush before the end, as Chromium.
    MinizFlushed,
    /// An encoder that makes any legal choice, by the content's seed; of zlib's parameters the window's
    /// size alone means something.
    Any,
    /// The same, with choices that no known encoder makes.
    AnyOdd,
}

/// What a generated PNG is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PngParameters {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// 0, 2, 3, 4 or 6.
    pub colour_type: u8,
    /// 1 to 16.
    pub bit_depth: u8,
    /// Adam7.
    pub interlaced: bool,
    /// How the filter types of rows are chosen.
    pub filters: FilterChoice,
    /// What writes the zlib stream.
    pub writer: StreamWriter,
    /// zlib's level, 0 to 9.
    pub level: i32,
    /// zlib's strategy, 0 to 4.
    pub strategy: i32,
    /// zlib's memory level, 1 to 9.
    pub memory_level: i32,
    /// The logarithm of zlib's window, 9 to 15.
    pub window_bits: i32,
    /// Bytes of data in an IDAT chunk.
    pub chunk_size: usize,
    /// Of the content.
    pub seed: u64,
    /// Which of several like images this is; each differs a little from the one before.
    pub frame: u32,
    /// What is wrong with the file.
    pub defect: Option<Defect>,
}

impl PngParameters {
    /// A screenshot as libpng writes it.
    pub fn screenshot(width: u32, height: u32, frame: u32) -> Self {
        Self {
            width,
            height,
            colour_type: 6,
            bit_depth: 8,
            interlaced: false,
            filters: FilterChoice::LeastSum,
            writer: StreamWriter::Zlib,
            level: 6,
            strategy: 1,
            memory_level: 8,
            window_bits: 15,
            chunk_size: 8192,
            seed: 7,
            frame,
            defect: None,
        }
    }

    /// A file of any kind and up to `most` rows and columns.
    pub fn random(seed: u64, most: u32) -> Self {
        let mut random = Rng::with_seed(seed ^ 0x504E_4700);
        let (colour_type, bit_depth) = FORMATS[random.usize(..FORMATS.len())];
        let filters = match random.u8(..6) {
            0 => FilterChoice::Random,
            1 => FilterChoice::Fixed(random.u8(..5)),
            _ => FilterChoice::LeastSum,
        };
        Self {
            width: random.u32(1..=most),
            height: random.u32(1..=most),
            colour_type,
            bit_depth,
            interlaced: random.u8(..4) == 0,
            filters,
            writer: match random.u8(..8) {
                0 | 1 => StreamWriter::Any,
                2 => StreamWriter::AnyOdd,
                _ => StreamWriter::Zlib,
            },
            level: random.i32(0..=9),
            strategy: *[0, 1, 1, 2, 3, 4].get(random.usize(..6)).unwrap_or(&0),
            memory_level: *[8, 8, 9, 1].get(random.usize(..4)).unwrap_or(&8),
            window_bits: 15,
            chunk_size: *[8192, 100_000, 1 << 20, 37, 1]
                .get(random.usize(..5))
                .unwrap_or(&9),
            seed,
            frame: 0,
            defect: None,
        }
    }

    /// Samples of a pixel.
    pub fn channels(&self) -> usize {
        match self.colour_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }
}
