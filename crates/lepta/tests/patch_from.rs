//! Files that are coded against another one.

mod support;

use std::fs;
use std::path::Path;

use support::{fail, messages, run, screenshot, succeed};
use tempfile::TempDir;

/// Three screenshots, `1.png` to `3.png`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 1..=3 {
        let path = folder.path().join(format!("{number}.png"));
        fs::write(path, screenshot(number)).expect("written");
    }
    folder
}

fn size(folder: &Path, name: &str) -> u64 {
    folder.join(name).metadata().expect("a file").len()
}

#[test]
fn a_file_takes_little_beside_its_reference_and_needs_exactly_that() {
    let folder = folder();
    let here = folder.path();
    succeed(here, "--level fast -o alone.lepta 2.png");
    succeed(here, "--level fast --rm --patch-from 1.png 2.png 3.png");
    assert!(size(here, "2.png.lepta") * 10 < size(here, "alone.lepta"));
    assert!(!here.join("2.png").exists());
    let restored = succeed(here, "-dc --patch-from 1.png 2.png.lepta");
    assert!(restored.stdout == screenshot(2));
    succeed(here, "-t --patch-from 1.png 2.png.lepta 3.png.lepta");
    // What was compressed alone takes no notice of a reference.
    succeed(here, "-t --patch-from 1.png alone.lepta");
    let needed = "name the file that it was compressed against: --patch-from";
    fail(here, "-t 2.png.lepta", 53, &[needed]);
    fs::write(here.join("other.png"), screenshot(9)).expect("written");
    fail(here, "-d --patch-from other.png 2.png.lepta", 53, &[needed]);
    assert!(!here.join("2.png").exists());
    succeed(here, "-d --rm --patch-from 1.png 2.png.lepta 3.png.lepta");
    assert!(fs::read(here.join("3.png")).expect("restored") == screenshot(3));
    assert!(!here.join("3.png.lepta").exists());
}

#[test]
fn a_reference_is_neither_removed_nor_replaced() {
    let folder = folder();
    let here = folder.path();
    fs::hard_link(here.join("1.png"), here.join("same.png")).expect("a link");
    for name in ["1.png", "./1.png", "same.png"] {
        let arguments = format!("--rm --level fast --patch-from 1.png {name} 2.png");
        fail(here, &arguments, 2, &["is never removed; leave it out"]);
        assert!(here.join(name).exists());
        succeed(here, "-d -f --rm --patch-from 1.png 2.png.lepta");
    }
    let replacing = "-f --level fast --patch-from 1.png -o same.png 2.png";
    fail(
        here,
        replacing,
        2,
        &["is the reference, which a result must not replace"],
    );
    assert!(fs::read(here.join("1.png")).expect("kept") == screenshot(1));
}

#[test]
fn what_is_no_reference_is_said() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("text"), "no image").expect("written");
    let output = succeed(here, "--level fast --patch-from text 2.png");
    let said = messages(&output);
    assert!(said.contains("no reference: not a whole PNG"), "{said}");
    succeed(here, "-t 2.png.lepta");
    fail(
        here,
        "--patch-from nowhere 3.png",
        40,
        &["nowhere: cannot be read"],
    );
    fail(here, "--patch-from . 3.png", 40, &[".: is a folder"]);
    let output = run(here, "--patch-from 1.png -l 2.png.lepta");
    assert_eq!(output.status.code(), Some(2));
    assert!(messages(&output).contains("cannot be used with"));
}
