//! Real files to test with, outside of the repository.
//!
//! Invariant: an absent corpus is said plainly, never taken for a passed test.

use std::path::{Path, PathBuf};
use std::{env, fs};

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

/// What is in a folder; nothing if it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return vec![];
    };
    entries.flatten().map(|entry| entry.path()).collect()
}
