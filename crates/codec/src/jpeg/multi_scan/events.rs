//! What a scan's bits say beyond the coefficients, and how that is coded.
//!
//! Invariant: the events of one scan and one MCU row come in the order in which the writer asks for
//! them.

use super::super::block_coder::Models;
use super::super::model::Decisions;
use super::end_of_band::Run;
use super::header::ScanHeader;
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// Slowest rate of the slots here.
const SLOWEST: u32 = 400;

/// Adaptive model of how runs of blocks end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunModel {
    /// Whether a scan's row has an unusual one, by whether the last row coded had.
    unusual_row: [Slot; 2],
    was_unusual: bool,
    /// Whether a run ends, by whether it would usually and whether the last one that could did.
    ends: [[Slot; 2]; 2],
    ended: bool,
}

impl RunModel {
    pub(crate) fn new() -> Self {
        Self {
            unusual_row: [Slot::EVEN; 2],
            was_unusual: false,
            ends: [[Slot::EVEN; 2]; 2],
            ended: false,
        }
    }

    /// Codes whether the runs of a row have to be told.
    pub(crate) fn code_unusual<C: Coder>(&mut self, coder: &mut C, unusual: bool) -> bool {
        let slot = &mut self.unusual_row[usize::from(self.was_unusual)];
        self.was_unusual = slot.code(coder, unusual, SLOWEST);
        self.was_unusual
    }

    /// Codes whether a run ends before a block that could join it.
    pub(crate) fn code_end<C: Coder>(&mut self, coder: &mut C, usual: bool, ends: bool) -> bool {
        let slot = &mut self.ends[usize::from(usual)][usize::from(self.ended)];
        self.ended = slot.code(coder, ends, SLOWEST);
        self.ended
    }
}

/// The events of one scan in one MCU row, as the encoder finds them.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Bit 8 marks padding: bits behind a leading one. Otherwise a run that could go on: bit 0
    /// tells that it ends, bit 1 that it would usually.
    list: Vec<u16>,
    unusual: bool,
}

/// Bytes that an event takes.
pub(crate) const EVENT_SIZE: usize = size_of::<u16>();

impl Events {
    /// Most events of a scan in a row of this many MCUs.
    pub(crate) fn most(scan: &ScanHeader, units: usize) -> usize {
        let runs = if scan.has_runs() { units } else { 0 };
        let paddings = match scan.restart_interval {
            0 => 1,
            interval => units / interval as usize + 2,
        };
        runs + paddings
    }

    /// Makes room for a row of this many MCUs.
    pub(crate) fn with_room(scan: &ScanHeader, units: usize) -> Self {
        Self {
            list: Vec::with_capacity(Self::most(scan, units)),
            unusual: false,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.unusual = false;
    }

    /// Notes `length` (0..=7) bits of padding.
    pub(crate) fn padding(&mut self, (length, value): (u32, u32)) {
        self.list.push(0x100 | 1 << length | value as u16);
    }

    /// Notes whether a run ends before a block that could join it.
    #[inline(always)]
    pub(crate) fn run(&mut self, run: Run, ends: bool) {
        let usual = run.usually_ends();
        self.unusual |= ends != usual;
        self.list.push(u16::from(usual) << 1 | u16::from(ends));
    }

    /// Codes all of them. `has_runs`: the scan is of AC coefficients.
    pub(crate) fn encode<C: Coder, D: Decisions>(
        &self,
        models: &mut Models<D>,
        coder: &mut C,
        has_runs: bool,
    ) {
        if has_runs {
            models.runs.code_unusual(coder, self.unusual);
        }
        for &event in &self.list {
            if event & 0x100 != 0 {
                let bits = u32::from(event & 0xFF);
                let length = bits.ilog2();
                models.code_padding(coder, length, bits - (1 << length));
            } else if self.unusual {
                models.runs.code_end(coder, event & 2 != 0, event & 1 != 0);
            }
        }
    }
}
