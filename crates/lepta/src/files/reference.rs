//! The file of `--patch-from`, which others are coded against.
//!
//! Invariant: whoever depends on the reference is never left without it: it is neither removed nor replaced
//! by what is done to other files. It is not read here; each worker gets a descriptor of its own that
//! begins at its start.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use rustix::fs::{Mode, OFlags, open};

use super::original::no_regular_file;
use crate::problem::Problem;
use crate::storage::Snapshot;

/// A regular file, as it was when all began.
#[derive(Debug)]
pub(super) struct Reference {
    path: PathBuf,
    snapshot: Snapshot,
}

impl Reference {
    /// Looks at the file.
    ///
    /// # Errors
    /// If it cannot be opened or is no regular file.
    pub(super) fn new(path: &Path) -> Result<Self, Problem> {
        let file = File::from(open_to_inherit(path)?);
        let metadata = file
            .metadata()
            .map_err(|error| Problem::reading(&error).at(path))?;
        if !metadata.is_file() {
            let problem = no_regular_file(metadata.file_type()).at(path);
            return Err(problem.advise("name the file itself with --patch-from"));
        }
        Ok(Self {
            path: path.to_owned(),
            snapshot: Snapshot::from(&metadata),
        })
    }

    /// A descriptor for one worker, which inherits it.
    ///
    /// # Errors
    /// If the file cannot be opened, or is another one by now.
    pub(super) fn descriptor(&self) -> Result<OwnedFd, Problem> {
        let file = File::from(open_to_inherit(&self.path)?);
        match Snapshot::of(&file) {
            Ok(now) if now.has_content_of(&self.snapshot) => Ok(file.into()),
            Ok(_) => {
                let problem = Problem::new(Status::Busy, "the reference has changed meanwhile");
                Err(problem.at(&self.path).advise("run again"))
            }
            Err(error) => Err(Problem::reading(&error).at(&self.path)),
        }
    }

    /// Whether an open file is the reference itself.
    pub(super) fn is(&self, snapshot: &Snapshot) -> bool {
        (self.snapshot.device, self.snapshot.inode) == (snapshot.device, snapshot.inode)
    }

    /// Refuses to put a result where the reference is.
    ///
    /// # Errors
    /// If the path leads to the reference.
    pub(super) fn check_not_replaced(&self, output: &Path) -> Result<(), Problem> {
        match output.metadata() {
            Ok(metadata) if self.is(&Snapshot::from(&metadata)) => {
                let what = "is the reference, which a result must not replace";
                let problem = Problem::new(Status::Usage, what).at(output);
                Err(problem.advise("choose another name with -o"))
            }
            _ => Ok(()),
        }
    }
}

/// Opens a file so that the next process that is started has it too.
fn open_to_inherit(path: &Path) -> Result<OwnedFd, Problem> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = open(path, flags, Mode::empty());
    opened.map_err(|errno| Problem::reading(&io::Error::from(errno)).at(path))
}
