//! Real files to test with, outside of the repository.
//!
//! Invariant: an absent corpus is said plainly, never taken for a passed test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The corpus folder: `LEPTA_CORPUS`, or `shared/corpus` beside the checkout.
/// `None`, with a line on standard error, if there is none.
pub fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = env::var_os("LEPTA_CORPUS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "no corpus at {} (set LEPTA_CORPUS): tests on real files are skipped",
        folder.display()
    );
    None
}

/// All `.jpg` files of the corpus folder and the folders in it, in order of
/// their names; none if there is no corpus.
pub fn jpeg_files() -> Vec<PathBuf> {
    let Some(folder) = folder() else {
        return vec![];
    };
    let mut files = entries(&folder);
    let inner: Vec<PathBuf> = files.iter().flat_map(|path| entries(path)).collect();
    files.extend(inner);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    files.sort();
    files
}

/// All `.png` files below the corpus folder's `screens`, in order of their
/// names; none if there is no corpus.
pub fn png_files() -> Vec<PathBuf> {
    let Some(folder) = folder() else {
        return vec![];
    };
    let mut files = vec![];
    let mut open = vec![folder.join("screens")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(entries(&path));
        } else if path.extension().is_some_and(|extension| extension == "png") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folders of these files that hold more than one, with the files.
pub fn png_folders() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in png_files() {
        if let Some(folder) = file.parent() {
            folders.entry(folder.to_owned()).or_default().push(file);
        }
    }
    folders.retain(|_, files| files.len() > 1);
    folders.into_iter().collect()
}

/// The files as members of a tar archive (POSIX.1-1988, ustar).
///
/// # Errors
/// Those of reading the files.
pub fn tar(files: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut archive = vec![];
    for file in files {
        let content = fs::read(file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut header = [0; 512];
        let name = &name.as_bytes()[..name.len().min(100)];
        header[..name.len()].copy_from_slice(name);
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(&content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    Ok(archive)
}

/// What is in a folder; nothing if it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return vec![];
    };
    entries.flatten().map(|entry| entry.path()).collect()
}
