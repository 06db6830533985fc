//! Finds where an AC refinement scan without restart markers is in step again.
//!
//! What its bits mean depends on which coefficients earlier scans have made nonzero (T.81, G.1.2.3). So the scan
//! is read from many pairs of a bit and a block: sooner or later a wrong pair leads to what cannot be, and the
//! right one, if nothing else is odd, leads to the end of the scan's data with its last block. Invariant: no more
//! blocks are read than the budget has, and no more than [`SEARCH_BYTES`] are taken.

use super::super::bit_reader::Cursor;
use super::super::model::Block;
use super::events::Events;
use super::grid::BlockPass;
use super::reader::{ReadPass, ReaderState};
use super::recovery::{Sight, Target, bits_from};
use super::refined_blocks::{RefinedBlocks, ScanCopy};
use std::ops::RangeInclusive;

/// Most bytes that a search takes.
pub(super) const SEARCH_BYTES: usize = 512 << 10;

/// Blocks read behind all of those where a reading begins, before readings are compared.
const WINDOW: u64 = 64;

/// Most readings that are followed at a time.
const READINGS_MAX: usize = 512;

/// How often readings are looked through for equal ones, in blocks.
const UNIFIED_EVERY: u64 = 32;

/// Blocks that have to be read, outside of runs, to go on where the scan's end confirms nothing.
const MANY_BLOCKS: u32 = 128;

/// Most bits behind an odd MCU among which a reading is to begin, and at least, where they are for many blocks.
const BITS: usize = 200;
const BITS_LEAST: usize = 64;

/// Most bits in any search.
const BITS_MAX: usize = 4096;

/// How far off blocks may be where a scan is odd: so many, and as many more as these bits stand for.
const UNITS: u64 = 64;
const UNITS_OF_BITS: u64 = 512;

/// Blocks in front of a return that bits are counted for.
const UNITS_BEFORE: u64 = 16;

/// What a search found.
#[derive(Clone, Copy, Debug)]
struct Found {
    target: Target,
    /// Whether the scan can be read from there to the end of its data.
    is_confirmed: bool,
}

/// Where readings begin.
struct Starts {
    units: RangeInclusive<u64>,
    from: Cursor,
    bits: usize,
}

/// A search in one scan.
pub(super) struct Realignment<'a> {
    pub(super) sight: &'a Sight<'a>,
    pub(super) scan: usize,
    /// Where scans in front of it go on.
    pub(super) targets: &'a [Option<Target>],
    /// Blocks that may yet be read.
    pub(super) budget: &'a mut u64,
}

impl Realignment<'_> {
    /// Where the scan is in step behind its MCU `unit`, which is odd.
    pub(super) fn behind_odd(&mut self, unit: u64, odd: Cursor) -> Option<Target> {
        let distance = self.distance();
        let first = self.first_unit().max(unit.saturating_sub(distance));
        let found = self.find(&Starts {
            units: first..=unit + distance,
            from: odd,
            bits: BITS.min(BITS_LEAST + 2 * self.bits_per_unit() as usize),
        })?;
        Some(found.target)
    }

    /// Where the scan is in step, if it cannot be read to its end from where it stands in front of the row,
    /// though what it refines can.
    pub(super) fn of_out_of_step(&mut self) -> Option<Target> {
        if self.is_in_step()? {
            return None;
        }
        let first = self.first_unit();
        let bits = BITS + (self.bits_per_unit() * UNITS / 2) as usize;
        let found = self.find(&Starts {
            units: first..=first + self.distance(),
            from: self.state().cursor(),
            bits: bits.min(BITS_MAX),
        })?;
        found.is_confirmed.then_some(found.target)
    }

    /// Where the scan goes on with an MCU from `unit` on, in front of which scans that it refines have nothing.
    pub(super) fn behind_gap(&mut self, unit: u64) -> Option<Target> {
        let state = self.read_towards(unit.saturating_sub(UNITS_BEFORE))?;
        let reached = state.units() + u64::from(state.covered());
        let skipped = unit.saturating_sub(reached) * self.bits_per_unit();
        let skipped = usize::try_from(skipped).ok()?;
        let source = self.sight.source(self.scan);
        let found = self.find(&Starts {
            units: unit..=unit + 1 + UNITS_BEFORE / (1 + self.bits_per_unit()),
            from: bits_from(source, state.cursor()).nth(skipped / 4)?,
            bits: (2 * skipped + 1000).min(BITS_MAX),
        })?;
        Some(found.target)
    }

    /// The scan's state before the row.
    fn state(&self) -> &ReaderState {
        &self.sight.before[self.scan]
    }

    fn first_unit(&self) -> u64 {
        self.sight.units(self.scan).start
    }

    fn all_units(&self) -> u64 {
        self.sight.grid.units(&self.sight.headers[self.scan])
    }

    /// On average.
    fn bits_per_unit(&self) -> u64 {
        let regions = self.sight.regions;
        let bytes = regions.end(self.scan) - regions.start(self.scan);
        8 * bytes as u64 / self.all_units().max(1)
    }

    /// How many blocks off the scan may be where it is odd: more where a bit stands for more of them.
    fn distance(&self) -> u64 {
        UNITS + UNITS_OF_BITS / (1 + self.bits_per_unit())
    }

    fn spend(&mut self, blocks: u64) -> Option<()> {
        *self.budget = self.budget.checked_sub(blocks)?;
        Some(())
    }

    /// Whether the scan can be read from where it stands to its end.
    fn is_in_step(&mut self) -> Option<bool> {
        let mut blocks = RefinedBlocks::new(self.sight, self.scan, self.targets)?;
        let mut copy = ScanCopy::new(*self.state());
        while blocks.next_unit() < self.all_units() {
            self.spend(1)?;
            let mut block = blocks.next()?;
            if copy.advance(self.sight, self.scan, &mut block).is_none() {
                return Some(false);
            }
        }
        Some(copy.is_at_end(self.sight, self.scan))
    }

    /// How far the scan can be read from where it stands, up to an MCU at most.
    fn read_towards(&mut self, unit: u64) -> Option<ReaderState> {
        let mut copy = ScanCopy::new(*self.state());
        let stands_at_row = copy.state.units() == self.first_unit();
        let no_targets = vec![None; self.scan];
        let blocks = RefinedBlocks::new(self.sight, self.scan, &no_targets);
        let Some(mut blocks) = blocks.filter(|_| stands_at_row) else {
            return Some(copy.state);
        };
        while blocks.next_unit() < unit {
            self.spend(1)?;
            let before = copy.state;
            let read = blocks.next();
            let read = read.and_then(|mut block| copy.advance(self.sight, self.scan, &mut block));
            if read.is_none() {
                return Some(before);
            }
        }
        Some(copy.state)
    }

    /// Reads from all starts, until the scan's end or none can be read any further.
    fn find(&mut self, starts: &Starts) -> Option<Found> {
        let mut blocks = RefinedBlocks::new(self.sight, self.scan, self.targets)?;
        while blocks.next_unit() < *starts.units.start() {
            self.spend(1)?;
            blocks.next()?;
        }
        let first = blocks.next_unit();
        let end = self.all_units().min(starts.units.end() + WINDOW);
        let mut window = Vec::new();
        window.reserve_exact(end.saturating_sub(first) as usize);
        while blocks.next_unit() < end {
            self.spend(1)?;
            let Some(block) = blocks.next() else { break };
            window.push(block);
        }
        let mut readings = self.through_window(&window, first, starts)?;
        drop(window);
        let mut lost = Lost::default();
        while !readings.is_empty() && blocks.next_unit() < self.all_units() {
            let Some(block) = blocks.next() else {
                readings.drain(..).for_each(|reading| lost.add(&reading));
                break;
            };
            self.spend(1 + readings.len() as u64)?;
            self.follow(&mut readings, &block, &mut lost);
            if blocks.next_unit().is_multiple_of(UNIFIED_EVERY) {
                unify(&mut readings);
            }
        }
        let is_at_end = |reading: &&Reading| {
            let state = &reading.state;
            state.covered() == 0 && self.sight.is_at_end(self.scan, state.cursor())
        };
        let confirmed = readings.iter().find(is_at_end);
        match confirmed {
            Some(reading) => Some(Found {
                target: reading.start,
                is_confirmed: true,
            }),
            None => Some(Found {
                target: lost.outstanding()?,
                is_confirmed: false,
            }),
        }
    }

    /// Reads the next block in all readings, of which only those stay where that can be done.
    fn follow(&self, readings: &mut Vec<Reading>, block: &Block, lost: &mut Lost) {
        readings.retain_mut(|reading| {
            let explicit = u32::from(reading.state.covered() == 0);
            let mut copy = ScanCopy::new(reading.state);
            let read = copy.advance(self.sight, self.scan, &mut block.clone());
            match read {
                Some(()) => {
                    reading.state = copy.state;
                    reading.explicit += explicit;
                }
                None => lost.add(reading),
            }
            read.is_some()
        });
    }

    /// The readings that get through the window, which begins with the MCU `first`. Each is read only up to the
    /// next start in its way, since those of later blocks come first; one that joins another is not kept.
    fn through_window(
        &mut self,
        window: &[Block],
        first: u64,
        starts: &Starts,
    ) -> Option<Vec<Reading>> {
        let source = self.sight.source(self.scan);
        let mut cursors = Vec::new();
        cursors.reserve_exact(starts.bits);
        cursors.extend(bits_from(source, starts.from).take(starts.bits));
        let units = (starts.units.end() + 1 - first).min(window.len() as u64) as usize;
        let mut leads_on = vec![false; units * cursors.len()];
        let mut readings: Vec<Reading> = Vec::new();
        for unit in (0..units).rev() {
            for (bit, &cursor) in cursors.iter().enumerate() {
                let known = |cursor: Cursor, unit: usize| {
                    let place = |cursor: &Cursor| (cursor.byte, cursor.used_bits);
                    let bit = cursors.binary_search_by_key(&place(&cursor), place).ok()?;
                    leads_on.get(unit * cursors.len() + bit).copied()
                };
                let start = Target::without_markers(first + unit as u64, cursor);
                let outcome = self.read_window(start, &window[unit..], unit, known)?;
                leads_on[unit * cursors.len() + bit] = !matches!(outcome, Outcome::Odd);
                if let Outcome::Through(reading) = outcome
                    && !readings.iter().any(|other| other.is_like(&reading))
                {
                    if readings.len() == READINGS_MAX {
                        return Some(readings);
                    }
                    readings.push(reading);
                }
            }
        }
        Some(readings)
    }

    /// Reads the rest of the window. `known` tells of the starts, by bit and block, where they lead.
    fn read_window(
        &mut self,
        start: Target,
        window: &[Block],
        unit: usize,
        known: impl Fn(Cursor, usize) -> Option<bool>,
    ) -> Option<Outcome> {
        let (header, source) = (&self.sight.headers[self.scan], self.sight.source(self.scan));
        let (mut state, mut events) = (start.state(), Events::default());
        let mut pass = ReadPass::begin(source, header, self.sight.grid, &mut state, &mut events);
        let mut explicit = 0;
        for (read, block) in window.iter().enumerate() {
            let is_explicit = pass.state.covered() == 0;
            if is_explicit && read > 0 {
                match known(pass.cursor(), unit + read) {
                    Some(true) => return Some(Outcome::Joined),
                    Some(false) => return Some(Outcome::Odd),
                    None => (),
                }
            }
            self.spend(1)?;
            explicit += u32::from(is_explicit);
            let read = pass.begin_unit();
            if read
                .and_then(|()| pass.block(0, &mut block.clone()))
                .is_err()
            {
                return Some(Outcome::Odd);
            }
        }
        pass.finish();
        Some(Outcome::Through(Reading {
            start,
            state,
            explicit,
        }))
    }
}

/// Where a reading leads.
enum Outcome {
    /// To what cannot be.
    Odd,
    /// To the start of another that gets through the window.
    Joined,
    /// Through the window.
    Through(Reading),
}

/// A reading of the scan.
#[derive(Clone, Copy, Debug)]
struct Reading {
    start: Target,
    state: ReaderState,
    /// Blocks read that are not in runs begun before them.
    explicit: u32,
}

impl Reading {
    /// Whether two that have read as far will read the same.
    fn is_like(&self, other: &Self) -> bool {
        let (state, other) = (&self.state, &other.state);
        state.cursor() == other.cursor() && state.covered() == other.covered()
    }
}

/// Leaves one of those that read the same.
fn unify(readings: &mut Vec<Reading>) {
    let mut index = 0;
    while index < readings.len() {
        let (before, rest) = readings.split_at(index);
        if before.iter().any(|other| other.is_like(&rest[0])) {
            readings.swap_remove(index);
        } else {
            index += 1;
        }
    }
}

/// Readings that could not be read to the end.
#[derive(Debug, Default)]
struct Lost {
    longest: Option<Reading>,
    /// Blocks outside of runs in the second longest.
    second: u32,
}

impl Lost {
    fn add(&mut self, reading: &Reading) {
        let most = self.longest.map_or(0, |longest| longest.explicit);
        if reading.explicit > most {
            self.longest = Some(*reading);
        }
        self.second = self.second.max(reading.explicit.min(most));
    }

    /// Where the longest one begins, if it is long and the others are not half as long.
    fn outstanding(&self) -> Option<Target> {
        let longest = self.longest?;
        let stands_out = longest.explicit >= MANY_BLOCKS && longest.explicit / 2 >= self.second;
        stands_out.then_some(longest.start)
    }
}
