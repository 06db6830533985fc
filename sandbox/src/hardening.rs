//! What is taken away from the process besides system calls: descriptors, environment, limits.
//!
//! Invariant: each function only ever takes away. The filter forbids most of this as well; two locks
//! on one door, since neither costs anything.

use std::ffi::CStr;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{SFlag, fstat};

use crate::descriptors::{STDERR, STDOUT, standard};

/// Closes all descriptors except those in `keep`.
///
/// Whatever else owned one can only misuse it by calls that the filter forbids; it is for that
/// reason that this has to be followed by the filter at once.
pub(crate) fn close_other_descriptors(keep: &[RawFd]) -> nix::Result<()> {
    let mut keep: Vec<u32> = keep.iter().map(|number| number.cast_unsigned()).collect();
    keep.sort_unstable();
    let mut first = 0;
    for &number in &keep {
        if number > first {
            close_range(first, number - 1)?;
        }
        first = first.max(number + 1);
    }
    close_range(first, u32::MAX)
}

/// Closes descriptors `first..=last`, by one call where the kernel has it and an outer filter lets it
/// through.
fn close_range(first: u32, last: u32) -> nix::Result<()> {
    // SAFETY: see `close_other_descriptors`: nothing uses these descriptors any more.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    match Errno::result(result) {
        Ok(_) => Ok(()),
        Err(Errno::ENOSYS | Errno::EPERM) => close_listed(first, last),
        Err(error) => Err(error),
    }
}

/// The same for older kernels, which have a list of the descriptors.
fn close_listed(first: u32, last: u32) -> nix::Result<()> {
    let list = std::fs::read_dir("/proc/self/fd")
        .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let numbers: Vec<RawFd> = list
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number: &RawFd| (first..=last).contains(&number.cast_unsigned()))
        .collect();
    for number in numbers {
        // SAFETY: as above. The list's own descriptor is closed by now: that is an error to ignore.
        unsafe { libc::close(number) };
    }
    Ok(())
}

/// Overwrites and drops the environment, so that code that has been taken over finds nothing in it.
///
/// # Safety
///
/// No other thread may run code that reads or changes the environment meanwhile.
pub(crate) unsafe fn clear_environment() -> bool {
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    // SAFETY: the C library keeps `environ` null or a list of writable strings that ends with a null
    // pointer, and the caller vouches that nobody else uses it.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let length = CStr::from_ptr(*entry).to_bytes().len();
            (*entry).write_bytes(0, length);
            entry = entry.add(1);
        }
        nix::env::clearenv().is_ok()
    }
}

/// Sets the limits: no new descriptors, processes or core files, and no file to grow, unless the
/// output or the report goes to one.
pub(crate) fn set_limits() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_NOFILE, 0, 0)?;
    setrlimit(Resource::RLIMIT_NPROC, 0, 0)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if !is_regular_file(STDOUT) && !is_regular_file(STDERR) {
        setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    }
    Ok(())
}

/// What cannot be asked about counts as a file, so that writing to it stays possible.
fn is_regular_file(number: RawFd) -> bool {
    fstat(standard(number)).map_or(true, |status| {
        SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
    })
}

/// Limits the processor time of the whole process, what it has used already included. At `seconds`
/// comes SIGXCPU, and a second later SIGKILL, in case the handler cannot write its line.
pub(crate) fn limit_processor_time(seconds: u64) -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    let lowered = seconds.saturating_add(1).min(hard);
    let seconds = if lowered == RLIM_INFINITY {
        seconds.min(lowered - 1)
    } else {
        seconds.min(lowered)
    };
    setrlimit(Resource::RLIMIT_CPU, seconds, lowered)
}
