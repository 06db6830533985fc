//! A file that is read, and what it was like when that began.

use std::ffi::OsStr;
use std::fs::{File, FileType, Metadata};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use lepta_worker::status::Status;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use crate::problem::Problem;
use crate::storage::{Digest, Removal, Snapshot, folder_of, put_back, remove_original};

/// A regular file, open for reading.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    pub(super) snapshot: Snapshot,
}

impl Original {
    /// Opens a file without waiting for the other end of a FIFO; links only if told to.
    ///
    /// # Errors
    /// If it cannot be opened or is no regular file.
    pub(super) fn open(path: &Path, follow_links: bool) -> Result<Self, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(path);
        restore_name(path)?;
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        if !follow_links {
            flags |= OFlags::NOFOLLOW;
        }
        let opened = open(path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::LOOP if !follow_links => Problem::new(Status::Read, "is a symbolic link")
                .at(path)
                .advise("name what it points to, or use -f"),
            errno => reading(errno.into()),
        })?;
        let file = File::from(opened);
        let metadata = file.metadata().map_err(reading)?;
        if !metadata.is_file() {
            return Err(no_regular_file(metadata.file_type()).at(path));
        }
        let snapshot = Snapshot::from(&metadata);
        Ok(Self {
            file,
            metadata,
            snapshot,
        })
    }

    /// Whether the file changed since it was opened.
    ///
    /// # Errors
    /// If it did, or the system does not say.
    pub(super) fn check_unchanged(&self) -> Result<(), Problem> {
        match Snapshot::of(&self.file) {
            Ok(now) if now.has_content_of(&self.snapshot) => Ok(()),
            Ok(_) => Err(changed()),
            Err(error) => Err(Problem::reading(&error)),
        }
    }

    /// Removes the file at `path`, if it still is this one, with these bytes.
    ///
    /// # Errors
    /// If it is not, or cannot be removed.
    pub(super) fn remove(&self, path: &Path, digest: &Digest) -> Result<(), Problem> {
        let removed = with_folder(path, |folder, name| {
            remove_original(folder, name, &self.snapshot, digest)
        });
        match removed {
            Ok(Removal::Removed) => Ok(()),
            Ok(Removal::Changed) => Err(changed().advise("it is kept, with its result")),
            Err(error) => Err(Problem::new(
                Status::Write,
                format!("cannot be removed: {error}"),
            )),
        }
    }
}

fn changed() -> Problem {
    Problem::new(Status::Busy, "changed while it was read")
        .advise("try again when nobody writes to it")
}

/// Undoes a removal that was cut off, if the file has no other name than that.
fn restore_name(path: &Path) -> Result<(), Problem> {
    if path.symlink_metadata().is_ok() || path.file_name().is_none() {
        return Ok(());
    }
    match with_folder(path, |folder, name| put_back(folder, name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Problem::reading(&error).at(path))
        }
        _ => Ok(()),
    }
}

fn with_folder<T>(path: &Path, act: impl FnOnce(&File, &OsStr) -> io::Result<T>) -> io::Result<T> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    act(&File::open(folder_of(path))?, name)
}

/// The problem of something that is none.
pub(super) fn no_regular_file(file_type: FileType) -> Problem {
    let (kind, advice) = match file_type {
        kind if kind.is_dir() => ("folder", "use -r to work on the files in it"),
        kind if kind.is_fifo() => ("FIFO", "give it as standard input: lepta <FIFO >RESULT"),
        kind if kind.is_block_device() => ("device", "give it as standard input"),
        kind if kind.is_char_device() => ("device", "give it as standard input"),
        _ => ("special file", "it has no content to compress"),
    };
    Problem::new(Status::Read, format!("is a {kind}, not a regular file")).advise(advice)
}
