//! What the kernel says about the process in `/proc/self/status`.
//!
//! Invariant: a file is opened before the jail, where opening is still allowed, and read once, from
//! its start, with one call: the kernel makes the text up at that moment.

use std::fs::File;
use std::io;

use crate::descriptors::LastingDescriptor;

/// More than the text's length, which is some 1,500 bytes.
const TEXT_LENGTH: usize = 8192;

/// An opened status file that has not been read.
#[derive(Debug)]
pub(crate) struct StatusFile(LastingDescriptor);

impl StatusFile {
    pub(crate) fn open() -> io::Result<Self> {
        let file = File::open("/proc/self/status")?;
        Ok(Self(LastingDescriptor::new(file.into())))
    }

    pub(crate) fn descriptor(&self) -> &LastingDescriptor {
        &self.0
    }

    /// What the numbers of the process are now.
    pub(crate) fn read(self) -> io::Result<ProcessStatus> {
        let mut text = [0; TEXT_LENGTH];
        let length = self.0.read(&mut text)?;
        Ok(ProcessStatus::parse(&text[..length]))
    }
}

/// Numbers of the process; `None` where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessStatus {
    /// Most resident memory so far, in bytes.
    pub(crate) peak_resident: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) no_new_privileges: Option<u64>,
    /// 2: the main thread has a system call filter.
    pub(crate) seccomp: Option<u64>,
    /// How many filters it has; the kernel says so since Linux 5.9.
    pub(crate) filters: Option<u64>,
}

impl ProcessStatus {
    fn parse(text: &[u8]) -> Self {
        let mut status = Self::default();
        for line in text.split(|&byte| byte == b'\n') {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let number = first_number(&line[colon + 1..]);
            match &line[..colon] {
                b"VmHWM" => status.peak_resident = number.and_then(|kib| kib.checked_mul(1024)),
                b"Threads" => status.threads = number,
                b"NoNewPrivs" => status.no_new_privileges = number,
                b"Seccomp" => status.seccomp = number,
                b"Seccomp_filters" => status.filters = number,
                _ => {}
            }
        }
        status
    }
}

fn first_number(text: &[u8]) -> Option<u64> {
    let mut words = text.split(u8::is_ascii_whitespace);
    let word = words.find(|word| !word.is_empty())?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The peak of resident memory, to be asked for once, at the end. Made by
/// [`crate::Jail::peak_memory`].
#[derive(Debug)]
pub struct PeakMemory(StatusFile);

impl PeakMemory {
    pub(crate) fn new(file: StatusFile) -> Self {
        Self(file)
    }

    /// Most bytes that were resident so far (`VmHWM`), a multiple of 1024; `None` if the kernel does
    /// not say. Unlike `ru_maxrss`, it does not start at the size of the parent.
    pub fn read(self) -> Option<u64> {
        self.0.read().ok()?.peak_resident
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_found() {
        let text = b"Name:\ta:b\nVmHWM:\t    9932 kB\nThreads:\t2\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";
        let expected = ProcessStatus {
            peak_resident: Some(9932 * 1024),
            threads: Some(2),
            no_new_privileges: Some(1),
            seccomp: Some(2),
            filters: Some(3),
        };
        assert_eq!(ProcessStatus::parse(text), expected);
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let text = b"VmHWM:\t\nThreads: many\nSeccomp\n";
        assert_eq!(ProcessStatus::parse(text), ProcessStatus::default());
    }

    #[test]
    fn this_process_has_a_peak() {
        let file = StatusFile::open().expect("/proc");
        assert!(PeakMemory::new(file).read() > Some(100_000));
    }
}
