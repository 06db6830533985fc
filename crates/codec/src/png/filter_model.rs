//! Which filter each row has.
//!
//! Most encoders choose by the least sum of absolute differences, or use one type throughout. The
//! type is predicted accordingly, and coded in the context of the prediction.

use super::filter::{FilterType, TYPES};
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// The slowest rate of all slots here.
const SLOWEST: u32 = 400;

/// What filter types are predicted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prediction {
    /// The type of the row before.
    Last,
    /// The first type with the least sum of absolute differences.
    LeastSum,
}

/// What is learned about filter types.
#[derive(Debug)]
pub(super) struct FilterModel {
    /// Whether the prediction is wrong, by the predicted type and whether the last one was wrong.
    wrong: [[Slot; 2]; TYPES],
    /// The nodes of a tree over the types, by the predicted type.
    others: [[Slot; 8]; TYPES],
    last_wrong: bool,
}

impl FilterModel {
    pub(super) fn new() -> Self {
        Self {
            wrong: [[Slot::expecting(2000), Slot::EVEN]; TYPES],
            others: [[Slot::EVEN; 8]; TYPES],
            last_wrong: false,
        }
    }

    /// Codes the type of a row for which `predicted` is expected.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        predicted: FilterType,
        actual: FilterType,
    ) -> FilterType {
        let context = predicted as usize;
        let slot = &mut self.wrong[context][usize::from(self.last_wrong)];
        self.last_wrong = slot.code(coder, actual != predicted, SLOWEST);
        if !self.last_wrong {
            return predicted;
        }
        let mut path = 1;
        for shift in (0..3).rev() {
            let bit = actual as usize >> shift & 1 == 1;
            let slot = &mut self.others[context][path];
            path = path << 1 | usize::from(slot.code(coder, bit, SLOWEST));
        }
        // Numbers above the last type, which no encoder writes, are the first.
        FilterType::from_byte((path & 7) as u8).unwrap_or(FilterType::None)
    }
}
