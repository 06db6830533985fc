//! Files as one tar, made while it is read.
//!
//! Invariant: the tar is what any `tar` unpacks to the files with their modes and times, and every
//! file's bytes begin where [`RunTar::offsets`] says. A file that is not what it was before is an
//! error of the read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use super::entry::Attributes;
use super::source::Source;
use crate::storage::{Digest, HashingReader};

/// Size of a block of a tar, in bytes.
const BLOCK: u64 = 512;
/// Blocks of zeros at the end.
const END_BLOCKS: u64 = 2;
/// Longest name that fits a plain header.
const PLAIN_NAME: usize = 100;
/// What stands there for a longer one.
pub(crate) const NAME_ELSEWHERE: &str = "name-in-extended-header";

/// What is read next.
enum Part<'a> {
    /// Bytes in memory, and how many of them were read.
    Bytes(Vec<u8>, usize),
    /// A file that must have this digest; it is opened when its turn comes.
    File(&'a Path, Option<Box<HashingReader<File>>>, Digest),
}

/// A file of the tar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) path: &'a Path,
    pub(crate) attributes: &'a Attributes,
    pub(crate) digest: Digest,
}

/// The tar.
pub(crate) struct RunTar<'a> {
    source: &'a Source,
    /// In reverse order.
    parts: Vec<Part<'a>>,
    /// Where each file's bytes begin.
    pub(crate) offsets: Vec<u64>,
    pub(crate) length: u64,
}

impl<'a> RunTar<'a> {
    /// A tar of these files of a folder.
    ///
    /// # Errors
    /// If a header cannot be made.
    pub(crate) fn new(
        source: &'a Source,
        members: impl IntoIterator<Item = Member<'a>>,
    ) -> io::Result<Self> {
        let mut tar = Self {
            source,
            parts: Vec::new(),
            offsets: Vec::new(),
            length: 0,
        };
        for member in members {
            tar.add_bytes(header(
                member.path,
                member.attributes,
                member.digest.length,
            )?);
            tar.offsets.push(tar.length);
            tar.length += member.digest.length;
            tar.parts.push(Part::File(member.path, None, member.digest));
            let padding = tar.length.next_multiple_of(BLOCK) - tar.length;
            tar.add_bytes(zeros(padding));
        }
        tar.add_bytes(zeros(END_BLOCKS * BLOCK));
        tar.parts.reverse();
        Ok(tar)
    }

    fn add_bytes(&mut self, bytes: Vec<u8>) {
        self.length += bytes.len() as u64;
        self.parts.push(Part::Bytes(bytes, 0));
    }
}

fn zeros(count: u64) -> Vec<u8> {
    vec![0; usize::try_from(count).unwrap_or(0)]
}

/// The blocks in front of a file.
fn header(path: &Path, attributes: &Attributes, size: u64) -> io::Result<Vec<u8>> {
    let (seconds, nanoseconds) = attributes.modified;
    let mut builder = Builder::new(Vec::new());
    let time = format!("{seconds}.{nanoseconds:09}");
    let name = path.as_os_str().as_bytes();
    let mut records = vec![("mtime", time.as_bytes())];
    let is_plain = name.len() <= PLAIN_NAME;
    if !is_plain {
        records.push(("path", name));
    }
    builder.append_pax_extensions(records)?;
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    let plain_name = match is_plain {
        true => path.to_owned(),
        false => PathBuf::from(NAME_ELSEWHERE),
    };
    header.set_path(plain_name)?;
    header.set_mode(attributes.mode);
    header.set_uid(attributes.user.into());
    header.set_gid(attributes.group.into());
    header.set_mtime(u64::try_from(seconds).unwrap_or(0));
    header.set_size(size);
    header.set_cksum();
    builder.append(&header, io::empty())?;
    Ok(builder.get_ref().clone())
}

impl Read for RunTar<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = self.parts.last_mut() {
            let count = match part {
                Part::Bytes(bytes, read) => {
                    let count = buffer.len().min(bytes.len() - *read);
                    buffer[..count].copy_from_slice(&bytes[*read..*read + count]);
                    *read += count;
                    count
                }
                Part::File(path, reader, digest) => {
                    let reader = match reader {
                        Some(reader) => reader,
                        None => {
                            let file = self.source.open_file(path)?;
                            reader.insert(Box::new(HashingReader::new(file)))
                        }
                    };
                    let count = reader.read(buffer)?;
                    if count == 0 && reader.digest() != *digest {
                        return Err(io::Error::other("a file changed while it was read"));
                    }
                    count
                }
            };
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.parts.pop();
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::source::SourceFile;
    use std::fs;

    fn member<'a>((name, file): &'a (&str, SourceFile)) -> Member<'a> {
        Member {
            path: Path::new(name),
            attributes: &file.attributes,
            digest: file.digest,
        }
    }

    #[test]
    fn any_tar_unpacks_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
        let names = ["a.png", long.as_str(), "empty", "block"];
        fs::create_dir(folder.path().join("d".repeat(120))).expect("made");
        let sizes = [1000, 70_000, 0, 512];
        for (name, size) in names.iter().zip(sizes) {
            fs::write(folder.path().join(name), vec![size as u8; size]).expect("written");
        }
        let source = Source::open(folder.path()).expect("a folder");
        let files = names.map(|name| (name, source.read(Path::new(name)).expect("read")));
        let mut tar = RunTar::new(&source, files.iter().map(member)).expect("made");
        let mut bytes = Vec::new();
        tar.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes.len() as u64, tar.length);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().expect("a tar");
        let mut count = 0;
        for (index, entry) in entries.enumerate() {
            let mut entry = entry.expect("an entry");
            assert_eq!(entry.path().expect("a path"), Path::new(names[index]));
            assert_eq!(entry.raw_file_position(), tar.offsets[index]);
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("read");
            assert_eq!(content, vec![sizes[index] as u8; sizes[index]]);
            count += 1;
        }
        assert_eq!(count, 4);
    }

    #[test]
    fn a_file_that_changed_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "one").expect("written");
        let source = Source::open(folder.path()).expect("a folder");
        let file = ("a", source.read(Path::new("a")).expect("read"));
        fs::write(&path, "two").expect("written");
        let mut tar = RunTar::new(&source, [member(&file)]).expect("made");
        assert!(tar.read_to_end(&mut Vec::new()).is_err());
    }
}
