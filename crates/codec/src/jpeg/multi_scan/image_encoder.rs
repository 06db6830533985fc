//! The encoder's side of an image of several scans.
//!
//! Invariant: [`Regions`] name exactly the bytes that a decoder has put out after the same rows.

use super::super::block_coder::Models;
use super::super::frame::Frame;
use super::super::model::Decisions;
use super::super::reason::NotModelled;
use super::grid::{BlockRow, Grid};
use super::header::ScanHeader;
use super::opening;
use super::reader::ScanReader;
use super::regions::{Regions, Stretch};
use super::row_coder::RowCoder;
use crate::entropy::{Coder, Vectorizing};

/// An image that is being encoded.
#[derive(Debug)]
pub(crate) struct ImageEncoder {
    headers: Vec<ScanHeader>,
    regions: Regions,
    grid: Grid,
    rows: RowCoder,
    blocks: BlockRow,
    readers: Vec<ScanReader>,
    next_row: usize,
    /// Bytes of the file that the next row stands for, once it was read.
    waiting: Option<usize>,
    /// Whether no further row is coded.
    rows_over: bool,
    /// Bytes of the file that earlier segments and this one's parts have.
    position: usize,
}

/// What comes next of an image's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextRow {
    /// A row that so many bytes of the file stand for.
    Ready(usize),
    /// None: all are coded.
    Done,
    /// None: a scan cannot be read any further.
    Odd(NotModelled),
}

impl ImageEncoder {
    pub(crate) fn new(frame: &Frame, headers: Vec<ScanHeader>, regions: Regions) -> Self {
        let grid = Grid::new(frame, &headers);
        let reader = |(scan, header): (usize, &ScanHeader)| {
            ScanReader::new(regions.start(scan), header, grid.units_in_row(header))
        };
        Self {
            readers: headers.iter().enumerate().map(reader).collect(),
            rows: RowCoder::new(&grid, &headers),
            blocks: BlockRow::new(&grid),
            headers,
            regions,
            grid,
            next_row: 0,
            waiting: None,
            rows_over: false,
            position: 0,
        }
    }

    pub(crate) fn scans(&self) -> usize {
        self.headers.len()
    }

    /// Bytes of the image that no part has yet.
    pub(crate) fn bytes_left(&self) -> usize {
        self.regions.length() - self.position
    }

    /// Codes the opening. `input` begins with the first scan's first byte.
    pub(crate) fn encode_opening<C: Coder>(
        &self,
        coder: &mut C,
        input: &[u8],
        byte: impl FnMut(&mut C, u8) -> u8,
    ) {
        opening::encode(coder, input, &self.regions, byte);
    }

    /// Reads the next row, if that has not been done. `input` begins with the first byte that no
    /// part has, and goes to the image's end.
    pub(crate) fn read_row(&mut self, input: &[u8]) -> NextRow {
        if let Some(bytes) = self.waiting {
            return NextRow::Ready(bytes);
        }
        if self.rows_over {
            return NextRow::Done;
        }
        self.blocks.clear();
        let mut bytes = 0;
        for (scan, (reader, header)) in self.readers.iter_mut().zip(&self.headers).enumerate() {
            let before = reader.position();
            let data = &input[..self.regions.end(scan).saturating_sub(self.position)];
            let read = reader.read_row(
                (data, self.position),
                header,
                &self.grid,
                self.next_row,
                &mut self.blocks,
            );
            if read.is_err() {
                self.stop();
                return NextRow::Odd(NotModelled::OddScan);
            }
            bytes += reader.position() - before;
        }
        self.waiting = Some(bytes);
        NextRow::Ready(bytes)
    }

    /// Codes the row that was read. `damage` has one of its coefficients changed.
    #[inline(always)]
    pub(crate) fn encode_row<C: Vectorizing, D: Decisions>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        damage: Option<u64>,
    ) {
        let row = self.next_row;
        let (grid, blocks) = (&self.grid, &mut self.blocks);
        self.rows.code((models, coder), grid, row, blocks, damage);
        for (scan, (reader, header)) in self.readers.iter().zip(&self.headers).enumerate() {
            reader.events.encode(models, coder, header.has_runs());
            self.regions.put_out(scan, reader.written());
        }
        self.waiting = None;
        self.next_row += 1;
        self.rows_over = self.next_row == self.grid.mcu_rows;
    }

    /// Codes no further row.
    pub(crate) fn stop(&mut self) {
        self.rows_over = true;
        self.waiting = None;
    }

    /// Whether all rows were coded or none is coded any more.
    pub(crate) fn rows_are_over(&self) -> bool {
        self.rows_over
    }

    /// Whether every row was coded.
    pub(crate) fn is_whole(&self) -> bool {
        self.next_row == self.grid.mcu_rows
    }

    /// What stands at the first byte that no part has; the image has some left.
    pub(crate) fn stretch(&self) -> Stretch {
        self.regions.stretch(self.position)
    }

    /// A part has the next `count` bytes.
    pub(crate) fn pass(&mut self, count: usize) {
        self.position += count;
    }
}
