//! What there is in a folder.
//!
//! Invariant: links are listed, never followed; what cannot be read is a problem of its own and does
//! not end the walk.

use std::fs::{FileType, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use walkdir::WalkDir;

use crate::problem::Problem;

/// Something in a folder, by its path relative to it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
}

impl Found {
    pub(crate) fn file_type(&self) -> FileType {
        self.metadata.file_type()
    }

    /// Whether a regular file has other names.
    pub(crate) fn has_other_names(&self) -> bool {
        self.metadata.is_file() && self.metadata.nlink() > 1
    }
}

/// A folder, whose path is empty, and everything in it: in each folder sorted by name, the folder
/// itself before what is in it.
pub(crate) fn walk(root: &Path) -> impl Iterator<Item = Result<Found, Problem>> {
    let walk = WalkDir::new(root).sort_by_file_name();
    walk.into_iter().map(move |entry| {
        let entry = entry.map_err(|error| broken(&error))?;
        let metadata = entry.metadata().map_err(|error| broken(&error))?;
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        Ok(Found {
            path: path.to_owned(),
            metadata,
        })
    })
}

fn broken(error: &walkdir::Error) -> Problem {
    let problem = match error.io_error() {
        Some(io_error) => Problem::reading(io_error),
        None => Problem::new(Status::Read, error.to_string()),
    };
    match error.path() {
        Some(path) => problem.at(path),
        None => problem,
    }
}
