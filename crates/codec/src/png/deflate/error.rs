//! The rules of the zlib format and of DEFLATE that a stream can break.

use std::fmt;

/// A rule of RFC 1950 or 1951 that a stream breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum InflateError {
    /// The header's two bytes, as a big-endian number, are no multiple of 31.
    HeaderCheck(u16),
    /// The compression method is not 8.
    Method(u8),
    /// The window's size is above 2^15: its logarithm.
    WindowBits(u8),
    /// A preset dictionary is wanted.
    PresetDictionary,
    /// A block has the reserved type 3.
    BlockType,
    /// A stored block's length and its complement disagree.
    StoredLength {
        /// As stored.
        length: u16,
        /// As stored.
        complement: u16,
    },
    /// More literal and length codes than 286.
    LiteralLengthCodes(u16),
    /// More distance codes than 30.
    DistanceCodes(u16),
    /// A code length is to be repeated where there is none before.
    NothingToRepeat,
    /// Code lengths are repeated beyond their number.
    RepeatTooLong,
    /// The code of code lengths is no complete prefix code.
    CodeLengthCode,
    /// The code of literals and lengths is no prefix code, or not complete and not a single code.
    LiteralLengthCode,
    /// The code of distances is no prefix code, or not complete and not a single code.
    DistanceCode,
    /// There is no code for the end of the block.
    NoEndOfBlock,
    /// Bits stand where a literal or length code should that are none.
    UnknownLiteralLength,
    /// Bits stand where a distance code should that are none.
    UnknownDistance,
    /// A copy starts before the first byte: how far back.
    DistanceTooFar(u16),
}

impl fmt::Display for InflateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderCheck(header) => {
                write!(formatter, "zlib header {header:04x} fails its check")
            }
            Self::Method(method) => write!(formatter, "compression method {method}"),
            Self::WindowBits(bits) => write!(formatter, "a window of 2^{bits} bytes"),
            Self::PresetDictionary => formatter.write_str("a preset dictionary is wanted"),
            Self::BlockType => formatter.write_str("a block of the reserved type"),
            Self::StoredLength { length, complement } => write!(
                formatter,
                "stored length {length:04x} with complement {complement:04x}"
            ),
            Self::LiteralLengthCodes(count) => {
                write!(formatter, "{count} literal and length codes")
            }
            Self::DistanceCodes(count) => write!(formatter, "{count} distance codes"),
            Self::NothingToRepeat => formatter.write_str("no code length to repeat"),
            Self::RepeatTooLong => formatter.write_str("code lengths repeated beyond their number"),
            Self::CodeLengthCode => formatter.write_str("no prefix code for code lengths"),
            Self::LiteralLengthCode => {
                formatter.write_str("no prefix code for literals and lengths")
            }
            Self::DistanceCode => formatter.write_str("no prefix code for distances"),
            Self::NoEndOfBlock => formatter.write_str("no code for the end of the block"),
            Self::UnknownLiteralLength => formatter.write_str("unknown literal or length code"),
            Self::UnknownDistance => formatter.write_str("unknown distance code"),
            Self::DistanceTooFar(distance) => {
                write!(
                    formatter,
                    "a copy from {distance} bytes back, before the start"
                )
            }
        }
    }
}

impl std::error::Error for InflateError {}
