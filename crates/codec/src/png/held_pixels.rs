//! The pixels of a whole image, held for the next one like it where its zlib stream is not made again.
//!
//! Invariant: rows are read, as the image before, and written, as the image that takes its place, in the
//! order in which an image is coded; a row is read before it is written.

use super::filter::FilterType;
use super::filter_model::RowFilter;
use super::header::ImageHeader;

/// Unfiltered rows, pass by pass, and their filter types.
#[derive(Debug)]
pub(super) struct HeldPixels {
    rows: Vec<u8>,
    filters: Vec<RowFilter>,
    read: Place,
    written: Place,
}

/// A place between rows.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Rows before it, and their bytes.
    row: usize,
    byte: usize,
}

impl Place {
    fn advance(&mut self, row_bytes: usize) {
        self.row += 1;
        self.byte += row_bytes;
    }
}

impl HeldPixels {
    /// Room for an image with this header.
    pub(super) fn new(header: &ImageHeader) -> Self {
        let (rows, bytes) = size(header);
        Self {
            rows: vec![0; bytes],
            filters: vec![RowFilter::Known(FilterType::None); rows],
            read: Place::default(),
            written: Place::default(),
        }
    }

    /// Bytes that those of an image with this header take.
    pub(super) fn memory(header: &ImageHeader) -> usize {
        let (rows, bytes) = size(header);
        bytes.saturating_add(rows)
    }

    /// Bytes that these take.
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() + self.filters.len()
    }

    /// Goes back to the first row, both to read and to write.
    pub(super) fn rewind(&mut self) {
        self.read = Place::default();
        self.written = Place::default();
    }

    /// The next row; `None` behind the last one.
    pub(super) fn read_row(&mut self, row_bytes: usize) -> Option<(&[u8], RowFilter)> {
        let filter = *self.filters.get(self.read.row)?;
        let start = self.read.byte;
        self.read.advance(row_bytes);
        Some((self.rows.get(start..self.read.byte)?, filter))
    }

    /// Leaves the next row as it is.
    pub(super) fn leave_row(&mut self, row_bytes: usize) {
        self.written.advance(row_bytes);
    }

    /// Takes the next row of the image that is coded.
    pub(super) fn write_row(&mut self, row: &[u8], filter: RowFilter) {
        let Place { row: number, byte } = self.written;
        self.rows[byte..byte + row.len()].copy_from_slice(row);
        self.filters[number] = filter;
        self.written.advance(row.len());
    }
}

/// Rows of all passes, and their bytes.
fn size(header: &ImageHeader) -> (usize, usize) {
    let mut size = (0usize, 0usize);
    for pass in header.passes() {
        let bytes = pass.row_bytes.saturating_mul(pass.height as usize);
        size.0 = size.0.saturating_add(pass.height as usize);
        size.1 = size.1.saturating_add(bytes);
    }
    size
}
