//! What is known about a file, a link or a folder of an archive.
//!
//! Invariant: paths are relative to the archived folder, which has the empty path itself, as bytes;
//! nothing here requires UTF-8.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xattr::FileExt;

use crate::storage::{Digest, Snapshot};

/// Bytes that are usually text: a string in JSON, or else hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Text(String),
    Hexadecimal { hex: String },
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hexadecimal {
                hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        }
    }
}

impl From<&Path> for Bytes {
    fn from(path: &Path) -> Self {
        path.as_os_str().as_bytes().into()
    }
}

impl Bytes {
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Hexadecimal { hex } => hex
                .as_bytes()
                .chunks(2)
                .filter_map(|pair| std::str::from_utf8(pair).ok())
                .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
                .collect(),
        }
    }

    pub(crate) fn to_path(&self) -> PathBuf {
        OsStr::from_bytes(&self.to_vec()).into()
    }
}

/// Permissions, owner, time and extended attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) modified: (i64, i64),
    /// Extended attributes: names and values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extended: Vec<(Bytes, Bytes)>,
}

impl From<&Metadata> for Attributes {
    fn from(metadata: &Metadata) -> Self {
        Self {
            mode: metadata.mode() & 0o7777,
            user: metadata.uid(),
            group: metadata.gid(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            extended: Vec::new(),
        }
    }
}

impl Attributes {
    /// Those of an open file, extended ones included.
    ///
    /// # Errors
    /// If the system does not say.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let mut attributes = Self::from(&file.metadata()?);
        let names = match file.list_xattr() {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(attributes),
            Err(error) => return Err(error),
        };
        for name in names {
            if let Some(value) = file.get_xattr(&name)? {
                let name = Bytes::from(name.as_bytes());
                attributes.extended.push((name, value.as_slice().into()));
            }
        }
        attributes.extended.sort_by_key(|(name, _)| name.to_vec());
        Ok(attributes)
    }
}

/// What stands under a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Content {
    Folder,
    /// A symbolic link and where it leads; that is never followed.
    Link {
        target: Bytes,
    },
    File(FileContent),
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileContent {
    pub(crate) size: u64,
    /// BLAKE3 of its bytes, as hexadecimal digits.
    pub(crate) blake3: String,
    /// Another path of the same file (hard link).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) linked_to: Option<Bytes>,
    /// What the file was like when it was read.
    pub(crate) seen: Seen,
    /// Whether the original was removed.
    pub(crate) removed: bool,
    /// Whether it gained nothing and was left where it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) left_out: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl FileContent {
    /// Of the file's bytes; `None` if the record is damaged.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let hash = blake3::Hash::from_hex(&self.blake3).ok()?;
        Some(Digest {
            length: self.size,
            hash,
        })
    }
}

/// A [`Snapshot`] for the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    device: u64,
    inode: u64,
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    changed: i64,
}

impl From<&Snapshot> for Seen {
    fn from(snapshot: &Snapshot) -> Self {
        let limited = |time: i128| i64::try_from(time).unwrap_or(i64::MAX);
        Self {
            device: snapshot.device,
            inode: snapshot.inode,
            size: snapshot.size,
            modified: limited(snapshot.modified),
            changed: limited(snapshot.changed),
        }
    }
}

/// A file, a link or a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) content: Content,
    #[serde(flatten)]
    pub(crate) attributes: Attributes,
}

impl Entry {
    /// If it is a regular file.
    pub(crate) fn file(&self) -> Option<&FileContent> {
        match &self.content {
            Content::File(file) => Some(file),
            _ => None,
        }
    }
}

/// In which form bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// As a Lepta container.
    Compressed,
    /// Within the tar of a run of screenshots, which is a Lepta container.
    InRun,
    /// As they are, since they gained nothing.
    Copied,
    /// Not at all, since they gained nothing.
    LeftOut,
}

impl Form {
    /// Whether there is a stored file for these bytes alone.
    pub(crate) fn has_own_file(self) -> bool {
        matches!(self, Self::Compressed | Self::Copied)
    }
}

/// Bytes that one or several files have, stored once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) form: Form,
    /// Relative to the archive's folder.
    pub(crate) path: Bytes,
    /// Size of the stored file in bytes; in a run, the share of it.
    pub(crate) size: u64,
    /// How many bytes are stored, before compression.
    pub(crate) length: u64,
    /// In a run: where in the tar the bytes begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    /// Of the stored file.
    pub(crate) blake3: String,
    /// How long it took to store them.
    pub(crate) milliseconds: u64,
    /// Kind of image, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// Why parts were not modelled as images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
    /// Files that have these bytes.
    pub(crate) references: u64,
}

impl Stored {
    /// Where the bytes are in the tar of a run: from, and up to before.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let offset = self.offset?;
        Some((offset, offset.saturating_add(self.length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_kind_go_through_json() {
        for bytes in [&b"text \"\n"[..], b"", b"\xff\x00a"] {
            let written = serde_json::to_string(&Bytes::from(bytes)).expect("JSON");
            let read: Bytes = serde_json::from_str(&written).expect("JSON");
            assert_eq!(read.to_vec(), bytes, "{written}");
        }
    }

    #[test]
    fn entries_go_through_json() {
        let file = tempfile::tempfile().expect("a file");
        let content = FileContent {
            size: 3,
            blake3: blake3::hash(b"abc").to_string(),
            linked_to: Some(b"\xff"[..].into()),
            seen: (&Snapshot::of(&file).expect("its state")).into(),
            removed: false,
            left_out: false,
        };
        let entry = Entry {
            content: Content::File(content),
            attributes: Attributes::of(&file).expect("its attributes"),
        };
        let written = serde_json::to_string(&entry).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Entry>(&written).expect("JSON"),
            entry
        );
    }
}
