//! Memory that one image after another uses, so that what is allocated between images does not divide it.
//!
//! Invariant: what it holds means nothing to the next image.

use super::deflate::Inflater;
use super::reference::SLABS;

/// What images use again.
#[derive(Default)]
pub(super) struct Workspace {
    /// Rows of the image.
    pub(super) rows: Vec<u8>,
    /// Rows of its reference.
    pub(super) reference_slabs: [Vec<u8>; SLABS],
    /// That of the reference.
    pub(super) inflater: Option<Box<Inflater>>,
}

impl Workspace {
    /// Makes room for so many bytes of rows, and of each slab of the reference's.
    pub(super) fn reserve(&mut self, rows: usize, slab: usize) {
        reserve(&mut self.rows, rows);
        for reference_slab in &mut self.reference_slabs {
            reserve(reference_slab, slab);
        }
    }

    /// Gives the memory of rows back.
    pub(super) fn free_rows(&mut self) {
        self.reference_slabs = Default::default();
        self.rows = Vec::new();
    }

    /// Bytes that it takes once there is room for so many bytes of rows, and of each slab of the reference's.
    pub(super) fn bytes_with(&self, rows: usize, slab: usize) -> usize {
        let slabs = self.reference_slabs.iter();
        let slabs = slabs.map(|reference_slab| reference_slab.capacity().max(slab));
        self.rows.capacity().max(rows) + slabs.sum::<usize>()
    }
}

/// Makes room for so many bytes in a buffer, and for no more, unless there is; what was in it may be lost.
fn reserve(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() < bytes {
        // What was there makes room first.
        *buffer = Vec::new();
        buffer.reserve_exact(bytes);
    }
}

/// Gives a buffer so many bytes of no meaning, and never more memory than these take.
pub(super) fn resize(buffer: &mut Vec<u8>, bytes: usize) {
    reserve(buffer, bytes);
    buffer.resize(bytes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_to_what_is_needed_and_stay() {
        let mut workspace = Workspace::default();
        resize(&mut workspace.rows, 1000);
        resize(&mut workspace.rows, 1001);
        resize(&mut workspace.rows, 10);
        assert_eq!(
            (workspace.rows.len(), workspace.rows.capacity()),
            (10, 1001)
        );
        assert_eq!(workspace.bytes_with(500, 70), 1001 + SLABS * 70);
        assert_eq!(workspace.bytes_with(5000, 70), 5000 + SLABS * 70);
    }
}
