//! Reads one scan, MCU row by MCU row (T.81, clauses F.2 and G.2).
//!
//! Invariant: [`ScanReader::written`] is how far a [`super::writer::ScanWriter`] that was given the
//! same blocks has put the scan's bytes out.

use super::super::bit_reader::{BitReader, Cursor, Marker};
use super::super::model::Block;
use super::super::scan::{read_block, receive};
use super::end_of_band::{CORRECTIONS_MAX, Run};
use super::events::Events;
use super::grid::{BlockPass, BlockRow, Grid};
use super::header::{Pass, ScanHeader};
use super::losses::RowPart;
use super::row_reentry::RowReentry;
use std::ops::Range;

/// Coefficients are smaller than this.
const COEFFICIENT_LIMIT: i32 = 1 << 13;
const DC_LIMIT: i32 = 1 << 14;

/// What cannot be written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odd;

/// A cursor into one scan.
#[derive(Debug)]
pub(crate) struct ScanReader {
    state: ReaderState,
    /// The last row's gap: how far what is before it has been written, and where the scan goes on.
    gap: Option<(usize, usize)>,
    pub(crate) events: Events,
}

/// Where a cursor stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReaderState {
    /// Next unread bit; its byte counts from the first byte of the image's first scan.
    cursor: Cursor,
    /// The same for the first bit of the run that is open.
    run_start: Cursor,
    units: u64,
    since_restart: u32,
    next_restart: u8,
    predictions: [i32; 4],
    /// Blocks that the file's run still covers.
    covered: u32,
    run: Run,
}

impl ScanReader {
    /// A cursor at `start`, in front of a scan of at most `units_in_row` MCUs a row.
    pub(crate) fn new(start: usize, scan: &ScanHeader, units_in_row: usize) -> Self {
        let cursor = Cursor {
            byte: start,
            used_bits: 0,
        };
        Self {
            state: ReaderState::at(cursor, 0),
            gap: None,
            events: Events::with_room(scan, units_in_row),
        }
    }

    /// Offset of the first byte that the writer has not put out whole.
    pub(crate) fn written(&self) -> usize {
        match self.state.run.blocks {
            0 => self.state.cursor.byte,
            _ => self.state.run_start.byte,
        }
    }

    /// The gap in the last row, if there is one: its first byte, as far as whole ones have been written
    /// before it, and the one behind it.
    pub(crate) fn gap(&self) -> Option<(usize, usize)> {
        self.gap
    }

    /// Offset of the byte that holds the next bit.
    pub(crate) fn position(&self) -> usize {
        self.state.cursor.byte
    }

    /// Where it stands, to go back to.
    pub(crate) fn state(&self) -> ReaderState {
        self.state
    }

    /// Goes back to where it stood.
    pub(crate) fn go_back_to(&mut self, state: ReaderState) {
        self.state = state;
    }

    /// Adds what the scan carries of one MCU row to `blocks`, as far as it is to have it. `bytes` begin at
    /// `offset` and go at least to the scan's end, `scan_start` is the scan's first byte.
    ///
    /// # Errors
    /// [`Odd`]; the cursor is of use only where it stood before.
    pub(crate) fn read_row(
        &mut self,
        (bytes, offset, scan_start): (&[u8], usize, usize),
        scan: &ScanHeader,
        grid: &Grid,
        (mcu_row, part): (usize, &RowPart),
        blocks: &mut BlockRow,
    ) -> Result<(), Odd> {
        self.events.clear();
        self.gap = None;
        let source = (bytes, offset);
        self.read_units(source, scan, grid, (mcu_row, part.first_units()), blocks)?;
        if let Some((reentry, units)) = part.reentry() {
            let place = scan_start + reentry.place as usize;
            self.gap = Some((self.written(), place));
            let cursor = Cursor {
                byte: place,
                used_bits: reentry.used_bits,
            };
            let unit = grid.units_before(scan, mcu_row) + u64::from(reentry.unit);
            self.state = self
                .state
                .behind_gap(scan, cursor, unit, reentry.next_restart);
            self.read_units(source, scan, grid, (mcu_row, units), blocks)?;
        }
        Ok(())
    }

    /// The same for some of the row's MCUs, of which the first comes next.
    fn read_units(
        &mut self,
        source: (&[u8], usize),
        scan: &ScanHeader,
        grid: &Grid,
        (mcu_row, units): (usize, Range<u32>),
        blocks: &mut BlockRow,
    ) -> Result<(), Odd> {
        let mut pass = ReadPass::begin(source, scan, grid, &mut self.state, &mut self.events);
        let result = grid.walk(scan, mcu_row, units, blocks, &mut pass);
        let result = result.and_then(|()| pass.end_units());
        pass.finish();
        result
    }
}

impl ReaderState {
    /// In front of an MCU of the scan, with nothing open.
    pub(super) fn at(cursor: Cursor, units: u64) -> Self {
        Self {
            cursor,
            run_start: cursor,
            units,
            since_restart: 0,
            next_restart: 0,
            predictions: [0; 4],
            covered: 0,
            run: Run::NONE,
        }
    }

    /// Behind a gap, at `cursor`, in front of the MCU `units` of the scan.
    pub(super) fn behind_gap(
        &self,
        scan: &ScanHeader,
        cursor: Cursor,
        units: u64,
        next_restart: u8,
    ) -> Self {
        Self {
            next_restart,
            predictions: RowReentry::predictions(scan, self.predictions),
            ..Self::at(cursor, units)
        }
    }

    /// Next unread bit.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// MCUs of the scan that have been begun.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// Blocks that the file's run still covers.
    pub(super) fn covered(&self) -> u32 {
        self.covered
    }
}

/// The reading of some MCUs.
pub(super) struct ReadPass<'a> {
    reader: BitReader<'a>,
    /// Of the reader's input in the image.
    offset: usize,
    scan: &'a ScanHeader,
    all_units: u64,
    pub(super) state: &'a mut ReaderState,
    events: &'a mut Events,
}

impl<'a> ReadPass<'a> {
    /// Goes on where `state` says, in bytes that begin at an offset.
    pub(super) fn begin(
        (bytes, offset): (&'a [u8], usize),
        scan: &'a ScanHeader,
        grid: &Grid,
        state: &'a mut ReaderState,
        events: &'a mut Events,
    ) -> Self {
        let start = Cursor {
            byte: state.cursor.byte.saturating_sub(offset),
            ..state.cursor
        };
        Self {
            reader: BitReader::new(bytes, start),
            offset,
            scan,
            all_units: grid.units(scan),
            state,
            events,
        }
    }

    /// Where the next bit stands.
    pub(super) fn cursor(&self) -> Cursor {
        let cursor = self.reader.cursor();
        Cursor {
            byte: cursor.byte + self.offset,
            ..cursor
        }
    }

    /// Steps over the blocks of a run without further coefficients, and forgets what was noted of runs; how many
    /// blocks that were.
    pub(super) fn skip_run(&mut self) -> u64 {
        self.events.clear();
        let covered = std::mem::take(&mut self.state.covered);
        self.state.units += u64::from(covered);
        covered.into()
    }

    /// Has the state know where the next bit stands.
    pub(super) fn finish(self) {
        self.state.cursor = self.cursor();
    }
}

impl BlockPass for ReadPass<'_> {
    type Error = Odd;

    #[inline(always)]
    fn begin_unit(&mut self) -> Result<(), Odd> {
        let interval = self.scan.restart_interval;
        if interval > 0 && self.state.since_restart == interval {
            self.restart()?;
        }
        self.state.since_restart = self.state.since_restart.wrapping_add(1);
        self.state.units = self.state.units.wrapping_add(1);
        Ok(())
    }

    #[inline(always)]
    fn block(&mut self, component: usize, block: &mut Block) -> Result<(), Odd> {
        let read = match self.scan.pass {
            Pass::AcFirst => self.ac_first(block),
            Pass::AcRefinement => self.ac_refinement(block),
            Pass::DcFirst => self.dc_first(component, block),
            Pass::DcRefinement => self.dc_refinement(block),
            Pass::Sequential => self.sequential(component, block),
        };
        match read {
            Some(()) if !self.reader.overran() => Ok(()),
            _ => Err(Odd),
        }
    }
}

impl ReadPass<'_> {
    #[cold]
    fn restart(&mut self) -> Result<(), Odd> {
        self.end_interval()?;
        let state = &mut *self.state;
        if self.reader.take_marker(0xD0 + state.next_restart) != Marker::Found {
            return Err(Odd);
        }
        state.next_restart = (state.next_restart + 1) % 8;
        state.since_restart = 0;
        state.predictions = [0; 4];
        Ok(())
    }

    /// Reads the padding behind an interval's last MCU.
    fn end_interval(&mut self) -> Result<(), Odd> {
        if self.state.covered > 0 {
            return Err(Odd);
        }
        self.state.run = Run::NONE;
        self.reader.refill_if_low();
        self.events.padding(self.reader.take_padding());
        Ok(())
    }

    fn end_units(&mut self) -> Result<(), Odd> {
        if self.state.units == self.all_units {
            self.end_interval()?;
        }
        Ok(())
    }

    /// The next `count` (0..=32) bits.
    #[inline(always)]
    fn bits(&mut self, count: u32) -> u32 {
        self.reader.refill_if_low();
        // Shifted twice because a shift by 64 is no shift.
        let bits = (self.reader.peek() >> 1 >> (63 - count)) as u32;
        self.reader.consume(count);
        bits
    }

    fn sequential(&mut self, component: usize, block: &mut Block) -> Option<()> {
        let tables = self.scan.components.get(component)?;
        read_block(
            &mut self.reader,
            tables.dc_table.as_deref()?,
            tables.ac_table.as_deref()?,
            &mut self.state.predictions[component & 3],
            block,
        )
    }

    fn dc_first(&mut self, component: usize, block: &mut Block) -> Option<()> {
        let table = self.scan.components.get(component)?.dc_table.as_deref()?;
        self.reader.refill_if_low();
        let (size, length) = table.decode(self.reader.peek())?;
        self.reader.consume(length);
        let difference = receive(&mut self.reader, u32::from(size))?;
        let prediction = &mut self.state.predictions[component & 3];
        *prediction = prediction.wrapping_add(difference);
        if prediction.abs() >= DC_LIMIT >> self.scan.low {
            return None;
        }
        block.set_dc((*prediction << self.scan.low) as i16);
        Some(())
    }

    #[inline(always)]
    fn dc_refinement(&mut self, block: &mut Block) -> Option<()> {
        let bit = self.bits(1) as i16;
        block.set_dc(block.dc() | bit << self.scan.low);
        Some(())
    }

    #[inline(always)]
    fn ac_first(&mut self, block: &mut Block) -> Option<()> {
        if self.state.covered > 0 {
            self.join_run(0);
            return Some(());
        }
        let table = self.scan.components[0].ac_table.as_deref()?;
        let mut place = self.scan.first;
        let mut after_zero_run = false;
        while place <= self.scan.last {
            self.reader.refill_if_low();
            let (symbol, length) = table.decode(self.reader.peek())?;
            self.reader.consume(length);
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run < 15 {
                if after_zero_run {
                    return None;
                }
                self.begin_run(length, run as u32, place == self.scan.first);
                return Some(());
            }
            place = place.wrapping_add(run);
            after_zero_run = size == 0;
            if !after_zero_run {
                if place > self.scan.last {
                    return None;
                }
                let value = receive(&mut self.reader, size)? << self.scan.low;
                if value.abs() >= COEFFICIENT_LIMIT {
                    return None;
                }
                block.set(place, value as i16);
            }
            place = place.wrapping_add(1);
        }
        self.state.run = Run::NONE;
        (!after_zero_run).then_some(())
    }

    #[inline(always)]
    fn ac_refinement(&mut self, block: &mut Block) -> Option<()> {
        if self.state.covered > 0 {
            let corrections = self.corrections(block, self.scan.first);
            self.join_run(corrections);
            return self.limit_corrections();
        }
        let table = self.scan.components[0].ac_table.as_deref()?;
        let mut place = self.scan.first;
        let mut after_zero_run = false;
        while place <= self.scan.last {
            self.reader.refill_if_low();
            let (symbol, length) = table.decode(self.reader.peek())?;
            self.reader.consume(length);
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 && run < 15 {
                if after_zero_run {
                    return None;
                }
                self.begin_run(length, run as u32, place == self.scan.first);
                self.state.run.corrections = self.corrections(block, place);
                return self.limit_corrections();
            }
            let value = match size {
                0 => 0,
                1 => (2 * self.bits(1).cast_signed() - 1) << self.scan.low,
                _ => return None,
            };
            place = self.skip_zeros(block, place, run)?;
            after_zero_run = size == 0;
            if !after_zero_run {
                block.set(place, value as i16);
            }
            place = place.wrapping_add(1);
        }
        self.state.run = Run::NONE;
        (!after_zero_run).then_some(())
    }

    /// Steps over `zeros` coefficients that were zero so far, and reads the corrections of those
    /// that were not; the place of the zero behind them.
    #[inline(always)]
    fn skip_zeros(
        &mut self,
        block: &mut Block,
        mut place: usize,
        mut zeros: usize,
    ) -> Option<usize> {
        while place <= self.scan.last {
            if block.nonzero() >> (place & 63) & 1 != 0 {
                self.correct(block, place);
            } else if zeros == 0 {
                return Some(place);
            } else {
                zeros = zeros.wrapping_sub(1);
            }
            place = place.wrapping_add(1);
        }
        None
    }

    /// Reads the corrections of the coefficients from `place` on that are not zero; how many.
    #[inline(always)]
    fn corrections(&mut self, block: &mut Block, place: usize) -> u32 {
        let mut left = block.nonzero() & self.scan.band() & u64::MAX.wrapping_shl(place as u32);
        let count = left.count_ones();
        while left != 0 {
            self.correct(block, left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
        }
        count
    }

    #[inline(always)]
    fn correct(&mut self, block: &mut Block, place: usize) {
        if self.bits(1) != 0 {
            let value = block.in_place(place);
            let step = 1 << self.scan.low;
            block.set(
                place,
                if value < 0 {
                    value - step
                } else {
                    value + step
                },
            );
        }
    }

    /// A run of the file begins with this block, after an EOB symbol of `length` bits for a run of
    /// 2^`size` blocks or more. `empty`: the block has no other symbols, and so could have joined
    /// a run.
    #[inline(always)]
    fn begin_run(&mut self, length: u32, size: u32, empty: bool) {
        let cursor = self.reader.cursor_before(length);
        self.state.run_start = Cursor {
            byte: cursor.byte.wrapping_add(self.offset),
            ..cursor
        };
        if empty && self.state.run.blocks > 0 {
            self.events.run(self.state.run, true);
        }
        self.state.covered = (1u32 << size).wrapping_add(self.bits(size)).wrapping_sub(1);
        self.state.run = Run {
            blocks: 1,
            corrections: 0,
        };
    }

    /// The block belongs to the file's run, with so many corrections.
    #[inline(always)]
    fn join_run(&mut self, corrections: u32) {
        let state = &mut *self.state;
        state.covered = state.covered.wrapping_sub(1);
        self.events.run(state.run, false);
        state.run.blocks = state.run.blocks.wrapping_add(1);
        state.run.corrections = state.run.corrections.wrapping_add(corrections);
    }

    fn limit_corrections(&self) -> Option<()> {
        (self.state.run.corrections <= CORRECTIONS_MAX).then_some(())
    }
}
