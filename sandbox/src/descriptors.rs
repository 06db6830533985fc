//! Input and output through bare `read` and `write`.
//!
//! Invariant: each function makes no system call but the one it is named after, repeats it when a
//! signal interrupts it, and buffers nothing. `std::io::stdin` and `stdout` would lock, buffer and,
//! on some paths, ask for the file's kind, which the jail forbids.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
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

/// Takes over a descriptor that the process was started with, by its number: that of another one than
/// the three standard descriptors. To be called before anything else is opened, which would get the
/// number of one that is closed.
///
/// # Errors
///
/// `EBADF` if it is closed, or one of the three.
pub fn inherited_descriptor(number: RawFd) -> io::Result<OwnedFd> {
    if number <= STDERR {
        return Err(Errno::EBADF.into());
    }
    // SAFETY: the borrow ends with this call, during which nothing closes the descriptor: `fcntl`
    // says whether it is open, and what comes back is a descriptor of its own.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let copy = nix::fcntl::fcntl(borrowed, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(STDERR + 1))?;
    // SAFETY: the kernel has just made this descriptor, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn an_inherited_descriptor_is_taken_over_by_a_number_of_its_own() {
        let file = File::open("/dev/zero").expect("/dev/zero");
        let taken = inherited_descriptor(file.as_raw_fd()).expect("it is open");
        assert_ne!(taken.as_raw_fd(), file.as_raw_fd());
        drop(file);
        let mut byte = [1];
        assert_eq!(read_from(&taken, &mut byte).expect("a byte"), 1);
        assert_eq!(byte, [0]);
    }

    #[test]
    fn neither_a_standard_descriptor_nor_a_closed_one_is_taken_over() {
        for number in [-1, STDIN, STDOUT, STDERR, RawFd::MAX] {
            let error = inherited_descriptor(number).expect_err("refused");
            assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{number}");
        }
    }
}
