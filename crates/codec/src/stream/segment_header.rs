//! The fixed-size header in front of every segment.

use super::end;
use super::{CODED_SLACK, FORMAT_SEGMENT_MAX, Level};
use crate::Error;

/// Size of the header, in bytes.
pub(super) const SIZE: usize = 15;

/// Bytes at the start of the header that the segment's own checksum covers.
const COVERED: usize = 11;

/// The number of the kind of a key at the first level.
const FIRST_KEY: u8 = 3;

/// What a segment's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentKind {
    /// The raw bytes themselves; all models are reset.
    Stored,
    /// Parts and an entropy-coded stream.
    Coded,
    /// The same, but all models are new before, those of this level, which is the container's.
    Key(Level),
    /// The end of the container.
    End,
}

/// The header of a segment whose checksum has not been verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) kind: SegmentKind,
    /// Bytes before coding; 0 for the end segment.
    pub(super) raw_length: usize,
    /// Bytes of the payload.
    pub(super) coded_length: usize,
    /// CRC-32 of the raw bytes; of the whole container's for the end segment.
    pub(super) raw_checksum: u32,
    covered: [u8; COVERED],
    checksum: u32,
}

impl SegmentHeader {
    /// The bytes of the header of a segment with this payload.
    pub(super) fn write(
        kind: SegmentKind,
        raw_length: usize,
        raw_checksum: u32,
        payload: &[u8],
    ) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0] = match kind {
            SegmentKind::Stored => 0,
            SegmentKind::Coded => 1,
            SegmentKind::End => 2,
            SegmentKind::Key(level) => FIRST_KEY + level.number(),
        };
        bytes[1..4].copy_from_slice(&(raw_length as u32).to_le_bytes()[..3]);
        bytes[4..7].copy_from_slice(&(payload.len() as u32).to_le_bytes()[..3]);
        bytes[7..11].copy_from_slice(&raw_checksum.to_le_bytes());
        let checksum = checksum(&bytes[..COVERED], payload);
        bytes[11..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header and checks its lengths against the limits of the format.
    ///
    /// # Errors
    /// An unknown kind, or a length that its kind does not allow.
    pub(super) fn parse(bytes: &[u8; SIZE]) -> Result<Self, Error> {
        let [kind, r0, r1, r2, l0, l1, l2, c0, c1, c2, c3, s0, s1, s2, s3] = *bytes;
        let raw = u32::from_le_bytes([r0, r1, r2, 0]);
        let coded = u32::from_le_bytes([l0, l1, l2, 0]);
        let (raw_length, coded_length) = (raw as usize, coded as usize);
        let modelled = |segment_kind| {
            (
                segment_kind,
                (1..=FORMAT_SEGMENT_MAX).contains(&raw_length),
                (1..=FORMAT_SEGMENT_MAX + CODED_SLACK).contains(&coded_length),
            )
        };
        let (segment_kind, raw_fits, coded_fits) = match kind {
            0 => (
                SegmentKind::Stored,
                (1..=FORMAT_SEGMENT_MAX).contains(&raw_length),
                coded_length == raw_length,
            ),
            1 => modelled(SegmentKind::Coded),
            2 => (
                SegmentKind::End,
                raw_length == 0,
                (end::PAYLOAD_MIN..=end::PAYLOAD_MAX).contains(&coded_length),
            ),
            _ => {
                let level = kind.checked_sub(FIRST_KEY).and_then(Level::from_number);
                modelled(SegmentKind::Key(
                    level.ok_or(Error::UnknownSegmentKind(kind))?,
                ))
            }
        };
        if !raw_fits {
            return Err(Error::RawLength(raw));
        }
        if !coded_fits {
            return Err(Error::CodedLength { coded, raw });
        }
        Ok(Self {
            kind: segment_kind,
            raw_length,
            coded_length,
            raw_checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            covered: [kind, r0, r1, r2, l0, l1, l2, c0, c1, c2, c3],
            checksum: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }

    /// Checks the header and its payload against the checksum.
    ///
    /// # Errors
    /// [`Error::SegmentChecksum`]
    pub(super) fn verify(&self, payload: &[u8]) -> Result<(), Error> {
        let (stored, computed) = (self.checksum, checksum(&self.covered, payload));
        if stored != computed {
            return Err(Error::SegmentChecksum { stored, computed });
        }
        Ok(())
    }
}

fn checksum(covered: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(covered);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let payload = [7; 90];
        let bytes = SegmentHeader::write(SegmentKind::Coded, 70_000, 0x1234_5678, &payload);
        let header = SegmentHeader::parse(&bytes).unwrap();
        assert_eq!(header.kind, SegmentKind::Coded);
        assert_eq!((header.raw_length, header.coded_length), (70_000, 90));
        assert_eq!(header.raw_checksum, 0x1234_5678);
        assert_eq!(header.verify(&payload), Ok(()));
        assert_eq!(header.verify(&[7; 91]).unwrap_err().status(), 51);
    }

    #[test]
    fn lengths_are_limited_by_kind() {
        let parse = |kind: u8, raw: u32, coded: u32| {
            let mut bytes = [0; SIZE];
            bytes[0] = kind;
            bytes[1..4].copy_from_slice(&raw.to_le_bytes()[..3]);
            bytes[4..7].copy_from_slice(&coded.to_le_bytes()[..3]);
            SegmentHeader::parse(&bytes).map(|header| header.kind)
        };
        let most = FORMAT_SEGMENT_MAX as u32;
        assert_eq!(parse(0, most, most), Ok(SegmentKind::Stored));
        assert_eq!(parse(0, 0, 0), Err(Error::RawLength(0)));
        assert_eq!(
            parse(0, most + 1, most + 1),
            Err(Error::RawLength(most + 1))
        );
        assert_eq!(parse(0, 5, 4), Err(Error::CodedLength { coded: 4, raw: 5 }));
        let most_coded = most + CODED_SLACK as u32;
        assert_eq!(parse(1, 5, most_coded), Ok(SegmentKind::Coded));
        assert_eq!(
            parse(1, 5, most_coded + 1),
            Err(Error::CodedLength {
                coded: most_coded + 1,
                raw: 5
            })
        );
        assert_eq!(parse(1, 5, 0), Err(Error::CodedLength { coded: 0, raw: 5 }));
        assert_eq!(parse(2, 1, 26), Err(Error::RawLength(1)));
        for (kind, level) in (3..).zip(Level::ALL) {
            assert_eq!(parse(kind, 5, 69), Ok(SegmentKind::Key(level)));
        }
        assert_eq!(parse(6, 5, 5), Err(Error::UnknownSegmentKind(6)));
    }
}
