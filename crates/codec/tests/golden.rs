//! Compressed files of the past still decode.
//!
//! `golden/list.txt` names every file `golden/NAME.lepta`, one a line: name, raw length in bytes,
//! CRC-32 of the raw bytes in hexadecimal. `cargo run --release -p lepta-codec --example golden`
//! makes them; they are replaced only by a new draft or version of the format.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use support::decode;

struct Golden {
    name: String,
    length: usize,
    checksum: u32,
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden"]
        .iter()
        .collect()
}

fn listed() -> Vec<Golden> {
    let list = std::fs::read_to_string(folder().join("list.txt")).expect("the list is readable");
    let entry = |line: &str| {
        let [name, length, checksum] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not name, length and checksum: {line}");
        };
        Golden {
            name: name.to_owned(),
            length: length.parse().expect("a length in bytes"),
            checksum: u32::from_str_radix(checksum, 16).expect("a checksum in hexadecimal"),
        }
    };
    list.lines().map(entry).collect()
}

#[test]
fn every_golden_file_decodes() {
    let golden = listed();
    assert!(!golden.is_empty());
    for Golden {
        name,
        length,
        checksum,
    } in golden
    {
        let coded = std::fs::read(folder().join(format!("{name}.lepta"))).expect("a golden file");
        let raw = decode(&coded).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(
            (raw.len(), crc32fast::hash(&raw)),
            (length, checksum),
            "{name}"
        );
    }
}

/// The bytes model alone saves next to nothing on Huffman-coded data.
#[test]
fn modelled_images_are_among_them() {
    for level in ["fast", "default"] {
        let modelled = |golden: &&Golden| {
            let coded = std::fs::read(folder().join(format!("{}.lepta", golden.name)));
            let coded = coded.expect("a golden file");
            golden.name.ends_with(level)
                && decode(&coded).is_ok_and(|raw| raw.starts_with(&[0xFF, 0xD8]))
                && coded.len() < golden.length / 8 * 7
        };
        assert!(listed().iter().filter(modelled).count() >= 3, "{level}");
    }
}

/// Three PNGs in a stream, of which the last two are like the first.
#[test]
fn modelled_screenshots_are_among_them() {
    // Corrections of choices that were made by chance cost more than those of an encoder.
    for (name, part) in [
        ("screens-fast", 4),
        ("screens-default", 4),
        ("corrected-fast", 2),
        ("corrected-default", 2),
    ] {
        let golden = listed().into_iter().find(|golden| golden.name == name);
        let coded = std::fs::read(folder().join(format!("{name}.lepta")));
        let (golden, coded) = (golden.expect("it is listed"), coded.expect("a golden file"));
        assert!(coded.len() < golden.length / part, "{name}");
    }
}

/// A photo within which keys begin with a resumption: kind 10, behind the segment's header and the number of
/// parts.
#[test]
fn restarts_within_a_photo_are_among_them() {
    for (level, key) in [("fast", 3), ("default", 4)] {
        let coded = std::fs::read(folder().join(format!("restarted-{level}.lepta")));
        let coded = coded.expect("a golden file");
        let (mut place, mut resumptions) = (12, 0);
        while coded[place] != 2 {
            let length = [coded[place + 4], coded[place + 5], coded[place + 6], 0];
            resumptions += usize::from((coded[place], coded[place + 16]) == (key, 10));
            place += 15 + u32::from_le_bytes(length) as usize;
        }
        assert!(resumptions >= 4, "{resumptions} at {level}");
    }
}

#[test]
fn the_list_is_the_folder() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the folder is readable")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".lepta")?.to_owned()))
        .collect();
    let names: BTreeSet<String> = listed().into_iter().map(|golden| golden.name).collect();
    assert_eq!(files, names);
}
