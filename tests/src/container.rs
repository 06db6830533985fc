//! Forged containers: damage behind right checksums.
//!
//! Invariant: the layout here is written from FORMAT.md and not shared with the
//! codec, so that both would have to be wrong in the same way.

/// Bytes of a container header, and of those before its checksum.
const HEADER: usize = 12;
const HEADER_COVERED: usize = 8;

/// Bytes behind the header that say which reference there is.
const REFERENCE: usize = 12;

/// Bytes in front of the first segment.
fn front_length(container: &[u8]) -> usize {
    let has_reference = container.get(7).is_some_and(|flags| flags & 1 == 1);
    HEADER + if has_reference { REFERENCE } else { 0 }
}

/// Bytes of a segment header, and of those before its checksum.
const SEGMENT_HEADER: usize = 15;
const SEGMENT_COVERED: usize = 11;

/// The kinds of segments before which all models are new, by level.
const KEYS: [u8; 3] = [3, 4, 5];

/// Whether all models are new before segments of this kind, and there is something for them to do.
pub fn is_key(kind: u8) -> bool {
    KEYS.contains(&kind)
}

/// The kind of segment that ends a container.
const END: u8 = 2;

/// Makes the checksums of the container header and of every segment fit what they
/// cover, as far as the lengths in the headers lead. The checksum over decoded
/// bytes is left as it is: it is the last line of defence.
pub fn repair_checksums(container: &mut [u8]) {
    let front = front_length(container);
    let Some((front, mut rest)) = container.split_at_mut_checked(front) else {
        return;
    };
    for header in front.chunks_exact_mut(HEADER) {
        let checksum = crc32fast::hash(&header[..HEADER_COVERED]);
        header[HEADER_COVERED..].copy_from_slice(&checksum.to_le_bytes());
    }
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
    let walked = walk(container).into_iter();
    walked.map(|(_, kind, length)| (kind, length)).collect()
}

/// Where the keys of a whole container begin, with the number of raw bytes before each.
pub fn keys(container: &[u8]) -> Vec<(usize, usize)> {
    let mut raw_start = 0;
    let mut keys = vec![];
    for (place, kind, length) in walk(container) {
        if is_key(kind) {
            keys.push((place, raw_start));
        }
        raw_start += length;
    }
    keys
}

/// Place, kind and raw length of each segment.
fn walk(container: &[u8]) -> Vec<(usize, u8, usize)> {
    let mut segments = vec![];
    let mut place = front_length(container);
    while let Some(header) = container.get(place..place + SEGMENT_HEADER) {
        let raw_length = u32::from_le_bytes([header[1], header[2], header[3], 0]);
        segments.push((place, header[0], raw_length as usize));
        if header[0] == END {
            break;
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], 0]);
        place += SEGMENT_HEADER + length as usize;
    }
    segments
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
