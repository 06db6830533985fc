//! What comes back of an archive that is damaged or has lost its ledger.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use support::{folder_of, messages, noise, run, sample_photo, screenshot, succeed};
use tempfile::TempDir;

fn name(number: usize) -> String {
    format!("day/2024-06-26T08:22:{number:02}.png")
}

/// A photo twice, several in one file, text, noise and a run of ten screenshots.
fn originals() -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = (0..10)
        .map(|number| (name(number), screenshot(number)))
        .collect();
    files.insert("photo.jpg".into(), sample_photo());
    files.insert("deep/same.jpg".into(), sample_photo());
    files.insert("album".into(), sample_photo().repeat(4));
    files.insert("text".into(), b"text that gets smaller ".repeat(200));
    files.insert("noise".into(), noise(3000));
    // Its name looks like that of something compressed, and it is stored as it is.
    files.insert("odd.lepta".into(), noise(2000));
    files
}

fn archive() -> TempDir {
    let folder = folder_of(originals());
    let compress = "batch compress -j1 --level fast --key-every 3 in out";
    succeed(folder.path(), compress);
    folder
}

/// The names of what came back right.
fn restored(folder: &Path) -> Vec<String> {
    let is_back = |(name, bytes): &(String, Vec<u8>)| {
        fs::read(folder.join("back").join(name)).is_ok_and(|read| read == *bytes)
    };
    let back = originals().into_iter().filter(is_back);
    back.map(|(name, _)| name).collect()
}

fn stored_run(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder.join("out/runs/day")).expect("a folder");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.next().expect("a run")
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).expect("there");
    bytes[place] ^= 1;
    fs::write(path, bytes).expect("written");
}

#[test]
fn without_a_ledger_the_manifest_will_do() {
    let folder = archive();
    let here = folder.path();
    let modified = |path: &str| {
        here.join(path)
            .metadata()
            .and_then(|there| there.modified())
    };
    fs::write(here.join("out/ledger.redb"), "no database").expect("written");
    assert!(!run(here, "batch restore out back").status.success());
    let output = succeed(here, "batch restore --salvage out back");
    let said = messages(&output);
    assert!(said.contains("going on by the manifest"), "{said}");
    assert_eq!(restored(here).len(), originals().len());
    assert_eq!(
        modified("back/photo.jpg").expect("a time"),
        modified("in/photo.jpg").expect("a time")
    );
    let left = fs::read_dir(here.join("back")).expect("a folder");
    let names = left.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| name.starts_with('.')).count(), 0);
}

#[test]
fn stored_files_alone_give_their_originals_back() {
    let folder = archive();
    let here = folder.path();
    fs::remove_file(here.join("out/ledger.redb")).expect("removed");
    fs::remove_file(here.join("out/manifest.jsonl")).expect("removed");
    let output = succeed(here, "batch restore --salvage out back");
    // The photo is stored once, under one of its names, which is all that is left to know.
    let restored = restored(here);
    assert_eq!(
        restored.len(),
        originals().len() - 1,
        "{}",
        messages(&output)
    );
    let modified = |folder: &str| {
        let file = here.join(folder).join(name(7));
        file.metadata()
            .and_then(|metadata| metadata.modified())
            .expect("a time")
    };
    assert_eq!(modified("in"), modified("back"));
    succeed(here, "batch restore --salvage out some day/*08:22:07*");
    assert!(fs::read(here.join("some").join(name(7))).expect("there") == screenshot(7));
    assert!(!here.join("some/text").exists());
}

#[test]
fn damage_costs_what_it_hits_and_what_is_left_says_so_in_its_name() {
    let folder = archive();
    let here = folder.path();
    let stored = here.join("out/files/album.lepta");
    let size = fs::read(&stored).expect("there").len();
    flip(&stored, size * 3 / 4);
    let output = run(here, "batch restore --salvage out back");
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(51), "{said}");
    assert_eq!(restored(here).len(), originals().len() - 1);
    assert!(!here.join("back/album").exists());
    let left = fs::read(here.join("back/album.partial")).expect("what is left");
    assert!(left.starts_with(&sample_photo()) && left.len() < 4 * sample_photo().len());
    assert!(said.contains("album.partial: "), "{said}");
}

#[test]
fn a_damaged_run_without_a_ledger_gives_the_frames_that_have_no_gap() {
    let folder = archive();
    let here = folder.path();
    let run_path = stored_run(here);
    let middle = fs::read(&run_path).expect("there").len() / 2;
    flip(&run_path, middle);
    fs::remove_file(here.join("out/ledger.redb")).expect("removed");
    fs::remove_file(here.join("out/manifest.jsonl")).expect("removed");
    let output = run(here, "batch restore --salvage out back");
    assert_eq!(output.status.code(), Some(51), "{}", messages(&output));
    let frames = restored(here)
        .into_iter()
        .filter(|name| name.starts_with("day/"))
        .count();
    assert!((4..10).contains(&frames), "{frames}: {}", messages(&output));
    // What came back under a name is right.
    for entry in fs::read_dir(here.join("back/day")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!(
            "day/{}",
            path.file_name().expect("a name").to_string_lossy()
        );
        assert!(
            fs::read(path).expect("there") == originals()[&name],
            "{name}"
        );
    }
}
