//! Standard input to standard output.

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::{lepta, messages, sample_photo};

fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lepta starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // One that ends early leaves the rest unread.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("lepta ends")
    })
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_photo_comes_back_through_pipes() {
    let photo = sample_photo();
    let compressed = run(lepta(here(), "--level fast"), &photo);
    assert!(compressed.status.success(), "{}", messages(&compressed));
    assert!(compressed.stdout.len() < photo.len() * 4 / 5);
    let restored = run(lepta(here(), "-d"), &compressed.stdout);
    assert!(restored.status.success(), "{}", messages(&restored));
    assert!(restored.stdout == photo);
}

#[test]
fn a_failure_is_one_line_with_the_workers_status() {
    let run = run(lepta(here(), "--decompress"), b"no container");
    assert_eq!(run.status.code(), Some(54));
    let messages = messages(&run);
    assert!(
        messages.starts_with("lepta: standard input: "),
        "{messages}"
    );
    assert_eq!(messages.lines().count(), 1, "{messages}");
}

#[test]
fn a_missing_worker_is_named() {
    let mut command = lepta(here(), "-d");
    command.env("LEPTA_WORKER", "/nowhere/lepta-worker");
    let run = run(command, b"");
    assert_eq!(run.status.code(), Some(1));
    assert!(messages(&run).contains("/nowhere/lepta-worker"));
}

#[test]
fn a_program_that_is_no_worker_is_not_believed() {
    let mut command = lepta(here(), "-d");
    command.env("LEPTA_WORKER", "/bin/true");
    let run = run(command, b"");
    assert_eq!(run.status.code(), Some(61), "{}", messages(&run));
}

#[test]
fn completions_and_manual_come_from_the_command_line() {
    let bash = run(lepta(here(), "completions bash"), b"");
    assert!(String::from_utf8_lossy(&bash.stdout).contains("--decompress"));
    let manual = run(lepta(here(), "manual"), b"");
    assert!(String::from_utf8_lossy(&manual.stdout).starts_with(".ie"));
    assert!(run(lepta(here(), "--version"), b"").status.success());
    assert_eq!(run(lepta(here(), "--nonsense"), b"").status.code(), Some(2));
}
