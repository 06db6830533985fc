//! Runs of screenshots.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{messages, run, screenshot, succeed, summary};
use tempfile::TempDir;

fn name(number: usize) -> String {
    format!(
        "day/2024-06-26T08:{:02}:{:02}+02:00.png",
        number / 60,
        number % 60
    )
}

fn tree(count: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("in/day")).expect("made");
    for number in 0..count {
        add(folder.path(), number);
    }
    folder
}

fn add(folder: &Path, number: usize) {
    let path = folder.join("in").join(name(number));
    fs::write(path, screenshot(number)).expect("written");
}

fn members(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("out/runs/day")).expect("a folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_run_takes_little_and_comes_back_whole_in_part_and_by_the_worker_alone() {
    let folder = tree(20);
    let here = folder.path();
    let counts = summary(&succeed(here, "batch compress --json --level fast in out"));
    assert_eq!(
        (&counts["in_runs"], &counts["runs"]),
        (&20.into(), &1.into()),
        "{counts}"
    );
    let sizes = [&counts["bytes_in"], &counts["bytes_out"]].map(|size| size.as_u64().expect("n"));
    assert!(sizes[1] < sizes[0] / 3, "{sizes:?}");
    succeed(here, "batch restore out back");
    let one = succeed(here, &format!("batch restore out - {}", name(13)));
    assert!(one.stdout == screenshot(13));
    succeed(
        here,
        &format!("batch restore out two {} {}", name(3), name(17)),
    );
    for number in 0..20 {
        let read = |top: &str| fs::read(here.join(top).join(name(number)));
        assert!(
            read("back").expect("restored") == screenshot(number),
            "{number}"
        );
        let is_one_of_two = [3, 17].contains(&number);
        assert_eq!(
            read("two").is_ok_and(|read| read == screenshot(number)),
            is_one_of_two
        );
    }
    // Without this command: the worker and tar.
    let script = "\"$LEPTA_WORKER\" decompress <\"$0\" | tar x";
    let mut shell = std::process::Command::new("sh");
    fs::create_dir(here.join("alone")).expect("made");
    shell
        .current_dir(here.join("alone"))
        .env("LEPTA_WORKER", support::worker());
    let unpacked = shell
        .args(["-c", script])
        .arg(&members(here)[0])
        .output()
        .expect("sh runs");
    assert!(unpacked.status.success(), "{}", messages(&unpacked));
    let alone = fs::read(here.join("alone").join(name(7))).expect("unpacked");
    assert!(alone == screenshot(7));
}

#[test]
fn new_frames_do_not_touch_what_is_stored() {
    let folder = tree(6);
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    let before = members(here);
    let bytes = fs::read(&before[0]).expect("a member");
    (6..12).for_each(|number| add(here, number));
    let counts = summary(&succeed(here, "batch compress --json --level fast in out"));
    assert_eq!(
        (&counts["unchanged"], &counts["in_runs"]),
        (&6.into(), &6.into()),
        "{counts}"
    );
    assert_eq!(members(here).len(), 2);
    assert!(fs::read(&before[0]).expect("still there") == bytes);
    // Members one after another are one stream.
    let both: Vec<u8> = members(here)
        .iter()
        .flat_map(|path| fs::read(path).expect("read"))
        .collect();
    fs::write(here.join("both.lepta"), both).expect("written");
    succeed(here, "-t both.lepta");
}

#[test]
fn originals_of_a_run_go_after_proof() {
    let folder = tree(5);
    let here = folder.path();
    let counts = summary(&succeed(
        here,
        "batch compress --rm --json --level fast in out",
    ));
    assert_eq!(counts["removed"], 5, "{counts}");
    assert_eq!(
        fs::read_dir(here.join("in/day")).expect("a folder").count(),
        0
    );
    succeed(here, "batch restore out back");
    for number in 0..5 {
        assert!(
            fs::read(here.join("back").join(name(number))).expect("restored") == screenshot(number)
        );
    }
}

#[test]
fn a_damaged_member_costs_only_itself() {
    let folder = tree(4);
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    (4..8).for_each(|number| add(here, number));
    succeed(here, "batch compress --level fast in out");
    let member = &members(here)[0];
    let mut bytes = fs::read(member).expect("a member");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(member, bytes).expect("written");
    let verified = run(here, "batch verify --json out");
    assert_eq!(verified.status.code(), Some(51), "{}", messages(&verified));
    assert!(summary(&verified)["verified"].as_u64() >= Some(4));
    let restored = run(here, "batch restore out back");
    assert_eq!(restored.status.code(), Some(51), "{}", messages(&restored));
    for number in 4..8 {
        assert!(
            fs::read(here.join("back").join(name(number))).expect("restored") == screenshot(number)
        );
    }
    for number in 0..4 {
        let read = fs::read(here.join("back").join(name(number)));
        assert!(read.is_err() || read.is_ok_and(|read| read == screenshot(number)));
    }
}

#[test]
fn runs_can_be_switched_off_and_need_several_frames() {
    let folder = tree(2);
    let here = folder.path();
    let counts = summary(&succeed(here, "batch compress --json --level fast in out"));
    assert_eq!(
        (&counts["in_runs"], &counts["runs"]),
        (&0.into(), &0.into()),
        "{counts}"
    );
    (2..6).for_each(|number| add(here, number));
    let counts = summary(&succeed(
        here,
        "batch compress --no-runs --json --level fast in out",
    ));
    assert_eq!(counts["in_runs"], 0, "{counts}");
    succeed(here, "batch verify out");
}
