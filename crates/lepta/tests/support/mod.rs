//! The programs under test, built from this checkout, and folders to run them in.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The worker, built once for a test process in the profile of the test.
pub(crate) fn worker() -> &'static Path {
    static WORKER: OnceLock<PathBuf> = OnceLock::new();
    WORKER.get_or_init(|| built("lepta-worker"))
}

/// The program that imports, likewise.
pub(crate) fn import_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("lepta-import"))
}

/// The program of another package of this workspace.
fn built(package: &str) -> PathBuf {
    let lepta = Path::new(env!("CARGO_BIN_EXE_lepta"));
    let profile = lepta.parent().expect("a folder of the profile");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--quiet", "--workspace"])
        // The example makes the build one with the dependencies of tests, as `cargo test --workspace`
        // has made it before.
        .args(["--bin", package, "--example", "golden"])
        .arg("--target-dir")
        .arg(profile.parent().expect("the target folder"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.output().expect("cargo runs");
    assert!(built.status.success(), "{}", messages(&built));
    profile.join(package)
}

/// `lepta` in `folder` with these arguments, separated by spaces.
pub(crate) fn lepta(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lepta"));
    command
        .current_dir(folder)
        .env("LEPTA_WORKER", worker())
        .args(arguments.split_whitespace());
    command
}

/// Runs `lepta` to its end.
pub(crate) fn run(folder: &Path, arguments: &str) -> Output {
    lepta(folder, arguments).output().expect("lepta runs")
}

/// Runs what must succeed.
pub(crate) fn succeed(folder: &Path, arguments: &str) -> Output {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments}: {}",
        messages(&output)
    );
    output
}

/// Runs what must fail: with this status and one line that has these words in it.
pub(crate) fn fail(folder: &Path, arguments: &str, status: i32, words: &[&str]) {
    let output = run(folder, arguments);
    let messages = messages(&output);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments}: {messages}"
    );
    let lines: Vec<&str> = messages
        .lines()
        .filter(|line| line.starts_with("lepta: "))
        .collect();
    assert_eq!(lines.len(), 1, "{messages}");
    for word in words {
        assert!(lines[0].contains(word), "{word} in {messages}");
    }
}

/// A folder with these files in its folder `in`.
pub(crate) fn folder_of(
    files: impl IntoIterator<Item = (impl AsRef<Path>, impl AsRef<[u8]>)>,
) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    folder
}

/// Whether a file with these bytes is where it was, or aside of that.
pub(crate) fn is_still_there(path: &Path, bytes: &[u8]) -> bool {
    let aside = format!(
        ".lepta-aside-{}",
        path.file_name().expect("a name").to_string_lossy()
    );
    [path, &path.with_file_name(aside)]
        .iter()
        .any(|path| fs::read(path).is_ok_and(|read| read == bytes))
}

/// Each original in the folder `in` is there, or the archive `out` gives it back.
pub(crate) fn assert_nothing_lost(
    folder: &Path,
    files: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    place: &str,
) {
    for (name, bytes) in files {
        let (name, bytes) = (name.as_ref(), bytes.as_ref());
        if !is_still_there(&folder.join("in").join(name), bytes) {
            let restored = run(folder, &format!("batch restore out - {name}"));
            assert!(
                restored.stdout == bytes,
                "{place}: {name}: {}",
                messages(&restored)
            );
        }
    }
}

/// The last object of `--json`.
pub(crate) fn summary(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().expect("an object");
    serde_json::from_str::<Value>(last).expect("JSON")["summary"].take()
}

/// Standard error.
pub(crate) fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The photo in the tree: a baseline JPEG of 117 KB.
pub(crate) fn sample_photo() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sample.jpg");
    std::fs::read(path).expect("the sample photo")
}

/// Whether system calls can be cut here; says so if not.
pub(crate) fn strace_is_there() -> bool {
    let is_there = Command::new("strace").arg("-V").output().is_ok();
    if !is_there {
        eprintln!("strace is not installed: no process is killed");
    }
    is_there
}

/// The system calls that change what is on the disk.
pub(crate) const CALLS: [&str; 12] = [
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fchmod",
    "utimensat",
];

/// The same command, killed when its main thread calls `call` for this time, from 1.
pub(crate) fn killed_at(call: &str, time: usize, command: &Command) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-qqq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={call}:signal=KILL:when={time}"))
        .args(["-e", &format!("trace={call}")])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
}

/// Whether a run, or the run that `strace` traced, was killed.
pub(crate) fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9) || status.code() == Some(137)
}

/// Bytes that nothing compresses, always the same.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    noise_from(0x2545_f491_4f6c_dd1d, length)
}

/// Such bytes from a state of the generator, which must not be 0.
pub(crate) fn noise_from(mut state: u64, length: usize) -> Vec<u8> {
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A screen of 200 × 100 pixels.
pub(crate) fn screenshot(number: usize) -> Vec<u8> {
    screenshot_of(200, 100, number)
}

/// A screen of this size, of 300 pixels at least: noise, which does not change, with a clock that does.
pub(crate) fn screenshot_of(width: usize, height: usize, number: usize) -> Vec<u8> {
    let mut pixels = noise(width * height * 3);
    for (index, pixel) in pixels.iter_mut().take(600).enumerate() {
        *pixel = (index / 30 * (number + 3) % 251) as u8;
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Best);
    let mut writer = encoder.write_header().expect("memory");
    writer.write_image_data(&pixels).expect("memory");
    writer.finish().expect("memory");
    file
}
