//! Memory that one image after another uses, so that what is allocated between images does not divide it.
//!
//! Invariant: what it holds means nothing to the next image.

use super::deflate::Inflater;

/// What images use again.
#[derive(Default)]
pub(super) struct Workspace {
    /// Rows of the image.
    pub(super) rows: Vec<u8>,
    /// Rows of its reference.
    pub(super) reference_rows: Vec<u8>,
    /// That of the reference.
    pub(super) inflater: Option<Box<Inflater>>,
}

impl Workspace {
    /// Makes room for so many bytes of rows, and of the reference's.
    pub(super) fn reserve(&mut self, rows: usize, reference_rows: usize) {
        reserve(&mut self.reference_rows, reference_rows);
        reserve(&mut self.rows, rows);
    }

    /// Gives the memory of rows back.
    pub(super) fn free_rows(&mut self) {
        self.reference_rows = Vec::new();
        self.rows = Vec::new();
    }

    /// Bytes of rows that it has at least, once an image has used this many of its own and of its reference's.
    pub(super) fn bytes_with(&self, rows: usize, reference_rows: usize) -> usize {
        let capacities = [&self.rows, &self.reference_rows].map(Vec::capacity);
        capacities[0].max(rows) + capacities[1].max(reference_rows)
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
        assert_eq!(workspace.bytes_with(500, 70), 1071);
        assert_eq!(workspace.bytes_with(5000, 70), 5070);
    }
}
