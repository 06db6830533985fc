//! What is remembered of coded blocks: one block row, and the MCU that is being coded.
//!
//! Invariant: a component keeps one block for each of its columns, so memory depends on the width of
//! an image alone, whatever the sampling.

use super::block_coder::ComponentShape;
use super::model::Remembered;

/// Most blocks of an MCU across and down.
const SIDE: usize = 4;

/// The blocks of one component that contexts can reach.
#[derive(Debug)]
pub(crate) struct Rows {
    /// By column: the last block coded there.
    lowest: Vec<Remembered>,
    /// By place in the MCU: the last block coded there. Where this MCU's has not been, it is that of the
    /// MCU before.
    mcu: [[Remembered; SIDE]; SIDE],
    /// What stood in `lowest` where the last block of an MCU's first row was put.
    passed_above: Remembered,
    /// What stood in `mcu` where the last block in the last column was put.
    passed_left: Remembered,
    /// Blocks of the MCU so far, across and down.
    columns: usize,
    rows: usize,
    horizontal: usize,
    /// Border sums of the last block coded in each row of the MCU, towards the right.
    pub(crate) right_borders: [[i16; 8]; SIDE],
}

/// The blocks around one, whether they are in its image or not.
pub(crate) struct Around<'a> {
    pub(crate) above: &'a Remembered,
    pub(crate) left: &'a Remembered,
    pub(crate) above_left: &'a Remembered,
    pub(crate) above_right: &'a Remembered,
}

impl Rows {
    pub(crate) fn new(component: &ComponentShape) -> Self {
        Self {
            lowest: vec![Remembered::ABSENT; component.blocks_per_row],
            mcu: [[Remembered::ABSENT; SIDE]; SIDE],
            passed_above: Remembered::ABSENT,
            passed_left: Remembered::ABSENT,
            columns: 0,
            rows: 0,
            horizontal: component.horizontal,
            right_borders: [[0; 8]; SIDE],
        }
    }

    /// What is around the block that comes next: the one at (`x`, `y`) of the MCU, in this column of
    /// the component.
    #[inline(always)]
    pub(crate) fn around(&self, x: usize, y: usize, column: usize) -> Around<'_> {
        let in_mcu = |x: usize, y: usize| &self.mcu[y % SIDE][x % SIDE];
        let left = match x {
            0 => in_mcu(self.horizontal.wrapping_sub(1), y),
            _ => in_mcu(x.wrapping_sub(1), y),
        };
        if y == 0 {
            let next = self.lowest.get(column.wrapping_add(1));
            return Around {
                above: &self.lowest[column],
                left,
                above_left: &self.passed_above,
                above_right: next.unwrap_or(&Remembered::ABSENT),
            };
        }
        let row_above = y.wrapping_sub(1);
        Around {
            above: in_mcu(x, row_above),
            left,
            above_left: match x {
                0 => &self.passed_left,
                _ => in_mcu(x.wrapping_sub(1), row_above),
            },
            above_right: in_mcu(x.wrapping_add(1), row_above),
        }
    }

    /// The block at (`x`, `y`) of the MCU, or the nearest one that it has.
    #[inline(always)]
    pub(crate) fn of_mcu(&self, x: usize, y: usize) -> &Remembered {
        let x = x.min(self.columns.wrapping_sub(1));
        let y = y.min(self.rows.wrapping_sub(1));
        &self.mcu[y % SIDE][x % SIDE]
    }

    /// The block that came next has been coded.
    #[inline(always)]
    pub(crate) fn set(&mut self, x: usize, y: usize, column: usize, block: &Remembered) {
        let lowest = &mut self.lowest[column];
        let place = &mut self.mcu[y % SIDE][x % SIDE];
        if y == 0 {
            self.passed_above = *lowest;
        }
        if x.wrapping_add(1) == self.horizontal {
            self.passed_left = *place;
        }
        *lowest = *block;
        *place = *block;
        self.columns = x.wrapping_add(1);
        self.rows = y.wrapping_add(1);
    }
}

/// Bytes that the rows of these components take in one state.
pub(crate) fn bytes_needed(components: impl Iterator<Item = ComponentShape>) -> usize {
    let of_component = |component: ComponentShape| {
        component.blocks_per_row * size_of::<Remembered>() + size_of::<Rows>()
    };
    components.map(of_component).sum()
}
