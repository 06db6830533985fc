//! The end segment's payload, and the footer behind it.

use super::container_header::MAGIC;
use super::restart_index::{ENTRIES_MAX, ENTRY_SIZE, RestartIndex};
use super::segment_header;
use super::segment_info::StartingPlace;
use crate::Error;

/// Bytes in front of the restart index: the total length and the number of entries.
const FIXED: usize = 8 + 1;

/// Least size of the payload: that of an empty container.
pub(super) const PAYLOAD_MIN: usize = FIXED;

/// Largest size of the payload.
pub(super) const PAYLOAD_MAX: usize = FIXED + ENTRY_SIZE * ENTRIES_MAX;

/// Size of the footer, in bytes.
pub(super) const FOOTER_SIZE: usize = 20;

/// Appends the end segment's payload.
pub(super) fn write_payload(raw_length: u64, index: &RestartIndex, out: &mut Vec<u8>) {
    out.extend(raw_length.to_le_bytes());
    out.push(index.points().len() as u8);
    for point in index.points() {
        out.extend(point.container_offset.to_le_bytes());
        out.extend(point.raw_offset.to_le_bytes());
    }
}

/// Compares the end segment's payload with what was decoded.
///
/// # Errors
/// The first difference.
pub(super) fn verify_payload(
    payload: &[u8],
    raw_length: u64,
    index: &RestartIndex,
) -> Result<(), Error> {
    let (stored, rest) = take_u64(payload).ok_or(Error::IndexLength(0))?;
    if stored != raw_length {
        return Err(Error::TotalLength {
            stored,
            computed: raw_length,
        });
    }
    let (&count, mut entries) = rest.split_first().ok_or(Error::IndexLength(0))?;
    let expected = index.points();
    if usize::from(count) != expected.len() || entries.len() != expected.len() * ENTRY_SIZE {
        return Err(Error::IndexLength(u32::from(count)));
    }
    for (number, point) in expected.iter().enumerate() {
        let entry = take_u64(entries)
            .and_then(|(container_offset, rest)| Some((container_offset, take_u64(rest)?)));
        match entry {
            Some((container_offset, (raw_offset, rest)))
                if (container_offset, raw_offset) == (point.container_offset, point.raw_offset) =>
            {
                entries = rest;
            }
            _ => return Err(Error::IndexEntry(number as u32)),
        }
    }
    Ok(())
}

/// The total length and the places that an end segment's payload records; `None` if it has another
/// form.
pub(super) fn parse_payload(payload: &[u8]) -> Option<(u64, Vec<StartingPlace>)> {
    let (raw_length, rest) = take_u64(payload)?;
    let (&count, entries) = rest.split_first()?;
    let place = |entry: &[u8]| {
        let (container_offset, entry) = take_u64(entry)?;
        let (raw_offset, _) = take_u64(entry)?;
        Some(StartingPlace {
            container_offset,
            raw_offset,
        })
    };
    let places: Option<Vec<_>> = entries.chunks(ENTRY_SIZE).map(place).collect();
    let places = places.filter(|places| places.len() == usize::from(count))?;
    Some((raw_length, places))
}

/// The bytes from an end segment's header to the footer's end, and those of the whole container, as a
/// footer says them; `None` if its checksum or its magic is wrong.
pub(super) fn parse_footer(bytes: &[u8; FOOTER_SIZE]) -> Option<(usize, u64)> {
    let (tail, rest) = bytes.split_first_chunk::<4>()?;
    let tail = u32::from_le_bytes(*tail) as usize;
    let (container_length, _) = take_u64(rest)?;
    let end_offset = container_length.checked_sub(tail as u64)?;
    let payload_length = tail.checked_sub(segment_header::SIZE + FOOTER_SIZE)?;
    let is_right = payload_length <= PAYLOAD_MAX && footer(end_offset, payload_length) == *bytes;
    is_right.then_some((tail, container_length))
}

/// The footer of a container whose end segment's header begins at `end_offset` and whose end
/// segment has this many bytes of payload.
pub(super) fn footer(end_offset: u64, payload_length: usize) -> [u8; FOOTER_SIZE] {
    let tail = segment_header::SIZE + payload_length + FOOTER_SIZE;
    let container_length = end_offset + tail as u64;
    let mut bytes = [0; FOOTER_SIZE];
    bytes[..4].copy_from_slice(&(tail as u32).to_le_bytes());
    bytes[4..12].copy_from_slice(&container_length.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    let [m0, m1, m2, m3] = MAGIC;
    bytes[16..].copy_from_slice(&[m3, m2, m1, m0]);
    bytes
}

fn take_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (value, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*value), rest))
}

#[cfg(test)]
mod tests {
    use super::super::restart_index::RestartPoint;
    use super::*;

    #[test]
    fn a_footer_reads_back() {
        let mut bytes = footer(123_456, 41);
        assert_eq!(parse_footer(&bytes), Some((15 + 41 + 20, 123_456 + 76)));
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse_footer(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn any_difference_is_an_error() {
        let mut index = RestartIndex::EMPTY;
        for offset in [0, 5_000_000] {
            index.push(RestartPoint {
                container_offset: 16 + offset,
                raw_offset: offset,
            });
        }
        let mut payload = Vec::new();
        write_payload(7_000_000, &index, &mut payload);
        assert!((PAYLOAD_MIN..=PAYLOAD_MAX).contains(&payload.len()));
        let (raw_length, places) = parse_payload(&payload).unwrap();
        assert_eq!((raw_length, places.len()), (7_000_000, 2));
        assert_eq!(places[1].container_offset, 5_000_016);
        assert_eq!(verify_payload(&payload, 7_000_000, &index), Ok(()));
        for bit in 0..8 * payload.len() {
            payload[bit / 8] ^= 1 << (bit % 8);
            assert!(verify_payload(&payload, 7_000_000, &index).is_err());
            payload[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..payload.len() {
            assert!(verify_payload(&payload[..length], 7_000_000, &index).is_err());
        }
    }
}
