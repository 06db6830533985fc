//! Files that appear under their name whole or not at all.
//!
//! Invariant: the bytes are on the disk before the name is, and the name is before [`PendingFile::keep`]
//! returns. A file that is not kept is removed.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use rustix::fs::{Timespec, Timestamps, futimens};
use tempfile::NamedTempFile;

use crate::problem::Problem;

/// Beginning of the names of files that are not finished.
const PREFIX: &str = ".lepta-";
/// Their end.
const SUFFIX: &str = ".partial";

/// Whether a file of the same name may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    Allowed,
    Forbidden,
}

/// What a result takes over from the file that it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Permission bits.
    mode: u32,
    accessed: Timespec,
    modified: Timespec,
}

impl From<&Metadata> for Kept {
    fn from(metadata: &Metadata) -> Self {
        Self {
            mode: metadata.mode() & 0o777,
            accessed: Timespec {
                tv_sec: metadata.atime(),
                tv_nsec: metadata.atime_nsec(),
            },
            modified: Timespec {
                tv_sec: metadata.mtime(),
                tv_nsec: metadata.mtime_nsec(),
            },
        }
    }
}

/// A file without its final name.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: NamedTempFile,
}

impl PendingFile {
    /// An empty file that only its owner can read.
    ///
    /// # Errors
    /// If the folder does not take files.
    pub(crate) fn create_in(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder)?;
        Ok(Self { file })
    }

    /// The file as it is so far.
    pub(crate) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives the file its final `path`, in the same file system, for good.
    ///
    /// # Errors
    /// If the name is taken and may not be replaced, or the disk does not confirm. Nothing is left
    /// behind under the final name then, unless only its folder could not be confirmed.
    pub(crate) fn keep(
        self,
        path: &Path,
        kept: Option<&Kept>,
        overwrite: Overwrite,
    ) -> Result<(), Problem> {
        let writing = |error: io::Error| Problem::writing(&error).at(path);
        if let Some(kept) = kept {
            take_over(self.file.as_file(), kept).map_err(writing)?;
        }
        self.file.as_file().sync_all().map_err(writing)?;
        let persisted = match overwrite {
            Overwrite::Allowed => self.file.persist(path),
            Overwrite::Forbidden => self.file.persist_noclobber(path),
        };
        persisted.map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => exists(path),
            _ => writing(error.error),
        })?;
        sync_folder(folder_of(path)).map_err(writing)
    }
}

/// The problem of a name that is taken.
pub(crate) fn exists(path: &Path) -> Problem {
    Problem::new(Status::Write, "exists already")
        .at(path)
        .advise("use -f to replace it, or -o for another name")
}

impl Write for PendingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives a file the mode and the times of another.
pub(crate) fn take_over(file: &File, kept: &Kept) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(kept.mode))?;
    futimens(
        file,
        &Timestamps {
            last_access: kept.accessed,
            last_modification: kept.modified,
        },
    )?;
    Ok(())
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Has the disk confirm the names in a folder.
///
/// # Errors
/// If it does not.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder and all folders around it that are missing, for good.
///
/// # Errors
/// If one cannot be made.
pub(crate) fn make_folders(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(is_missing)
        .map(Path::to_owned)
        .collect();
    for folder in missing.iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        sync_folder(folder_of(folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_that_is_not_kept_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = PendingFile::create_in(folder.path()).expect("a file");
        file.write_all(b"part").expect("written");
        assert_eq!(names(folder.path()).len(), 1);
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_name_is_replaced_only_where_that_is_allowed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("name");
        let keep = |text: &[u8], overwrite| {
            let mut file = PendingFile::create_in(folder.path()).expect("a file");
            file.write_all(text).expect("written");
            file.keep(&path, None, overwrite)
        };
        keep(b"one", Overwrite::Forbidden).expect("a new name");
        let problem = keep(b"two", Overwrite::Forbidden).expect_err("taken");
        assert!(problem.to_string().contains("exists already"), "{problem}");
        assert_eq!(fs::read(&path).expect("kept"), b"one");
        keep(b"three", Overwrite::Allowed).expect("replaced");
        assert_eq!(fs::read(&path).expect("kept"), b"three");
        assert_eq!(names(folder.path()), ["name"]);
    }

    #[test]
    fn folders_are_made_as_far_as_they_are_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("a/b/c");
        make_folders(&deep).expect("made");
        make_folders(&deep).expect("there already");
        assert!(deep.is_dir());
        fs::write(folder.path().join("file"), "").expect("written");
        assert!(make_folders(&folder.path().join("file/x")).is_err());
    }
}
