//! A batch that is killed: at each of its system calls that change the disk, and at random times.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use support::{
    CALLS, assert_nothing_lost, folder_of, is_killed, is_still_there, killed_at, lepta, messages,
    noise, run, screenshot_of, strace_is_there,
};

fn originals() -> Vec<(String, Vec<u8>)> {
    let shot = |number: u8| {
        let name = format!("shots/2024-06-26T08:22:5{number}.png");
        (name, screenshot_of(40, 20, usize::from(number)))
    };
    vec![
        shot(0),
        shot(1),
        shot(2),
        ("a/text".to_owned(), b"compressible ".repeat(300)),
        ("a/same".to_owned(), b"compressible ".repeat(300)),
        ("noise".to_owned(), noise(3000)),
    ]
}

/// The next run completes, and all comes back.
fn assert_completes(folder: &Path, files: &[(String, Vec<u8>)], place: &str) {
    let again = run(folder, "batch compress -j1 --rm --level fast in out");
    assert!(again.status.success(), "{place}: {}", messages(&again));
    let restored = run(folder, "batch restore -j1 out back");
    assert!(
        restored.status.success(),
        "{place}: {}",
        messages(&restored)
    );
    for (name, bytes) in files {
        assert!(
            !is_still_there(&folder.join("in").join(name), bytes),
            "{place}: {name} is not removed"
        );
        let read = fs::read(folder.join("back").join(name)).expect("restored");
        assert!(read == *bytes, "{place}: {name}");
    }
    let pending = fs::read_dir(folder.join("out/pending")).expect("a folder");
    assert_eq!(pending.count(), 0, "{place}");
}

fn is_cut_at(call: &str, time: usize) -> bool {
    let place = format!("{call} {time}");
    let files = originals();
    let folder = folder_of(files.clone());
    let command = lepta(folder.path(), "batch compress -j1 --rm --level fast in out");
    let output = killed_at(call, time, &command)
        .output()
        .expect("strace runs");
    if is_killed(output.status) {
        assert_nothing_lost(folder.path(), files.clone(), &place);
        assert_completes(folder.path(), &files, &place);
        return true;
    }
    assert!(output.status.success(), "{place}: {}", messages(&output));
    false
}

/// Cuts at every `step`-th time of each call.
fn cut_everywhere(step: usize) -> Vec<(&'static str, usize)> {
    let cuts = |call| {
        (1..)
            .step_by(step)
            .take_while(|time| is_cut_at(call, *time))
            .count()
    };
    CALLS
        .iter()
        .chain(&["pwrite64"])
        .map(|call| (*call, cuts(call)))
        .collect()
}

#[test]
fn nothing_is_lost_when_killed_at_some_calls() {
    if strace_is_there() {
        let cuts = cut_everywhere(5);
        assert!(
            cuts.iter().map(|(_, count)| count).sum::<usize>() > 8,
            "{cuts:?}"
        );
    }
}

/// Takes minutes: `cargo test -p lepta --test killed_batch -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn nothing_is_lost_when_killed_at_any_call() {
    if strace_is_there() {
        let cuts = cut_everywhere(1);
        println!("{cuts:?}");
        assert!(
            cuts.iter().map(|(_, count)| count).sum::<usize>() > 50,
            "{cuts:?}"
        );
    }
}

/// The paths that a run said it has stored.
fn stored(output: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(output).into_owned();
    let objects = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let stored = objects.filter(|object| object["result"] == "stored");
    stored
        .filter_map(|object| object["path"].as_str().map(str::to_owned))
        .collect()
}

/// Kills a batch `kills` times, each time a bit later, and then lets it end. No file is done twice.
fn kill_often(kills: u64) {
    let mut files: Vec<(String, Vec<u8>)> = (0..60)
        .map(|number| {
            (
                format!("{}/{number}", number % 7),
                format!("{number} text ").repeat(200),
            )
        })
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    files.extend(originals());
    let folder = folder_of(files.clone());
    let compress = "batch compress --rm --json --level fast in out";
    let mut done = BTreeSet::new();
    for number in 0..kills {
        let mut command = lepta(folder.path(), compress);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("lepta starts");
        std::thread::sleep(Duration::from_millis(20 + number * 37 % 300));
        child.kill().expect("killed");
        let output = child.wait_with_output().expect("ended");
        for path in stored(&output.stdout) {
            assert!(done.insert(path.clone()), "{path} was stored twice");
        }
        if number % 8 == 0 {
            assert_nothing_lost(folder.path(), files.clone(), &format!("kill {number}"));
        }
    }
    let last = run(folder.path(), compress);
    assert!(last.status.success(), "{}", messages(&last));
    assert!(stored(&last.stdout).is_disjoint(&done));
    assert_completes(folder.path(), &files, "the end");
}

#[test]
fn no_file_is_done_twice_over_some_kills() {
    kill_often(12);
}

/// Takes minutes: `cargo test -p lepta --test killed_batch -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn no_file_is_done_twice_over_200_kills() {
    for _ in 0..10 {
        kill_often(20);
    }
}
