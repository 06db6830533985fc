//! Writes one scan, MCU row by MCU row, as the usual encoders do (T.81, clauses F.1 and G.1).
//!
//! Invariant: the bits of a run of blocks, and all behind them, are written when the run has ended.

use super::super::bit_writer::{BitWriter, PendingBits};
use super::super::block_coder::Models;
use super::super::huffman::HuffmanTable;
use super::super::model::{Block, Decisions};
use super::super::scan::{write_block, write_code, write_symbol};
use super::end_of_band::{CORRECTIONS_MAX, Run};
use super::grid::{BlockPass, BlockRow, Grid};
use super::header::{Pass, ScanHeader};
use super::row_reentry::RowReentry;
use crate::Error;
use crate::entropy::Coder;
use std::ops::Range;

/// The output of one scan.
#[derive(Debug, Default)]
pub(crate) struct ScanWriter {
    pending: PendingBits,
    units: u64,
    since_restart: u32,
    next_restart: u8,
    predictions: [i32; 4],
    run: Run,
    /// The run's correction bits.
    corrections: BitQueue,
}

impl ScanWriter {
    /// Appends what those of a row's `units` in `blocks` complete of the scan to the empty `output`. `unusual`:
    /// the ends of runs are told.
    ///
    /// # Errors
    /// [`Error::BadScan`] where a symbol has no code, a run is too long, or the output longer than
    /// the limit.
    pub(crate) fn write_units<C: Coder, D: Decisions>(
        &mut self,
        (models, coder, unusual): (&mut Models<D>, &mut C, bool),
        scan: &ScanHeader,
        grid: &Grid,
        (mcu_row, units): (usize, Range<u32>),
        blocks: &mut BlockRow,
        (output, limit): (&mut Vec<u8>, usize),
    ) -> Result<(), Error> {
        let mut pass = WritePass {
            unusual,
            writer: BitWriter::new(output, self.pending),
            limit,
            scan,
            state: self,
            models,
            coder,
        };
        grid.walk(scan, mcu_row, units, blocks, &mut pass)?;
        if pass.state.units == grid.units(scan) {
            pass.end_interval()?;
        }
        let pending = pass.writer.finish();
        self.pending = pending;
        Ok(())
    }

    /// Goes on behind a gap, in front of the MCU `units` of the scan.
    pub(crate) fn reenter(&mut self, scan: &ScanHeader, units: u64, reentry: &RowReentry) {
        *self = Self {
            pending: PendingBits::of(reentry.used, reentry.used_bits),
            units,
            next_restart: reentry.next_restart,
            predictions: RowReentry::predictions(scan, self.predictions),
            ..Self::default()
        };
    }
}

/// The writing of some MCUs.
struct WritePass<'a, 'o, C, D: Decisions> {
    writer: BitWriter<'o>,
    /// Most bytes that there may be.
    limit: usize,
    scan: &'a ScanHeader,
    state: &'a mut ScanWriter,
    models: &'a mut Models<D>,
    coder: &'a mut C,
    /// Whether the ends of runs are told.
    unusual: bool,
}

impl<C: Coder, D: Decisions> BlockPass for WritePass<'_, '_, C, D> {
    type Error = Error;

    #[inline(always)]
    fn begin_unit(&mut self) -> Result<(), Error> {
        if self.writer.len() > self.limit {
            return Err(Error::BadScan);
        }
        let interval = self.scan.restart_interval;
        if interval > 0 && self.state.since_restart == interval {
            self.end_interval()?;
            let state = &mut *self.state;
            self.writer.put_marker(0xD0 + state.next_restart);
            state.next_restart = (state.next_restart + 1) % 8;
            state.since_restart = 0;
            state.predictions = [0; 4];
        }
        self.state.since_restart = self.state.since_restart.wrapping_add(1);
        self.state.units = self.state.units.wrapping_add(1);
        Ok(())
    }

    #[inline(always)]
    fn block(&mut self, component: usize, block: &mut Block) -> Result<(), Error> {
        let written = match self.scan.pass {
            Pass::AcFirst => self.ac_first(block),
            Pass::AcRefinement => self.ac_refinement(block),
            Pass::DcFirst => self.dc_first(component, block),
            Pass::DcRefinement => {
                let bit = block.dc() >> self.scan.low & 1;
                self.writer.put(u32::from(bit != 0), 1);
                Some(())
            }
            Pass::Sequential => self.sequential(component, block),
        };
        written.ok_or(Error::BadScan)
    }
}

impl<C: Coder, D: Decisions> WritePass<'_, '_, C, D> {
    /// Fills up the byte behind an interval's last MCU.
    #[cold]
    fn end_interval(&mut self) -> Result<(), Error> {
        self.put_run().ok_or(Error::BadScan)?;
        let length = self.writer.padding_length();
        let padding = self.models.code_padding(self.coder, length, 0);
        self.writer.put(padding, length);
        Ok(())
    }

    fn sequential(&mut self, component: usize, block: &Block) -> Option<()> {
        let tables = self.scan.components.get(component)?;
        write_block(
            &mut self.writer,
            tables.dc_table.as_deref()?,
            tables.ac_table.as_deref()?,
            &mut self.state.predictions[component & 3],
            block,
        )
    }

    #[inline(always)]
    fn dc_first(&mut self, component: usize, block: &Block) -> Option<()> {
        let table = self.scan.components.get(component)?.dc_table.as_deref()?;
        let dc = i32::from(block.dc()) >> self.scan.low;
        let prediction = &mut self.state.predictions[component & 3];
        write_symbol(&mut self.writer, table, 0, dc.wrapping_sub(*prediction))?;
        *prediction = dc;
        Some(())
    }

    fn ac_table(&self) -> Option<&'_ HuffmanTable> {
        self.scan.components[0].ac_table.as_deref()
    }

    #[inline(always)]
    fn ac_first(&mut self, block: &Block) -> Option<()> {
        let mut left = block.nonzero() & self.scan.band();
        let mut next = self.scan.first as u32;
        let mut empty = true;
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            let value = i32::from(block.in_place(place as usize));
            let size = (value.unsigned_abs() >> self.scan.low).cast_signed();
            if size == 0 {
                continue;
            }
            if empty {
                self.put_run()?;
                empty = false;
            }
            let mut run = place.wrapping_sub(next);
            next = place.wrapping_add(1);
            let table = self.scan.components[0].ac_table.as_deref()?;
            while run > 15 {
                write_code(&mut self.writer, table, 0xF0)?;
                run = run.wrapping_sub(16);
            }
            let value = if value < 0 { size.wrapping_neg() } else { size };
            write_symbol(&mut self.writer, table, (run as u8) << 4, value)?;
        }
        if next as usize <= self.scan.last {
            self.lengthen_run(empty, 0, 0)?;
        }
        Some(())
    }

    /// Figure G.7.
    #[inline(always)]
    fn ac_refinement(&mut self, block: &Block) -> Option<()> {
        let low = self.scan.low;
        let magnitude = |place: u32| block.in_place(place as usize).unsigned_abs() >> low;
        let mut left = block.nonzero() & self.scan.band();
        let last_new = last_of_magnitude_one(left, magnitude);
        let mut next = self.scan.first as u32;
        let (mut zeros, mut empty) = (0u32, true);
        // Corrections of coefficients since the last symbol, in order from the highest bit.
        let (mut bits, mut count) = (0u64, 0u32);
        while left != 0 {
            let place = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            let magnitude = magnitude(place);
            if magnitude == 0 {
                continue;
            }
            zeros = zeros.wrapping_add(place.wrapping_sub(next));
            next = place.wrapping_add(1);
            let is_new = magnitude == 1;
            let is_before_last = last_new.is_some_and(|last| place <= last);
            while zeros > 15 && is_before_last {
                self.put_symbol(&mut empty, 0xF0)?;
                zeros = zeros.wrapping_sub(16);
                put_bits(&mut self.writer, &mut bits, &mut count);
            }
            if !is_new {
                bits = bits << 1 | u64::from(magnitude & 1);
                count = count.wrapping_add(1);
                continue;
            }
            self.put_symbol(&mut empty, (zeros as u8) << 4 | 1)?;
            zeros = 0;
            self.writer
                .put(u32::from(block.in_place(place as usize) > 0), 1);
            put_bits(&mut self.writer, &mut bits, &mut count);
        }
        let has_rest = zeros > 0 || count > 0 || next as usize <= self.scan.last;
        if has_rest {
            self.lengthen_run(empty, bits, count)?;
        }
        Some(())
    }

    /// Writes a symbol of a block, and before the first one the run that it ends.
    #[inline(always)]
    fn put_symbol(&mut self, empty: &mut bool, symbol: u8) -> Option<()> {
        if *empty {
            self.put_run()?;
            *empty = false;
        }
        let table = self.scan.components[0].ac_table.as_deref()?;
        write_code(&mut self.writer, table, symbol)
    }

    /// The rest of a block, with the lowest `count` of `bits` as its corrections, joins the run or
    /// begins one. `empty`: nothing of the block has been written.
    #[inline(always)]
    fn lengthen_run(&mut self, empty: bool, bits: u64, count: u32) -> Option<()> {
        if empty && self.state.run.blocks > 0 {
            let usual = self.state.run.usually_ends();
            let ends = match self.unusual {
                true => self.models.runs.code_end(self.coder, usual, false),
                false => usual,
            };
            if ends {
                self.put_run()?;
            } else if self.state.run.is_full() {
                return None;
            }
        }
        let run = &mut self.state.run;
        run.blocks = run.blocks.wrapping_add(1);
        if count > 0 {
            run.corrections = run.corrections.wrapping_add(count);
            if run.corrections > CORRECTIONS_MAX {
                return None;
            }
            self.state.corrections.push(bits, count);
        }
        Some(())
    }

    /// Writes the run that is open, if there is one.
    #[inline(always)]
    fn put_run(&mut self) -> Option<()> {
        let blocks = self.state.run.blocks;
        if blocks == 0 {
            return Some(());
        }
        self.state.run = Run::NONE;
        let size = blocks.ilog2();
        let (code, length) = self.ac_table()?.code((size as u8) << 4);
        self.writer.put(code, length);
        self.writer.put(blocks & !(1 << size), size);
        self.state.corrections.drain_to(&mut self.writer);
        (length > 0).then_some(())
    }
}

/// The last of the coefficients in `places` that has magnitude one.
#[inline(always)]
fn last_of_magnitude_one(places: u64, magnitude: impl Fn(u32) -> u16) -> Option<u32> {
    let mut left = places;
    while left != 0 {
        let place = 63 - left.leading_zeros();
        if magnitude(place) == 1 {
            return Some(place);
        }
        left &= !(1 << place);
    }
    None
}

/// Writes and forgets up to 63 bits.
#[inline(always)]
fn put_bits(writer: &mut BitWriter<'_>, bits: &mut u64, count: &mut u32) {
    if *count > 32 {
        *count -= 32;
        writer.put((*bits >> *count) as u32, 32);
        *bits &= (1 << *count) - 1;
    }
    writer.put(*bits as u32, *count);
    (*bits, *count) = (0, 0);
}

/// Bits in the order in which they came.
#[derive(Debug, Default)]
struct BitQueue {
    /// Full words, then the bits that do not fill one.
    words: Vec<u32>,
    rest: u64,
    count: u32,
}

impl BitQueue {
    /// Appends the lowest `count` (1..=63) bits.
    fn push(&mut self, mut bits: u64, mut count: u32) {
        if count > 32 {
            count -= 32;
            self.push(bits >> count, 32);
            bits &= (1 << count) - 1;
        }
        self.rest = self.rest << count | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.words.push((self.rest >> self.count) as u32);
            self.rest &= (1 << self.count) - 1;
        }
    }

    fn drain_to(&mut self, writer: &mut BitWriter<'_>) {
        for word in self.words.drain(..) {
            writer.put(word, 32);
        }
        writer.put(self.rest as u32, self.count);
        (self.rest, self.count) = (0, 0);
    }
}
