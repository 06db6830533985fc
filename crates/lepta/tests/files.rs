//! Single files: names, attributes, removal, what goes wrong.

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use support::{fail, lepta, messages, run, sample_photo, succeed};
use tempfile::TempDir;

/// A folder with the sample photo as `photo.jpg`, of mode 0640 and an old time.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.jpg");
    fs::write(&path, sample_photo()).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("its own file");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::open(&path)
        .and_then(|file| file.set_modified(time))
        .expect("its own file");
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Mode and modification time.
fn attributes(path: &Path) -> (u32, i64, i64) {
    let metadata = path.metadata().expect("a file");
    (metadata.mode(), metadata.mtime(), metadata.mtime_nsec())
}

#[test]
fn a_file_comes_back_with_mode_and_time() {
    let folder = folder();
    let here = folder.path();
    succeed(here, "--level fast photo.jpg");
    assert_eq!(names(here), ["photo.jpg", "photo.jpg.lepta"]);
    let photo = here.join("photo.jpg");
    let expected = attributes(&photo);
    assert_eq!(attributes(&here.join("photo.jpg.lepta")), expected);
    fs::remove_file(&photo).expect("removed");
    succeed(here, "-d photo.jpg.lepta");
    assert!(fs::read(&photo).expect("restored") == sample_photo());
    assert_eq!(attributes(&photo), expected);
    succeed(here, "-t photo.jpg.lepta");
    let restored = succeed(here, "-dc photo.jpg.lepta");
    assert!(restored.stdout == sample_photo());
}

#[test]
fn existing_files_are_replaced_only_by_force() {
    let folder = folder();
    let here = folder.path();
    fs::write(here.join("photo.jpg.lepta"), "precious").expect("written");
    fail(
        here,
        "photo.jpg",
        41,
        &["photo.jpg.lepta", "exists already", "-f"],
    );
    assert_eq!(
        fs::read(here.join("photo.jpg.lepta")).expect("kept"),
        b"precious"
    );
    succeed(here, "-f --level fast photo.jpg");
    succeed(here, "-t photo.jpg.lepta");
    fail(here, "photo.jpg.lepta", 2, &["is compressed already", "-f"]);
}

#[test]
fn originals_are_removed_after_proof_only() {
    let folder = folder();
    let here = folder.path();
    let output = succeed(here, "--rm --json --level fast photo.jpg");
    assert_eq!(names(here), ["photo.jpg.lepta"]);
    let record: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(record["removed"], true);
    assert_eq!(record["blake3"], blake3::hash(&sample_photo()).to_string());
    assert_eq!(record["bytes_in"], 117_638);
    succeed(here, "-d --rm photo.jpg.lepta");
    assert_eq!(names(here), ["photo.jpg"]);
    assert!(fs::read(here.join("photo.jpg")).expect("restored") == sample_photo());
}

#[test]
fn one_bad_file_does_not_keep_the_others_from_being_done() {
    let folder = folder();
    let here = folder.path();
    let output = run(here, "--level fast nowhere.jpg photo.jpg");
    assert_eq!(output.status.code(), Some(40), "{}", messages(&output));
    assert!(messages(&output).contains("lepta: nowhere.jpg: cannot be read: No such file"));
    assert_eq!(names(here), ["photo.jpg", "photo.jpg.lepta"]);
}

#[test]
fn what_is_no_regular_file_is_named_and_left_alone() {
    let folder = folder();
    let here = folder.path();
    symlink("photo.jpg", here.join("link.jpg")).expect("a link");
    symlink("loop", here.join("loop")).expect("a link");
    let fifo = std::process::Command::new("mkfifo")
        .arg(here.join("fifo"))
        .status();
    assert!(fifo.expect("mkfifo runs").success());
    fail(here, "link.jpg", 40, &["link.jpg", "symbolic link", "-f"]);
    fail(here, "loop", 40, &["loop", "symbolic link"]);
    fail(here, "-f loop", 40, &["loop", "Too many levels"]);
    fail(here, "fifo", 40, &["fifo", "FIFO", "standard input"]);
    fail(here, ".", 40, &["folder", "-r"]);
    fail(here, "/dev/zero", 40, &["/dev/zero", "device"]);
    succeed(here, "-f --level fast link.jpg");
    assert!(here.join("link.jpg.lepta").is_file());
}

#[test]
fn damage_is_said_with_its_status_and_leaves_no_file() {
    let folder = folder();
    let here = folder.path();
    succeed(here, "--rm --level fast photo.jpg");
    let path = here.join("photo.jpg.lepta");
    let mut bytes = fs::read(&path).expect("there");
    bytes[5000] ^= 4;
    fs::write(&path, &bytes).expect("written");
    for arguments in [
        "-d photo.jpg.lepta",
        "-t photo.jpg.lepta",
        "-d --rm photo.jpg.lepta",
    ] {
        fail(here, arguments, 51, &["photo.jpg.lepta", "checksum"]);
    }
    assert_eq!(names(here), ["photo.jpg.lepta"]);
    fs::write(here.join("text.lepta"), "no container").expect("written");
    fail(here, "-d text.lepta", 54, &["text.lepta"]);
}

#[test]
fn folders_lists_and_mirrors() {
    let folder = folder();
    let here = folder.path();
    fs::create_dir_all(here.join("in/deep")).expect("folders");
    for name in ["in/a.jpg", "in/deep/b.jpg", "in/c.mp4"] {
        fs::write(here.join(name), sample_photo()).expect("written");
    }
    let odd = std::ffi::OsStr::from_bytes(b"in/\xff\n.jpg");
    fs::write(here.join(odd), "odd name").expect("written");
    let output = succeed(
        here,
        "-r --exclude-compressed --level fast --output-dir-mirror out in ./in",
    );
    assert!(
        messages(&output).contains("3 files: "),
        "{}",
        messages(&output)
    );
    assert!(here.join("out/in/deep/b.jpg.lepta").is_file());
    assert!(!here.join("out/in/c.mp4.lepta").exists());
    assert_eq!(names(&here.join("in")).len(), 4);
    fs::write(here.join("list"), "in/a.jpg\nin/deep/b.jpg\n").expect("written");
    succeed(here, "--level fast --filelist list");
    assert!(here.join("in/deep/b.jpg.lepta").is_file());
    let output = succeed(here, "-dr out --json");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        lines.contains("\"file_hex\":\"6f75742f696e2fff0a2e6a70672e6c65707461\""),
        "{lines}"
    );
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert_eq!(
        fs::read(here.join("out").join(odd)).expect("restored"),
        b"odd name"
    );
}

#[test]
fn a_list_reads_ends_alone() {
    let folder = folder();
    let here = folder.path();
    succeed(here, "--level fast photo.jpg");
    let one = fs::read(here.join("photo.jpg.lepta")).expect("there");
    let mut two = [one.clone(), one.clone()].concat();
    // Damage in front of the ends is not seen: nothing is decoded.
    two[9000] ^= 1;
    fs::write(here.join("two.lepta"), &two).expect("written");
    let output = succeed(here, "-l --json photo.jpg.lepta two.lepta");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["original_bytes"], 117_638);
    assert_eq!(lines[0]["compressed_bytes"], one.len());
    assert_eq!(
        (&lines[1]["containers"], &lines[1]["original_bytes"]),
        (&2.into(), &235_276.into())
    );
    fail(
        here,
        "-l photo.jpg",
        54,
        &["photo.jpg", "no container ends here"],
    );
    fs::write(here.join("cut.lepta"), &one[1000..]).expect("written");
    fail(
        here,
        "-l cut.lepta",
        50,
        &["cut.lepta", "its beginning is missing"],
    );
}

#[test]
fn one_output_for_one_file() {
    let folder = folder();
    let here = folder.path();
    succeed(here, "--level fast -o x photo.jpg");
    fail(here, "-o y photo.jpg x", 2, &["y", "several files"]);
    fail(here, "-d x", 2, &["x", "does not end in .lepta", "-o"]);
    succeed(here, "-d -o y x");
    assert!(fs::read(here.join("y")).expect("restored") == sample_photo());
}

#[test]
fn a_folder_that_cannot_be_written_and_a_full_one() {
    let folder = folder();
    let here = folder.path();
    fail(
        here,
        "-o /proc/x photo.jpg",
        41,
        &["/proc/x", "cannot be written"],
    );
    let full = "-c photo.jpg";
    let mut command = lepta(here, full);
    command.stdout(
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("there"),
    );
    let output = command.output().expect("lepta runs");
    assert_eq!(output.status.code(), Some(42), "{}", messages(&output));
    assert!(messages(&output).contains("standard output: cannot be written: No space left"));
}
