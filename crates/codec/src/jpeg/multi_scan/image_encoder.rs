//! The encoder's side of an image of several scans.
//!
//! Invariant: [`Regions`] name exactly the bytes that a decoder has put out after the same rows.

use super::super::block_coder::Models;
use super::super::model::Decisions;
use super::super::reason::NotModelled;
use super::grid::{BlockRow, Grid};
use super::header::ScanHeader;
use super::losses::Losses;
use super::opening;
use super::reader::{ReaderState, ScanReader};
use super::recovery::{Recovery, Sight};
use super::regions::{Regions, Stretch};
use super::row_coder::RowCoder;
use super::row_reentry::RowReentry;
use super::survey::Surveyed;
use crate::entropy::{Coder, Vectorizing, code_number};

/// An image that is being encoded.
#[derive(Debug)]
pub(crate) struct ImageEncoder {
    headers: Vec<ScanHeader>,
    regions: Regions,
    grid: Grid,
    rows: RowCoder,
    blocks: BlockRow,
    readers: Vec<ScanReader>,
    /// Where they stood before the row that is read.
    before: Vec<ReaderState>,
    losses: Losses,
    recovery: Recovery,
    next_row: usize,
    /// Bytes of the file that the next row stands for, once it was read.
    waiting: Option<usize>,
    /// Whether no further row is coded.
    rows_over: bool,
    /// Whether the input ends within the last scan.
    cut: bool,
    /// Bytes of the file that earlier segments and this one's parts have.
    position: usize,
}

/// What comes next of an image's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextRow {
    /// A row that so many bytes of the file stand for.
    Ready(usize),
    /// None: all are coded, or no scan is left.
    Done,
    /// A scan, counted from 0, cannot be read any further and is given up behind so many of its MCUs of the
    /// row, which is to be asked for again.
    GivenUp {
        scan: usize,
        units: u32,
        reason: NotModelled,
    },
    /// One that was given up goes on in the row, which is to be asked for again.
    Reentered { scan: usize, reentry: RowReentry },
}

impl ImageEncoder {
    pub(crate) fn new(surveyed: Surveyed) -> Self {
        let Surveyed {
            frame,
            headers,
            regions,
            cut,
            spare,
            ..
        } = surveyed;
        let grid = Grid::new(&frame, &headers);
        let reader = |(scan, header): (usize, &ScanHeader)| {
            ScanReader::new(regions.start(scan), header, grid.units_in_row(header))
        };
        Self {
            readers: headers.iter().enumerate().map(reader).collect(),
            before: Vec::with_capacity(headers.len()),
            losses: Losses::none(headers.len()),
            recovery: Recovery::new(headers.len(), regions.length(), spare),
            rows: RowCoder::new(&grid, &headers),
            blocks: BlockRow::new(&grid),
            headers,
            regions,
            grid,
            next_row: 0,
            waiting: None,
            rows_over: false,
            cut,
            position: 0,
        }
    }

    pub(crate) fn scans(&self) -> usize {
        self.headers.len()
    }

    /// MCUs in a row of the image.
    pub(crate) fn mcus_per_row(&self) -> u32 {
        self.grid.mcus_per_row as u32
    }

    /// How many of them have not been given up.
    pub(crate) fn whole_scans(&self) -> usize {
        let is_whole = |&scan: &usize| !self.losses.is_given_up(scan);
        (0..self.scans()).filter(is_whole).count()
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

    /// Codes where a scan is given up.
    pub(crate) fn encode_loss<C: Coder>(&self, coder: &mut C, units: u32) {
        code_number(coder, units);
    }

    /// Codes how a scan goes on.
    pub(crate) fn encode_reentry<C: Coder>(
        &self,
        coder: &mut C,
        scan: usize,
        reentry: &RowReentry,
    ) {
        RowReentry::code(coder, &self.headers[scan], Some(reentry));
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
        self.before.clear();
        self.before
            .extend(self.readers.iter().map(ScanReader::state));
        let mut bytes = 0;
        for scan in 0..self.headers.len() {
            if let Some(reentry) = self.find_reentry(input, scan) {
                return self.reenter(scan, reentry);
            }
            if !self.losses.has_part(scan) {
                continue;
            }
            let reader = &mut self.readers[scan];
            let before = reader.position();
            let data = &input[..self.regions.end(scan).saturating_sub(self.position)];
            let read = reader.read_row(
                (data, self.position, self.regions.start(scan)),
                &self.headers[scan],
                &self.grid,
                (self.next_row, self.losses.part(scan)),
                &mut self.blocks,
            );
            if read.is_err() {
                return self.give_up(input, scan);
            }
            bytes += reader.position() - before;
        }
        self.waiting = Some(bytes);
        NextRow::Ready(bytes)
    }

    /// What a search for the place where a scan goes on looks at.
    fn sight<'a>(&'a self, input: &'a [u8]) -> Sight<'a> {
        Sight {
            input,
            position: self.position,
            headers: &self.headers,
            regions: &self.regions,
            grid: &self.grid,
            row: self.next_row,
            losses: &self.losses,
            before: &self.before,
        }
    }

    /// Where a scan that was given up goes on in this row; its blocks have what earlier scans carry.
    fn find_reentry(&mut self, input: &[u8], scan: usize) -> Option<RowReentry> {
        if !self.recovery.seeks(scan) {
            return None;
        }
        let mut recovery = std::mem::take(&mut self.recovery);
        let mut blocks = std::mem::take(&mut self.blocks);
        let found = recovery.find(&self.sight(input), scan, &mut blocks);
        (self.recovery, self.blocks) = (recovery, blocks);
        found
    }

    /// Has a scan go on in the row that is being read.
    fn reenter(&mut self, scan: usize, reentry: RowReentry) -> NextRow {
        self.go_back();
        self.losses.reenter(scan, reentry);
        self.rows
            .go_on_without(&self.losses, &self.grid, &self.headers);
        NextRow::Reentered { scan, reentry }
    }

    /// Has all scans stand in front of the row.
    fn go_back(&mut self) {
        for (reader, &before) in self.readers.iter_mut().zip(&self.before) {
            reader.go_back_to(before);
        }
    }

    /// Gives a scan up with the MCU that could not be read, or one that it refines if that is out of step.
    fn give_up(&mut self, input: &[u8], scan: usize) -> NextRow {
        let odd = self.readers[scan].state();
        self.go_back();
        let mut recovery = std::mem::take(&mut self.recovery);
        let (scan, units) = recovery.begin(&self.sight(input), scan, &odd);
        self.recovery = recovery;
        self.losses.give_up(scan, units, &self.headers);
        self.rows
            .go_on_without(&self.losses, &self.grid, &self.headers);
        self.end_rows_without_scans();
        let is_cut = self.cut && scan + 1 == self.headers.len();
        let reason = match is_cut {
            true => NotModelled::Truncated,
            false => NotModelled::OddScan,
        };
        NextRow::GivenUp {
            scan,
            units,
            reason,
        }
    }

    /// Codes no further row if no scan has anything of them.
    fn end_rows_without_scans(&mut self) {
        let is_sought = |scan| self.recovery.seeks(scan);
        let some_go_on = (0..self.scans()).any(is_sought) || !self.losses.are_complete();
        self.rows_over |= !some_go_on;
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
            if !self.losses.has_part(scan) {
                continue;
            }
            reader.events.encode(models, coder, header.has_runs());
            if let Some((written, place)) = reader.gap() {
                self.regions.put_out(scan, written);
                self.regions.skip_to(scan, place);
            }
            self.regions.put_out(scan, reader.written());
        }
        self.waiting = None;
        self.next_row += 1;
        if self.losses.end_row() {
            self.rows
                .go_on_without(&self.losses, &self.grid, &self.headers);
        }
        self.rows_over = self.next_row == self.grid.mcu_rows;
        self.end_rows_without_scans();
    }

    /// Codes no further row.
    pub(crate) fn stop(&mut self) {
        self.rows_over = true;
        self.waiting = None;
    }

    /// Looks no more for the place where the scan goes on to which the first byte belongs that no part has;
    /// whether it did.
    pub(crate) fn stop_seeking(&mut self) -> bool {
        let scan = self.regions.scan_at(self.position);
        let was_sought = scan.is_some_and(|scan| self.recovery.seeks(scan));
        if let Some(scan) = scan.filter(|_| was_sought) {
            self.recovery.stop(scan, &self.headers);
            self.end_rows_without_scans();
        }
        was_sought
    }

    /// Of so many bytes from the first one on that no part has, none of which has been put out, how many no row
    /// will put out.
    pub(crate) fn never_put_out(&self, missing: usize) -> usize {
        if self.rows_over || self.regions.is_in_gap(self.position) {
            return missing;
        }
        match self.regions.scan_at(self.position) {
            Some(scan) if !self.losses.has_part(scan) => match self.recovery.least_place(scan) {
                None => missing,
                Some(place) => place.saturating_sub(self.position).min(missing),
            },
            _ => 0,
        }
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
