//! Frame and scan headers (T.81, clauses B.2.2 and B.2.3) and the geometry they imply.
//!
//! Invariant: a [`ScanLayout`] describes a scan that this crate can code: 8-bit sequential
//! Huffman, at most ten blocks an MCU, every table present and invertible.

use super::block_coder::ComponentShape;
use super::huffman::HuffmanTable;
use std::sync::Arc;

/// Most components in a scan, and blocks in an interleaved MCU (T.81, B.2.3).
pub(crate) const MAX_COMPONENTS: usize = 4;
pub(crate) const MAX_BLOCKS_PER_MCU: usize = 10;

/// A component as the frame header gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameComponent {
    pub(crate) identifier: u8,
    /// Horizontal and vertical sampling factors, 1..=4.
    pub(crate) horizontal: u8,
    pub(crate) vertical: u8,
    pub(crate) quantization_table: u8,
}

/// A SOF0, SOF1 or SOF2 header with 8-bit samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) components: Vec<FrameComponent>,
    /// Whether scans may carry parts of coefficients (SOF2).
    pub(crate) progressive: bool,
}

impl Frame {
    /// Reads the payload of a SOF marker segment; `None` if it breaks a rule of B.2.2.
    ///
    /// A height of zero is to be given later, by DNL.
    pub(crate) fn parse(payload: &[u8], progressive: bool) -> Option<Self> {
        let [
            _precision,
            height_high,
            height_low,
            width_high,
            width_low,
            count,
            rest @ ..,
        ] = payload
        else {
            return None;
        };
        let count = usize::from(*count);
        if !(1..=MAX_COMPONENTS).contains(&count) || rest.len() != 3 * count {
            return None;
        }
        let components: Vec<_> = rest
            .chunks_exact(3)
            .map(|bytes| FrameComponent {
                identifier: bytes[0],
                horizontal: bytes[1] >> 4,
                vertical: bytes[1] & 15,
                quantization_table: bytes[2],
            })
            .collect();
        let legal = |component: &FrameComponent| {
            (1..=4).contains(&component.horizontal)
                && (1..=4).contains(&component.vertical)
                && component.quantization_table < 4
        };
        let frame = Self {
            width: u16::from_be_bytes([*width_high, *width_low]),
            height: u16::from_be_bytes([*height_high, *height_low]),
            components,
            progressive,
        };
        (frame.width > 0 && frame.components.iter().all(legal)).then_some(frame)
    }

    /// The height, or the largest there can be if it is not known yet: then the scan ends with the
    /// marker that comes before so many lines.
    fn most_lines(&self) -> u16 {
        match self.height {
            0 => u16::MAX,
            height => height,
        }
    }

    pub(crate) fn largest_sampling(&self) -> (u32, u32) {
        let horizontal = self.components.iter().map(|c| c.horizontal).max();
        let vertical = self.components.iter().map(|c| c.vertical).max();
        (
            u32::from(horizontal.unwrap_or(1)),
            u32::from(vertical.unwrap_or(1)),
        )
    }
}

/// A component of a scan, with all that coding its blocks needs.
#[derive(Clone, Debug)]
pub(crate) struct ScanComponent {
    /// Position of the component in the frame.
    pub(crate) frame_index: usize,
    /// Blocks of an MCU across and down; 1 × 1 in a scan of one component (A.2.2).
    pub(crate) horizontal: usize,
    pub(crate) vertical: usize,
    /// Blocks in a row, those that only complete the last MCU included.
    pub(crate) blocks_per_row: usize,
    pub(crate) dc_table: Arc<HuffmanTable>,
    pub(crate) ac_table: Arc<HuffmanTable>,
    /// Quantiser steps in natural order (row frequency × 8 + column frequency); never zero.
    pub(crate) quantizers: [u16; 64],
}

impl ScanComponent {
    pub(crate) fn shape(&self) -> ComponentShape {
        ComponentShape {
            frame_index: self.frame_index,
            horizontal: self.horizontal,
            vertical: self.vertical,
            blocks_per_row: self.blocks_per_row,
        }
    }
}

/// A scan that can be coded.
#[derive(Clone, Debug)]
pub(crate) struct ScanLayout {
    pub(crate) components: Vec<ScanComponent>,
    pub(crate) mcus_per_row: u32,
    pub(crate) mcu_count: u32,
    /// MCUs between restart markers; 0 for none.
    pub(crate) restart_interval: u32,
}

impl ScanLayout {
    /// Blocks in one MCU.
    pub(crate) fn blocks_per_mcu(&self) -> usize {
        self.components
            .iter()
            .map(|c| c.horizontal * c.vertical)
            .sum()
    }
}

/// Tables in force when a scan begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) dc: [Option<Arc<HuffmanTable>>; 4],
    pub(crate) ac: [Option<Arc<HuffmanTable>>; 4],
    pub(crate) quantizers: [Option<[u16; 64]>; 4],
    pub(crate) restart_interval: u32,
}

/// Samples of a component along one axis (A.1.1).
fn samples(pixels: u32, factor: u8, largest_factor: u32) -> u32 {
    (pixels * u32::from(factor)).div_ceil(largest_factor)
}

/// Matches a SOS payload with its frame and tables; `None` if the scan cannot be coded.
pub(crate) fn scan_layout(frame: &Frame, tables: &Tables, payload: &[u8]) -> Option<ScanLayout> {
    let (&count, rest) = payload.split_first()?;
    let count = usize::from(count);
    if !(1..=frame.components.len()).contains(&count) || rest.len() != 2 * count + 3 {
        return None;
    }
    let (selectors, parameters) = rest.split_at(2 * count);
    if frame.progressive || parameters != [0, 63, 0] {
        return None;
    }
    let (largest_horizontal, largest_vertical) = frame.largest_sampling();
    let (width, height) = (u32::from(frame.width), u32::from(frame.most_lines()));
    let mut components = Vec::with_capacity(count);
    let mut mcus = (0, 0);
    for selector in selectors.chunks_exact(2) {
        let position = frame
            .components
            .iter()
            .position(|c| c.identifier == selector[0])?;
        let component = &frame.components[position];
        if components
            .iter()
            .any(|c: &ScanComponent| c.frame_index >= position)
        {
            return None;
        }
        mcus = if count > 1 {
            (
                width.div_ceil(8 * largest_horizontal),
                height.div_ceil(8 * largest_vertical),
            )
        } else {
            (
                samples(width, component.horizontal, largest_horizontal).div_ceil(8),
                samples(height, component.vertical, largest_vertical).div_ceil(8),
            )
        };
        let (horizontal, vertical) = match count {
            1 => (1, 1),
            _ => (
                usize::from(component.horizontal),
                usize::from(component.vertical),
            ),
        };
        let table = |tables: &[Option<Arc<HuffmanTable>>; 4], index: u8| {
            tables.get(usize::from(index)).and_then(Clone::clone)
        };
        components.push(ScanComponent {
            frame_index: position,
            horizontal,
            vertical,
            blocks_per_row: mcus.0 as usize * horizontal,
            dc_table: table(&tables.dc, selector[1] >> 4)?,
            ac_table: table(&tables.ac, selector[1] & 15)?,
            quantizers: tables.quantizers[usize::from(component.quantization_table)]?,
        });
    }
    let layout = ScanLayout {
        components,
        mcus_per_row: mcus.0,
        mcu_count: mcus.0 * mcus.1,
        restart_interval: tables.restart_interval,
    };
    (layout.blocks_per_mcu() <= MAX_BLOCKS_PER_MCU).then_some(layout)
}
