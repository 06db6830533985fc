//! Why an image, or a part of it, is not modelled as an image.

use std::fmt;

/// A reason for coding the bytes of a JPEG or PNG without the model of its coefficients or pixels, or
/// without the reference that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NotModelled {
    /// SOF9 to SOF15: entropy-coded by arithmetic coding.
    Arithmetic,
    /// SOF3: lossless.
    Lossless,
    /// SOF5 to SOF7, or a second frame header in one image.
    Hierarchical,
    /// Samples of other than 8 bits; how many.
    SamplePrecision(u8),
    /// A frame header that breaks a rule.
    UnsupportedFrame,
    /// A scan header or table that breaks a rule or cannot be inverted.
    UnsupportedScan,
    /// The rows of blocks need more memory than there is, in bytes.
    TooWide {
        /// Bytes that one state would need.
        needed: usize,
        /// Bytes that it may take.
        budget: usize,
    },
    /// An image of several scans needs more memory than there is, in bytes.
    TooLong {
        /// Bytes that its file and the rows of both directions would take, at least.
        needed: usize,
        /// Bytes that they may take.
        budget: usize,
    },
    /// An image of several scans stands within one that was to be held already.
    NotHeld,
    /// One row of an image of several scans has more coded bytes than a segment holds.
    LargeRow,
    /// The model makes coefficients larger than the file has them.
    Unforeseen,
    /// The scan holds something that no canonical encoder writes.
    OddScan,
    /// The file ends within the scan.
    Truncated,
    /// A PNG's IHDR chunk breaks a rule.
    UnsupportedHeader,
    /// A PNG's zlib stream was made by an encoder that cannot be replayed.
    UnknownDeflate,
    /// A PNG's image data are not what its header announces, or no zlib stream.
    OddImageData,
    /// The file ends within a PNG's image data.
    TruncatedImageData,
    /// The reference file is longer than [`ReferenceFile::LENGTH_MAX`](crate::ReferenceFile).
    LongReference,
    /// The reference file holds no whole PNG.
    OddReference,
    /// The rows of the reference's image need more memory than there is, in bytes.
    WideReference {
        /// Bytes that one state would need.
        needed: usize,
        /// Bytes that it may take.
        budget: usize,
    },
}

impl fmt::Display for NotModelled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arithmetic => formatter.write_str("arithmetic-coded JPEG"),
            Self::Lossless => formatter.write_str("lossless JPEG"),
            Self::Hierarchical => formatter.write_str("hierarchical JPEG"),
            Self::SamplePrecision(bits) => write!(formatter, "{bits}-bit JPEG"),
            Self::UnsupportedFrame => formatter.write_str("unsupported frame header"),
            Self::UnsupportedScan => formatter.write_str("unsupported scan header or tables"),
            Self::TooWide { needed, budget } => {
                write!(formatter, "rows need {needed} bytes of {budget}")
            }
            Self::TooLong { needed, budget } => {
                write!(formatter, "several scans need {needed} bytes of {budget}")
            }
            Self::NotHeld => formatter.write_str("several scans within an odd image"),
            Self::LargeRow => formatter.write_str("rows too large for several scans"),
            Self::Unforeseen => formatter.write_str("coefficients like no image's"),
            Self::OddScan => formatter.write_str("irregular scan data"),
            Self::Truncated => formatter.write_str("truncated scan"),
            Self::UnsupportedHeader => formatter.write_str("unsupported PNG header"),
            Self::UnknownDeflate => formatter.write_str("deflate stream of an unknown encoder"),
            Self::OddImageData => formatter.write_str("irregular PNG image data"),
            Self::TruncatedImageData => formatter.write_str("truncated PNG image data"),
            Self::LongReference => {
                let most = crate::ReferenceFile::LENGTH_MAX;
                write!(formatter, "no reference: longer than {most} bytes")
            }
            Self::OddReference => formatter.write_str("no reference: not a whole PNG"),
            Self::WideReference { needed, budget } => {
                write!(
                    formatter,
                    "no reference: rows need {needed} bytes of {budget}"
                )
            }
        }
    }
}
