//! What a file is like at a moment, to see later whether it has changed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

/// Identity, size and times of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// In bytes.
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified: i128,
    /// Of the last change of content or attributes, in nanoseconds since 1970.
    pub(crate) changed: i128,
}

impl Snapshot {
    /// Of an open file.
    ///
    /// # Errors
    /// If the system does not say.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Whether this is the same file with the same content, as far as can be told without reading it. A
    /// rename between the two is no difference.
    pub(crate) fn has_content_of(&self, earlier: &Self) -> bool {
        let changed = earlier.changed;
        Self { changed, ..*self } == *earlier
    }
}

impl From<&Metadata> for Snapshot {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}
