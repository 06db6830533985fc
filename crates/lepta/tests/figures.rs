//! How fast it is here. Nothing is asserted about time: `cargo test --release -p lepta --test figures --
//! --ignored --nocapture --test-threads 1`, on a machine that does nothing else.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use support::{succeed, summary};
use tempfile::TempDir;

/// A folder in memory if there is one, so that the disk does not count.
fn folder() -> TempDir {
    match Path::new("/dev/shm").is_dir() {
        true => tempfile::tempdir_in("/dev/shm"),
        false => tempfile::tempdir(),
    }
    .expect("a folder")
}

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus")
        .join(name);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("../shared/corpus/{name} is not there");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

fn copy(paths: &[PathBuf], folder: &Path) {
    fs::create_dir_all(folder).expect("made");
    for path in paths {
        fs::copy(path, folder.join(path.file_name().expect("a name"))).expect("copied");
    }
}

fn timed(folder: &Path, arguments: &str) -> Duration {
    let start = Instant::now();
    succeed(folder, arguments);
    start.elapsed()
}

#[test]
#[ignore = "measures"]
fn two_workers_against_one() {
    let folder = folder();
    let here = folder.path();
    copy(&corpus("jpeg-photos"), &here.join("in/photos"));
    copy(&corpus("screens/run_a_maim"), &here.join("in/run"));
    let one = timed(here, "batch compress -j1 --level fast in one");
    let two = timed(here, "batch compress -j2 --level fast in two");
    println!(
        "one worker {one:.2?}, two {two:.2?}: {:.2} x",
        one.as_secs_f64() / two.as_secs_f64()
    );
}

#[test]
#[ignore = "measures"]
fn skipping_a_hundred_thousand_unchanged_files() {
    let folder = folder();
    let here = folder.path();
    fs::create_dir(here.join("in")).expect("made");
    for number in 0..100_000 {
        let text = format!("{} text ", number % 100).repeat(10);
        fs::write(here.join(format!("in/{number}")), text).expect("written");
    }
    println!(
        "the first time: {:.2?}",
        timed(here, "batch compress --level fast in out")
    );
    let start = Instant::now();
    let counts = summary(&succeed(here, "batch compress --json --level fast in out"));
    println!("again: {:.2?}", start.elapsed());
    assert_eq!(counts["unchanged"], 100_000);
}

#[test]
#[ignore = "measures"]
fn one_frame_out_of_a_run() {
    let folder = folder();
    let here = folder.path();
    let frames = corpus("screens/run_a_maim");
    copy(&frames, &here.join("in"));
    succeed(here, "batch compress in out");
    let mut times: Vec<Duration> = frames
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            timed(here, &format!("batch restore out - {name}"))
        })
        .collect();
    times.sort();
    if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        println!(
            "{} frames: median {median:.3?}, longest {longest:.3?}",
            times.len()
        );
    }
}
