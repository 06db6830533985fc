//! Where the scans of an image lie in its file, and how far each has been put out.
//!
//! Invariant: offsets count from the first byte of the first scan; the bytes between two scans, up
//! to the end of the next one's header, count as put out from the start.

use std::ops::Range;

/// The stretches of an image's file, from the first byte of its first scan to the last of its last.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    scans: Vec<Region>,
}

/// The data of a scan.
#[derive(Debug)]
struct Region {
    start: usize,
    /// What has been put out: one stretch, and another behind each gap. The last one grows.
    put_out: Vec<Range<usize>>,
    end: usize,
}

/// What stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// So many bytes that have been put out.
    PutOut(usize),
    /// So many bytes of a scan's data that have not.
    Missing(usize),
}

impl Regions {
    /// Adds the next scan.
    pub(crate) fn push(&mut self, start: usize, length: usize) {
        let nothing = start..start;
        self.scans.push(Region {
            start,
            put_out: vec![nothing],
            end: start + length,
        });
    }

    /// The scan to whose data the byte at `offset` belongs.
    pub(crate) fn scan_at(&self, offset: usize) -> Option<usize> {
        let index = self.index_at(offset);
        let region = self.scans.get(index)?;
        (region.start <= offset).then_some(index)
    }

    /// The first scan whose data end behind `offset`.
    fn index_at(&self, offset: usize) -> usize {
        self.scans.partition_point(|scan| scan.end <= offset)
    }

    pub(crate) fn count(&self) -> usize {
        self.scans.len()
    }

    /// First byte of a scan.
    pub(crate) fn start(&self, scan: usize) -> usize {
        self.scans[scan].start
    }

    /// End of a scan's data.
    pub(crate) fn end(&self, scan: usize) -> usize {
        self.scans[scan].end
    }

    /// Where the next byte of a scan goes.
    pub(crate) fn put_out_to(&self, scan: usize) -> usize {
        let put_out = &self.scans[scan].put_out;
        put_out.last().map_or(0, |last| last.end)
    }

    /// More of a scan has been put out: up to `end`.
    ///
    /// Returns whether the scan is as long as that.
    pub(crate) fn put_out(&mut self, scan: usize, end: usize) -> bool {
        let region = &mut self.scans[scan];
        let fits = end <= region.end;
        if let Some(last) = region.put_out.last_mut().filter(|_| fits) {
            last.end = end;
        }
        fits
    }

    /// A scan goes on at `place`, with a gap before it.
    ///
    /// Returns whether that is behind what has been put out, and within the scan.
    pub(crate) fn skip_to(&mut self, scan: usize, place: usize) -> bool {
        let fits = (self.put_out_to(scan)..self.end(scan)).contains(&place);
        if fits && place > self.put_out_to(scan) {
            self.scans[scan].put_out.push(place..place);
        }
        fits
    }

    /// Whether the byte at `offset` is in a gap of a scan's data.
    pub(crate) fn is_in_gap(&self, offset: usize) -> bool {
        let last = self
            .scans
            .get(self.index_at(offset))
            .and_then(|region| region.put_out.last());
        last.is_some_and(|last| offset < last.start)
            && matches!(self.stretch(offset), Stretch::Missing(_))
    }

    /// Bytes in all.
    pub(crate) fn length(&self) -> usize {
        self.scans.last().map_or(0, |last| last.end)
    }

    /// What stands at `offset`, which is below [`Regions::length`].
    pub(crate) fn stretch(&self, offset: usize) -> Stretch {
        let Some(region) = self.scans.get(self.index_at(offset)) else {
            return Stretch::PutOut(0);
        };
        if offset < region.start {
            return Stretch::PutOut(region.start - offset);
        }
        let next = region.put_out.partition_point(|range| range.end <= offset);
        match region.put_out.get(next) {
            Some(range) if range.start <= offset => Stretch::PutOut(range.end - offset),
            Some(range) => Stretch::Missing(range.start - offset),
            None => Stretch::Missing(region.end - offset),
        }
    }
}
