//! The pages of the program's own file: its code and its constants.
//!
//! Invariant: only pages that nothing has written to are given back, so that what comes back is the
//! same.

use std::ptr::addr_of;

// Where the linker has put the first byte of the program, and the end of its code. Between them lie
// headers, constants and code; what is relocated when the program is loaded, or written later, lies
// behind.
unsafe extern "C" {
    static __executable_start: u8;
    static etext: u8;
}

/// Pages are no larger on any machine: what is given back ends before the end of the code.
const LARGEST_PAGE: usize = 64 << 10;

/// Sizes of the mappings that code and constants are divided into.
const PIECE: usize = 32 << 10;

/// Has code and constants take little memory from here on.
///
/// What is resident of them is given back, and comes back from the file where it is used again: starting
/// up touches much that the work afterwards does not, and which would count as its memory to the end.
///
/// Then every second piece becomes a mapping of its own. With a page that is used a kernel maps those
/// around it that it has at hand (on Linux 64 KB), which is nearly the whole program where its file has
/// just been written, but not beyond a mapping's ends.
///
/// No more than hints: a kernel that does not take them costs memory alone.
pub(crate) fn keep_little_resident() {
    let start = addr_of!(__executable_start).cast_mut();
    let length = addr_of!(etext).addr().saturating_sub(start.addr());
    let length = length / LARGEST_PAGE * LARGEST_PAGE;
    // SAFETY: the range is of the program's file, mapped privately without a right to write, and none
    // of it was ever written to: its pages come back from the file as they were.
    unsafe { libc::madvise(start.cast(), length, libc::MADV_DONTNEED) };
    for offset in (0..length).step_by(2 * PIECE) {
        let piece = start.wrapping_add(offset).cast();
        // SAFETY: the piece lies within the range above, whose length is a multiple of two pieces. Whether a
        // core dump would have it is all that this changes, and what keeps it apart from its neighbours.
        unsafe { libc::madvise(piece, PIECE, libc::MADV_DONTDUMP) };
    }
}

const _: () = assert!(LARGEST_PAGE.is_multiple_of(2 * PIECE));

#[cfg(test)]
mod tests {
    use super::*;

    static CONSTANTS: [u32; 100_000] = {
        let mut constants = [0; 100_000];
        let mut index = 0;
        while index < constants.len() {
            constants[index] = (index as u32).wrapping_mul(2_654_435_761);
            index += 1;
        }
        constants
    };

    #[test]
    fn what_is_given_back_comes_back_as_it_was() {
        let right = |(index, &constant): (usize, &u32)| {
            constant == (index as u32).wrapping_mul(2_654_435_761)
        };
        assert!(CONSTANTS.iter().enumerate().all(right));
        keep_little_resident();
        assert!(CONSTANTS.iter().enumerate().all(right));
    }
}
