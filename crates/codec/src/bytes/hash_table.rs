//! Nodes by hashed context, a group of 15 at a time: all that four bits can lead to.
//!
//! Invariant: a group belongs to the context whose check it bears; a context that is not found
//! takes the place of the less used of two.

use super::node::Node;

/// The nodes of half a byte in one context: element `n` is reached by the bits of `n` behind its
/// leading one.
#[derive(Clone, Copy, Debug)]
struct Group {
    check: u16,
    nodes: [Node; 15],
}

const NEW: Group = Group {
    check: 0,
    nodes: [Node::NEW; 15],
};

/// A table of groups; the number is a power of two.
#[derive(Debug)]
pub(super) struct HashTable {
    groups: Box<[Group]>,
}

impl HashTable {
    pub(super) fn new(groups: usize) -> Self {
        debug_assert!(groups.is_power_of_two());
        Self {
            groups: vec![NEW; groups].into_boxed_slice(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.groups.fill(NEW);
    }

    /// Finds or makes the group of a context; returns its place.
    #[inline(always)]
    pub(super) fn find(&mut self, hash: u32) -> usize {
        let mask = self.groups.len().wrapping_sub(1);
        let check = (hash as u16) | 1;
        let first = (hash >> 16) as usize & mask;
        let second = first ^ 1;
        if self.groups[first].check == check {
            return first;
        }
        if self.groups[second].check == check {
            return second;
        }
        let use_of = |place: usize| self.groups[place].nodes[0].count();
        let place = if use_of(first) <= use_of(second) {
            first
        } else {
            second
        };
        self.groups[place] = Group { check, ..NEW };
        place
    }

    /// The node of a group that `path` (1..=15, the bits so far behind a leading one) leads to.
    #[inline(always)]
    pub(super) fn node(&mut self, place: usize, path: usize) -> &mut Node {
        &mut self.groups[place].nodes[path.wrapping_sub(1)]
    }
}
