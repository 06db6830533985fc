//! The folder that an archive is made of.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use rustix::fs::readlinkat;

use super::entry::{Attributes, Bytes, Content, Entry};
use super::tree::Tree;
use super::walk::Found;
use crate::problem::Problem;
use crate::storage::{Digest, Removal, Snapshot, digest_of, put_back, remove_original};

/// The folder, which is never left.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) root: PathBuf,
    tree: Tree,
}

/// A regular file that was read once.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) file: File,
    pub(crate) attributes: Attributes,
    pub(crate) snapshot: Snapshot,
    pub(crate) digest: Digest,
}

impl Source {
    /// Opens the folder.
    ///
    /// # Errors
    /// If it is none or cannot be read.
    pub(crate) fn open(root: &Path) -> Result<Self, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(root);
        let root = root.canonicalize().map_err(reading)?;
        let tree = Tree::open(&root).map_err(reading)?;
        Ok(Self { root, tree })
    }

    /// The path for people.
    pub(crate) fn full(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// If there is none, or a link is on the way.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        self.tree.open_file(path)
    }

    /// Opens and reads a file.
    ///
    /// # Errors
    /// If that fails, or it changes meanwhile.
    pub(crate) fn read(&self, path: &Path) -> Result<SourceFile, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(self.full(path));
        let mut file = self.tree.open_file(path).map_err(reading)?;
        if !file.metadata().map_err(reading)?.is_file() {
            let what = "is no regular file any more";
            return Err(Problem::new(Status::Busy, what).at(self.full(path)));
        }
        let snapshot = Snapshot::of(&file).map_err(reading)?;
        let attributes = Attributes::of(&file).map_err(reading)?;
        let digest = digest_of(&file).map_err(reading)?;
        file.rewind().map_err(reading)?;
        Ok(SourceFile {
            file,
            attributes,
            snapshot,
            digest,
        })
    }

    /// What a folder or a symbolic link is recorded as.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn describe(&self, found: &Found) -> Result<Entry, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(self.full(&found.path));
        if found.metadata.is_dir() {
            let folder = self.tree.open_folder(&found.path).map_err(reading)?;
            let attributes = Attributes::of(&folder).map_err(reading)?;
            return Ok(Entry {
                content: Content::Folder,
                attributes,
            });
        }
        let place = self.tree.place(&found.path).map_err(reading)?;
        let target = readlinkat(&place.folder, &place.name, Vec::new());
        let target = target.map_err(|errno| reading(errno.into()))?;
        Ok(Entry {
            content: Content::Link {
                target: Bytes::from(OsStr::from_bytes(target.as_bytes()).as_bytes()),
            },
            attributes: Attributes::from(&found.metadata),
        })
    }

    /// Removes a file if it still is the one that was read.
    ///
    /// # Errors
    /// If it is not, or cannot be removed.
    pub(crate) fn remove(
        &self,
        path: &Path,
        snapshot: &Snapshot,
        digest: &Digest,
    ) -> Result<(), Problem> {
        let removed = self
            .tree
            .place(path)
            .and_then(|place| remove_original(&place.folder, &place.name, snapshot, digest));
        match removed {
            Ok(Removal::Removed) => Ok(()),
            Ok(Removal::Changed) => Err(changed(&self.full(path))),
            Err(error) => Err(
                Problem::new(Status::Write, format!("cannot be removed: {error}"))
                    .at(self.full(path)),
            ),
        }
    }

    /// Gives a file its name back if its removal was cut off; says whether it is there now.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn put_back(&self, path: &Path) -> Result<bool, Problem> {
        let place = match self.tree.place(path) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Problem::reading(&error).at(self.full(path))),
        };
        match put_back(&place.folder, &place.name) {
            Ok(true) => Ok(true),
            Ok(false) => Ok(place.path().symlink_metadata().is_ok()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let what =
                    "is a new file; the one before it, whose removal was cut off, is beside it";
                Err(Problem::new(Status::Write, what)
                    .at(self.full(path))
                    .advise("move one of them (.lepta-aside-NAME) away and run again"))
            }
            Err(error) => Err(Problem::writing(&error).at(self.full(path))),
        }
    }

    /// Gives folders the times that they are recorded with.
    ///
    /// # Errors
    /// If one cannot be changed.
    pub(crate) fn set_folder_time(&self, path: &Path, entry: &Entry) -> Result<(), Problem> {
        let folder = self.tree.open_folder(path);
        let set =
            folder.and_then(|folder| super::attributes::set_times(&folder, &entry.attributes));
        set.map_err(|error| Problem::writing(&error).at(self.full(path)))
    }
}

impl SourceFile {
    /// Whether the file is still what it was when it was opened.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn check_unchanged(&self, full: &Path) -> Result<(), Problem> {
        match Snapshot::of(&self.file) {
            Ok(now) if now.has_content_of(&self.snapshot) => Ok(()),
            Ok(_) => Err(changed(full)),
            Err(error) => Err(Problem::reading(&error).at(full)),
        }
    }
}

/// The problem of a file that is being written.
pub(crate) fn changed(full: &Path) -> Problem {
    Problem::new(Status::Busy, "changed while it was read")
        .at(full)
        .advise("it is kept; the next run takes it")
}
