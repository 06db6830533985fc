//! What is remembered of coded blocks: as many block rows as contexts can reach.
//!
//! Invariant: a component of vertical sampling V keeps V + 1 rows in a ring, so memory depends on
//! the width of an image alone.

use super::block_coder::ComponentShape;
use super::model::Remembered;

/// Rows of one component.
#[derive(Debug)]
pub(crate) struct Rows {
    blocks: Vec<Remembered>,
    width: usize,
    rows: usize,
    /// Border sums of the last block coded in each row of the current MCU row, towards the right.
    pub(crate) right_borders: [[i16; 8]; 4],
}

impl Rows {
    pub(crate) fn new(component: &ComponentShape) -> Self {
        let rows = component.vertical + 1;
        Self {
            blocks: vec![Remembered::ABSENT; component.blocks_per_row * rows],
            width: component.blocks_per_row,
            rows,
            right_borders: [[0; 8]; 4],
        }
    }

    /// Where block row `row` begins in the ring.
    #[inline(always)]
    pub(crate) fn row_start(&self, row: usize) -> usize {
        row % self.rows * self.width
    }

    #[inline(always)]
    pub(crate) fn block(&self, index: usize) -> &Remembered {
        &self.blocks[index]
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, index: usize, block: &Remembered) {
        self.blocks[index] = *block;
    }
}

/// Bytes that the rows of these components take in one state.
pub(crate) fn bytes_needed(components: impl Iterator<Item = ComponentShape>) -> usize {
    let blocks = |component: ComponentShape| component.blocks_per_row * (component.vertical + 1);
    components.map(blocks).sum::<usize>() * size_of::<Remembered>()
}
