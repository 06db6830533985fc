//! A process that is killed at each of its system calls that write, sync, rename or remove.

mod support;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use support::{CALLS, is_killed, killed_at, lepta, messages, sample_photo, strace_is_there};

/// What holds after every cut: the original's bytes are to be had, and a final name stands for all
/// of them.
fn assert_nothing_lost(folder: &Path, place: &str) {
    let photo = sample_photo();
    let entries: Vec<OsString> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    let has_original = entries
        .iter()
        .filter(|name| name.to_string_lossy().ends_with("photo.jpg"))
        .any(|name| fs::read(folder.join(name)).expect("a file") == photo);
    let result = folder.join("photo.jpg.lepta");
    if result.exists() {
        let restored = lepta(folder, "-dc photo.jpg.lepta")
            .output()
            .expect("lepta runs");
        assert!(restored.stdout == photo, "{place}: {}", messages(&restored));
    } else {
        assert!(has_original, "{place}: {entries:?}");
    }
}

fn assert_next_run_completes(folder: &Path, place: &str) {
    let again = lepta(folder, "-f --rm --level fast photo.jpg")
        .output()
        .expect("lepta runs");
    let is_done = !folder.join("photo.jpg").exists() && folder.join("photo.jpg.lepta").exists();
    assert!(is_done, "{place}: {}", messages(&again));
    assert_nothing_lost(folder, place);
}

/// One run that is killed at this call, if it comes to that; whether it did.
fn is_cut_at(call: &str, time: usize) -> bool {
    let place = format!("{call} {time}");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("photo.jpg"), sample_photo()).expect("written");
    let command = lepta(folder.path(), "--rm --level fast photo.jpg");
    let output = killed_at(call, time, &command)
        .output()
        .expect("strace runs");
    assert_nothing_lost(folder.path(), &place);
    if is_killed(output.status) {
        assert_next_run_completes(folder.path(), &place);
        return true;
    }
    assert!(output.status.success(), "{place}: {}", messages(&output));
    false
}

#[test]
fn nothing_is_lost_when_killed_at_any_call() {
    if !strace_is_there() {
        return;
    }
    let cuts: Vec<(&str, usize)> = CALLS
        .iter()
        .map(|call| {
            (
                *call,
                (1..).take_while(|time| is_cut_at(call, *time)).count(),
            )
        })
        .collect();
    let count = |name| {
        cuts.iter()
            .find(|(call, _)| *call == name)
            .map(|(_, count)| *count)
    };
    assert!(count("write") >= Some(2), "{cuts:?}");
    assert!(count("fsync") >= Some(3), "{cuts:?}");
    assert!(count("renameat2") >= Some(2), "{cuts:?}");
    assert!(count("unlinkat") >= Some(1), "{cuts:?}");
}
