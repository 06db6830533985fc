//! The first bytes of a container.

use super::Level;
use crate::{Error, ReferenceIdentity};

/// Size of the header without what is said of a reference, in bytes.
pub(super) const SIZE: usize = 12;

/// Bytes that say which reference there is.
pub(super) const REFERENCE_SIZE: usize = 12;

/// Most bytes of a header.
pub(super) const SIZE_MAX: usize = SIZE + REFERENCE_SIZE;

/// Bytes of the header that its checksum covers.
const COVERED: usize = 8;

/// The first four bytes of every container of every version.
pub(super) const MAGIC: [u8; 4] = [0xF4, b'L', b'p', b't'];

/// The format version written, and the only one read.
const VERSION: u8 = 0;

/// Counts the changes of a version that is not frozen yet; 0 in all others.
const DRAFT: u8 = 12;

/// The flag of a container that was coded against a reference.
const FLAG_REFERENCE: u8 = 1;

/// What a container says about all of its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContainerHeader {
    pub(super) level: Level,
    /// Whether [`parse_reference`] reads what comes next.
    pub(super) has_reference: bool,
}

impl ContainerHeader {
    /// Of a container that depends on no other file.
    pub(crate) fn without_reference(level: Level) -> Self {
        Self {
            level,
            has_reference: false,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[6] = DRAFT;
        bytes[5] = self.level.number();
        bytes[7] = if self.has_reference {
            FLAG_REFERENCE
        } else {
            0
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
        if flags & !FLAG_REFERENCE != 0 {
            return Err(Error::UnknownFlags(flags));
        }
        let level = Level::from_number(level).ok_or(Error::UnknownLevel(level))?;
        Ok(Self {
            level,
            has_reference: flags & FLAG_REFERENCE != 0,
        })
    }
}

/// The bytes that say which reference a container has.
pub(super) fn reference_bytes(identity: ReferenceIdentity) -> [u8; REFERENCE_SIZE] {
    let mut bytes = [0; REFERENCE_SIZE];
    bytes[..4].copy_from_slice(&identity.length.to_le_bytes());
    bytes[4..8].copy_from_slice(&identity.checksum.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..COVERED]);
    bytes[COVERED..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads them.
///
/// # Errors
/// Their checksum is wrong.
pub(super) fn parse_reference(bytes: &[u8; REFERENCE_SIZE]) -> Result<ReferenceIdentity, Error> {
    let [l0, l1, l2, l3, r0, r1, r2, r3, c0, c1, c2, c3] = *bytes;
    let stored = u32::from_le_bytes([c0, c1, c2, c3]);
    let computed = crc32fast::hash(&bytes[..COVERED]);
    if stored != computed {
        return Err(Error::HeaderChecksum { stored, computed });
    }
    Ok(ReferenceIdentity {
        length: u32::from_le_bytes([l0, l1, l2, l3]),
        checksum: u32::from_le_bytes([r0, r1, r2, r3]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        for level in Level::ALL {
            for has_reference in [false, true] {
                let header = ContainerHeader {
                    level,
                    has_reference,
                };
                assert_eq!(ContainerHeader::parse(&header.to_bytes()), Ok(header));
            }
        }
        let identity = ReferenceIdentity {
            length: 70_000,
            checksum: 0x8000_0001,
        };
        assert_eq!(parse_reference(&reference_bytes(identity)), Ok(identity));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let header = ContainerHeader {
            level: Level::Default,
            has_reference: true,
        };
        let bytes = header.to_bytes();
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
        let identity = ReferenceIdentity {
            length: 1,
            checksum: 2,
        };
        for bit in 0..8 * REFERENCE_SIZE {
            let mut damaged = reference_bytes(identity);
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = parse_reference(&damaged).unwrap_err();
            assert_eq!(error.status(), 51, "bit {bit}: {error}");
        }
    }

    #[test]
    fn rules_behind_the_checksum_hold_too() {
        let sealed = |place: usize, value: u8| {
            let header = ContainerHeader {
                level: Level::Fast,
                has_reference: false,
            };
            let mut bytes = header.to_bytes();
            bytes[place] = value;
            let checksum = crc32fast::hash(&bytes[..COVERED]);
            bytes[COVERED..].copy_from_slice(&checksum.to_le_bytes());
            ContainerHeader::parse(&bytes)
        };
        assert_eq!(sealed(5, 3), Err(Error::UnknownLevel(3)));
        assert_eq!(sealed(6, DRAFT + 1), Err(Error::UnknownDraft(DRAFT + 1)));
        assert_eq!(sealed(7, 2), Err(Error::UnknownFlags(2)));
    }
}
