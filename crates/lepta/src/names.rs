//! What the names of files say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The suffix of compressed files, with its dot.
pub(crate) const SUFFIX: &str = ".lepta";

/// Extensions of formats that are compressed already and that Lepta has no model for.
const COMPRESSED: [&str; 41] = [
    "7z", "aac", "apk", "avi", "avif", "br", "bz2", "docx", "epub", "flac", "gz", "heic", "heif",
    "jar", "jxl", "lz", "lz4", "lzma", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpg", "odp",
    "ods", "odt", "ogg", "opus", "pptx", "rar", "tbz", "tgz", "webm", "webp", "wma", "xlsx", "xz",
    "zip", "zst",
];

/// `path` with the suffix of compressed files.
pub(crate) fn with_suffix(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// `path` without the suffix of compressed files; `None` if it has none, or nothing else.
pub(crate) fn without_suffix(path: &Path) -> Option<PathBuf> {
    let stem = path
        .file_name()?
        .as_bytes()
        .strip_suffix(SUFFIX.as_bytes())?;
    (!stem.is_empty()).then(|| path.with_file_name(OsStr::from_bytes(stem)))
}

/// Whether the name is that of a format that gains nothing: other than JPEG and PNG, and compressed.
pub(crate) fn says_compressed(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| {
        let lower = extension.to_ascii_lowercase();
        COMPRESSED.binary_search(&lower.as_str()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_come_and_go() {
        let path = Path::new("a.b/photo.jpg");
        let compressed = with_suffix(path);
        assert_eq!(compressed, Path::new("a.b/photo.jpg.lepta"));
        assert_eq!(without_suffix(&compressed).as_deref(), Some(path));
        for other in ["a", "a/.lepta", ".lepta", "a.LEPTA", "a.lepta/b", ".."] {
            assert_eq!(without_suffix(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn compressed_formats_are_known_by_their_names() {
        assert!(COMPRESSED.is_sorted());
        for name in ["a.mp4", "b/c.ZIP.gz", "d.HEIC"] {
            assert!(says_compressed(Path::new(name)), "{name}");
        }
        for name in ["a.jpg", "b.png", "mp4", "d.txt", "e.lepta"] {
            assert!(!says_compressed(Path::new(name)), "{name}");
        }
    }
}
