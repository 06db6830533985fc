//! Which blocks an image has, and in which order each scan goes through them (T.81, A.2).
//!
//! Invariant: the blocks of one MCU row of the frame are consecutive in every scan, so that all
//! scans can advance together, MCU row by MCU row.

use super::super::block_coder::ComponentShape;
use super::super::frame::Frame;
use super::super::model::Block;
use super::header::ScanHeader;
use std::ops::Range;

/// The blocks of one component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridComponent {
    pub(crate) shape: ComponentShape,
    /// Block rows, those that only complete the last MCU included.
    pub(crate) rows: usize,
    /// Blocks across and down in a scan of this component alone.
    pub(crate) own_columns: usize,
    pub(crate) own_rows: usize,
}

/// The blocks of the components that a number of scans carry.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    pub(crate) components: Vec<GridComponent>,
    pub(crate) mcus_per_row: usize,
    pub(crate) mcu_rows: usize,
}

impl Grid {
    /// The blocks that `scans` go through. A component that is never interleaved has no blocks that
    /// only complete MCUs.
    pub(crate) fn new(frame: &Frame, scans: &[ScanHeader]) -> Self {
        Self::of(frame, |frame_index| {
            let mut own_scans = scans
                .iter()
                .filter(|scan| scan.has_component(frame_index))
                .peekable();
            own_scans.peek()?;
            Some(own_scans.any(ScanHeader::is_interleaved))
        })
    }

    /// The blocks of all components, none fewer than any scans go through.
    pub(crate) fn largest(frame: &Frame) -> Self {
        Self::of(frame, |_| Some(true))
    }

    /// `interleaved` tells for each component of the frame whether it ever is; `None`: there is no
    /// scan of it.
    fn of(frame: &Frame, interleaved: impl Fn(usize) -> Option<bool>) -> Self {
        let alone = frame.components.len() == 1;
        let (across, down) = if alone {
            (1, 1)
        } else {
            frame.largest_sampling()
        };
        let (width, height) = (u32::from(frame.width), u32::from(frame.height));
        let mcus_per_row = width.div_ceil(8 * across) as usize;
        let mcu_rows = height.div_ceil(8 * down) as usize;
        let blocks = |pixels: u32, factor: u8, largest: u32| {
            (pixels * u32::from(factor)).div_ceil(largest).div_ceil(8) as usize
        };
        let mut components = Vec::with_capacity(frame.components.len());
        for (frame_index, component) in frame.components.iter().enumerate() {
            let Some(is_padded) = interleaved(frame_index) else {
                continue;
            };
            let (horizontal, vertical) = match alone {
                true => (1, 1),
                false => (component.horizontal, component.vertical),
            };
            let own_columns = blocks(width, horizontal, across);
            let own_rows = blocks(height, vertical, down);
            let (horizontal, vertical) = (usize::from(horizontal), usize::from(vertical));
            let (columns, rows) = match is_padded && !alone {
                true => (mcus_per_row * horizontal, mcu_rows * vertical),
                false => (own_columns, own_rows),
            };
            components.push(GridComponent {
                shape: ComponentShape {
                    frame_index,
                    horizontal,
                    vertical,
                    blocks_per_row: columns,
                },
                rows,
                own_columns,
                own_rows,
            });
        }
        Self {
            components,
            mcus_per_row,
            mcu_rows,
        }
    }

    /// Where a component of the frame stands among those here.
    fn index_of(&self, frame_index: usize) -> usize {
        self.components
            .iter()
            .position(|component| component.shape.frame_index == frame_index)
            .unwrap_or(0)
    }

    /// MCUs of a scan.
    pub(crate) fn units(&self, scan: &ScanHeader) -> u64 {
        if scan.is_interleaved() {
            return self.mcus_per_row as u64 * self.mcu_rows as u64;
        }
        let component = &self.components[self.index_of(scan.components[0].frame_index)];
        component.own_columns as u64 * component.own_rows as u64
    }

    /// Most MCUs of a scan in one MCU row of the frame.
    pub(crate) fn units_in_row(&self, scan: &ScanHeader) -> usize {
        if scan.is_interleaved() {
            return self.mcus_per_row;
        }
        let component = &self.components[self.index_of(scan.components[0].frame_index)];
        component.own_columns * component.shape.vertical
    }

    /// Blocks in one MCU row of the frame.
    pub(crate) fn blocks_in_row(&self) -> usize {
        let blocks =
            |component: &GridComponent| component.shape.blocks_per_row * component.shape.vertical;
        self.components.iter().map(blocks).sum()
    }

    /// Blocks that each component of a scan has in an MCU of the scan.
    pub(crate) fn blocks_in_unit(&self, scan: &ScanHeader) -> impl Iterator<Item = usize> {
        let is_interleaved = scan.is_interleaved();
        scan.components.iter().map(move |component| {
            let shape = &self.components[self.index_of(component.frame_index)].shape;
            match is_interleaved {
                true => shape.horizontal * shape.vertical,
                false => 1,
            }
        })
    }

    /// How many MCUs of a scan lie before an MCU row of the frame.
    pub(crate) fn units_before(&self, scan: &ScanHeader, mcu_row: usize) -> u64 {
        if scan.is_interleaved() {
            return self.mcus_per_row as u64 * mcu_row as u64;
        }
        let component = &self.components[self.index_of(scan.components[0].frame_index)];
        let rows = component.own_rows.min(mcu_row * component.shape.vertical);
        component.own_columns as u64 * rows as u64
    }

    /// Takes `pass` through those of the `units` (MCUs of the scan, from the row's first) that one MCU row has,
    /// in the order of `scan`.
    ///
    /// # Errors
    /// The first of the pass.
    #[inline(always)]
    pub(crate) fn walk<P: BlockPass>(
        &self,
        scan: &ScanHeader,
        mcu_row: usize,
        units: Range<u32>,
        blocks: &mut BlockRow,
        pass: &mut P,
    ) -> Result<(), P::Error> {
        let units = units.start as usize..units.end as usize;
        if !scan.is_interleaved() {
            let index = self.index_of(scan.components[0].frame_index);
            let component = &self.components[index];
            let columns = component.own_columns;
            let first = mcu_row * component.shape.vertical;
            let rows = component
                .own_rows
                .saturating_sub(first)
                .min(component.shape.vertical);
            for y in 0..rows {
                let in_row = |unit: usize| unit.saturating_sub(y * columns).min(columns);
                let (start, end) = (in_row(units.start), in_row(units.end));
                for block in &mut blocks.row(self, index, y)[start..end.max(start)] {
                    pass.begin_unit()?;
                    pass.block(0, block)?;
                }
            }
            return Ok(());
        }
        let mut indices = [0; 4];
        for (index, component) in indices.iter_mut().zip(&scan.components) {
            *index = self.index_of(component.frame_index);
        }
        for mcu in units.start..self.mcus_per_row.min(units.end) {
            pass.begin_unit()?;
            for (in_scan, &index) in indices[..scan.components.len()].iter().enumerate() {
                let shape = &self.components[index].shape;
                for y in 0..shape.vertical {
                    let row = blocks.row(self, index, y);
                    for block in &mut row[mcu * shape.horizontal..][..shape.horizontal] {
                        pass.block(in_scan, block)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is done with each block of a scan.
pub(crate) trait BlockPass {
    type Error;
    /// Comes before the first block of every MCU of the scan.
    fn begin_unit(&mut self) -> Result<(), Self::Error>;
    /// `component` counts the scan's components.
    fn block(&mut self, component: usize, block: &mut Block) -> Result<(), Self::Error>;
}

/// The coefficients of one MCU row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockRow {
    /// By component of the grid, row by row.
    components: Vec<Vec<Block>>,
}

impl BlockRow {
    pub(crate) fn new(grid: &Grid) -> Self {
        let blocks = |component: &GridComponent| {
            vec![Block::ZERO; component.shape.blocks_per_row * component.shape.vertical]
        };
        Self {
            components: grid.components.iter().map(blocks).collect(),
        }
    }

    /// Makes all coefficients zero.
    pub(crate) fn clear(&mut self) {
        for blocks in &mut self.components {
            blocks.fill(Block::ZERO);
        }
    }

    #[inline(always)]
    fn row(&mut self, grid: &Grid, component: usize, y: usize) -> &mut [Block] {
        let width = grid.components[component].shape.blocks_per_row;
        &mut self.components[component][y * width..][..width]
    }

    #[inline(always)]
    pub(crate) fn block(
        &mut self,
        grid: &Grid,
        component: usize,
        y: usize,
        column: usize,
    ) -> &mut Block {
        let width = grid.components[component].shape.blocks_per_row;
        &mut self.components[component][y * width + column]
    }
}
