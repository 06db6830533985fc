//! What decides the bytes of a compressed stream: the compressor and its parameters.

/// How tokens are chosen: the `strategy` of zlib's `deflateInit2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strategy {
    Default,
    /// Copies of fewer than six bytes are not worth it.
    Filtered,
    /// No copies at all.
    HuffmanOnly,
    /// Copies of the byte before only.
    RunLength,
    /// As the default, with the fixed codes only.
    Fixed,
}

/// What wrote a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Compressor {
    /// zlib, as libpng and others call it.
    Zlib,
    /// The crate `miniz_oxide`, with its level as the only parameter.
    MinizOxide,
    /// Another one: what zlib would choose at the level is corrected token by token.
    Unknown,
}

/// What to do with bytes that are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flush {
    /// Keep them.
    None,
    /// End the block with an empty one of the fixed codes.
    Partial,
    /// End the block with an empty stored one, at a byte.
    Sync,
    /// The same, and start searching anew.
    Full,
    /// End the stream.
    Finish,
}

/// What decides the bytes that a compressor puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parameters {
    pub(crate) compressor: Compressor,
    /// 0 to 9; to 10 for `miniz_oxide`.
    pub(crate) level: u8,
    pub(crate) strategy: Strategy,
    /// 1 to 9; zlib's default is 8.
    pub(crate) memory_level: u8,
    /// The logarithm of the window's size in bytes, 8 to 15; 8 is taken for 9, as zlib does.
    pub(crate) window_bits: u8,
    /// The bytes that the caller gives room for at a time; they decide level 0's blocks only.
    /// libpng gives 8,192.
    pub(crate) output_buffer: u32,
}

impl Parameters {
    /// What libpng gives to zlib where its caller sets nothing but a level.
    pub(crate) const fn new(level: u8, strategy: Strategy) -> Self {
        Self {
            compressor: Compressor::Zlib,
            level,
            strategy,
            memory_level: 8,
            window_bits: 15,
            output_buffer: 8192,
        }
    }

    /// The zlib header that `deflate` writes, as a big-endian number.
    ///
    /// libpng lowers the window's size in it afterwards where the image is small.
    pub(crate) fn header(&self) -> u16 {
        let window_bits = u16::from(self.window_bits.clamp(9, 15));
        let fastest = matches!(
            self.strategy,
            Strategy::HuffmanOnly | Strategy::RunLength | Strategy::Fixed
        );
        let level = match self.level {
            _ if fastest => 0,
            0 | 1 => 0,
            2..=5 => 1,
            6 => 2,
            _ => 3,
        };
        let header = (window_bits - 8) << 12 | 8 << 8 | level << 6;
        header + (31 - header % 31)
    }
}
