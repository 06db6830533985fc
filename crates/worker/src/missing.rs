//! Which bytes of the original a salvage could not give back.
//!
//! Invariant: a number that is stated follows from checksummed data, or from the header of a damaged
//! segment that leads exactly to the next whole one; what does not is left open.

use lepta_codec::ContainerEnd;

/// Most stretches that are kept of one container, and most ranges that are reported.
const STRETCHES_MAX: usize = 4096;
const RANGES_MAX: usize = 64;

/// A range of bytes of the original: from the first to behind the last. `None`: not known.
pub(crate) type OpenRange = (Option<u64>, Option<u64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stretch {
    /// Decoded bytes: how many; the offset of the first of their segments in the container.
    Found { offset: u64, length: u64 },
    /// Bytes that are missing: how many, as far as is known.
    Lost(Option<u64>),
}

/// What became of one container's bytes, in order.
#[derive(Debug, Default)]
pub(crate) struct Recovered(Vec<Stretch>);

impl Recovered {
    /// Notes a segment that was decoded, which begins at `offset` in the container.
    pub(crate) fn found(&mut self, offset: u64, bytes: u64) {
        match self.0.last_mut() {
            Some(Stretch::Found { length, .. }) => *length += bytes,
            _ => self.push(Stretch::Found {
                offset,
                length: bytes,
            }),
        }
    }

    /// Notes what was not decoded.
    pub(crate) fn lost(&mut self, bytes: Option<u64>) {
        match self.0.last_mut() {
            Some(Stretch::Lost(length)) => *length = length.zip(bytes).map(|(a, b)| a + b),
            _ => self.push(Stretch::Lost(bytes)),
        }
    }

    fn push(&mut self, stretch: Stretch) {
        if self.0.len() < STRETCHES_MAX {
            self.0.push(stretch);
        } else if let Some(last) = self.0.last_mut() {
            *last = Stretch::Lost(None);
        }
    }

    /// The ranges that are missing, within the container's original.
    fn missing(&self, end: Option<&ContainerEnd>) -> Vec<OpenRange> {
        let starts = self.starts(end);
        let total = end.map(|end| end.raw_length);
        let mut ranges = Vec::new();
        for (index, stretch) in self.0.iter().enumerate() {
            if let Stretch::Lost(length) = stretch {
                let start = starts[index];
                let next = starts.get(index + 1).copied().unwrap_or(total);
                let start = start.or_else(|| next?.checked_sub((*length)?));
                let next = next.or_else(|| start?.checked_add((*length)?));
                ranges.push((start, next));
            }
        }
        ranges
    }

    /// Where each stretch starts: counted from the front, from places of the index, and from the end.
    fn starts(&self, end: Option<&ContainerEnd>) -> Vec<Option<u64>> {
        let indexed = |stretch: &Stretch| match stretch {
            Stretch::Found { offset, .. } => end?
                .places
                .iter()
                .find(|place| place.container_offset == *offset)
                .map(|place| place.raw_offset),
            Stretch::Lost(_) => None,
        };
        let length = |stretch: &Stretch| match stretch {
            Stretch::Found { length, .. } => Some(*length),
            Stretch::Lost(length) => *length,
        };
        let mut starts = Vec::with_capacity(self.0.len());
        let mut next = Some(0u64);
        for stretch in &self.0 {
            let start = indexed(stretch).or(next);
            starts.push(start);
            next = start
                .zip(length(stretch))
                .and_then(|(a, b)| a.checked_add(b));
        }
        let mut next = end.map(|end| end.raw_length);
        for (start, stretch) in starts.iter_mut().zip(&self.0).rev() {
            let counted = next
                .zip(length(stretch))
                .and_then(|(a, b)| a.checked_sub(b));
            *start = start.or(counted);
            next = *start;
        }
        starts
    }
}

/// What is missing of a stream.
#[derive(Debug)]
pub(crate) struct Missing {
    ranges: Vec<OpenRange>,
    /// Ranges in all.
    count: u64,
    /// Bytes of the original before the next container.
    base: Option<u64>,
}

impl Default for Missing {
    fn default() -> Self {
        Self {
            ranges: Vec::new(),
            count: 0,
            base: Some(0),
        }
    }
}

impl Missing {
    /// Adds a container; what its end says, if that was there.
    pub(crate) fn add_container(&mut self, recovered: &Recovered, end: Option<&ContainerEnd>) {
        for (start, stop) in recovered.missing(end) {
            if start.is_some() && start == stop {
                continue;
            }
            let place = |place: Option<u64>| self.base?.checked_add(place?);
            let range = (place(start), place(stop));
            self.count += 1;
            if self.ranges.len() < RANGES_MAX {
                self.ranges.push(range);
            }
        }
        self.base = end.and_then(|end| self.base?.checked_add(end.raw_length));
    }

    /// The first 64 ranges.
    pub(crate) fn ranges(&self) -> Vec<OpenRange> {
        self.ranges.clone()
    }

    /// What to say of them.
    pub(crate) fn message(&self) -> String {
        let number = |place: &Option<u64>| place.map_or_else(|| "?".to_owned(), |p| p.to_string());
        let text: Vec<String> = self
            .ranges
            .iter()
            .take(4)
            .map(|(start, end)| format!("{}..{}", number(start), number(end)))
            .collect();
        match self.count {
            0 => "damaged, but no byte of the original is missing".to_owned(),
            count if count as usize > text.len() => {
                format!(
                    "damaged: missing {} and {} more",
                    text.join(" "),
                    count - text.len() as u64
                )
            }
            _ => format!("damaged: missing {}", text.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lepta_codec::StartingPlace;

    fn end(raw_length: u64, places: &[(u64, u64)]) -> ContainerEnd {
        let place = |&(container_offset, raw_offset): &(u64, u64)| StartingPlace {
            container_offset,
            raw_offset,
        };
        ContainerEnd {
            raw_length,
            container_length: None,
            places: places.iter().map(place).collect(),
        }
    }

    fn recovered(stretches: &[Stretch]) -> Recovered {
        Recovered(stretches.to_vec())
    }

    const fn found(offset: u64, length: u64) -> Stretch {
        Stretch::Found { offset, length }
    }

    #[test]
    fn lengths_of_lost_segments_tell_where_they_are() {
        let stretches = recovered(&[found(12, 100), Stretch::Lost(Some(50)), found(70, 30)]);
        assert_eq!(stretches.missing(None), [(Some(100), Some(150))]);
    }

    #[test]
    fn the_end_and_the_index_tell_the_rest() {
        let stretches = recovered(&[
            found(12, 100),
            Stretch::Lost(None),
            found(700, 30),
            Stretch::Lost(None),
            found(900, 10),
        ]);
        let nothing = stretches.missing(None);
        assert_eq!(nothing, [(Some(100), None), (None, None)]);
        let by_end = stretches.missing(Some(&end(500, &[])));
        assert_eq!(by_end, [(Some(100), None), (None, Some(490))]);
        let all = stretches.missing(Some(&end(500, &[(12, 0), (700, 300)])));
        assert_eq!(all, [(Some(100), Some(300)), (Some(330), Some(490))]);
    }

    #[test]
    fn later_containers_count_from_the_end_of_those_before() {
        let mut missing = Missing::default();
        let stretches = recovered(&[found(12, 10), Stretch::Lost(None)]);
        missing.add_container(&stretches, Some(&end(30, &[])));
        missing.add_container(&stretches, None);
        missing.add_container(&stretches, Some(&end(30, &[])));
        let expected = [(Some(10), Some(30)), (Some(40), None), (None, None)];
        assert_eq!(missing.ranges(), expected);
        assert_eq!(missing.message(), "damaged: missing 10..30 40..? ?..?");
    }
}
