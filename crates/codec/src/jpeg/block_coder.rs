//! Codes blocks with the model, in whatever order their scans come, and keeps what later blocks
//! need of them.
//!
//! Invariant: blocks are coded MCU by MCU, component by component, row by row, in both directions.

use super::model::{Block, CoefficientModel, Decisions, Neighbours, Quantization, Remembered};
use super::multi_scan::RunModel;
use super::rows::Rows;
use crate::entropy::adaptive::Slot;
use crate::entropy::learned::LearnedStates;
use crate::entropy::{Coder, Vectorizing};

/// The adaptive models, which outlive a scan.
pub(crate) struct Models<D: Decisions> {
    /// For the first component of a frame, and for all others.
    classes: [CoefficientModel<D>; 2],
    /// Padding bits, by the one before.
    padding: [Slot; 2],
    last_padding: usize,
    /// How runs of blocks end in progressive scans.
    pub(crate) runs: RunModel,
}

impl<D: Decisions> Models<D> {
    pub(crate) fn new() -> Self {
        Self {
            classes: [0, 6].map(CoefficientModel::new),
            padding: [Slot::EVEN; 2],
            last_padding: 1,
            runs: RunModel::new(),
        }
    }

    /// Shows everything that the models of coefficients learn.
    pub(crate) fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        for class in &mut self.classes {
            class.visit(visitor);
        }
    }

    /// Codes the bits that fill up a byte before a marker.
    #[inline(always)]
    pub(crate) fn code_padding<C: Coder>(&mut self, coder: &mut C, length: u32, value: u32) -> u32 {
        let mut found = 0;
        for shift in (0..length).rev() {
            let bit = self.padding[self.last_padding].code(coder, value >> shift & 1 != 0, 1000);
            self.last_padding = usize::from(bit);
            found = found << 1 | u32::from(bit);
        }
        found
    }
}

/// A component as far as the order and the neighbours of its blocks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ComponentShape {
    /// Position of the component in the frame.
    pub(crate) frame_index: usize,
    /// Blocks of an MCU across and down.
    pub(crate) horizontal: usize,
    pub(crate) vertical: usize,
    /// Blocks in a row.
    pub(crate) blocks_per_row: usize,
}

/// The components whose blocks are coded together, with what is remembered of the last rows.
#[derive(Debug)]
pub(crate) struct BlockCoder {
    components: Vec<ComponentShape>,
    quantizations: Vec<Quantization>,
    rows: Vec<Rows>,
}

impl BlockCoder {
    /// Nothing has been coded yet.
    pub(crate) fn new(components: impl Iterator<Item = (ComponentShape, Quantization)>) -> Self {
        let (components, quantizations): (Vec<_>, Vec<_>) = components.unzip();
        Self {
            rows: components.iter().map(Rows::new).collect(),
            components,
            quantizations,
        }
    }

    /// From here on the coefficients of a component are quantised in another way.
    pub(crate) fn set_quantization(&mut self, component: usize, quantization: Quantization) {
        self.quantizations[component] = quantization;
    }

    /// Codes one block.
    #[inline(always)]
    pub(crate) fn code<C: Vectorizing, D: Decisions>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        place: &Place,
        block: &mut Block,
    ) {
        let component = &self.components[place.component];
        let rows = &self.rows[place.component];
        let column = place.mcu_column * component.horizontal + place.x;
        let has_above = place.y > 0 || place.near.above;
        let has_left = place.x > 0 || place.near.left;
        let has_above_left = match (place.y > 0, place.x > 0) {
            (true, true) => true,
            (true, false) => place.near.left,
            (false, true) => place.near.above,
            (false, false) => place.near.above_left,
        };
        let has_above_right = has_above
            && column + 1 < component.blocks_per_row
            && (place.y == 0 || place.x + 1 < component.horizontal);
        let around = rows.around(place.x, place.y, column);
        let present = |present: bool, block| if present { block } else { &Remembered::ABSENT };
        let left = present(has_left, around.left);
        let above = present(has_above, around.above);
        let near = Neighbours {
            above: if has_above { above } else { left },
            left: if has_left { left } else { above },
            above_left: present(has_above_left, around.above_left),
            above_right: present(has_above_right, around.above_right),
            other: self.other_block(place),
            left_border: &rows.right_borders[place.y],
            has_above,
            has_left,
        };
        let class = usize::from(component.frame_index > 0);
        let quantization = &self.quantizations[place.component];
        let (remembered, right) =
            models.classes[class].code_block(coder, quantization, &near, block);
        let rows = &mut self.rows[place.component];
        rows.set(place.x, place.y, column, &remembered);
        rows.right_borders[place.y] = right;
    }

    /// The block of an earlier component at the same place.
    #[inline(always)]
    fn other_block(&self, place: &Place) -> &Remembered {
        if place.component == 0 {
            return &Remembered::ABSENT;
        }
        let component = &self.components[place.component];
        let previous = &self.components[place.component - 1];
        let alike =
            previous.horizontal == component.horizontal && previous.vertical == component.vertical;
        let index = if alike { place.component - 1 } else { 0 };
        let other = &self.components[index];
        let x = place.x * other.horizontal / component.horizontal;
        let y = place.y * other.vertical / component.vertical;
        self.rows[index].of_mcu(x, y)
    }
}

/// Where a block stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) component: usize,
    /// Within the MCU, in blocks.
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) mcu_column: usize,
    pub(crate) near: NearMcus,
}

/// Which MCUs around one have been coded, in the same run through the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NearMcus {
    pub(crate) above: bool,
    pub(crate) left: bool,
    /// Not without the two others.
    pub(crate) above_left: bool,
}

impl NearMcus {
    /// Of a run that began with the image's first MCU.
    #[inline(always)]
    pub(crate) fn of_whole_image(mcu_row: usize, mcu_column: usize) -> Self {
        let (above, left) = (mcu_row > 0, mcu_column > 0);
        Self {
            above,
            left,
            above_left: above && left,
        }
    }
}
