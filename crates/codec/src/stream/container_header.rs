//! The first bytes of a container.

use super::Level;
use crate::Error;

/// Size of the header, in bytes.
pub(super) const SIZE: usize = 12;

/// Bytes of the header that its checksum covers.
const COVERED: usize = 8;

/// The first four bytes of every container of every version.
pub(super) const MAGIC: [u8; 4] = [0xF4, b'L', b'p', b't'];

/// The format version written, and the only one read.
const VERSION: u8 = 0;

/// Counts the changes of a version that is not frozen yet; 0 in all others.
const DRAFT: u8 = 6;

/// What a container says about all of its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContainerHeader {
    pub(super) level: Level,
}

impl ContainerHeader {
    pub(super) fn to_bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[6] = DRAFT;
        bytes[5] = match self.level {
            Level::Fast => 0,
            Level::Default => 1,
        };
        let checksum = crc32fast::hash(&bytes[..COVERED]);
        bytes[COVERED..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// The first broken rule: magic, version, checksum, draft, flags, level, in that order, because all
    /// but the magic and the version may change with the version.
    pub(super) fn parse(bytes: &[u8; SIZE]) -> Result<Self, Error> {
        let [m0, m1, m2, m3, version, level, draft, flags, c0, c1, c2, c3] = *bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(Error::BadMagic([m0, m1, m2, m3]));
        }
        if version != VERSION {
            return Err(Error::UnknownVersion(version));
        }
        let stored = u32::from_le_bytes([c0, c1, c2, c3]);
        let computed = crc32fast::hash(&bytes[..COVERED]);
        if stored != computed {
            return Err(Error::HeaderChecksum { stored, computed });
        }
        if draft != DRAFT {
            return Err(Error::UnknownDraft(draft));
        }
        if flags != 0 {
            return Err(Error::UnknownFlags(flags));
        }
        let level = match level {
            0 => Level::Fast,
            1 => Level::Default,
            _ => return Err(Error::UnknownLevel(level)),
        };
        Ok(Self { level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        for level in [Level::Fast, Level::Default] {
            let header = ContainerHeader { level };
            assert_eq!(ContainerHeader::parse(&header.to_bytes()), Ok(header));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let level = Level::Default;
        let bytes = ContainerHeader { level }.to_bytes();
        for bit in 0..8 * SIZE {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0..4 => 54,
                4 => 52,
                _ => 51,
            };
            let error = ContainerHeader::parse(&damaged).unwrap_err();
            assert_eq!(error.status(), expected, "bit {bit}: {error}");
        }
    }

    #[test]
    fn rules_behind_the_checksum_hold_too() {
        let sealed = |place: usize, value: u8| {
            let level = Level::Fast;
            let mut bytes = ContainerHeader { level }.to_bytes();
            bytes[place] = value;
            let checksum = crc32fast::hash(&bytes[..COVERED]);
            bytes[COVERED..].copy_from_slice(&checksum.to_le_bytes());
            ContainerHeader::parse(&bytes)
        };
        assert_eq!(sealed(5, 2), Err(Error::UnknownLevel(2)));
        assert_eq!(sealed(6, 9), Err(Error::UnknownDraft(9)));
        assert_eq!(sealed(7, 1), Err(Error::UnknownFlags(1)));
    }
}
