//! A folder whose links are never followed.
//!
//! Invariant: whatever happens to the folders meanwhile, what is opened lies inside of the tree:
//! the kernel resolves each path beneath the root, without symbolic links.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;

/// A folder by its descriptor.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

/// A folder in a tree, and a name in it that nothing is said about.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: File,
    pub(crate) name: OsString,
}

impl Place {
    /// A path to the name that goes through the open folder, wherever that is by now.
    pub(crate) fn path(&self) -> PathBuf {
        let folder = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
        Path::new(&folder).join(&self.name)
    }
}

/// Whether a path stays inside of the folder that it is relative to.
pub(crate) fn is_inside(path: &Path) -> bool {
    let mut components = path.components();
    path.components().next().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

impl Tree {
    /// Opens the folder at `path`, which may be reached through links.
    ///
    /// # Errors
    /// If it is no folder that can be read.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { root })
    }

    fn open_beneath(&self, path: &Path, flags: OFlags) -> io::Result<File> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        loop {
            match openat2(&self.root, path, flags, Mode::empty(), resolve) {
                // The tree was being renamed; the kernel asks for another try.
                Err(Errno::AGAIN | Errno::INTR) => {}
                opened => return Ok(File::from(opened?)),
            }
        }
    }

    /// Opens a file for reading, without waiting for the other end of a FIFO.
    ///
    /// # Errors
    /// If there is none, it is a symbolic link, or a folder on the way is one.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        self.open_beneath(path, flags)
    }

    /// Opens a folder; the root for an empty path.
    ///
    /// # Errors
    /// If there is none, or a link is on the way.
    pub(crate) fn open_folder(&self, path: &Path) -> io::Result<File> {
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The folder that holds `path`, and its name there.
    ///
    /// # Errors
    /// If there is no such folder, or a link is on the way.
    pub(crate) fn place(&self, path: &Path) -> io::Result<Place> {
        let name: &OsStr = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.open_folder(path.parent().unwrap_or(Path::new("")))?;
        Ok(Place {
            folder,
            name: name.to_owned(),
        })
    }

    /// Makes a folder and those around it, as far as they are missing.
    ///
    /// # Errors
    /// If something else has its name, or it cannot be made.
    pub(crate) fn make_folders(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || self.open_folder(path).is_ok() {
            return Ok(());
        }
        self.make_folders(path.parent().unwrap_or(Path::new("")))?;
        let place = self.place(path)?;
        match mkdirat(&place.folder, &place.name, Mode::RWXU) {
            Err(Errno::EXIST) => self.open_folder(path).map(drop),
            made => Ok(made?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("inside");
        fs::create_dir_all(inside.join("a")).expect("folders");
        fs::write(folder.path().join("secret"), "secret").expect("written");
        fs::write(inside.join("a/file"), "file").expect("written");
        symlink("a", inside.join("link")).expect("a link");
        symlink("..", inside.join("out")).expect("a link");
        symlink("a/file", inside.join("file")).expect("a link");
        let tree = Tree::open(&inside).expect("a folder");
        assert!(tree.open_file(Path::new("a/file")).is_ok());
        for path in [
            "link/file",
            "out/secret",
            "../secret",
            "/etc/passwd",
            "file",
        ] {
            assert!(tree.open_file(Path::new(path)).is_err(), "{path}");
        }
        assert!(tree.make_folders(Path::new("out/new")).is_err());
        tree.make_folders(Path::new("b/c/d")).expect("made");
        assert!(inside.join("b/c/d").is_dir());
        let place = tree.place(Path::new("b/name")).expect("a place");
        fs::write(place.path(), "text").expect("written");
        assert_eq!(fs::read(inside.join("b/name")).expect("there"), b"text");
    }

    #[test]
    fn paths_that_leave_are_known() {
        for path in ["", ".", "..", "a/..", "/a", "a/../b"] {
            assert!(!is_inside(Path::new(path)), "{path:?}");
        }
        for path in ["a", "a/b", "...", "a/..b"] {
            assert!(is_inside(Path::new(path)), "{path:?}");
        }
    }
}
