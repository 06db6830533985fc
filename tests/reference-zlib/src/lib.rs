//! The real zlib's `deflate` with all its parameters and its `inflate`, for tests to compare with, and
//! streams of every legal kind.
//!
//! No part of the product. Invariant: a stream stays in one place from its beginning to its end,
//! because zlib keeps its address.

mod any_deflate;

pub use any_deflate::AnyDeflate;

use std::ffi::{c_int, c_uint, c_void};
use std::mem::size_of;
use std::ptr::null_mut;

pub use libz_sys::{
    Z_BLOCK, Z_FINISH, Z_FIXED, Z_FULL_FLUSH, Z_NO_FLUSH, Z_PARTIAL_FLUSH, Z_STREAM_END,
    Z_SYNC_FLUSH,
};

/// A stream of zlib's `deflate`, with its header and checksum.
pub struct Deflate {
    stream: Box<libz_sys::z_stream>,
    /// What zlib writes into, and how much of it is written.
    buffer: Vec<u8>,
    filled: usize,
}

extern "C" fn allocate(_: *mut c_void, items: c_uint, size: c_uint) -> *mut c_void {
    // SAFETY: `calloc` takes any numbers, and zlib checks for null.
    unsafe { libc::calloc(items as usize, size as usize) }
}

extern "C" fn release(_: *mut c_void, address: *mut c_void) {
    // SAFETY: zlib gives back what `allocate` gave, once.
    unsafe { libc::free(address) }
}

impl Deflate {
    /// A stream with these parameters of `deflateInit2`, and with `buffer` bytes of output at once.
    ///
    /// # Panics
    ///
    /// Where zlib refuses the parameters.
    #[must_use]
    pub fn new(
        level: c_int,
        strategy: c_int,
        memory_level: c_int,
        window_bits: c_int,
        buffer: usize,
    ) -> Self {
        let mut stream = Box::new(empty_stream());
        let size = c_int::try_from(size_of::<libz_sys::z_stream>()).expect("a small structure");
        // SAFETY: the stream is initialised as zlib wants it and stays where it is.
        let status = unsafe {
            libz_sys::deflateInit2_(
                &raw mut *stream,
                level,
                libz_sys::Z_DEFLATED,
                window_bits,
                memory_level,
                strategy,
                libz_sys::zlibVersion(),
                size,
            )
        };
        assert_eq!(status, libz_sys::Z_OK, "deflateInit2");
        Self {
            stream,
            buffer: vec![0; buffer],
            filled: 0,
        }
    }

    /// Compresses `input` as libpng does: until all is taken and, to finish, until the stream ends.
    /// Appends to `out` all that zlib has written.
    ///
    /// # Panics
    ///
    /// Where zlib fails.
    pub fn compress(&mut self, input: &[u8], flush: c_int, out: &mut Vec<u8>) {
        self.stream.next_in = input.as_ptr().cast_mut();
        self.stream.avail_in = c_uint::try_from(input.len()).expect("an input below 4 GiB");
        loop {
            let room = &mut self.buffer[self.filled..];
            self.stream.next_out = room.as_mut_ptr();
            self.stream.avail_out = c_uint::try_from(room.len()).expect("a buffer below 4 GiB");
            // SAFETY: the pointers and lengths are those of slices that live during the call.
            let status = unsafe { libz_sys::deflate(&raw mut *self.stream, flush) };
            let end = self.buffer.len() - self.stream.avail_out as usize;
            out.extend_from_slice(&self.buffer[self.filled..end]);
            let full = self.stream.avail_out == 0;
            self.filled = if full { 0 } else { end };
            if status == Z_STREAM_END {
                return;
            }
            if status != libz_sys::Z_OK && status != libz_sys::Z_BUF_ERROR {
                panic!("deflate failed: {status}");
            }
            if full && flush != Z_NO_FLUSH {
                continue;
            }
            if self.stream.avail_in == 0 {
                return;
            }
        }
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised and is ended once.
        unsafe { libz_sys::deflateEnd(&raw mut *self.stream) };
    }
}

/// What zlib's `inflate` makes of a whole stream: its bytes and how many bytes it has, or `None` if
/// it is not valid.
///
/// # Panics
///
/// Where zlib fails for another reason.
#[must_use]
pub fn inflate(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut state = Box::new(empty_stream());
    let size = c_int::try_from(size_of::<libz_sys::z_stream>()).expect("a small structure");
    // SAFETY: the stream is initialised as zlib wants it and stays where it is.
    let status = unsafe { libz_sys::inflateInit_(&raw mut *state, libz_sys::zlibVersion(), size) };
    assert_eq!(status, libz_sys::Z_OK, "inflateInit");
    state.next_in = stream.as_ptr().cast_mut();
    state.avail_in = c_uint::try_from(stream.len()).expect("an input below 4 GiB");
    let mut out = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let status = loop {
        state.next_out = buffer.as_mut_ptr();
        state.avail_out = 1 << 16;
        // SAFETY: the pointers and lengths are those of slices that live during the call.
        let status = unsafe { libz_sys::inflate(&raw mut *state, Z_NO_FLUSH) };
        out.extend_from_slice(&buffer[..buffer.len() - state.avail_out as usize]);
        if status != libz_sys::Z_OK {
            break status;
        }
    };
    let used = stream.len() - state.avail_in as usize;
    // SAFETY: the stream was initialised and is ended once.
    unsafe { libz_sys::inflateEnd(&raw mut *state) };
    (status == Z_STREAM_END).then_some((out, used))
}

fn empty_stream() -> libz_sys::z_stream {
    libz_sys::z_stream {
        next_in: null_mut(),
        avail_in: 0,
        total_in: 0,
        next_out: null_mut(),
        avail_out: 0,
        total_out: 0,
        msg: null_mut(),
        state: null_mut(),
        zalloc: allocate,
        zfree: release,
        opaque: null_mut(),
        data_type: 0,
        adler: 0,
        reserved: 0,
    }
}
