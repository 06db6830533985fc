//! Forged containers: damage behind right checksums.
//!
//! Invariant: the layout here is written from FORMAT.md and not shared with the
//! codec, so that both would have to be wrong in the same way.

/// Bytes of a container header, and of those before its checksum.
const HEADER: usize = 12;
const HEADER_COVERED: usize = 8;

/// Bytes of a segment header, and of those before its checksum.
const SEGMENT_HEADER: usize = 15;
const SEGMENT_COVERED: usize = 11;

/// The kind of segment before which all models are reset.
pub const KEY: u8 = 3;

/// The kind of segment that ends a container.
const END: u8 = 2;

/// Makes the checksums of the container header and of every segment fit what they
/// cover, as far as the lengths in the headers lead. The checksum over decoded
/// bytes is left as it is: it is the last line of defence.
pub fn repair_checksums(container: &mut [u8]) {
    let Some((header, mut rest)) = container.split_at_mut_checked(HEADER) else {
        return;
    };
    let checksum = crc32fast::hash(&header[..HEADER_COVERED]);
    header[HEADER_COVERED..].copy_from_slice(&checksum.to_le_bytes());
    while let Some((header, after)) = rest.split_at_mut_checked(SEGMENT_HEADER) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], 0]);
        let Some((payload, next)) = after.split_at_mut_checked(length as usize) else {
            return;
        };
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header[..SEGMENT_COVERED]);
        hasher.update(payload);
        let checksum = hasher.finalize().to_le_bytes();
        header[SEGMENT_COVERED..].copy_from_slice(&checksum);
        if header[0] == END {
            return;
        }
        rest = next;
    }
}

/// The kinds of the segments of a whole container, the end segment last.
pub fn segment_kinds(container: &[u8]) -> Vec<u8> {
    segments(container).iter().map(|&(kind, _)| kind).collect()
}

/// The same with the number of raw bytes that each decodes to.
pub fn segments(container: &[u8]) -> Vec<(u8, usize)> {
    let mut kinds = vec![];
    let mut place = HEADER;
    while let Some(header) = container.get(place..place + SEGMENT_HEADER) {
        let raw_length = u32::from_le_bytes([header[1], header[2], header[3], 0]);
        kinds.push((header[0], raw_length as usize));
        if header[0] == END {
            break;
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], 0]);
        place += SEGMENT_HEADER + length as usize;
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_process::{compress, decompress};
    use lepta_codec::{Error, Level};

    #[test]
    fn a_whole_container_needs_no_repair() {
        let whole = compress(&vec![b'a'; 300_000], Level::Fast);
        let mut repaired = whole.clone();
        repair_checksums(&mut repaired);
        assert_eq!(repaired, whole);
    }

    #[test]
    fn damage_gets_past_the_first_checksum() {
        let mut forged = compress(b"some bytes to compress", Level::Fast);
        forged[HEADER + SEGMENT_HEADER + 8] ^= 4;
        repair_checksums(&mut forged);
        let error = decompress(&forged).expect_err("the decoded bytes differ");
        let caught = matches!(error, crate::in_process::Damage::Codec(error)
            if !matches!(error, Error::SegmentChecksum { .. }));
        assert!(caught, "{error:?}");
    }
}
