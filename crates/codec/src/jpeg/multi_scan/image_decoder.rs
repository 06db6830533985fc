//! The decoder's side of an image of several scans.
//!
//! Invariant: a byte is put out once, in its place in the file, and is handed on only after that.

use super::super::block_coder::Models;
use super::super::markers::HeaderParser;
use super::super::model::Decisions;
use super::grid::{BlockRow, Grid};
use super::header::ScanHeader;
use super::losses::Losses;
use super::opening;
use super::regions::{Regions, Stretch};
use super::row_coder::RowCoder;
use super::row_reentry::RowReentry;
use super::state_bytes;
use super::writer::ScanWriter;
use crate::Error;
use crate::entropy::{Coder, Vectorizing, code_number};
use std::ops::Range;

/// What a verifying decoder compares with instead of holding bytes: the raw bytes from the start of
/// the current segment on.
pub(crate) type Original<'a> = Option<&'a [u8]>;

/// An image that is being decoded.
#[derive(Debug)]
pub(crate) struct ImageDecoder {
    headers: Vec<ScanHeader>,
    regions: Regions,
    grid: Grid,
    rows: RowCoder,
    blocks: BlockRow,
    writers: Vec<ScanWriter>,
    losses: Losses,
    next_row: usize,
    rows_over: bool,
    /// Bytes of the image's file that parts have handed on.
    position: usize,
    /// The image's bytes; none where they are compared with the original.
    held: Vec<u8>,
    /// What a row adds to one scan.
    scratch: Vec<u8>,
}

/// Where an image comes from and what it may take.
pub(crate) struct ImageSource<'a> {
    pub(crate) parser: &'a HeaderParser,
    pub(crate) first: ScanHeader,
    pub(crate) scans: usize,
    /// Bytes that the rows may take, and the image in all.
    pub(crate) row_budget: usize,
    pub(crate) budget: usize,
}

impl ImageDecoder {
    /// Reads an image's opening. `raw` are the bytes of the segment so far.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn open<C: Coder>(
        source: ImageSource<'_>,
        coder: &mut C,
        raw: &[u8],
        original: Original<'_>,
        byte: impl FnMut(&mut C, u8) -> u8,
    ) -> Result<Self, Error> {
        let ImageSource {
            parser,
            first,
            scans,
            row_budget,
            budget,
        } = source;
        let opened = opening::decode(coder, parser, first, scans, budget, byte)?;
        let grid = Grid::new(&opened.frame, &opened.headers);
        let rows = state_bytes(&grid, &opened.headers);
        let file = match original {
            Some(_) => 0,
            None => opened.regions.length(),
        };
        for (needed, budget) in [(rows, row_budget), (rows + file, budget)] {
            if needed > budget {
                return Err(Error::RowsTooWide { needed, budget });
            }
        }
        let mut decoder = Self {
            rows: RowCoder::new(&grid, &opened.headers),
            blocks: BlockRow::new(&grid),
            writers: opened
                .headers
                .iter()
                .map(|_| ScanWriter::default())
                .collect(),
            losses: Losses::none(opened.headers.len()),
            headers: opened.headers,
            regions: opened.regions,
            grid,
            next_row: 0,
            rows_over: false,
            position: 0,
            held: vec![0; file],
            scratch: Vec::new(),
        };
        for (offset, bytes) in opened.between {
            decoder.store(offset, &bytes, raw.len(), original)?;
        }
        Ok(decoder)
    }

    /// Decodes the next row and puts out what it completes.
    ///
    /// # Errors
    /// [`Error::BadScan`] if there is none, or no encoder could have written it;
    /// [`Error::OriginalDiffers`].
    #[inline(always)]
    pub(crate) fn decode_row<C: Vectorizing, D: Decisions>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        raw: &[u8],
        original: Original<'_>,
    ) -> Result<(), Error> {
        if self.rows_over || self.next_row == self.grid.mcu_rows {
            return Err(Error::BadScan);
        }
        let row = self.next_row;
        self.next_row += 1;
        self.blocks.clear();
        let (grid, blocks) = (&self.grid, &mut self.blocks);
        self.rows.code((models, coder), grid, row, blocks, None);
        let mut scratch = std::mem::take(&mut self.scratch);
        for scan in 0..self.headers.len() {
            if !self.losses.has_part(scan) {
                continue;
            }
            let part = *self.losses.part(scan);
            let unusual = self.headers[scan].has_runs() && models.runs.code_unusual(coder, false);
            let mut write = |decoder: &mut Self, units| {
                let models = (&mut *models, &mut *coder, unusual);
                scratch.clear();
                decoder.write_units(models, scan, (row, units), &mut scratch)?;
                decoder.put_out(scan, &scratch, raw.len(), original)
            };
            write(self, part.first_units())?;
            if let Some((reentry, units)) = part.reentry() {
                self.skip_to(scan, row, reentry)?;
                write(self, units)?;
            }
        }
        self.scratch = scratch;
        if self.losses.end_row() {
            self.rows
                .go_on_without(&self.losses, &self.grid, &self.headers);
        }
        Ok(())
    }

    /// Writes some MCUs of a scan's part in a row to the empty `output`.
    fn write_units<C: Coder, D: Decisions>(
        &mut self,
        models: (&mut Models<D>, &mut C, bool),
        scan: usize,
        units: (usize, Range<u32>),
        output: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let limit = self.regions.end(scan) - self.regions.put_out_to(scan);
        self.writers[scan].write_units(
            models,
            &self.headers[scan],
            &self.grid,
            units,
            &mut self.blocks,
            (output, limit),
        )
    }

    /// Puts out the next bytes of a scan.
    fn put_out(
        &mut self,
        scan: usize,
        bytes: &[u8],
        raw_length: usize,
        original: Original<'_>,
    ) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let start = self.regions.put_out_to(scan);
        if !self.regions.put_out(scan, start + bytes.len()) {
            return Err(Error::BadScan);
        }
        self.store(start, bytes, raw_length, original)
    }

    /// A scan goes on behind a gap in a row.
    fn skip_to(&mut self, scan: usize, row: usize, reentry: &RowReentry) -> Result<(), Error> {
        let place = self.regions.start(scan) + reentry.place as usize;
        // What has been handed on is not to be put out.
        if place < self.position || !self.regions.skip_to(scan, place) {
            return Err(Error::BadScan);
        }
        let header = &self.headers[scan];
        let units = self.grid.units_before(header, row) + u64::from(reentry.unit);
        self.writers[scan].reenter(header, units, reentry);
        Ok(())
    }

    /// MCUs in a row of the image.
    pub(crate) fn mcus_per_row(&self) -> u32 {
        self.grid.mcus_per_row as u32
    }

    /// A scan, counted from 0, is given up within the next row: reads behind how many of its MCUs.
    ///
    /// # Errors
    /// [`Error::BadScan`] if there is none, or it was given up before, or no row follows.
    pub(crate) fn give_up<C: Coder>(&mut self, coder: &mut C, scan: usize) -> Result<(), Error> {
        self.expect_row_of(scan)?;
        let units = code_number(coder, 0);
        if !self.losses.give_up(scan, units, &self.headers) {
            return Err(Error::BadScan);
        }
        self.rows
            .go_on_without(&self.losses, &self.grid, &self.headers);
        Ok(())
    }

    /// A scan, counted from 0, that was given up goes on in the next row: reads how.
    ///
    /// # Errors
    /// [`Error::BadScan`] if there is none, or it was not given up, or no row follows.
    pub(crate) fn reenter<C: Coder>(&mut self, coder: &mut C, scan: usize) -> Result<(), Error> {
        self.expect_row_of(scan)?;
        let reentry = RowReentry::code(coder, &self.headers[scan], None);
        if !self.losses.reenter(scan, reentry) {
            return Err(Error::BadScan);
        }
        self.rows
            .go_on_without(&self.losses, &self.grid, &self.headers);
        Ok(())
    }

    /// Whether there is a row to come, and this scan.
    fn expect_row_of(&self, scan: usize) -> Result<(), Error> {
        let is_over = self.rows_over || self.next_row == self.grid.mcu_rows;
        match is_over || scan >= self.headers.len() {
            true => Err(Error::BadScan),
            false => Ok(()),
        }
    }

    /// Puts bytes in their place, where `raw_length` bytes of the segment have been handed on.
    fn store(
        &mut self,
        offset: usize,
        bytes: &[u8],
        raw_length: usize,
        original: Original<'_>,
    ) -> Result<(), Error> {
        match original {
            None => {
                let place = self.held.get_mut(offset..offset + bytes.len());
                place.ok_or(Error::BadScan)?.copy_from_slice(bytes);
                Ok(())
            }
            Some(original) => {
                let start = offset - self.position + raw_length;
                match original.get(start..start + bytes.len()) {
                    Some(there) if there == bytes => Ok(()),
                    _ => Err(Error::OriginalDiffers),
                }
            }
        }
    }

    /// Hands on the next `count` bytes: appends them to `raw`.
    ///
    /// # Errors
    /// [`Error::PartLength`] if fewer have been put out.
    pub(crate) fn release(
        &mut self,
        count: usize,
        raw: &mut Vec<u8>,
        original: Original<'_>,
    ) -> Result<(), Error> {
        let wrong = Error::PartLength(count as u32);
        let mut left = count;
        while left > 0 {
            let length = match self.regions.stretch(self.position) {
                Stretch::PutOut(length) => length.min(left),
                Stretch::Missing(_) => 0,
            };
            if length == 0 {
                return Err(wrong);
            }
            let bytes = match original {
                None => self.held.get(self.position..self.position + length),
                Some(original) => original.get(raw.len()..raw.len() + length),
            };
            raw.extend_from_slice(bytes.ok_or(wrong)?);
            self.position += length;
            left -= length;
        }
        Ok(())
    }

    /// Other parts have the next `count` bytes. No further row may come, unless all of them have been put
    /// out or belong to scans that are given up.
    ///
    /// # Errors
    /// [`Error::PartLength`] if the image has fewer.
    pub(crate) fn pass(&mut self, count: usize) -> Result<(), Error> {
        if count > self.regions.length() - self.position {
            return Err(Error::PartLength(count as u32));
        }
        let end = self.position + count;
        while self.position < end && !self.rows_over {
            let scan = self.regions.scan_at(self.position);
            let is_lost = scan.is_some_and(|scan| !self.losses.has_part(scan))
                || self.regions.is_in_gap(self.position);
            match self.regions.stretch(self.position) {
                Stretch::PutOut(length) => self.position += length,
                Stretch::Missing(length) if is_lost => self.position += length,
                Stretch::Missing(_) => self.rows_over = true,
            }
        }
        self.position = end;
        Ok(())
    }

    /// Whether all bytes have been handed on.
    pub(crate) fn is_done(&self) -> bool {
        self.position == self.regions.length()
    }
}
