//! Where the scans of an image lie in its file, and how far each has been put out.
//!
//! Invariant: offsets count from the first byte of the first scan; the bytes between two scans, up
//! to the end of the next one's header, count as put out from the start.

/// The stretches of an image's file, from the first byte of its first scan to the last of its last.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    /// By scan: first byte, end of what has been put out, end of the scan's data.
    scans: Vec<(usize, usize, usize)>,
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
        self.scans.push((start, start, start + length));
    }

    /// The scan to whose data the byte at `offset` belongs.
    pub(crate) fn scan_at(&self, offset: usize) -> Option<usize> {
        let index = self.index_at(offset);
        let (start, ..) = *self.scans.get(index)?;
        (start <= offset).then_some(index)
    }

    /// The first scan whose data end behind `offset`.
    fn index_at(&self, offset: usize) -> usize {
        self.scans.partition_point(|scan| scan.2 <= offset)
    }

    pub(crate) fn count(&self) -> usize {
        self.scans.len()
    }

    /// First byte of a scan.
    pub(crate) fn start(&self, scan: usize) -> usize {
        self.scans[scan].0
    }

    /// End of a scan's data.
    pub(crate) fn end(&self, scan: usize) -> usize {
        self.scans[scan].2
    }

    /// Where the next byte of a scan goes.
    pub(crate) fn put_out_to(&self, scan: usize) -> usize {
        self.scans[scan].1
    }

    /// More of a scan has been put out: up to `end`.
    ///
    /// Returns whether the scan is as long as that.
    pub(crate) fn put_out(&mut self, scan: usize, end: usize) -> bool {
        let fits = end <= self.scans[scan].2;
        if fits {
            self.scans[scan].1 = end;
        }
        fits
    }

    /// Bytes in all.
    pub(crate) fn length(&self) -> usize {
        self.scans.last().map_or(0, |last| last.2)
    }

    /// What stands at `offset`, which is below [`Regions::length`].
    pub(crate) fn stretch(&self, offset: usize) -> Stretch {
        let Some(&(start, put_out, end)) = self.scans.get(self.index_at(offset)) else {
            return Stretch::PutOut(0);
        };
        if offset < start {
            Stretch::PutOut(start - offset)
        } else if offset < put_out {
            Stretch::PutOut(put_out - offset)
        } else {
            Stretch::Missing(end - offset)
        }
    }
}
