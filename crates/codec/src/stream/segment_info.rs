//! What can be known of segments without decoding them, for callers that look for a place to start.
//!
//! Invariant: nothing here is trusted that no checksum covers; a [`SegmentInfo`] is only a claim until
//! [`is_whole_segment`] has said yes.

use super::container_header::{self, ContainerHeader};
use super::end;
use super::segment_header::{self, SegmentHeader, SegmentKind};

/// Size of a segment's header, in bytes.
pub const SEGMENT_HEADER_SIZE: usize = segment_header::SIZE;

/// Size of a container's header, in bytes.
pub const CONTAINER_HEADER_SIZE: usize = container_header::SIZE;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Bytes that it decodes to; 0 for an end segment.
    pub raw_length: usize,
    /// Bytes behind its header.
    pub coded_length: usize,
    /// Whether it decodes without what is before it.
    pub starts_anew: bool,
    /// Whether the next one does, if this one is the one before it.
    pub ends_anew: bool,
    /// Whether it is an end segment, behind which the footer comes.
    pub is_end: bool,
}

impl SegmentInfo {
    /// Reads a header; `None` if its lengths or its kind break the format's limits.
    #[must_use]
    pub fn parse(header: &[u8; SEGMENT_HEADER_SIZE]) -> Option<Self> {
        let header = SegmentHeader::parse(header).ok()?;
        let is_stored = header.kind == SegmentKind::Stored;
        Some(Self {
            raw_length: header.raw_length,
            coded_length: header.coded_length,
            starts_anew: is_stored || matches!(header.kind, SegmentKind::Key(_)),
            ends_anew: is_stored,
            is_end: header.kind == SegmentKind::End,
        })
    }
}

/// Whether `bytes` are exactly one segment, header and payload, whose own checksum is right.
#[must_use]
pub fn is_whole_segment(bytes: &[u8]) -> bool {
    let Some((header, payload)) = bytes.split_first_chunk() else {
        return false;
    };
    SegmentHeader::parse(header)
        .is_ok_and(|header| header.coded_length == payload.len() && header.verify(payload).is_ok())
}

/// Whether `bytes` begin with a container's header that this version reads.
#[must_use]
pub fn begins_container(bytes: &[u8]) -> bool {
    bytes
        .first_chunk()
        .is_some_and(|header| ContainerHeader::parse(header).is_ok())
}

/// How many bytes of `bytes` are the container's header that they begin with; 0 if they begin with none.
#[must_use]
pub fn container_header_length(bytes: &[u8]) -> usize {
    let header = bytes.first_chunk().map(ContainerHeader::parse);
    match header {
        Some(Ok(header)) if header.has_reference => container_header::SIZE_MAX,
        Some(Ok(_)) => container_header::SIZE,
        Some(Err(_)) | None => 0,
    }
}

/// A place where decoding can start, from the index at the end of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartingPlace {
    /// Of a segment's header, from the container's first byte.
    pub container_offset: u64,
    /// Raw bytes of the container before that segment.
    pub raw_offset: u64,
}

/// What a container says about itself at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEnd {
    /// Raw bytes in the container.
    pub raw_length: u64,
    /// Bytes of the container, if the footer was there to say it.
    pub container_length: Option<u64>,
    /// Places where decoding can start, in their order: at most 64.
    pub places: Vec<StartingPlace>,
}

impl ContainerEnd {
    /// Most bytes that a container has behind its last raw byte's segment.
    pub const SIZE_MAX: usize = segment_header::SIZE + end::PAYLOAD_MAX + end::FOOTER_SIZE;

    /// Reads the end of a container from the last bytes of `bytes`, of which
    /// [`ContainerEnd::SIZE_MAX`] always suffice; `None` if no container ends there.
    #[must_use]
    pub fn find(bytes: &[u8]) -> Option<Self> {
        let (before, footer) = bytes.split_last_chunk()?;
        let (tail, container_length) = end::parse_footer(footer)?;
        let segment = tail.checked_sub(end::FOOTER_SIZE)?;
        let segment = &before[before.len().checked_sub(segment)?..];
        let mut found = Self::of_segment(segment)?;
        found.container_length = Some(container_length);
        Some(found)
    }

    /// Reads an end segment, header included; `None` if it is none, or damaged.
    #[must_use]
    pub fn of_segment(segment: &[u8]) -> Option<Self> {
        let (header, payload) = segment.split_first_chunk()?;
        let is_end = SegmentInfo::parse(header)?.is_end;
        if !is_end || !is_whole_segment(segment) {
            return None;
        }
        let (raw_length, places) = end::parse_payload(payload)?;
        Some(Self {
            raw_length,
            container_length: None,
            places,
        })
    }
}
