//! Where a scan goes on behind something that no encoder writes: damage, foreign bytes, restart markers
//! that are missing, repeated or numbered in another way.
//!
//! What cannot be coded is coded as bytes; then a reentry says with which MCU and in which state the
//! scan goes on (T.81, E.2.4 for restart markers; without them where Huffman decoding falls into step
//! again). Invariant: a reentry that is wrong costs ratio and nothing else, because whatever follows is
//! read, coded and verified like any other MCU.

use super::bit_reader::{BitReader, Cursor};
use super::frame::{MAX_COMPONENTS, ScanLayout};
use super::model::Block;
use super::scan::{Scan, read_block};
use super::zigzag::ZIGZAG;
use crate::entropy::Coder;

/// Most MCUs of a scan.
pub(crate) const MCU_MAX: usize = 1 << 26;

/// How a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reentry {
    /// The MCU that comes next.
    pub(crate) mcu: u32,
    /// Whether DC predictions are as they were; otherwise they are zero.
    pub(crate) keeps_predictions: bool,
    /// Whether no restart markers are expected any more.
    pub(crate) drops_restarts: bool,
    /// Number of the next restart marker, below 8.
    pub(crate) next_restart: u8,
    /// How many bits of the next byte belong to what is before, below 8, and their value.
    pub(crate) used_bits: u32,
    pub(crate) used: u32,
}

/// A reentry and its place in the input that was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundReentry {
    pub(crate) offset: usize,
    pub(crate) reentry: Reentry,
}

/// What searches may still cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchBudget {
    blocks: u32,
}

impl SearchBudget {
    /// For the searches of one segment: some tens of milliseconds.
    pub(crate) fn of_segment() -> Self {
        Self { blocks: 400_000 }
    }
}

/// Blocks read without fault that leave no doubt.
const MANY_BLOCKS: u32 = 512;

/// Blocks that must be read without fault where nothing else says that this is the scan.
const ENOUGH_BLOCKS: u32 = 128;

/// The same where the image or the input ends before.
const FEW_BLOCKS: u32 = 64;

/// Codes of the marker behind the last scan and of the first restart marker (T.81, table B.1).
const EOI: u8 = 0xD9;
const RST0: u8 = 0xD0;

/// What DC, times its quantiser step, grows by from black to white samples of 8 bits.
const BLACK_TO_WHITE: i16 = 2040;

/// Bytes in which Huffman decoding is to fall into step.
const SIGHT: usize = 16 << 10;

/// Bytes in which a restart marker that is due may be preceded by others.
const NEAR: usize = 64;

/// Codes how `scan` goes on with the MCU `mcu`; `known` tells it to an encoder.
pub(super) fn code<C: Coder>(
    coder: &mut C,
    scan: &Scan,
    mcu: u32,
    known: Option<&Reentry>,
) -> Reentry {
    let number = |of: fn(&Reentry) -> u32| known.map_or(0, of);
    let mut field = |bits: u32, value: u32| coder.raw_bits(bits, value);
    let keeps_predictions = field(1, number(|reentry| reentry.keeps_predictions.into())) != 0;
    let has_restarts = scan.layout().restart_interval > 0;
    let (mut drops_restarts, mut next_restart) = (false, 0);
    if has_restarts {
        drops_restarts = field(1, number(|reentry| reentry.drops_restarts.into())) != 0;
        next_restart = field(3, number(|reentry| reentry.next_restart.into())) as u8;
    }
    let used_bits = field(3, number(|reentry| reentry.used_bits));
    Reentry {
        mcu,
        keeps_predictions,
        drops_restarts,
        next_restart,
        used_bits,
        used: field(used_bits, number(|reentry| reentry.used)),
    }
}

/// Where `scan` goes on in `input`. `at_end`: `input` begins where the scan was left, with the byte of
/// which it has used some bits.
pub(super) fn find(
    scan: &Scan,
    input: &[u8],
    at_end: bool,
    budget: &mut SearchBudget,
) -> Option<FoundReentry> {
    if scan.layout().restart_interval > 0 {
        behind_restart(scan, input, at_end, budget)
    } else {
        in_step(scan, input, at_end, budget)
    }
}

/// Looks behind the restart markers in the input.
fn behind_restart(
    scan: &Scan,
    input: &[u8],
    at_end: bool,
    budget: &mut SearchBudget,
) -> Option<FoundReentry> {
    let is_due = at_end && scan.restart_is_due();
    let markers = || restart_markers(input);
    let next_marker = markers().next().map(|(place, _)| place);
    if is_due && next_marker.is_none_or(|place| place > NEAR) {
        let found = match next_marker {
            Some(_) => as_if_marked(scan, input, budget),
            None => without_markers(scan, input, budget),
        };
        if found.is_some() {
            return found;
        }
    }
    let interval = scan.layout().restart_interval;
    // The interval behind the next marker, and the number that this marker has in a sound scan.
    let next_interval = if is_due {
        scan.next_mcu() / interval
    } else {
        scan.next_mcu() / interval + 1
    };
    let expected = next_interval.wrapping_sub(1) % 8;
    for (place, number) in markers() {
        let skipped = (u32::from(number) + 8 - expected) % 8;
        let interval_start = |skipped: u32| {
            let mcu = (next_interval + skipped).checked_mul(interval);
            mcu.filter(|&mcu| mcu < scan.layout().mcu_count)
        };
        let mcu = match skipped {
            // A marker of another number right where one is due is that one.
            1.. if is_due && place <= NEAR => interval_start(0),
            // Or it is one too many.
            1.. if at_end && place <= 1 => Some(scan.next_mcu()),
            _ => interval_start(skipped).or(interval_start(0)),
        };
        let mcu = mcu.filter(|&mcu| mcu < scan.layout().mcu_count)?;
        let offset = place + 2;
        let cursor = Cursor {
            byte: offset,
            used_bits: 0,
        };
        let most = interval.min(scan.layout().mcu_count - mcu);
        let trial = try_at(
            scan.layout(),
            input,
            cursor,
            [0; MAX_COMPONENTS],
            most,
            budget,
        )?;
        if trial.is_an_interval() {
            return Some(FoundReentry {
                offset,
                reentry: Reentry {
                    mcu,
                    keeps_predictions: false,
                    drops_restarts: false,
                    next_restart: (number + 1) % 8,
                    used_bits: 0,
                    used: 0,
                },
            });
        }
    }
    None
}

/// Goes on at once, as if the restart marker that is due had come.
fn as_if_marked(scan: &Scan, input: &[u8], budget: &mut SearchBudget) -> Option<FoundReentry> {
    let layout = scan.layout();
    let offset = usize::from(scan.used_bits() > 0);
    let cursor = Cursor {
        byte: offset,
        used_bits: 0,
    };
    let most = layout
        .mcu_count
        .checked_sub(scan.next_mcu())?
        .min(layout.restart_interval);
    let trial = try_at(layout, input, cursor, [0; MAX_COMPONENTS], most, budget)?;
    trial.is_an_interval().then(|| FoundReentry {
        offset,
        reentry: Reentry {
            mcu: scan.next_mcu(),
            keeps_predictions: false,
            drops_restarts: false,
            next_restart: ((scan.next_mcu() / layout.restart_interval) % 8) as u8,
            used_bits: 0,
            used: 0,
        },
    })
}

/// Goes on at once, as if there were no restart interval.
fn without_markers(scan: &Scan, input: &[u8], budget: &mut SearchBudget) -> Option<FoundReentry> {
    let used_bits = scan.used_bits();
    let cursor = Cursor { byte: 0, used_bits };
    let predictions = scan.dc_predictions();
    let most = scan.layout().mcu_count.checked_sub(scan.next_mcu())?;
    let trial = try_at(scan.layout(), input, cursor, predictions, most, budget)?;
    trial.is_in_step().then(|| FoundReentry {
        offset: 0,
        reentry: Reentry {
            mcu: scan.next_mcu(),
            keeps_predictions: true,
            drops_restarts: true,
            next_restart: 0,
            used_bits,
            used: top_bits(input, 0, used_bits),
        },
    })
}

/// Looks for a bit from which on the input can be read as MCUs.
fn in_step(
    scan: &Scan,
    input: &[u8],
    at_end: bool,
    budget: &mut SearchBudget,
) -> Option<FoundReentry> {
    let layout = scan.layout();
    let mut mcu = scan.next_mcu();
    if at_end {
        // What cannot be coded is an MCU, or it takes the place of one.
        mcu += 1;
    }
    let most = layout.mcu_count.checked_sub(mcu).filter(|&most| most > 0)?;
    let first_bit = if at_end { scan.used_bits() + 1 } else { 0 };
    let last = input.len().min(SIGHT);
    let mut best: Option<(u32, FoundReentry)> = None;
    for byte in 0..last {
        // The zero of a stuffed byte holds no bits.
        if byte > 0 && input[byte - 1] == 0xFF && input[byte] == 0 {
            continue;
        }
        for used_bits in if byte == 0 { first_bit } else { 0 }..8 {
            let cursor = Cursor { byte, used_bits };
            let trial = try_at(layout, input, cursor, [0; MAX_COMPONENTS], most, budget);
            let Some(trial) = trial else {
                return best.map(|(_, found)| found);
            };
            if !trial.is_in_step() || best.is_some_and(|(blocks, _)| trial.blocks <= blocks) {
                continue;
            }
            let reentry = Reentry {
                mcu,
                keeps_predictions: false,
                drops_restarts: false,
                next_restart: 0,
                used_bits,
                used: top_bits(input, byte, used_bits),
            };
            let found = FoundReentry {
                offset: byte,
                reentry,
            };
            best = Some((trial.blocks, found));
            if trial.end != TrialEnd::Fault && trial.end != TrialEnd::Marker {
                return Some(found);
            }
        }
    }
    best.map(|(_, found)| found)
}

/// How far MCUs could be read.
struct Trial {
    blocks: u32,
    end: TrialEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrialEnd {
    /// All that was wanted was read.
    Enough,
    /// The input ends.
    Input,
    /// The image does: EOI comes.
    Image,
    /// A restart marker comes.
    Restart,
    /// Another marker comes.
    Marker,
    Fault,
}

impl Trial {
    /// Whether this is hardly chance.
    fn is_in_step(&self) -> bool {
        match self.end {
            TrialEnd::Enough | TrialEnd::Input | TrialEnd::Image => self.blocks >= FEW_BLOCKS,
            TrialEnd::Restart | TrialEnd::Marker | TrialEnd::Fault => self.blocks >= ENOUGH_BLOCKS,
        }
    }

    /// Whether this may be what stands behind a restart marker.
    fn is_an_interval(&self) -> bool {
        match self.end {
            TrialEnd::Enough => true,
            TrialEnd::Input | TrialEnd::Image | TrialEnd::Restart => self.blocks > 0,
            TrialEnd::Marker | TrialEnd::Fault => self.blocks >= ENOUGH_BLOCKS,
        }
    }
}

/// Reads up to `most` MCUs from `cursor` on, or until that are many blocks; `None` if that would cost
/// too much.
fn try_at(
    layout: &ScanLayout,
    input: &[u8],
    cursor: Cursor,
    mut predictions: [i32; MAX_COMPONENTS],
    most: u32,
    budget: &mut SearchBudget,
) -> Option<Trial> {
    let mut reader = BitReader::new(input, cursor);
    let mut trial = Trial {
        blocks: 0,
        end: TrialEnd::Enough,
    };
    let mut ranges = predictions.map(|prediction| (prediction, prediction));
    for _ in 0..most {
        let components = layout.components.iter().zip(&mut ranges);
        for ((component, range), prediction) in components.zip(&mut predictions) {
            for _ in 0..component.horizontal * component.vertical {
                budget.blocks = budget.blocks.checked_sub(1)?;
                let mut block = Block::ZERO;
                let read = read_block(
                    &mut reader,
                    &component.dc_table,
                    &component.ac_table,
                    prediction,
                    &mut block,
                );
                if read.is_none() || reader.overran() {
                    trial.end = match reader.overran() {
                        true if reader.out_of_input() => TrialEnd::Input,
                        true if reader.stopped_by(EOI) => TrialEnd::Image,
                        true if (RST0..EOI).any(|code| reader.stopped_by(code)) => {
                            TrialEnd::Restart
                        }
                        true => TrialEnd::Marker,
                        false => TrialEnd::Fault,
                    };
                    return Some(trial);
                }
                *range = (range.0.min(*prediction), range.1.max(*prediction));
                if !is_of_image(&block, *range, &component.quantizers) {
                    trial.end = TrialEnd::Fault;
                    return Some(trial);
                }
                trial.blocks += 1;
            }
        }
        if trial.blocks >= MANY_BLOCKS {
            break;
        }
    }
    Some(trial)
}

/// Whether samples of 8 bits can lead to a block's coefficients, and to DC values from the least to the
/// greatest of `range`, with some room for rounding.
fn is_of_image(block: &Block, range: (i32, i32), quantizers: &[u16; 64]) -> bool {
    let most = i32::from(BLACK_TO_WHITE) + 2 * i32::from(quantizers[0]);
    let dc_fits = range
        .1
        .wrapping_sub(range.0)
        .saturating_mul(i32::from(quantizers[0]))
        <= most;
    let mut places = block.nonzero();
    while dc_fits && places != 0 {
        let position = usize::from(ZIGZAG[places.trailing_zeros() as usize & 63]);
        places &= places.wrapping_sub(1);
        let step = i32::from(quantizers[position]);
        let size = i32::from(block.at(position).unsigned_abs());
        if size > 1 && size.saturating_mul(step) > i32::from(BLACK_TO_WHITE) {
            return false;
        }
    }
    dc_fits
}

/// The restart markers in `input`: where each begins, and its number.
fn restart_markers(input: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let place = next + input.get(next..)?.iter().position(|&byte| byte == 0xFF)?;
            next = place + 1;
            if let Some(code @ 0xD0..=0xD7) = input.get(next) {
                return Some((place, code - 0xD0));
            }
        }
    })
}

/// The first `count` bits of a byte.
pub(super) fn top_bits(input: &[u8], byte: usize, count: u32) -> u32 {
    input
        .get(byte)
        .map_or(0, |&byte| u32::from(byte) >> (8 - count))
}
