//! Bit histories by hashed context, a group of 15 at a time: all that four bits can lead to.
//!
//! Invariant: a group belongs to the context whose check it bears; a context that is not found
//! takes the place of the neighbour that has seen least.

use super::history::{self, History};

/// The histories of half a byte in one context: the bits so far, behind a leading one, lead to an
/// element; element 0 is the check.
type Group = [History; 16];

/// Places that a context may take: its own and its neighbours by exclusive or.
const WAYS: usize = 4;

/// A table of groups; the number is a power of two.
#[derive(Debug)]
pub(super) struct HashTable {
    groups: Box<[Group]>,
}

impl HashTable {
    pub(super) fn new(groups: usize) -> Self {
        debug_assert!(groups.is_power_of_two());
        Self {
            groups: vec![[0; 16]; groups].into_boxed_slice(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.groups.fill([0; 16]);
    }

    /// Finds or makes the group of a context and, in the second half of a byte, the bits of the
    /// first half behind a leading one (0 in the first half); returns its place.
    #[inline(always)]
    pub(super) fn find(&mut self, context: u32, first_half: u32) -> usize {
        let hash = scatter(context.wrapping_add(first_half.wrapping_mul(0x9E37_79B1)));
        let check = hash as u8;
        let mask = self.groups.len().wrapping_sub(1);
        let home = (hash >> 8) as usize & mask;
        let mut place = home;
        let mut least = u8::MAX;
        for way in 0..WAYS {
            let here = home ^ way;
            let group = &self.groups[here];
            if group[0] == check {
                return here;
            }
            let seen = history::weight(group[1]);
            if seen < least {
                (place, least) = (here, seen);
            }
        }
        let group = &mut self.groups[place];
        *group = [history::EMPTY; 16];
        group[0] = check;
        place
    }

    /// The history in a group that `path` (1..=15, the bits so far behind a leading one) leads to.
    #[inline(always)]
    pub(super) fn history(&self, place: usize, path: usize) -> History {
        self.groups[place][path & 15]
    }

    /// Replaces that history.
    #[inline(always)]
    pub(super) fn set_history(&mut self, place: usize, path: usize, history: History) {
        self.groups[place][path & 15] = history;
    }
}

/// Spreads a hash: every bit depends on all lower ones, and in the end on all.
#[inline(always)]
fn scatter(hash: u32) -> u32 {
    let mixed = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
    (mixed ^ mixed >> 12).wrapping_mul(0x297A_2D39)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_keep_their_groups_while_there_is_room() {
        let mut table = HashTable::new(1 << 12);
        for context in 0..200 {
            let place = table.find(context, 0);
            let seen = (0..=context).fold(history::EMPTY, |seen, _| history::next(seen, true));
            table.set_history(place, 1, seen);
        }
        let kept = |context: &u32| {
            let place = table.find(*context, 0);
            history::weight(table.history(place, 1)) > 0
        };
        assert!((0..200).filter(kept).count() > 195);
        table.reset();
        let place = table.find(7, 0);
        assert_eq!(table.history(place, 1), history::EMPTY);
    }
}
