//! Input and output through bare `read` and `write`.
//!
//! Invariant: each function makes no system call but the one it is named after, repeats it when a
//! signal interrupts it, and buffers nothing. `std::io::stdin` and `stdout` would lock, buffer and,
//! on some paths, ask for the file's kind, which the jail forbids.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

/// Standard input's number.
pub(crate) const STDIN: RawFd = libc::STDIN_FILENO;
/// Standard output's number.
pub(crate) const STDOUT: RawFd = libc::STDOUT_FILENO;
/// Standard error's number.
pub(crate) const STDERR: RawFd = libc::STDERR_FILENO;

/// A descriptor that stays open until the process ends: closing it would be a forbidden call.
#[derive(Debug)]
pub(crate) struct LastingDescriptor(BorrowedFd<'static>);

impl LastingDescriptor {
    pub(crate) fn new(descriptor: OwnedFd) -> Self {
        let number = descriptor.into_raw_fd();
        // SAFETY: the owner has just given the descriptor up without closing it, and nothing else
        // knows its number as its own: only `Jail::enter` closes by number, and leaves out all
        // that are granted; an ungranted one cannot be used afterwards.
        Self(unsafe { BorrowedFd::borrow_raw(number) })
    }

    pub(crate) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        read_from(self.0, buffer)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        write_to(self.0, bytes)
    }
}

/// One of the three standard descriptors.
pub(crate) fn standard(number: RawFd) -> BorrowedFd<'static> {
    debug_assert!((STDIN..=STDERR).contains(&number));
    // SAFETY: `std` opens the three at start if they are closed, and nothing here closes them.
    unsafe { BorrowedFd::borrow_raw(number) }
}

fn read_from(descriptor: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match nix::unistd::read(descriptor.as_fd(), buffer) {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}

fn write_to(descriptor: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match nix::unistd::write(descriptor.as_fd(), bytes) {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}

/// Reads from standard input. Returns how many bytes came; 0 at the end, or for an empty buffer.
///
/// # Errors
///
/// What `read` says; never that it was interrupted.
pub fn read_input(buffer: &mut [u8]) -> io::Result<usize> {
    read_from(standard(STDIN), buffer)
}

/// Writes to standard output. Returns how many of the bytes it took.
///
/// # Errors
///
/// What `write` says; never that it was interrupted.
pub fn write_output(bytes: &[u8]) -> io::Result<usize> {
    write_to(standard(STDOUT), bytes)
}

/// Writes all of `line` to standard error, as far as it goes: there is nobody left to tell of a
/// failure. The end of the line is the caller's to add.
pub fn write_error_line(line: &[u8]) {
    let mut rest = line;
    while !rest.is_empty() {
        match write_to(standard(STDERR), rest) {
            Ok(0) | Err(_) => return,
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
        }
    }
}

/// An input of the jailed process: standard input, or a descriptor that [`crate::Jail::input`]
/// granted.
#[derive(Debug)]
pub struct Input(Source);

#[derive(Debug)]
enum Source {
    Standard,
    Granted(LastingDescriptor),
}

impl Input {
    /// Standard input.
    pub const fn standard() -> Self {
        Self(Source::Standard)
    }

    pub(crate) fn granted(descriptor: LastingDescriptor) -> Self {
        Self(Source::Granted(descriptor))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Source::Standard => read_input(buffer),
            Source::Granted(descriptor) => descriptor.read(buffer),
        }
    }
}

/// Standard output, unbuffered.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_output(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static CLOSED_AT_START: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Notes which standard descriptors are closed. It has to run before `std` starts, which opens the
/// null device in their place: a result written there would be lost without an error.
extern "C" fn note_closed_descriptors() {
    for (number, closed) in (STDIN..).zip(&CLOSED_AT_START) {
        // SAFETY: asking for a descriptor's flags has no preconditions.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        closed.store(flags == -1, Ordering::Relaxed);
    }
}

// SAFETY: the section holds addresses of functions that the C library calls, with arguments that
// the function may ignore, before `main`. By then the C library itself is ready, and the function
// needs nothing of `std`'s start.
#[unsafe(link_section = ".init_array")]
#[used]
static BEFORE_MAIN: extern "C" fn() = note_closed_descriptors;

/// Whether standard descriptor `number` (0, 1 or 2) was closed when the process began. `std` puts
/// the null device in its place, so that reads end at once and writes vanish.
pub fn standard_descriptor_was_closed(number: usize) -> bool {
    CLOSED_AT_START
        .get(number)
        .is_some_and(|closed| closed.load(Ordering::Relaxed))
}
