//! Headers of scans that share an image with others (T.81, clauses B.2.3, G.1.1 and A.2).
//!
//! Invariant: a [`ScanHeader`] describes a scan whose bits this crate can read and write back, and
//! a [`Progression`] that took it says which bits of which coefficients it carries.

use super::super::frame::{Frame, Tables};
use super::super::huffman::HuffmanTable;
use std::sync::Arc;

/// What a scan carries of the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// All of them, whole.
    Sequential,
    /// The high bits of DC.
    DcFirst,
    /// One further bit of DC.
    DcRefinement,
    /// The high bits of a band of AC.
    AcFirst,
    /// One further bit of a band of AC.
    AcRefinement,
}

/// A component of such a scan.
#[derive(Clone, Debug)]
pub(crate) struct HeaderComponent {
    /// Position of the component in the frame.
    pub(crate) frame_index: usize,
    /// `None` only where the pass does without.
    pub(crate) dc_table: Option<Arc<HuffmanTable>>,
    pub(crate) ac_table: Option<Arc<HuffmanTable>>,
    /// Quantiser steps in force, in natural order.
    pub(crate) quantizers: [u16; 64],
}

/// A scan of an image that may have several.
#[derive(Clone, Debug)]
pub(crate) struct ScanHeader {
    pub(crate) components: Vec<HeaderComponent>,
    pub(crate) pass: Pass,
    /// First and last coefficient of the band, as places of the zigzag sequence.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// How many low bits were missing before the scan (0: all), and are after it.
    pub(crate) high: u32,
    pub(crate) low: u32,
    /// MCUs of the scan between restart markers; 0 for none.
    pub(crate) restart_interval: u32,
}

/// Greatest point transform (G.1.1.1.2).
const LOW_MAX: u32 = 13;

impl ScanHeader {
    /// Matches a SOS payload with its frame and tables; `None` if it breaks a rule, or a table is
    /// missing or cannot be inverted.
    pub(crate) fn parse(frame: &Frame, tables: &Tables, payload: &[u8]) -> Option<Self> {
        let (&count, rest) = payload.split_first()?;
        // Scans that go together end together, where they must know.
        if frame.height == 0 {
            return None;
        }
        let count = usize::from(count);
        if !(1..=frame.components.len()).contains(&count) || rest.len() != 2 * count + 3 {
            return None;
        }
        let (selectors, parameters) = rest.split_at(2 * count);
        let &[first, last, approximation] = parameters else {
            return None;
        };
        let (first, last) = (usize::from(first), usize::from(last));
        let (high, low) = (u32::from(approximation >> 4), u32::from(approximation & 15));
        let pass = pass_of(frame.progressive, first, last, high)?;
        let is_first = high == 0;
        let legal = match pass {
            Pass::Sequential => last == 63 && low == 0,
            Pass::DcFirst | Pass::DcRefinement => last == 0,
            Pass::AcFirst | Pass::AcRefinement => (first..64).contains(&last) && count == 1,
        };
        if !legal || low > LOW_MAX || !is_first && low + 1 != high {
            return None;
        }
        let mut components: Vec<HeaderComponent> = Vec::with_capacity(count);
        for selector in selectors.chunks_exact(2) {
            let component = header_component(frame, tables, pass, [selector[0], selector[1]])?;
            let in_order = components
                .last()
                .is_none_or(|before| before.frame_index < component.frame_index);
            if !in_order {
                return None;
            }
            components.push(component);
        }
        Some(Self {
            components,
            pass,
            first,
            last,
            high,
            low,
            restart_interval: tables.restart_interval,
        })
    }

    /// Whether the MCUs of the scan hold blocks of several components.
    pub(crate) fn is_interleaved(&self) -> bool {
        self.components.len() > 1
    }

    /// Whether it has runs of blocks.
    pub(crate) fn has_runs(&self) -> bool {
        matches!(self.pass, Pass::AcFirst | Pass::AcRefinement)
    }

    /// Huffman tables that it uses.
    pub(crate) fn tables(&self) -> usize {
        let count = |component: &HeaderComponent| {
            usize::from(component.dc_table.is_some()) + usize::from(component.ac_table.is_some())
        };
        self.components.iter().map(count).sum()
    }

    /// Whether it carries a component of the frame.
    pub(crate) fn has_component(&self, frame_index: usize) -> bool {
        self.components
            .iter()
            .any(|component| component.frame_index == frame_index)
    }

    /// Whether it refines coefficients that an earlier scan carries.
    pub(crate) fn refines(&self, earlier: &Self) -> bool {
        let has_component =
            |component: &HeaderComponent| earlier.has_component(component.frame_index);
        self.band() & earlier.band() != 0 && self.components.iter().any(has_component)
    }

    /// The places of the zigzag sequence that the scan carries, as bits.
    pub(crate) fn band(&self) -> u64 {
        u64::MAX >> (63 - self.last) & u64::MAX << self.first
    }
}

fn pass_of(progressive: bool, first: usize, last: usize, high: u32) -> Option<Pass> {
    match (progressive, first, high) {
        (false, 0, 0) => Some(Pass::Sequential),
        (true, 0, 0) => Some(Pass::DcFirst),
        (true, 0, _) => Some(Pass::DcRefinement),
        (true, 1.., 0) if last < 64 => Some(Pass::AcFirst),
        (true, 1.., _) if last < 64 => Some(Pass::AcRefinement),
        _ => None,
    }
}

fn header_component(
    frame: &Frame,
    tables: &Tables,
    pass: Pass,
    [identifier, selection]: [u8; 2],
) -> Option<HeaderComponent> {
    let frame_index = frame
        .components
        .iter()
        .position(|component| component.identifier == identifier)?;
    let table = |tables: &[Option<Arc<HuffmanTable>>; 4], index: u8| {
        tables.get(usize::from(index)).and_then(Clone::clone)
    };
    let quantization_table = frame.components[frame_index].quantization_table;
    let component = HeaderComponent {
        frame_index,
        dc_table: match pass {
            Pass::Sequential | Pass::DcFirst => Some(table(&tables.dc, selection >> 4)?),
            _ => None,
        },
        ac_table: match pass {
            Pass::DcFirst | Pass::DcRefinement => None,
            _ => Some(table(&tables.ac, selection & 15)?),
        },
        quantizers: tables.quantizers[usize::from(quantization_table)]?,
    };
    Some(component)
}

/// By component of the frame and place of the zigzag sequence: how many low bits are missing, or
/// that nothing has come.
#[derive(Clone, Debug)]
pub(crate) struct Progression([[Option<u8>; 64]; 4]);

impl Progression {
    /// Before the first scan.
    pub(crate) fn new() -> Self {
        Self([[None; 64]; 4])
    }

    /// Takes the next scan; `false`, and nothing is changed, if it repeats or leaves out something
    /// (G.1.1.1).
    pub(crate) fn take(&mut self, scan: &ScanHeader) -> bool {
        let before = match scan.high {
            0 => None,
            high => Some(high as u8),
        };
        let fits = |component: &HeaderComponent| {
            self.0[component.frame_index][scan.first..=scan.last]
                .iter()
                .all(|&missing| missing == before)
        };
        if !scan.components.iter().all(fits) {
            return false;
        }
        for component in &scan.components {
            self.0[component.frame_index][scan.first..=scan.last].fill(Some(scan.low as u8));
        }
        true
    }

    /// The low bits that no scan of a component carries, by place of the zigzag sequence; 0 for
    /// coefficients that no scan carries at all.
    pub(crate) fn missing(&self, frame_index: usize) -> [u8; 64] {
        self.0[frame_index].map(Option::unwrap_or_default)
    }
}
