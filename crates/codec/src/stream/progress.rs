//! Where a container stands.
//!
//! Invariant: encoder and decoder move their [`Progress`] by the same rule, segment by segment, so
//! that at the end the decoder can compare all of it.

use super::restart_index::{RestartIndex, RestartPoint};
use super::segment_header::SegmentKind;
use crc32fast::Hasher;

/// Totals of a container so far.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    raw_checksum: Option<Hasher>,
    /// Raw bytes.
    pub(super) raw_length: u64,
    /// Bytes of the container, its header included; 0 before it.
    pub(super) container_length: u64,
    pub(super) index: RestartIndex,
    /// Whether the last segment left models behind that the next one may depend on.
    depends: bool,
}

impl Progress {
    /// Before the first byte of a container.
    pub(super) const START: Self = Self {
        raw_checksum: None,
        raw_length: 0,
        container_length: 0,
        index: RestartIndex::EMPTY,
        depends: false,
    };

    /// Adds a segment of `size` bytes, header included; the CRC-32 of its raw bytes.
    pub(super) fn add_segment(&mut self, kind: SegmentKind, raw: &[u8], size: usize) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(raw);
        self.add_checked(kind, &hasher, raw.len(), size);
        hasher.finalize()
    }

    /// The same for a segment whose `length` raw bytes are not known, but their CRC-32 is.
    pub(super) fn add_unseen(
        &mut self,
        kind: SegmentKind,
        checksum: u32,
        length: usize,
        size: usize,
    ) {
        let hasher = Hasher::new_with_initial_len(checksum, length as u64);
        self.add_checked(kind, &hasher, length, size);
    }

    fn add_checked(&mut self, kind: SegmentKind, hasher: &Hasher, length: usize, size: usize) {
        match &mut self.raw_checksum {
            Some(all) => all.combine(hasher),
            None => self.raw_checksum = Some(hasher.clone()),
        }
        if matches!(kind, SegmentKind::Stored | SegmentKind::Key(_)) || !self.depends {
            self.index.push(RestartPoint {
                container_offset: self.container_length,
                raw_offset: self.raw_length,
            });
        }
        self.depends = kind != SegmentKind::Stored;
        self.raw_length += length as u64;
        self.container_length += size as u64;
    }

    /// The CRC-32 of all raw bytes.
    pub(super) fn checksum(&self) -> u32 {
        self.raw_checksum.clone().unwrap_or_default().finalize()
    }
}
