//! Output begins while input still arrives.
//!
//! Invariant: the rest of the input is held back until output has come, so that a
//! worker that waits for all of it would never end.

use crate::inputs;
use lepta_tests::worker_binary::{Build, worker};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Long enough for any machine to code one segment.
const PATIENCE: Duration = Duration::from_secs(120);

/// Feeds the first `held_from` bytes, waits for output, feeds the rest.
fn run_held_back(arguments: &[&str], input: &[u8], held_from: usize) -> Vec<u8> {
    let mut child = Command::new(worker(Build::Release))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the worker starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let (first_output, seen) = mpsc::channel();
    let collector = thread::spawn(move || {
        let mut output = vec![0];
        stdout.read_exact(&mut output).expect("there is output");
        first_output.send(()).expect("the test waits");
        stdout.read_to_end(&mut output).expect("a pipe can be read");
        output
    });
    let (early, late) = input.split_at(held_from);
    stdin.write_all(early).expect("the worker reads");
    let streamed = seen.recv_timeout(PATIENCE);
    stdin.write_all(late).expect("the worker reads on");
    drop(stdin);
    let output = collector.join().expect("the collector ends");
    let status = child.wait().expect("a child can be waited for");
    assert_eq!(status.code(), Some(0), "{arguments:?}");
    assert!(streamed.is_ok(), "{arguments:?}: no output before the end");
    output
}

#[test]
fn both_directions_stream() {
    let original = inputs::several_segments();
    let half = original.len() / 2;
    for arguments in [&["compress"][..], &["compress", "--threads", "2"]] {
        let compressed = run_held_back(arguments, &original, half);
        let half = compressed.len() / 2;
        let back = run_held_back(&["decompress"], &compressed, half);
        assert!(back == original, "{arguments:?}: other bytes come back");
    }
}
