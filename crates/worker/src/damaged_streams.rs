//! Compressed streams for tests of what can be decoded of them.

use lepta_codec::{
    CONTAINER_HEADER_SIZE, Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoder, EncoderOptions,
    KEY_EVERY, Level, SEGMENT_HEADER_SIZE, SEGMENT_INPUT, SegmentInfo, UNIT_MAX,
};

use crate::streams::{Input, UnitReader};

/// Lines that compress well, with bytes between them that do not.
pub(crate) fn raw_bytes(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for line in 0.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend_from_slice(format!("line {line}: {} apples\n", line * 7 % 1000).as_bytes());
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Compresses `raw` with restarts.
pub(crate) fn compressed(raw: &[u8], level: Level, restart_every: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(&EncoderOptions {
        level,
        state_bytes: 5 << 20,
        key_every: KEY_EVERY,
        restart_every,
        image_bytes: 2 << 20,
    });
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let (mut coded, mut rest) = (Vec::new(), raw);
    while !rest.is_empty() {
        // At most so much is ever wanted of what is no image of several scans.
        let shown = &rest[..rest.len().min(SEGMENT_INPUT)];
        let segment = encoder.encode_segment(shown, shown.len() == rest.len(), &mut buffer);
        coded.extend_from_slice(&buffer[..segment.written]);
        rest = &rest[segment.consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    coded.extend_from_slice(&buffer[..written]);
    coded
}

pub(crate) fn decoder() -> Decoder {
    Decoder::new(&DecoderOptions {
        state_bytes: 12 << 20,
        image_bytes: 2 << 20,
    })
}

pub(crate) fn reader(coded: &[u8]) -> UnitReader<&[u8]> {
    UnitReader::new(Input::new(coded), SEGMENT_HEADER_SIZE + UNIT_MAX)
}

/// A segment within a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// In the container.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// In the original.
    pub(crate) raw_start: usize,
    pub(crate) raw_end: usize,
    /// Whether it decodes without those before it.
    pub(crate) starts_anew: bool,
}

/// The segments of a whole container, without the end segment.
pub(crate) fn segments(coded: &[u8]) -> Vec<Place> {
    let (mut start, mut raw_start) = (CONTAINER_HEADER_SIZE, 0);
    let (mut places, mut starts_anew) = (Vec::new(), true);
    loop {
        let header = coded[start..].first_chunk().expect("a header");
        let info = SegmentInfo::parse(header).expect("a legal header");
        if info.is_end {
            return places;
        }
        let end = start + SEGMENT_HEADER_SIZE + info.coded_length;
        let raw_end = raw_start + info.raw_length;
        places.push(Place {
            start,
            end,
            raw_start,
            raw_end,
            starts_anew: starts_anew || info.starts_anew,
        });
        (start, raw_start, starts_anew) = (end, raw_end, info.ends_anew);
    }
}
