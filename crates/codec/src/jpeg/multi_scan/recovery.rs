//! Looks for the places where scans go on that were given up.
//!
//! Behind a restart marker that is known from its number. Without markers, a first scan (T.81, G.1.2) goes on
//! where its bits can be read up to its end: counted from there, each MCU has its place. An AC refinement goes on
//! where both its bits and its blocks fit up to its end ([`super::realignment`]). Invariant: what is found wrongly
//! costs ratio and nothing else, because whatever follows is read, coded and verified like any other MCU; and
//! searches cost no more than some reading of the file.

use super::super::bit_reader::Cursor;
use super::super::model::Block;
use super::events::Events;
use super::grid::{BlockPass, BlockRow, Grid};
use super::header::{Pass, ScanHeader};
use super::losses::{Losses, refining};
use super::reader::{Odd, ReadPass, ReaderState};
use super::realignment::{Realignment, SEARCH_BYTES};
use super::refined_blocks::is_refined;
use super::regions::Regions;
use super::row_reentry::RowReentry;
use std::ops::Range;

/// The image at the row that is being read.
pub(super) struct Sight<'a> {
    /// Begins at `position` of the image, with the first byte that no part has.
    pub(super) input: &'a [u8],
    pub(super) position: usize,
    pub(super) headers: &'a [ScanHeader],
    pub(super) regions: &'a Regions,
    pub(super) grid: &'a Grid,
    pub(super) row: usize,
    pub(super) losses: &'a Losses,
    /// Where each scan stands in front of the row.
    pub(super) before: &'a [ReaderState],
}

impl Sight<'_> {
    /// The input up to the end of a scan, and where in the image it begins.
    pub(super) fn source(&self, scan: usize) -> (&[u8], usize) {
        let end = self.regions.end(scan).saturating_sub(self.position);
        (&self.input[..end], self.position)
    }

    /// A scan's MCUs in the row.
    pub(super) fn units(&self, scan: usize) -> Range<u64> {
        let before = |row| self.grid.units_before(&self.headers[scan], row);
        before(self.row)..before(self.row + 1)
    }

    /// Whether a scan's data end at `cursor`: less than a byte is padding.
    pub(super) fn is_at_end(&self, scan: usize, cursor: Cursor) -> bool {
        cursor.byte + usize::from(cursor.used_bits > 0) >= self.regions.end(scan)
    }

    /// Whether the row has all of the scans that this one refines, from an MCU of it on.
    fn has_refined(&self, scan: usize, unit: u32) -> bool {
        let is_refined = |&earlier: &usize| self.headers[scan].refines(&self.headers[earlier]);
        let mut earlier = (0..scan).filter(is_refined);
        earlier.all(|earlier| self.losses.part(earlier).is_whole_from(unit))
    }
}

/// Where a scan goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The MCU of the scan that comes next.
    pub(super) unit: u64,
    cursor: Cursor,
    next_restart: u8,
}

impl Target {
    /// In a scan without restart markers.
    pub(super) fn without_markers(unit: u64, cursor: Cursor) -> Self {
        Self {
            unit,
            cursor,
            next_restart: 0,
        }
    }

    /// The state of a reader there.
    pub(super) fn state(&self) -> ReaderState {
        ReaderState::at(self.cursor, self.unit)
    }
}

/// All searches in an image.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// Where each scan goes on, when that row has come; `None` where it is not looked for.
    targets: Vec<Option<Target>>,
    /// MCUs that may yet be read.
    budget: u64,
    /// Whether there is memory to realign refinements.
    may_realign: bool,
}

/// MCUs that may be read in the searches of an image, and for each of its bytes.
const LEAST_BUDGET: u64 = 500_000;
const BUDGET_PER_BYTE: u64 = 4;

/// Bits behind an odd MCU among which a first scan is to go on.
const BITS: usize = 400;

/// MCUs of a first scan read without fault that leave little doubt.
const MANY_UNITS: u64 = 64;

impl Recovery {
    /// Nothing is sought yet, of so many scans in so many bytes. Searches may take up to `spare` bytes.
    pub(super) fn new(scans: usize, bytes: usize, spare: usize) -> Self {
        Self {
            targets: vec![None; scans],
            budget: LEAST_BUDGET + BUDGET_PER_BYTE * bytes as u64,
            may_realign: spare >= SEARCH_BYTES,
        }
    }

    /// Whether a scan is looked for.
    pub(super) fn seeks(&self, scan: usize) -> bool {
        self.targets[scan].is_some()
    }

    /// Where a scan that is looked for may go on at the earliest.
    pub(super) fn least_place(&self, scan: usize) -> Option<usize> {
        Some(self.targets[scan]?.cursor.byte)
    }

    /// Looks no more for a scan, nor for those that refine it.
    pub(super) fn stop(&mut self, scan: usize, headers: &[ScanHeader]) {
        self.targets[scan] = None;
        for later in refining(scan, headers) {
            self.targets[later] = None;
        }
    }

    /// A scan cannot be read any further than to `odd`. Which one is to be given up, behind how many of its MCUs
    /// in the row: it, or one that it refines.
    pub(super) fn begin(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        odd: &ReaderState,
    ) -> (usize, u32) {
        if let Some((refined, target)) = self.find_out_of_step(sight, scan) {
            self.seek(sight, refined, Some(target));
            return (refined, 0);
        }
        // The one that was begun, or the last one where a restart marker is missing.
        let unit = odd.units().saturating_sub(1);
        let target = self.behind_odd(sight, scan, unit, odd.cursor());
        self.seek(sight, scan, target);
        let end = target.map_or(unit, |target| target.unit.min(unit));
        (scan, end.saturating_sub(sight.units(scan).start) as u32)
    }

    /// Begins the search for a scan and for those that refine it.
    fn seek(&mut self, sight: &Sight<'_>, scan: usize, target: Option<Target>) {
        if target.is_none() {
            self.stop(scan, sight.headers);
            return;
        }
        self.targets[scan] = target;
        for later in refining(scan, sight.headers) {
            let is_read = !sight.losses.is_given_up(later);
            if sight.headers[later].restart_interval == 0 {
                if is_read || !self.seeks(later) {
                    self.targets[later] = self.behind_gap(sight, later);
                }
            } else if is_read {
                let state = &sight.before[later];
                let unit = state.units().saturating_sub(1);
                self.targets[later] = behind_marker(sight, later, unit, state.cursor().byte);
            }
        }
    }

    /// A search in an AC refinement without restart markers, if `scan` is one and there is memory.
    fn realignment<'a>(&'a mut self, sight: &'a Sight<'a>, scan: usize) -> Option<Realignment<'a>> {
        let header = &sight.headers[scan];
        let can =
            self.may_realign && header.restart_interval == 0 && header.pass == Pass::AcRefinement;
        can.then_some(Realignment {
            sight,
            scan,
            targets: &self.targets,
            budget: &mut self.budget,
        })
    }

    /// Where a refinement goes on once all that it refines do.
    fn behind_gap(&mut self, sight: &Sight<'_>, scan: usize) -> Option<Target> {
        let refined = (0..scan).filter(|&earlier| is_refined(sight.headers, scan, earlier));
        let units = refined.filter_map(|earlier| Some(self.targets[earlier]?.unit));
        let unit = units.max()?;
        self.realignment(sight, scan)?.behind_gap(unit)
    }

    /// Where a scan may go on whose MCU `unit` is odd.
    fn behind_odd(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        unit: u64,
        odd: Cursor,
    ) -> Option<Target> {
        let header = &sight.headers[scan];
        match header.pass {
            _ if header.restart_interval > 0 => behind_marker(sight, scan, unit, odd.byte),
            Pass::DcRefinement => None,
            Pass::AcRefinement => self.realignment(sight, scan)?.behind_odd(unit, odd),
            Pass::Sequential | Pass::DcFirst | Pass::AcFirst => {
                self.in_step(sight, scan, unit, odd)
            }
        }
    }

    /// A scan that `scan` refines and whose MCUs are not those that its end tells, if `scan` is the first one to find
    /// out; and where it is in step.
    fn find_out_of_step(&mut self, sight: &Sight<'_>, scan: usize) -> Option<(usize, Target)> {
        let header = &sight.headers[scan];
        if header.pass != Pass::AcRefinement {
            return None;
        }
        for earlier in 0..scan {
            let refined = &sight.headers[earlier];
            let is_witnessed = refining(earlier, sight.headers)
                .any(|other| other < scan && !sight.losses.is_given_up(other));
            if !header.refines(refined)
                || refined.restart_interval > 0
                || sight.losses.is_given_up(earlier)
                || is_witnessed
            {
                continue;
            }
            if refined.pass == Pass::AcRefinement {
                let realignment = self.realignment(sight, earlier);
                if let Some(target) = realignment.and_then(|mut search| search.of_out_of_step()) {
                    return Some((earlier, target));
                }
                continue;
            }
            let state = &sight.before[earlier];
            let expected = state.units() + u64::from(state.covered());
            let least = sight.units(earlier).start;
            let target = self.counted_from_end(sight, earlier, state.cursor(), least);
            if let Some((unit, target)) = target
                && unit != expected
            {
                return Some((earlier, target));
            }
        }
        None
    }

    /// Where a first scan is in step behind `odd`, with an MCU from `least` on.
    fn in_step(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        least: u64,
        odd: Cursor,
    ) -> Option<Target> {
        let mut farthest = None;
        for cursor in bits_from(sight.source(scan), odd).skip(1).take(BITS) {
            let read = self.read_on(sight, scan, cursor, u64::MAX);
            if read.is_at_end {
                if let Some((_, target)) = self.counted_from_end(sight, scan, cursor, least) {
                    return Some(target);
                }
            } else if read.units >= MANY_UNITS
                && farthest.is_none_or(|(units, _)| read.units > units)
            {
                farthest = Some((read.units, cursor));
            }
        }
        // Something else is odd later on. What is odd here takes the place of an MCU.
        farthest.map(|(_, cursor)| Target::without_markers(least + 1, cursor))
    }

    /// Which MCU of a first scan its end tells to stand at `cursor`, and where it can go on with one from `least`
    /// on.
    fn counted_from_end(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        cursor: Cursor,
        least: u64,
    ) -> Option<(u64, Target)> {
        let rest = self.read_on(sight, scan, cursor, u64::MAX);
        let all = sight.grid.units(&sight.headers[scan]);
        let unit = all.checked_sub(rest.units).filter(|_| rest.is_at_end)?;
        let mut target = Target::without_markers(unit, cursor);
        if unit < least {
            let skipped = self.read_on(sight, scan, cursor, least - unit);
            target.unit += skipped.units;
            target.cursor = skipped.cursor;
        }
        (target.unit < all).then_some((unit, target))
    }

    /// Reads at least `least` MCUs of a first scan from `cursor` on, and those of the last run.
    fn read_on(&mut self, sight: &Sight<'_>, scan: usize, cursor: Cursor, least: u64) -> ReadOn {
        let header = &sight.headers[scan];
        let (mut state, mut events) = (ReaderState::at(cursor, 0), Events::default());
        let source = sight.source(scan);
        let mut pass = ReadPass::begin(source, header, sight.grid, &mut state, &mut events);
        let (mut units, mut is_at_end) = (0, false);
        let mut cursor = pass.cursor();
        while units < least && self.budget > 0 {
            self.budget -= 1;
            if read_unit(&mut pass, header, sight.grid).is_err() {
                is_at_end = sight.is_at_end(scan, cursor);
                break;
            }
            units += 1 + pass.skip_run();
            cursor = pass.cursor();
        }
        ReadOn {
            units,
            cursor,
            is_at_end,
        }
    }

    /// Where a scan that was given up goes on in the row, whose blocks have what earlier scans carry.
    pub(super) fn find(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        blocks: &mut BlockRow,
    ) -> Option<RowReentry> {
        while let Some(target) = self.targets[scan] {
            if target.unit >= sight.units(scan).end || !sight.losses.may_reenter(scan) {
                return None;
            }
            if self.is_right(sight, scan, &target, blocks) {
                self.targets[scan] = None;
                return Some(reentry_at(sight, scan, &target));
            }
            self.targets[scan] = behind_marker(sight, scan, target.unit, target.cursor.byte);
            if !self.seeks(scan) {
                self.stop(scan, sight.headers);
            }
        }
        None
    }

    /// Whether a scan may go on at a target that is not behind the row.
    fn is_right(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        target: &Target,
        blocks: &mut BlockRow,
    ) -> bool {
        let Some(unit) = target.unit.checked_sub(sight.units(scan).start) else {
            return false;
        };
        let unit = unit as u32;
        let header = &sight.headers[scan];
        let first_units = sight.losses.part(scan).first_units();
        if unit < first_units.end
            || target.cursor.byte < sight.position
            || !sight.has_refined(scan, unit)
        {
            return false;
        }
        let interval = header.restart_interval;
        interval == 0 || {
            let units = unit..unit.saturating_add(interval);
            self.can_read(sight, scan, target.cursor, units, blocks)
        }
    }

    /// Whether some of the row's MCUs can be read at `cursor`.
    fn can_read(
        &mut self,
        sight: &Sight<'_>,
        scan: usize,
        cursor: Cursor,
        units: Range<u32>,
        blocks: &mut BlockRow,
    ) -> bool {
        let header = &sight.headers[scan];
        let unit = sight.units(scan).start + u64::from(units.start);
        let (mut state, mut events) = (ReaderState::at(cursor, unit), Events::default());
        let source = sight.source(scan);
        let mut pass = TrialPass {
            pass: ReadPass::begin(source, header, sight.grid, &mut state, &mut events),
            budget: &mut self.budget,
        };
        let walked = sight.grid.walk(header, sight.row, units, blocks, &mut pass);
        walked.is_ok()
    }
}

/// How far a first scan could be read.
struct ReadOn {
    units: u64,
    /// In front of the MCU that could not be read, or behind the last one.
    cursor: Cursor,
    /// Whether the scan's data end there.
    is_at_end: bool,
}

fn read_unit(pass: &mut ReadPass<'_>, scan: &ScanHeader, grid: &Grid) -> Result<(), Odd> {
    pass.begin_unit()?;
    for (component, count) in grid.blocks_in_unit(scan).enumerate() {
        for _ in 0..count {
            let mut block = Block::ZERO;
            pass.block(component, &mut block)?;
        }
    }
    Ok(())
}

/// Reads blocks and leaves them as they are.
struct TrialPass<'a, 'b> {
    pass: ReadPass<'a>,
    budget: &'b mut u64,
}

impl BlockPass for TrialPass<'_, '_> {
    type Error = Odd;

    fn begin_unit(&mut self) -> Result<(), Odd> {
        *self.budget = self.budget.checked_sub(1).ok_or(Odd)?;
        self.pass.begin_unit()
    }

    fn block(&mut self, component: usize, block: &mut Block) -> Result<(), Odd> {
        self.pass.block(component, &mut block.clone())
    }
}

/// What tells a decoder of a target in the row.
fn reentry_at(sight: &Sight<'_>, scan: usize, target: &Target) -> RowReentry {
    let Cursor { byte, used_bits } = target.cursor;
    let first = sight.input.get(byte - sight.position);
    RowReentry {
        unit: (target.unit - sight.units(scan).start) as u32,
        place: (byte - sight.regions.start(scan)) as u32,
        next_restart: target.next_restart,
        used_bits,
        used: first.map_or(0, |&byte| u32::from(byte) >> (8 - used_bits)),
    }
}

/// Where a scan goes on behind the first restart marker from `place` on, which comes behind the MCU `unit`;
/// nowhere in a scan without markers.
fn behind_marker(sight: &Sight<'_>, scan: usize, unit: u64, place: usize) -> Option<Target> {
    let (bytes, offset) = sight.source(scan);
    let interval = u64::from(sight.headers[scan].restart_interval);
    if interval == 0 {
        return None;
    }
    let rest = &bytes[place.saturating_sub(offset).min(bytes.len())..];
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7);
    let next = rest.windows(2).position(is_marker)?;
    // The marker in front of the interval n has the number n - 1.
    let index = unit / interval;
    let number = rest[next + 1] - 0xD0;
    let index = index + 1 + (u64::from(number) + 8 - index % 8) % 8;
    Some(Target {
        unit: index * interval,
        cursor: Cursor {
            byte: place.max(offset) + next + 2,
            used_bits: 0,
        },
        next_restart: (number + 1) % 8,
    })
}

/// The places of bits from `from` on.
pub(super) fn bits_from(
    (bytes, offset): (&[u8], usize),
    from: Cursor,
) -> impl Iterator<Item = Cursor> + use<'_> {
    let start = from.byte - offset;
    let is_stuffing = move |byte: usize| byte > 0 && bytes[byte - 1] == 0xFF && bytes[byte] == 0;
    (start..bytes.len())
        .filter(move |&byte| !is_stuffing(byte))
        .flat_map(move |byte| {
            let first = if byte == start { from.used_bits } else { 0 };
            (first..8).map(move |used_bits| Cursor {
                byte: byte + offset,
                used_bits,
            })
        })
}
