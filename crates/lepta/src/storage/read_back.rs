//! Reading what was stored, from the disk where the file system lets us.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::fs::{Advice, Mode, OFlags, fadvise, open};
use serde::Serialize;

/// Alignment of memory, offsets and lengths that every disk accepts, in bytes.
const ALIGNMENT: usize = 4096;
/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// How a stored file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadBack {
    /// From the disk, past the kernel's cache (`O_DIRECT`).
    Direct,
    /// Through the cache, after the kernel was asked to drop it.
    Cached,
}

/// Opens a stored file to read it as directly as possible.
///
/// # Errors
/// If it cannot be opened.
pub(crate) fn read_back(path: &Path) -> io::Result<(Box<dyn Read + Send>, ReadBack)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if let Ok(file) = open(path, flags | OFlags::DIRECT, Mode::empty()) {
        let mut reader = AlignedReader::new(File::from(file));
        // Some file systems accept the flag and then refuse to read.
        match reader.fill() {
            Err(error) if error.kind() == ErrorKind::InvalidInput => {}
            filled => {
                filled?;
                return Ok((Box::new(reader), ReadBack::Direct));
            }
        }
    }
    let file = File::from(open(path, flags, Mode::empty())?);
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok((Box::new(file), ReadBack::Cached))
}

/// Reads whole pages into memory that begins at a page.
struct AlignedReader {
    file: File,
    buffer: Vec<u8>,
    /// Where in the buffer the aligned part begins.
    origin: usize,
    /// The unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl AlignedReader {
    fn new(file: File) -> Self {
        let buffer = vec![0; PIECE + ALIGNMENT];
        let origin = buffer.as_ptr().align_offset(ALIGNMENT);
        Self {
            file,
            buffer,
            origin,
            start: origin,
            end: origin,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let aligned = &mut self.buffer[self.origin..self.origin + PIECE];
        let count = self.file.read(aligned)?;
        (self.start, self.end) = (self.origin, self.origin + count);
        Ok(())
    }
}

impl Read for AlignedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            self.fill()?;
        }
        let count = buffer.len().min(self.end - self.start);
        buffer[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [0, 1, 4096, 70_000, PIECE, PIECE + 4097] {
            let path = folder.path().join(length.to_string());
            let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            std::fs::write(&path, &bytes).expect("written");
            let (mut reader, _) = read_back(&path).expect("opened");
            let mut read = Vec::new();
            reader.read_to_end(&mut read).expect("read");
            assert_eq!(read, bytes);
        }
    }
}
