//! Distributions of half bytes by hashed context.
//!
//! Invariant: a distribution belongs to the last context that its place was looked up for; other
//! contexts are told apart by their checks, nearly always.

use crate::entropy::symbols::Distribution;

/// Distributions in a table.
const PLACES: usize = 1 << 11;

/// The distributions of one kind of context; 66 KiB.
#[derive(Debug)]
pub(super) struct NibbleTable {
    distributions: Box<[Distribution]>,
    checks: Box<[u8]>,
}

impl NibbleTable {
    pub(super) fn new() -> Self {
        Self {
            distributions: vec![Distribution::EVEN; PLACES].into_boxed_slice(),
            checks: vec![0; PLACES].into_boxed_slice(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.distributions.fill(Distribution::EVEN);
        self.checks.fill(0);
    }

    /// Finds or makes the distribution of a context and, in the second half of a byte, the first half
    /// behind a leading one (0 in the first half).
    #[inline(always)]
    pub(super) fn find(&mut self, context: u32, first_half: u32) -> &mut Distribution {
        let place = self.place(context, first_half);
        &mut self.distributions[place]
    }

    #[inline(always)]
    fn place(&mut self, context: u32, first_half: u32) -> usize {
        let key = context
            .wrapping_mul(0x9E37_79B1)
            .wrapping_add(first_half.wrapping_mul(0x85EB_CA6B));
        let hash = (key ^ key >> 15).wrapping_mul(0x2C1B_3C6D);
        let hash = hash ^ hash >> 13;
        let check = (hash >> 24) as u8;
        let home = hash as usize % PLACES;
        if self.checks[home] != check {
            self.checks[home] = check;
            self.distributions[home] = Distribution::EVEN;
        }
        home
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_keep_their_places_while_there_is_room() {
        let mut table = NibbleTable::new();
        let places: Vec<_> = (0..60).map(|context| table.place(context, 17)).collect();
        for (context, &place) in (0..60).zip(&places) {
            assert_eq!(table.place(context, 17), place);
        }
        assert_ne!(table.place(3, 17), table.place(3, 18));
        table.reset();
        assert!(table.checks.iter().all(|&check| check == 0));
    }
}
