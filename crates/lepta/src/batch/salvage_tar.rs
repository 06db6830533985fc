//! Files out of a tar that has gaps.
//!
//! Invariant: only files that lie between two gaps come out, and each with all of its bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::{Archive, Header};

use super::entry::Attributes;
use super::run_tar::NAME_ELSEWHERE;

/// Size of a block of a tar, in bytes.
const BLOCK: u64 = 512;

/// A stretch of the tar without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it was in the tar.
    original: u64,
    /// Where it is now.
    place: u64,
    length: u64,
}

/// What is there of a tar without its missing ranges, `length` bytes. From where a bound is not known,
/// nothing is said.
pub(crate) fn chunks(missing: &[(Option<u64>, Option<u64>)], length: u64) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut original, mut place) = (0, 0);
    let mut add = |original, place, length| {
        if length > 0 {
            chunks.push(Chunk {
                original,
                place,
                length,
            });
        }
    };
    for (start, end) in missing {
        let there = start.and_then(|start| start.checked_sub(original));
        let Some(there) = there.filter(|there| *there <= length - place) else {
            return chunks;
        };
        add(original, place, there);
        place += there;
        match end {
            Some(end) => original = *end,
            None => return chunks,
        }
    }
    add(original, place, length - place);
    chunks
}

/// Calls `act` with path, attributes and content of each whole file in the chunks.
///
/// # Errors
/// If reading fails.
pub(crate) fn members(
    tar: &File,
    chunks: &[Chunk],
    mut act: impl FnMut(&Path, Attributes, &mut dyn Read),
) -> io::Result<()> {
    for chunk in chunks {
        let Some(first) = first_header(tar, chunk)? else {
            continue;
        };
        let mut rest = tar;
        rest.seek(SeekFrom::Start(chunk.place + first))?;
        let length = chunk.length - first;
        let mut archive = Archive::new(BufReader::new(rest.take(length)));
        for entry in archive.entries()? {
            // The chunk ends in front of the next header.
            let Ok(mut entry) = entry else { break };
            let is_whole = entry
                .raw_file_position()
                .checked_add(entry.size())
                .is_some_and(|end| end <= length);
            let path = entry.path().map(std::borrow::Cow::into_owned);
            let Ok(path) = path else { continue };
            let is_file = entry.header().entry_type().is_file();
            if !is_whole || !is_file || path == Path::new(NAME_ELSEWHERE) {
                continue;
            }
            let Ok(attributes) = attributes(&mut entry) else {
                continue;
            };
            act(&path, attributes, &mut entry);
        }
    }
    Ok(())
}

/// Where the first header of a chunk is, from its start: headers stand where blocks begin.
fn first_header(tar: &File, chunk: &Chunk) -> io::Result<Option<u64>> {
    let mut place = chunk.original.next_multiple_of(BLOCK) - chunk.original;
    let mut reader = tar;
    reader.seek(SeekFrom::Start(chunk.place + place))?;
    let mut reader = BufReader::new(reader);
    let mut header = Header::new_old();
    while place + BLOCK <= chunk.length {
        reader.read_exact(header.as_mut_bytes())?;
        let is_header = header.as_ustar().is_some() || header.as_gnu().is_some();
        if is_header && header.cksum().is_ok_and(|sum| sum == checksum(&header)) {
            return Ok(Some(place));
        }
        place += BLOCK;
    }
    Ok(None)
}

/// The sum of a header's bytes, with spaces for the sum itself (POSIX, `ustar`).
fn checksum(header: &Header) -> u32 {
    let bytes = header.as_bytes().iter().enumerate();
    let bytes = bytes.map(|(place, &byte)| match (148..156).contains(&place) {
        true => b' ',
        false => byte,
    });
    bytes.map(u32::from).sum()
}

fn attributes<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Attributes> {
    let mut modified = (
        i64::try_from(entry.header().mtime()?).unwrap_or(i64::MAX),
        0,
    );
    for record in entry.pax_extensions()?.into_iter().flatten() {
        let record = record?;
        let time = record.value().ok().filter(|_| record.key() == Ok("mtime"));
        modified = time.and_then(parse_time).unwrap_or(modified);
    }
    let header = entry.header();
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Ok(Attributes {
        mode: header.mode()?,
        user: number(header.uid()?),
        group: number(header.gid()?),
        modified,
        extended: Vec::new(),
    })
}

/// Seconds and nanoseconds of `1700000000.123456789`.
fn parse_time(text: &str) -> Option<(i64, i64)> {
    let (seconds, rest) = text.split_once('.').unwrap_or((text, "0"));
    let nanoseconds = format!("{rest:0<9}");
    Some((seconds.parse().ok()?, nanoseconds.get(..9)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tar::Builder;

    /// A tar of five files, the number as many times as its square times 300.
    fn tar_bytes() -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for number in 1..6u8 {
            let content = [number].repeat(usize::from(number) * usize::from(number) * 300);
            builder
                .append_pax_extensions([("mtime", b"1000000000.5".as_slice())])
                .expect("memory");
            let mut header = Header::new_ustar();
            header.set_path(number.to_string()).expect("short");
            header.set_mode(0o640);
            header.set_uid(1);
            header.set_gid(1);
            header.set_mtime(1_000_000_000);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_slice()).expect("memory");
        }
        builder.into_inner().expect("memory")
    }

    fn names(missing: &[(usize, usize)]) -> Vec<String> {
        let bytes = tar_bytes();
        let mut file = tempfile::tempfile().expect("a file");
        let mut place = 0;
        for &(start, end) in missing {
            file.write_all(&bytes[place..start]).expect("a disk");
            place = end;
        }
        file.write_all(&bytes[place..]).expect("a disk");
        let gaps: Vec<_> = missing
            .iter()
            .map(|&(start, end)| (Some(start as u64), Some(end as u64)))
            .collect();
        let length = file.metadata().expect("its own").len();
        let mut names = Vec::new();
        members(
            &file,
            &chunks(&gaps, length),
            |path, attributes, content| {
                let name = path.to_string_lossy().into_owned();
                let number: u8 = name.parse().expect("a number");
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).expect("read");
                assert_eq!(bytes, [number].repeat(usize::from(number).pow(2) * 300));
                assert_eq!(attributes.modified.0, 1_000_000_000);
                names.push(name);
            },
        )
        .expect("read");
        names
    }

    #[test]
    fn files_between_gaps_come_out() {
        assert_eq!(names(&[]), ["1", "2", "3", "4", "5"]);
        // In the content of the second one, and of the fourth.
        let bytes = tar_bytes();
        let second = bytes
            .windows(600)
            .position(|bytes| bytes == [2; 600])
            .expect("there");
        let fourth = bytes
            .windows(600)
            .position(|bytes| bytes == [4; 600])
            .expect("there");
        assert_eq!(names(&[(second + 5, second + 6)]), ["1", "3", "4", "5"]);
        assert_eq!(
            names(&[(second + 5, second + 1106), (fourth, fourth + 77)]),
            ["1", "3", "5"]
        );
        // The extended header of the first one is gone, which has nothing but the exact time.
        assert_eq!(names(&[(0, 1)]).len(), 5);
        assert_eq!(names(&[(10, bytes.len())]), [""; 0]);
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(
            parse_time("1000000000.5"),
            Some((1_000_000_000, 500_000_000))
        );
        assert_eq!(parse_time("7"), Some((7, 0)));
        assert_eq!(parse_time("a.b"), None);
    }

    #[test]
    fn nothing_is_said_behind_a_gap_of_unknown_size() {
        assert_eq!(chunks(&[(Some(5), None)], 100).len(), 1);
        assert_eq!(chunks(&[(None, Some(5))], 100).len(), 0);
        assert_eq!(chunks(&[(Some(500), Some(600))], 100).len(), 0);
    }
}
