//! The blocks that an AC scan finds, as the scans in front of it carry them, row after row without a model.
//!
//! AC scans have one component each and no padding blocks (T.81, A.2.2), so all of a component go through the
//! same blocks in the same order, and their cursors can advance block by block. Invariant: cursors here are
//! copies; those of the image stay where they are.

use super::super::model::Block;
use super::events::Events;
use super::grid::BlockPass;
use super::header::{Pass, ScanHeader};
use super::losses::RowPart;
use super::reader::{ReadPass, ReaderState};
use super::recovery::{Sight, Target};

/// Reads the blocks in front of one scan.
pub(super) struct RefinedBlocks<'a> {
    sight: &'a Sight<'a>,
    /// The scans that it refines, and where they stand.
    scans: Vec<(usize, ScanCopy)>,
    next_unit: u64,
}

impl<'a> RefinedBlocks<'a> {
    /// Begins with the row's first block. Scans that have a target go on there, and have nothing before it;
    /// `None` if others are given up or return in this row.
    pub(super) fn new(
        sight: &'a Sight<'a>,
        scan: usize,
        targets: &[Option<Target>],
    ) -> Option<Self> {
        let next_unit = sight.units(scan).start;
        let mut scans = Vec::new();
        for earlier in (0..scan).filter(|&earlier| is_refined(sight.headers, scan, earlier)) {
            let state = match &targets[earlier] {
                Some(target) if target.unit >= next_unit => target.state(),
                None if *sight.losses.part(earlier) == RowPart::WHOLE => sight.before[earlier],
                _ => return None,
            };
            scans.push((earlier, ScanCopy::new(state)));
        }
        Some(Self {
            sight,
            scans,
            next_unit,
        })
    }

    /// The MCU of the scan that the next block is.
    pub(super) fn next_unit(&self) -> u64 {
        self.next_unit
    }

    /// The next block; `None` if it cannot be read.
    pub(super) fn next(&mut self) -> Option<Block> {
        let mut block = Block::ZERO;
        for (scan, copy) in &mut self.scans {
            if copy.state.units() <= self.next_unit {
                copy.advance(self.sight, *scan, &mut block)?;
            }
        }
        self.next_unit += 1;
        Some(block)
    }
}

/// Whether an AC scan refines an earlier one.
pub(super) fn is_refined(headers: &[ScanHeader], scan: usize, earlier: usize) -> bool {
    headers[scan].pass == Pass::AcRefinement && headers[scan].refines(&headers[earlier])
}

/// A copy of a scan's cursor.
#[derive(Debug)]
pub(super) struct ScanCopy {
    pub(super) state: ReaderState,
    events: Events,
}

impl ScanCopy {
    pub(super) fn new(state: ReaderState) -> Self {
        Self {
            state,
            events: Events::default(),
        }
    }

    /// Adds what the scan carries of its next block; `None` if that cannot be read.
    pub(super) fn advance(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        block: &mut Block,
    ) -> Option<()> {
        self.events.clear();
        let (header, source) = (&sight.headers[scan], sight.source(scan));
        let mut pass = ReadPass::begin(
            source,
            header,
            sight.grid,
            &mut self.state,
            &mut self.events,
        );
        let read = pass.begin_unit().and_then(|()| pass.block(0, block));
        pass.finish();
        read.ok()
    }

    /// Whether the scan's data end here, but for padding.
    pub(super) fn is_at_end(&self, sight: &Sight<'_>, scan: usize) -> bool {
        self.state.covered() == 0 && sight.is_at_end(scan, self.state.cursor())
    }
}
