//! Archives of whole folders.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use support::{lepta, messages, noise, run, sample_photo, succeed, summary};
use tempfile::TempDir;

/// What can be compared of a path: type and mode, time, bytes or target.
type Look = (u32, (i64, i64), Vec<u8>);

/// Everything in a folder, and the folder itself under an empty path.
fn look(root: &Path) -> BTreeMap<PathBuf, Look> {
    let mut looks = BTreeMap::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        let metadata = path.symlink_metadata().expect("there");
        let content = if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
            Vec::new()
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).expect("a link");
            target.as_os_str().as_bytes().to_vec()
        } else {
            fs::read(&path).expect("a file")
        };
        let relative = path.strip_prefix(root).expect("inside").to_owned();
        let time = (metadata.mtime(), metadata.mtime_nsec());
        looks.insert(relative, (metadata.mode(), time, content));
    }
    looks
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 987_654_321);
    File::open(path)
        .and_then(|file| file.set_modified(time))
        .expect("its own file");
}

/// A folder `in` with a bit of everything.
fn tree() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("in");
    fs::create_dir_all(root.join("deep/er")).expect("folders");
    fs::create_dir_all(root.join("empty")).expect("folders");
    let files: [(&[u8], Vec<u8>); 8] = [
        (b"photo.jpg", sample_photo()),
        (b"deep/same.jpg", sample_photo()),
        (b"deep/er/text", b"a line of text\n".repeat(500)),
        (b"noise", noise(5000)),
        (b"empty file", Vec::new()),
        (b"video.mp4", b"not really a video ".repeat(100)),
        (b"text.lepta", b"not really compressed ".repeat(100)),
        (b"\xff\n\xfe", b"an odd name ".repeat(100)),
    ];
    for (name, bytes) in files {
        fs::write(root.join(OsStr::from_bytes(name)), bytes).expect("written");
    }
    fs::hard_link(root.join("deep/er/text"), root.join("text")).expect("a link");
    symlink("../photo.jpg", root.join("deep/link")).expect("a link");
    symlink("loop", root.join("loop")).expect("a link");
    fs::set_permissions(root.join("noise"), Permissions::from_mode(0o604)).expect("its own");
    fs::set_permissions(root.join("deep/er"), Permissions::from_mode(0o710)).expect("its own");
    fs::set_permissions(&root, Permissions::from_mode(0o751)).expect("its own");
    for (path, time) in [
        ("photo.jpg", 1_000_000_001),
        ("deep/er", 1_000_000_002),
        ("deep", 3),
        ("", 1_000_000_004),
    ] {
        set_time(&root.join(path), time);
    }
    folder
}

fn stored_files(archive: &Path) -> usize {
    let is_file = |(_, (mode, _, _)): &(&PathBuf, &Look)| mode & 0o170_000 == 0o100_000;
    look(&archive.join("files")).iter().filter(is_file).count()
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let folder = tree();
    let here = folder.path();
    let before = look(&here.join("in"));
    let compress = "batch compress --json --level fast --report page.html in out";
    let first = summary(&succeed(here, compress));
    assert_eq!(first["failed"], 0, "{first}");
    let page = fs::read_to_string(here.join("page.html")).expect("a page");
    assert!(page.contains("By kind") && page.contains("JPEG"), "{page}");
    // The photo, the hard link: stored once each.
    assert_eq!(first["duplicates"], 2, "{first}");
    assert_eq!(stored_files(&here.join("out")), 7);
    assert_eq!(look(&here.join("in")), before);
    succeed(here, "batch restore out back");
    let after = look(&here.join("back"));
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    for (path, look) in &before {
        assert!(after[path] == *look, "{}", path.display());
    }
    let inode = |path: &str| {
        here.join("back")
            .join(path)
            .metadata()
            .expect("there")
            .ino()
    };
    assert_eq!(inode("text"), inode("deep/er/text"));
    let verified = summary(&succeed(here, "batch verify --json out"));
    assert_eq!(verified["verified"], 7, "{verified}");
}

#[test]
fn only_what_is_new_or_changed_is_done() {
    let folder = tree();
    let here = folder.path();
    let compress = "batch compress --json --level fast in out";
    succeed(here, compress);
    let again = summary(&succeed(here, compress));
    assert_eq!(
        (&again["unchanged"], &again["compressed"]),
        (&9.into(), &0.into()),
        "{again}"
    );
    fs::write(here.join("in/photo.jpg"), b"other bytes ".repeat(100)).expect("written");
    fs::write(here.join("in/new"), b"new bytes ".repeat(100)).expect("written");
    let changed = summary(&succeed(here, compress));
    assert_eq!(
        (&changed["unchanged"], &changed["compressed"]),
        (&8.into(), &2.into())
    );
    // The photo's bytes are still those of the other file.
    let same = succeed(here, "batch restore out - deep/same.jpg");
    assert!(same.stdout == sample_photo());
    fs::remove_file(here.join("in/deep/same.jpg")).expect("removed");
    succeed(here, compress);
    let same = succeed(here, "batch restore out - deep/same.jpg");
    assert!(same.stdout == sample_photo());
    succeed(here, "batch verify out");
}

#[test]
fn originals_go_only_after_proof_and_are_never_replaced() {
    let folder = tree();
    let here = folder.path();
    let before = look(&here.join("in"));
    let removed = summary(&succeed(
        here,
        "batch compress --rm --json --level fast in out",
    ));
    assert_eq!(removed["removed"], 9, "{removed}");
    let left = look(&here.join("in"));
    assert!(
        left.iter()
            .all(|(_, (mode, _, _))| mode & 0o170_000 != 0o100_000),
        "{left:?}"
    );
    for (path, look) in &left {
        assert_eq!(look.1, before[path].1, "{}", path.display());
    }
    // The camera begins to count anew.
    fs::write(here.join("in/photo.jpg"), "another photo").expect("written");
    let refused = run(here, "batch compress --rm --level fast in out");
    assert_eq!(refused.status.code(), Some(1));
    assert!(messages(&refused).contains("whose original was removed; rename this one"));
    assert_eq!(
        fs::read(here.join("in/photo.jpg")).expect("kept"),
        b"another photo"
    );
    fs::remove_file(here.join("in/photo.jpg")).expect("removed");
    succeed(here, "batch compress --rm --level fast in out");
    succeed(here, "batch restore out back");
    assert!(look(&here.join("back")) == before);
}

#[test]
fn what_gains_nothing_is_copied_or_left_out_and_then_never_removed() {
    let folder = tree();
    let here = folder.path();
    let copied = summary(&succeed(here, "batch compress --json --level fast in out"));
    // Noise, the empty file, the video.
    assert_eq!(copied["copied"], 3, "{copied}");
    assert_eq!(
        fs::read(here.join("out/files/noise")).expect("a copy"),
        noise(5000)
    );
    let left = "batch compress --json --rm --leave-incompressible --level fast in other";
    let left = summary(&succeed(here, left));
    assert_eq!(
        (&left["left_out"], &left["removed"]),
        (&3.into(), &6.into()),
        "{left}"
    );
    assert_eq!(fs::read(here.join("in/noise")).expect("kept"), noise(5000));
    // Asked to, the next run copies them after all.
    let copied = summary(&succeed(
        here,
        "batch compress --json --level fast in other",
    ));
    assert_eq!(copied["copied"], 3, "{copied}");
}

#[test]
fn one_file_a_pattern_or_a_time_come_back() {
    let folder = tree();
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    let one = succeed(here, "batch restore out - photo.jpg");
    assert!(one.stdout == sample_photo());
    succeed(here, "batch restore out some **/*.jpg");
    let mut names: Vec<_> = look(&here.join("some")).into_keys().collect();
    names.retain(|path| path.extension().is_some());
    assert_eq!(names, [PathBuf::from("deep/same.jpg"), "photo.jpg".into()]);
    succeed(
        here,
        "batch restore out old --since 2001-09-09T01:46:41Z --until 2001-09-09T01:46:42Z",
    );
    let old: Vec<_> = look(&here.join("old")).into_keys().collect();
    assert_eq!(old, [PathBuf::new(), "photo.jpg".into()]);
    let nothing = run(here, "batch restore out none no/such*");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(messages(&nothing).contains("has nothing that fits; see lepta batch list"));
    let listed = succeed(here, "batch list out deep");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 5);
    let exists = run(here, "batch restore out in photo.jpg");
    assert_eq!(
        exists.status.code(),
        Some(0),
        "the same file is there already"
    );
    fs::write(here.join("in/photo.jpg"), "precious").expect("written");
    let exists = run(here, "batch restore out in photo.jpg");
    assert_eq!(exists.status.code(), Some(41));
    assert!(messages(&exists).contains("use -f to replace it"));
    assert_eq!(
        fs::read(here.join("in/photo.jpg")).expect("kept"),
        b"precious"
    );
}

#[test]
fn a_target_that_was_in_use_keeps_its_own_attributes() {
    let folder = tree();
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    let listed = succeed(here, "batch list out");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let first = listed.lines().next().expect("a line");
    assert!(
        first.starts_with("2001-09-09T01:46:44Z") && first.ends_with("folder     ."),
        "{first}"
    );
    fs::create_dir_all(here.join("used/by others")).expect("folders");
    fs::set_permissions(here.join("used"), Permissions::from_mode(0o700)).expect("its own");
    fs::create_dir(here.join("empty")).expect("a folder");
    let before = look(&here.join("in"));
    for (target, is_own) in [("used", true), ("empty", false)] {
        succeed(here, &format!("batch restore out {target}"));
        let mut after = look(&here.join(target));
        after.remove(Path::new("by others"));
        let (root, kept) = (Path::new(""), Path::new("deep"));
        assert_eq!(after[kept], before[kept], "{target}");
        assert_eq!(after[root] != before[root], is_own, "{target}");
        assert_eq!(after[root].0 == 0o040_700, is_own, "{target}");
    }
}

#[test]
fn damage_to_an_archive_is_found_and_costs_only_its_files() {
    let folder = tree();
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    let mut bytes = fs::read(here.join("out/files/photo.jpg.lepta"))
        .or_else(|_| fs::read(here.join("out/files/deep/same.jpg.lepta")))
        .expect("the photo is stored under one of its names");
    bytes[7000] ^= 1;
    for name in ["photo.jpg.lepta", "deep/same.jpg.lepta"] {
        let path = here.join("out/files").join(name);
        if path.exists() {
            fs::write(path, &bytes).expect("written");
        }
    }
    let verified = run(here, "batch verify --json out");
    assert_eq!(verified.status.code(), Some(51), "{}", messages(&verified));
    assert_eq!(summary(&verified)["verified"], 6);
    let (mut parts, mut failed) = (0, 0);
    for part in 1..=3 {
        let output = run(here, &format!("batch verify --json --subset {part}/3 out"));
        parts += summary(&output)["verified"].as_u64().expect("a number");
        failed += summary(&output)["failed"].as_u64().expect("a number");
    }
    assert_eq!((parts, failed), (6, 1));
    let restored = run(here, "batch restore out back");
    assert_eq!(restored.status.code(), Some(51), "{}", messages(&restored));
    assert!(!here.join("back/photo.jpg").exists());
    assert!(here.join("back/deep/er/text").exists());
    // Nothing is removed whose stored result is damaged.
    let removed = run(here, "batch compress --rm --level fast in out");
    assert_eq!(removed.status.code(), Some(51), "{}", messages(&removed));
    assert!(fs::read(here.join("in/photo.jpg")).expect("kept") == sample_photo());
}

#[test]
fn restoring_never_leaves_the_target() {
    let folder = tree();
    let here = folder.path();
    succeed(here, "batch compress --level fast in out");
    fs::create_dir_all(here.join("back")).expect("a folder");
    fs::create_dir_all(here.join("elsewhere")).expect("a folder");
    symlink("../elsewhere", here.join("back/deep")).expect("a link");
    let restored = run(here, "batch restore out back");
    assert_eq!(restored.status.code(), Some(41), "{}", messages(&restored));
    assert_eq!(look(&here.join("elsewhere")).len(), 1, "the folder alone");
    assert!(here.join("back/photo.jpg").exists());
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = tree();
    let here = folder.path();
    let output = succeed(here, "batch compress --dry-run --level fast in out");
    assert!(
        messages(&output).contains("jpg: 2 files, 0.24 -> about 0."),
        "{}",
        messages(&output)
    );
    assert!(!here.join("out").exists());
}

#[test]
fn what_cannot_begin_says_why() {
    let folder = tree();
    let here = folder.path();
    for (arguments, status, words) in [
        (
            "batch compress in in/out",
            2,
            "one folder lies inside of the other",
        ),
        (
            "batch compress in .",
            2,
            "one folder lies inside of the other",
        ),
        (
            "batch compress nowhere out",
            40,
            "nowhere: cannot be read: No such file",
        ),
        (
            "batch compress in /proc/out",
            41,
            "/proc/out: cannot be written",
        ),
        ("batch restore in back", 40, "is no archive"),
        ("batch verify --subset 3/2 out", 2, "not N/T"),
    ] {
        let output = run(here, arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments}: {}",
            messages(&output)
        );
        assert!(
            messages(&output).contains(words),
            "{arguments}: {}",
            messages(&output)
        );
    }
    succeed(here, "batch compress --level fast in out");
    fs::create_dir(here.join("another")).expect("a folder");
    let other = run(here, "batch compress another out");
    assert_eq!(other.status.code(), Some(2), "{}", messages(&other));
    assert!(messages(&other).contains("of another folder; choose another DEST"));
    fs::remove_file(here.join("out/ledger.redb")).expect("removed");
    let lost = run(here, "batch compress in out");
    assert!(
        messages(&lost).contains("has files but no ledger.redb"),
        "{}",
        messages(&lost)
    );
}

#[test]
fn a_full_disk_and_special_files_do_not_end_the_rest() {
    let folder = tree();
    let here = folder.path();
    let fifo = std::process::Command::new("mkfifo")
        .arg(here.join("in/fifo"))
        .status();
    assert!(fifo.expect("mkfifo runs").success());
    fs::write(here.join("in/large"), noise(3_000_000)).expect("written");
    let mut shell = lepta(here, "");
    let command = "ulimit -f 4000; exec \"$0\" batch compress --level fast in out";
    let mut limited = std::process::Command::new("sh");
    limited
        .current_dir(here)
        .env("LEPTA_WORKER", support::worker());
    limited.args(["-c", command]).arg(shell.get_program());
    let output = limited.output().expect("sh runs");
    assert_eq!(output.status.code(), Some(42), "{}", messages(&output));
    assert!(
        messages(&output).contains("large: "),
        "{}",
        messages(&output)
    );
    assert!(messages(&output).contains("make room and try again"));
    assert!(messages(&output).contains("in/fifo: has no content, left out"));
    let next = shell
        .args(["batch", "compress", "--level", "fast", "in", "out"])
        .output();
    assert!(next.expect("lepta runs").status.success());
    fs::remove_file(here.join("in/fifo")).expect("removed");
    succeed(here, "batch compress --level fast in out");
    let before = look(&here.join("in"));
    succeed(here, "batch restore out back");
    let after = look(&here.join("back"));
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|(path, look)| before[path] == *look));
}
