//! Codes the coefficients of one MCU row with the model.

use super::super::block_coder::{BlockCoder, Models, NearMcus, Place};
use super::super::model::{Decisions, Quantization};
use super::grid::{BlockRow, Grid};
use super::header::{Progression, ScanHeader};
use crate::entropy::Vectorizing;

/// What is needed beside the models to code the rows of an image.
#[derive(Debug)]
pub(crate) struct RowCoder {
    blocks: BlockCoder,
    /// By component of the grid: the low bits that no scan carries, by place; `None`: there are none.
    missing: Vec<Option<[u8; 64]>>,
}

impl RowCoder {
    /// In front of the first row. What no scan carries is left out, as if it had been quantised away.
    pub(crate) fn new(grid: &Grid, headers: &[ScanHeader]) -> Self {
        let mut progression = Progression::new();
        for header in headers {
            progression.take(header);
        }
        let missing: Vec<[u8; 64]> = grid
            .components
            .iter()
            .map(|component| progression.missing(component.shape.frame_index))
            .collect();
        let components = grid
            .components
            .iter()
            .zip(&missing)
            .map(|(component, missing)| {
                let frame_index = component.shape.frame_index;
                let quantizers = headers
                    .iter()
                    .flat_map(|header| &header.components)
                    .find(|component| component.frame_index == frame_index)
                    .map_or([1; 64], |component| component.quantizers);
                (
                    component.shape,
                    Quantization::without_low_bits(&quantizers, missing),
                )
            });
        Self {
            blocks: BlockCoder::new(components),
            missing: missing
                .iter()
                .map(|missing| missing.iter().any(|&bits| bits > 0).then_some(*missing))
                .collect(),
        }
    }

    /// Codes one MCU row. `damage` has a coefficient of its first block changed.
    #[inline(always)]
    pub(crate) fn code<C: Vectorizing, D: Decisions>(
        &mut self,
        (models, coder): (&mut Models<D>, &mut C),
        grid: &Grid,
        mcu_row: usize,
        row: &mut BlockRow,
        mut damage: Option<u64>,
    ) {
        for mcu_column in 0..grid.mcus_per_row {
            let near = NearMcus::of_whole_image(mcu_row, mcu_column);
            for (component, of_grid) in grid.components.iter().enumerate() {
                let shape = &of_grid.shape;
                let across = shape
                    .blocks_per_row
                    .saturating_sub(mcu_column * shape.horizontal)
                    .min(shape.horizontal);
                let down = of_grid
                    .rows
                    .saturating_sub(mcu_row * shape.vertical)
                    .min(shape.vertical);
                for y in 0..down {
                    for x in 0..across {
                        let place = Place {
                            component,
                            x,
                            y,
                            mcu_row,
                            mcu_column,
                            near,
                        };
                        let block =
                            row.block(grid, component, y, mcu_column * shape.horizontal + x);
                        if let Some(missing) = &self.missing[component]
                            && C::ENCODES
                        {
                            *block = block.lowered(missing);
                        }
                        if let Some(seed) = damage.take() {
                            block.change(1 + seed as usize % 63);
                        }
                        self.blocks.code(models, coder, &place, block);
                        if let Some(missing) = &self.missing[component]
                            && !C::ENCODES
                        {
                            *block = block.raised(missing);
                        }
                    }
                }
            }
        }
    }
}
