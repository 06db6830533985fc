//! Which filter each row has.
//!
//! Most encoders choose by the least sum of absolute differences, or use one type throughout. The
//! type is expected accordingly, and coded in the context of what it is expected by. Invariant: which
//! type has the least sum makes no difference to that, so whoever needs only the pixels does not have to
//! work it out.

use super::filter::{FilterType, TYPES, least_sum};
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

/// A row's filter type, known or to be worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowFilter {
    Known(FilterType),
    /// The first type with the least sum of absolute differences.
    LeastSum,
}

impl RowFilter {
    /// The type, for a row with these pixels below others; `distance` in bytes.
    pub(super) fn work_out(self, distance: usize, pixels: &[u8], above: &[u8]) -> FilterType {
        match self {
            Self::Known(filter) => filter,
            Self::LeastSum => least_sum(distance, pixels, above),
        }
    }
}

/// Why a type is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// The reference has the same row, below the same one.
    Reference,
    /// The least sum of absolute differences.
    LeastSum,
    /// The row before has this type.
    Last(FilterType),
}

const BASES: usize = 2 + TYPES;

impl Basis {
    fn context(self) -> usize {
        match self {
            Self::Reference => 0,
            Self::LeastSum => 1,
            Self::Last(filter) => 2 + filter as usize,
        }
    }
}

/// What is learned about filter types.
#[derive(Debug)]
pub(super) struct FilterModel {
    /// Whether another type than the expected one comes, by the basis and whether it did last.
    other: [[Slot; 2]; BASES],
    /// The nodes of a tree over the types, by the basis.
    types: [[Slot; 8]; BASES],
    last_other: bool,
}

impl FilterModel {
    pub(super) fn new() -> Self {
        Self {
            other: [[Slot::expecting(2000), Slot::EVEN]; BASES],
            types: [[Slot::EVEN; 8]; BASES],
            last_other: false,
        }
    }

    /// Codes the type of a row if it is another than expected; `other` is that type.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        basis: Basis,
        other: Option<FilterType>,
    ) -> Option<FilterType> {
        let context = basis.context();
        let slot = &mut self.other[context][usize::from(self.last_other)];
        self.last_other = slot.code(coder, other.is_some(), SLOWEST);
        if !self.last_other {
            return None;
        }
        let number = other.map_or(0, |other| other as usize);
        let mut path = 1;
        for shift in (0..3).rev() {
            let slot = &mut self.types[context][path];
            path = path << 1 | usize::from(slot.code(coder, number >> shift & 1 == 1, SLOWEST));
        }
        // Numbers above the last type, which no encoder writes, are the first.
        Some(FilterType::from_byte((path & 7) as u8).unwrap_or(FilterType::None))
    }
}
