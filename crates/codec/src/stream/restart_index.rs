//! Places where decoding can start with fresh models.
//!
//! Invariant: the index is a function of the sequence of segments alone. The decoder builds its own
//! and compares, so an index never says anything that is not so.

/// Most entries.
pub(super) const ENTRIES_MAX: usize = 64;

/// Size of an entry in the end segment, in bytes.
pub(super) const ENTRY_SIZE: usize = 16;

/// A place where decoding can start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RestartPoint {
    /// Of a segment's header, from the start of the container, in bytes.
    pub(super) container_offset: u64,
    /// Of that segment's first raw byte, from the container's first raw byte.
    pub(super) raw_offset: u64,
}

/// A bounded list of places, about evenly spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RestartIndex {
    points: [RestartPoint; ENTRIES_MAX],
    count: usize,
    /// Least raw bytes between two entries.
    spacing: u64,
}

impl RestartIndex {
    pub(super) const EMPTY: Self = Self {
        points: [RestartPoint {
            container_offset: 0,
            raw_offset: 0,
        }; ENTRIES_MAX],
        count: 0,
        spacing: 0,
    };

    /// Adds a place behind all others, or drops it for lying too close to the last one. When the
    /// list is full, every second entry goes and the least distance doubles.
    pub(super) fn push(&mut self, point: RestartPoint) {
        if let Some(last) = self.points().last()
            && point.raw_offset < last.raw_offset.saturating_add(self.spacing)
        {
            return;
        }
        if self.count == ENTRIES_MAX {
            for index in 0..ENTRIES_MAX / 2 {
                self.points[index] = self.points[2 * index];
            }
            self.count = ENTRIES_MAX / 2;
            self.spacing = (2 * self.spacing).max(super::FORMAT_SEGMENT_MAX as u64);
        }
        self.points[self.count] = point;
        self.count += 1;
    }

    /// Bytes of its entries in the end segment.
    pub(super) fn size(&self) -> usize {
        self.count * ENTRY_SIZE
    }

    /// The places, in the order of the container; the first is the container's first segment.
    pub(super) fn points(&self) -> &[RestartPoint] {
        &self.points[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stream_keeps_a_spread_of_places() {
        let mut index = RestartIndex::EMPTY;
        for segment in 0..10_000u64 {
            index.push(RestartPoint {
                container_offset: 16 + segment * 1000,
                raw_offset: segment * 131_072,
            });
        }
        let points = index.points();
        assert_eq!(points[0].raw_offset, 0);
        assert!((ENTRIES_MAX / 2..=ENTRIES_MAX).contains(&points.len()));
        let gaps = points
            .windows(2)
            .map(|pair| pair[1].raw_offset - pair[0].raw_offset);
        assert!(gaps.clone().max() <= gaps.min().map(|least| 4 * least));
    }
}
