//! What can be wrong with compressed data.
//!
//! Invariant: each variant is one broken rule of FORMAT.md and carries the value that broke it.

use crate::{Level, ReferenceIdentity};
use std::fmt;

/// A rule of the format that compressed data breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A container begins with these bytes instead of the magic.
    BadMagic([u8; 4]),
    /// A container's format version is not known.
    UnknownVersion(u8),
    /// The container's version is a draft, and another one than this library's.
    UnknownDraft(u8),
    /// A container's level is not known.
    UnknownLevel(u8),
    /// Flags of a container header that no version 0 has are set.
    UnknownFlags(u8),
    /// A container was coded against this reference, and none is given.
    ReferenceMissing(ReferenceIdentity),
    /// A container was coded against another reference than the one given.
    OtherReference {
        /// The one that is recorded.
        recorded: ReferenceIdentity,
        /// The one that is given.
        given: ReferenceIdentity,
    },
    /// A container was coded against the reference given, which holds no image data of a PNG.
    ReferenceHasNoImage,
    /// The CRC-32 over a container header differs.
    HeaderChecksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// A segment's kind is not known.
    UnknownSegmentKind(u8),
    /// A key segment is of another level than its container.
    KeyLevel {
        /// The container's level.
        container: Level,
        /// The key's.
        key: Level,
    },
    /// A segment's raw length is zero or above the limit, in bytes.
    RawLength(u32),
    /// A segment's coded length is zero or above what its raw length allows, in bytes.
    CodedLength {
        /// As stored.
        coded: u32,
        /// Bytes before coding.
        raw: u32,
    },
    /// The CRC-32 over a segment's header and payload differs.
    SegmentChecksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The CRC-32 over a segment's decoded bytes differs.
    RawChecksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// A number is longer than its limit, or the payload ends within it.
    BadNumber,
    /// A segment says it has this many parts: none, or too many.
    PartCount(u32),
    /// A part's kind is not known.
    UnknownPartKind(u32),
    /// A part has this many bytes or MCUs: none, or more than the segment has left.
    PartLength(u32),
    /// A segment's parts have this many bytes too few.
    PartsTooShort(u32),
    /// Coded MCUs stand where no scan is.
    NotInScan,
    /// The header of a scan ends before the part that holds it does, this many bytes too early.
    ScanBeginsInPart(u32),
    /// A resumption stands elsewhere than at the start of a key segment.
    ResumptionMisplaced,
    /// No scan that can be coded alone, of an image that is inside of no other, begins behind the header of
    /// a resumption; it may begin this many bytes too early.
    ResumptionHeader(u32),
    /// A resumption names this MCU, which its scan does not have.
    ResumptionMcu(u32),
    /// A resumption stands so many MCUs behind a restart marker, more than the restart interval.
    ResumptionInterval(u32),
    /// A scan's coded data decode to what no scan holds.
    BadScan,
    /// Coded strips stand where no image data of a PNG are.
    NotInImageData,
    /// The image data of a PNG begin before the part that comes before them ends, this many bytes
    /// too early.
    ImageDataBeginInPart(u32),
    /// A PNG's coded strips decode to what no image data hold.
    BadImageData,
    /// A PNG refers to, or is to be kept as, a reference image that there is no room for.
    NoReference,
    /// Bytes of a PNG are wanted of which only the pixels were decoded, or their number would have to be
    /// known.
    OnlyPixels,
    /// The decoded bytes of a later scan are not those that they are compared with.
    OriginalDiffers,
    /// A scan's rows, or an image of several scans, need more memory than there is.
    RowsTooWide {
        /// Bytes needed.
        needed: usize,
        /// Bytes that there are.
        budget: usize,
    },
    /// The end segment's total length differs from what was decoded, in bytes.
    TotalLength {
        /// As stored.
        stored: u64,
        /// As counted.
        computed: u64,
    },
    /// The CRC-32 over all raw bytes differs.
    TotalChecksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The restart index has this many entries: none, or too many, or not as many as fit.
    IndexLength(u32),
    /// This entry of the restart index is not a place where decoding can start.
    IndexEntry(u32),
    /// The footer disagrees with the end segment or begins with other bytes than its magic.
    BadFooter,
    /// A unit of this many bytes was given instead of the wanted one.
    UnitLength {
        /// Bytes wanted.
        wanted: usize,
        /// Bytes given.
        given: usize,
    },
}

impl Error {
    /// The exit status for this error: 30 memory, 51 checksum, 52 unknown version, 53 reference, 54
    /// malformed, 61 misuse of the interface.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::RowsTooWide { .. } | Self::NoReference => 30,
            Self::HeaderChecksum { .. }
            | Self::SegmentChecksum { .. }
            | Self::RawChecksum { .. }
            | Self::TotalChecksum { .. } => 51,
            Self::UnknownVersion(_) | Self::UnknownDraft(_) => 52,
            Self::ReferenceMissing(_) | Self::OtherReference { .. } => 53,
            Self::UnitLength { .. } | Self::OnlyPixels => 61,
            _ => 54,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic(bytes) => write!(formatter, "no container begins with {bytes:02x?}"),
            Self::UnknownVersion(version) => write!(formatter, "unknown format version {version}"),
            Self::UnknownDraft(draft) => write!(formatter, "unknown draft {draft} of the format"),
            Self::UnknownLevel(level) => write!(formatter, "unknown level {level}"),
            Self::UnknownFlags(flags) => write!(formatter, "unknown flags {flags:#06x}"),
            Self::ReferenceMissing(recorded) => {
                write!(formatter, "a reference of {recorded} is needed")
            }
            Self::OtherReference { recorded, given } => {
                write!(
                    formatter,
                    "a reference of {recorded} is needed, not one of {given}"
                )
            }
            Self::ReferenceHasNoImage => formatter.write_str("the reference holds no image"),
            Self::HeaderChecksum { stored, computed } => {
                checksum(formatter, "container header", *stored, *computed)
            }
            Self::SegmentChecksum { stored, computed } => {
                checksum(formatter, "segment", *stored, *computed)
            }
            Self::RawChecksum { stored, computed } => {
                checksum(formatter, "decoded segment", *stored, *computed)
            }
            Self::TotalChecksum { stored, computed } => {
                checksum(formatter, "whole stream", *stored, *computed)
            }
            Self::UnknownSegmentKind(kind) => write!(formatter, "unknown segment kind {kind}"),
            Self::KeyLevel { container, key } => write!(
                formatter,
                "a key segment of level {key:?} in a container of level {container:?}"
            ),
            Self::RawLength(length) => write!(formatter, "a segment of {length} raw bytes"),
            Self::CodedLength { coded, raw } => {
                write!(
                    formatter,
                    "{coded} coded bytes for a segment of {raw} raw bytes"
                )
            }
            Self::BadNumber => formatter.write_str("a number is too long or cut off"),
            Self::PartCount(count) => write!(formatter, "a segment of {count} parts"),
            Self::UnknownPartKind(kind) => write!(formatter, "unknown part kind {kind}"),
            Self::PartLength(length) => write!(formatter, "a part of impossible length {length}"),
            Self::PartsTooShort(missing) => {
                write!(formatter, "a segment's parts lack {missing} bytes")
            }
            Self::NotInScan => formatter.write_str("coded MCUs outside of a scan"),
            Self::ScanBeginsInPart(rest) => {
                write!(
                    formatter,
                    "a scan begins {rest} bytes before the end of a part"
                )
            }
            Self::ResumptionMisplaced => {
                formatter.write_str("a resumption that is not the start of a key")
            }
            Self::ResumptionHeader(rest) => {
                write!(
                    formatter,
                    "no scan goes on behind a header, with {rest} bytes left of it"
                )
            }
            Self::ResumptionMcu(mcu) => write!(formatter, "a scan goes on with MCU {mcu}"),
            Self::ResumptionInterval(mcus) => {
                write!(formatter, "{mcus} MCUs without a restart marker")
            }
            Self::BadScan => formatter.write_str("impossible scan data"),
            Self::NotInImageData => formatter.write_str("coded strips outside of image data"),
            Self::ImageDataBeginInPart(rest) => {
                write!(
                    formatter,
                    "image data begin {rest} bytes before the end of a part"
                )
            }
            Self::BadImageData => formatter.write_str("impossible image data"),
            Self::NoReference => formatter.write_str("no room for a reference image"),
            Self::OnlyPixels => formatter.write_str("only the pixels of an image were decoded"),
            Self::OriginalDiffers => formatter.write_str("a later scan differs from the original"),
            Self::RowsTooWide { needed, budget } => {
                write!(formatter, "the image needs {needed} bytes of {budget}")
            }
            Self::TotalLength { stored, computed } => {
                write!(
                    formatter,
                    "{computed} bytes decoded where {stored} are recorded"
                )
            }
            Self::IndexLength(count) => write!(formatter, "a restart index of {count} entries"),
            Self::IndexEntry(index) => write!(formatter, "restart index entry {index} is wrong"),
            Self::BadFooter => formatter.write_str("the footer does not fit the end segment"),
            Self::UnitLength { wanted, given } => {
                write!(formatter, "{given} bytes given where {wanted} are wanted")
            }
        }
    }
}

fn checksum(
    formatter: &mut fmt::Formatter<'_>,
    of: &str,
    stored: u32,
    computed: u32,
) -> fmt::Result {
    write!(
        formatter,
        "checksum of the {of} is {computed:08x}, recorded as {stored:08x}"
    )
}

impl std::error::Error for Error {}
