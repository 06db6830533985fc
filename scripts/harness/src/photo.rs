//! The files that are measured, and what kind of JPEG each is.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One file of the folder.
#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) kind: Kind,
}

/// How a JPEG file is coded, from its first frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SOF0, or SOF1 with 8-bit samples.
    Baseline,
    /// SOF2.
    Progressive,
    /// Any other frame header, or none.
    Other,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Progressive => "progressive",
            Self::Other => "other",
        }
    }
}

/// The files in `folder` whose names end in .jpg or .jpeg, sorted by name.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Photo>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        if path.is_file() && extension.is_some_and(|name| name == "jpg" || name == "jpeg") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(describe).collect()
}

fn describe(path: PathBuf) -> io::Result<Photo> {
    let content = fs::read(&path)?;
    let name = path.file_name().unwrap_or_default();
    Ok(Photo {
        name: name.to_string_lossy().into_owned(),
        bytes: content.len() as u64,
        kind: kind_of(&content),
        path,
    })
}

/// Walks the marker segments (ITU-T T.81, annex B) up to the first frame header.
fn kind_of(jpeg: &[u8]) -> Kind {
    frame_header(jpeg).map_or(Kind::Other, |(marker, precision)| {
        match (marker, precision) {
            (0xC0, _) | (0xC1, 8) => Kind::Baseline,
            (0xC2, _) => Kind::Progressive,
            _ => Kind::Other,
        }
    })
}

/// The marker of the first frame header and its sample precision in bits.
fn frame_header(jpeg: &[u8]) -> Option<(u8, u8)> {
    let mut rest = jpeg.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let [0xFF, marker, after @ ..] = rest else {
            return None;
        };
        rest = match marker {
            // A fill byte before the marker.
            0xFF => &rest[1..],
            // TEM and RSTn stand without a length.
            0x01 | 0xD0..=0xD7 => after,
            // A scan or the end before any frame header.
            0xD9 | 0xDA => return None,
            // DHT, JPG and DAC have numbers among those of the frame headers.
            0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(marker) => {
                return Some((*marker, *after.get(2)?));
            }
            _ => {
                let length = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
                after.get(usize::from(length)..)?
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOI, an APP1 that holds a thumbnail's progressive frame header, then the given bytes.
    fn with_thumbnail(rest: &[u8]) -> Vec<u8> {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 8, 0xFF, 0xC2, 0, 11, 8, 0];
        jpeg.extend(rest);
        jpeg
    }

    #[test]
    fn thumbnails_do_not_decide_the_kind() {
        assert_eq!(
            kind_of(&with_thumbnail(&[0xFF, 0xC0, 0, 11, 8])),
            Kind::Baseline
        );
        assert_eq!(
            kind_of(&with_thumbnail(&[0xFF, 0xC2, 0, 11, 8])),
            Kind::Progressive
        );
    }

    #[test]
    fn twelve_bit_and_arithmetic_frames_are_other() {
        assert_eq!(
            kind_of(&with_thumbnail(&[0xFF, 0xC1, 0, 11, 8])),
            Kind::Baseline
        );
        assert_eq!(
            kind_of(&with_thumbnail(&[0xFF, 0xC1, 0, 11, 12])),
            Kind::Other
        );
        assert_eq!(
            kind_of(&with_thumbnail(&[0xFF, 0xC9, 0, 11, 8])),
            Kind::Other
        );
    }

    #[test]
    fn tables_and_fill_bytes_are_walked_over() {
        let rest = [0xFF, 0xC4, 0, 3, 0xC1, 0xFF, 0xFF, 0xFF, 0xC0, 0, 11, 8];
        assert_eq!(kind_of(&with_thumbnail(&rest)), Kind::Baseline);
    }

    #[test]
    fn anything_else_is_other() {
        assert_eq!(kind_of(b""), Kind::Other);
        assert_eq!(kind_of(b"\x89PNG"), Kind::Other);
        assert_eq!(kind_of(&with_thumbnail(&[0xFF, 0xE0, 0xFF])), Kind::Other);
        assert_eq!(kind_of(&with_thumbnail(&[0xFF, 0xDA, 0, 2])), Kind::Other);
    }
}
