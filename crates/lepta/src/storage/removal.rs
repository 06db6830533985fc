//! The removal of an original whose stored result is proven.
//!
//! Invariant: what is removed is the very file that was compressed. It is taken out of reach under
//! another name first, looked at again there, and removed or put back. If the process dies in
//! between, [`put_back`] gives it its name again.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, fsync, openat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::digest::{Digest, digest_of};
use super::snapshot::Snapshot;

const PREFIX: &str = ".lepta-aside-";
/// Longest name that file systems take, in bytes.
const NAME_MAX: usize = 255;

/// What became of an original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    Removed,
    /// It is not what was compressed; it is where it was.
    Changed,
}

/// The name that a file has while it is looked at for the last time.
fn name_aside(name: &OsStr) -> OsString {
    let mut aside = OsString::from(PREFIX);
    match PREFIX.len() + name.len() <= NAME_MAX {
        true => aside.push(name),
        false => aside.push(blake3::hash(name.as_bytes()).to_hex().as_str()),
    }
    aside
}

/// Removes the file `name` of an open folder if it still is the one that `snapshot` and `digest` are of.
///
/// # Errors
/// If renaming, reading or removing fails. The file then has its name or can be [put back](put_back).
pub(crate) fn remove_original(
    folder: impl AsFd,
    name: &OsStr,
    snapshot: &Snapshot,
    digest: &Digest,
) -> io::Result<Removal> {
    let aside = name_aside(name);
    rename(&folder, name, &aside)?;
    match is_unchanged(&folder, &aside, snapshot, digest) {
        Ok(true) => {
            unlinkat(&folder, &aside, AtFlags::empty())?;
            fsync(&folder)?;
            Ok(Removal::Removed)
        }
        Ok(false) => {
            rename(&folder, &aside, name)?;
            Ok(Removal::Changed)
        }
        Err(error) => {
            rename(&folder, &aside, name)?;
            Err(error)
        }
    }
}

/// Gives a file its name again if a removal of it was cut off. Says whether there was one.
///
/// # Errors
/// If renaming fails, also because there is a new file of the name.
pub(crate) fn put_back(folder: impl AsFd, name: &OsStr) -> io::Result<bool> {
    match rename(&folder, &name_aside(name), name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Never replaces a file.
fn rename(folder: impl AsFd, from: &OsStr, to: &OsStr) -> io::Result<()> {
    match renameat_with(&folder, from, &folder, to, RenameFlags::NOREPLACE) {
        // A file system that does not know the flag.
        Err(Errno::INVAL) => Err(io::Error::new(
            ErrorKind::Unsupported,
            "this file system cannot rename without replacing",
        )),
        renamed => Ok(renamed?),
    }
}

fn is_unchanged(
    folder: impl AsFd,
    name: &OsStr,
    snapshot: &Snapshot,
    digest: &Digest,
) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let is_same = |file: &File| Ok::<bool, io::Error>(Snapshot::of(file)?.has_content_of(snapshot));
    Ok(is_same(&file)? && digest_of(&file)? == *digest && is_same(&file)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn look_at(path: &Path) -> (Snapshot, Digest) {
        let file = File::open(path).expect("a file");
        let snapshot = Snapshot::of(&file).expect("its state");
        (snapshot, digest_of(file).expect("its bytes"))
    }

    #[test]
    fn only_the_very_file_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let handle = File::open(folder.path()).expect("a folder");
        let path = folder.path().join("name");
        fs::write(&path, "one").expect("written");
        let (snapshot, digest) = look_at(&path);
        fs::write(&path, "two").expect("written");
        let (changed, _) = look_at(&path);
        for snapshot in [snapshot, changed] {
            let removal = remove_original(&handle, OsStr::new("name"), &snapshot, &digest);
            assert_eq!(removal.expect("renamed"), Removal::Changed);
            assert_eq!(fs::read(&path).expect("still there"), b"two");
        }
        let (snapshot, digest) = look_at(&path);
        let removal = remove_original(&handle, OsStr::new("name"), &snapshot, &digest);
        assert_eq!(removal.expect("removed"), Removal::Removed);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_removal_that_was_cut_off_is_undone() {
        let folder = tempfile::tempdir().expect("a folder");
        let handle = File::open(folder.path()).expect("a folder");
        for name in ["short".to_owned(), "l".repeat(255)] {
            let name = OsStr::new(&name);
            fs::write(folder.path().join(name), "bytes").expect("written");
            assert!(!put_back(&handle, name).expect("nothing to do"));
            let aside = folder.path().join(name_aside(name));
            fs::rename(folder.path().join(name), aside).expect("renamed");
            assert!(put_back(&handle, name).expect("renamed"));
            assert_eq!(fs::read(folder.path().join(name)).expect("there"), b"bytes");
        }
    }
}
