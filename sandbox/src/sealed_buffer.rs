//! Buffers that the kernel keeps from being written.
//!
//! Invariant: while a buffer is sealed, its pages are read-only for the whole process, and its
//! bytes are those that were there when it was sealed. The state that the type keeps and the
//! protection that the kernel enforces never differ.

use std::ffi::c_void;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;

use memmap2::{MmapMut, MmapRaw};
use nix::sys::mman::{ProtFlags, mprotect};

use crate::last_words::leave_with_words;
use crate::status;

/// A page-aligned buffer of its own pages, either writable or sealed. It is handed to another
/// thread by moving it; the memory is never given back, since that would be a forbidden call.
#[derive(Debug)]
pub struct SealedBuffer {
    mapping: ManuallyDrop<MmapRaw>,
    sealed: bool,
}

impl SealedBuffer {
    /// Maps `length` bytes, writable and zero.
    ///
    /// # Errors
    ///
    /// What `mmap` says; `length` 0 is an error too.
    pub(crate) fn new(length: usize) -> io::Result<Self> {
        if length == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mapping = MmapMut::map_anon(length)?;
        Ok(Self {
            mapping: ManuallyDrop::new(MmapRaw::from(mapping)),
            sealed: false,
        })
    }

    /// The whole buffer, to be filled.
    ///
    /// # Panics
    ///
    /// If it is sealed.
    pub fn writable(&mut self) -> &mut [u8] {
        assert!(!self.sealed, "the buffer is sealed");
        // SAFETY: the mapping is private, anonymous, initialised, as long as `len` says and lasts
        // for ever; it is writable, as it is not sealed; `&mut self` makes the borrow unique.
        unsafe { slice::from_raw_parts_mut(self.mapping.as_mut_ptr(), self.mapping.len()) }
    }

    /// Makes the buffer read-only for the whole process. Does nothing if it is.
    pub fn seal(&mut self) {
        self.protect(ProtFlags::PROT_READ);
        self.sealed = true;
    }

    /// Makes the buffer writable again. Does nothing if it is.
    pub fn unseal(&mut self) {
        self.protect(ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
        self.sealed = false;
    }

    /// Whether the kernel keeps the buffer from being written.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Leaves the process if the kernel refuses, as it may when it is out of memory for its own
    /// records: there is no result without a seal.
    fn protect(&mut self, protection: ProtFlags) {
        let start = NonNull::new(self.mapping.as_mut_ptr().cast::<c_void>());
        let result = match start {
            // SAFETY: exactly the pages of this mapping change, nobody borrows them (`&mut self`),
            // and `sealed` follows the protection, so that `writable` hands out only writable pages.
            Some(start) => unsafe { mprotect(start, self.mapping.len(), protection) },
            None => Err(nix::errno::Errno::EFAULT),
        };
        if let Err(error) = result {
            leave_with_words(
                status::MEMORY,
                format_args!(
                    "the protection of a result buffer cannot be changed (errno {})",
                    error as i32
                ),
            );
        }
    }

    /// The address and the length as the system call filter sees them.
    pub(crate) fn range(&self) -> (u64, u64) {
        (
            self.mapping.as_ptr().addr() as u64,
            self.mapping.len() as u64,
        )
    }
}

impl Deref for SealedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is private, anonymous, initialised, as long as `len` says, readable in
        // both states and lasts for ever; `&self` keeps writers away.
        unsafe { slice::from_raw_parts(self.mapping.as_ptr(), self.mapping.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_sealing_and_unsealing() {
        let mut buffer = SealedBuffer::new(5000).expect("memory");
        buffer.writable()[4999] = 7;
        buffer.seal();
        assert!(buffer.is_sealed());
        assert_eq!((buffer.len(), buffer[4999]), (5000, 7));
        buffer.unseal();
        buffer.writable()[4999] += 1;
        assert_eq!(buffer[4999], 8);
    }

    #[test]
    #[should_panic(expected = "the buffer is sealed")]
    fn a_sealed_buffer_is_not_handed_out_for_writing() {
        let mut buffer = SealedBuffer::new(1).expect("memory");
        buffer.seal();
        buffer.writable();
    }

    #[test]
    fn an_empty_buffer_is_refused() {
        assert!(SealedBuffer::new(0).is_err());
    }
}
