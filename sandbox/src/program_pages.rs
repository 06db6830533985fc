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

/// Gives back what is resident of code and constants. What is used again comes back from the file.
///
/// Starting up touches much that the work afterwards does not, and which would count as its memory to
/// the end. No more than a hint: a kernel that does not take it costs memory alone.
pub(crate) fn give_back() {
    let start = addr_of!(__executable_start).cast_mut();
    let length = addr_of!(etext).addr().saturating_sub(start.addr());
    let length = length / LARGEST_PAGE * LARGEST_PAGE;
    // SAFETY: the range is of the program's file, mapped privately without a right to write, and none
    // of it was ever written to: its pages come back from the file as they were.
    unsafe { libc::madvise(start.cast(), length, libc::MADV_DONTNEED) };
}

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
        give_back();
        assert!(CONSTANTS.iter().enumerate().all(right));
    }
}
