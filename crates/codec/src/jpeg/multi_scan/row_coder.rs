//! Codes the coefficients of one MCU row with the model.

use super::super::block_coder::{BlockCoder, Models, NearMcus, Place};
use super::super::model::{Decisions, Quantization};
use super::grid::{BlockRow, Grid};
use super::header::{Progression, ScanHeader};
use super::losses::Losses;
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
        let (quantizations, missing): (Vec<_>, Vec<_>) =
            precisions(grid, headers, |_| true).unzip();
        let shapes = grid.components.iter().map(|component| component.shape);
        Self {
            blocks: BlockCoder::new(shapes.zip(quantizations)),
            missing,
        }
    }

    /// Goes on without the scans of which the next row has nothing: what none of the others carries is left
    /// out.
    pub(crate) fn go_on_without(&mut self, losses: &Losses, grid: &Grid, headers: &[ScanHeader]) {
        let is_left = |scan: usize| losses.has_part(scan);
        for (component, precision) in precisions(grid, headers, is_left).enumerate() {
            let (quantization, missing) = precision;
            self.blocks.set_quantization(component, quantization);
            self.missing[component] = missing;
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

/// By component of the grid: how its coefficients are quantised as far as the scans carry them for which
/// `is_left` holds, and the low bits that none of these carries, if there are any.
fn precisions(
    grid: &Grid,
    headers: &[ScanHeader],
    is_left: impl Fn(usize) -> bool,
) -> impl Iterator<Item = (Quantization, Option<[u8; 64]>)> {
    let mut progression = Progression::new();
    for (scan, header) in headers.iter().enumerate() {
        if is_left(scan) {
            progression.take(header);
        }
    }
    grid.components.iter().map(move |component| {
        let frame_index = component.shape.frame_index;
        let missing = progression.missing(frame_index);
        let quantizers = headers
            .iter()
            .flat_map(|header| &header.components)
            .find(|component| component.frame_index == frame_index)
            .map_or([1; 64], |component| component.quantizers);
        let quantization = Quantization::without_low_bits(&quantizers, &missing);
        let some_are_missing = missing.iter().any(|&bits| bits > 0);
        (quantization, some_are_missing.then_some(missing))
    })
}
