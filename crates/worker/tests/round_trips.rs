//! Bytes come back, whatever they are, and the container does not depend on how they arrived.

mod support;

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{Run, collect, compressed, mixed_input, noise, run, sample_photo, worker};

/// What one segment takes at most, in bytes.
const SEGMENT: usize = lepta_codec::SEGMENT_INPUT;

fn assert_round_trip(input: &[u8]) {
    for arguments in [
        "--level fast",
        "--level default",
        "--level fast --threads 2",
    ] {
        let coded = run(&format!("compress {arguments}"), input);
        coded.assert_status(0);
        let back = run("decompress", &coded.output);
        back.assert_status(0);
        assert!(back.output == input, "{arguments}: {} bytes", input.len());
        assert!(
            run("verify", &coded.output)
                .assert_status(0)
                .output
                .is_empty()
        );
    }
}

#[test]
fn lengths_around_a_segment_come_back() {
    for length in [0, 1, 2, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT] {
        assert_round_trip(&noise(length));
    }
}

#[test]
fn text_photo_and_noise_come_back() {
    assert_round_trip(&sample_photo());
    assert_round_trip(&mixed_input());
}

#[test]
fn the_number_of_threads_does_not_change_the_output() {
    let input = mixed_input();
    for level in ["fast", "default"] {
        let one = run(&format!("compress --level {level} --threads 1"), &input);
        let two = run(&format!("compress --level {level} --threads 2"), &input);
        one.assert_status(0);
        two.assert_status(0);
        assert!(one.output == two.output, "{level}");
    }
}

#[test]
fn neither_verification_nor_the_jail_changes_the_output() {
    let input = mixed_input();
    let expected = compressed(&input);
    for arguments in [
        "--no-verify",
        "--no-verify --threads 2",
        "--no-sandbox --threads 2",
    ] {
        let run = run(&format!("compress --level fast {arguments}"), &input);
        assert!(run.assert_status(0).output == expected, "{arguments}");
    }
}

/// Runs the worker on a socket that gives one datagram of one byte a read; an empty one is the end.
fn run_on_single_bytes(arguments: &str, input: &[u8]) -> Run {
    let (ours, theirs) = UnixDatagram::pair().expect("sockets");
    run_while(arguments, Stdio::from(OwnedFd::from(theirs)), move || {
        for byte in input {
            ours.send(&[*byte]).expect("the worker reads");
        }
        ours.send(&[]).expect("the worker reads");
    })
}

/// Runs the worker on a socket that is written in pieces.
fn run_on_pieces(arguments: &str, input: &[u8], size: usize) -> Run {
    let (mut ours, theirs) = UnixStream::pair().expect("sockets");
    run_while(arguments, Stdio::from(OwnedFd::from(theirs)), move || {
        for piece in input.chunks(size) {
            ours.write_all(piece).expect("the worker reads");
        }
    })
}

fn run_while(arguments: &str, stdin: Stdio, feed: impl FnOnce() + Send) -> Run {
    let child = worker(arguments)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    thread::scope(|scope| {
        scope.spawn(feed);
        collect(child)
    })
}

#[test]
fn how_reads_are_split_does_not_change_the_output() {
    let input = mixed_input();
    let input = &input[..SEGMENT + 70_000];
    let expected = compressed(input);
    for arguments in ["compress --level fast", "compress --level fast --threads 2"] {
        let single = run_on_single_bytes(arguments, input);
        assert!(single.assert_status(0).output == expected);
        for size in [7, 4096] {
            let run = run_on_pieces(arguments, input, size);
            assert!(
                run.assert_status(0).output == expected,
                "{size} bytes a write"
            );
        }
    }
    let single = run_on_single_bytes("decompress", &expected);
    assert!(single.assert_status(0).output == input);
    for size in [7, 4096] {
        let run = run_on_pieces("decompress", &expected, size);
        assert!(run.assert_status(0).output == input, "{size} bytes a write");
    }
}

#[test]
fn descriptors_that_do_not_block_are_made_to() {
    let input = noise(200_000);
    let (mut ours, theirs) = UnixStream::pair().expect("sockets");
    theirs.set_nonblocking(true).expect("a flag");
    let coded = run_while("compress", Stdio::from(OwnedFd::from(theirs)), || {
        // Not a measurement: it makes it likely that the worker reads before there is anything.
        thread::sleep(Duration::from_millis(50));
        ours.write_all(&input).expect("the worker reads");
        drop(ours);
    });
    coded.assert_status(0);
    assert!(run("decompress", &coded.output).output == input);
}

#[test]
fn containers_one_after_another_are_one_stream() {
    let (first, second) = (sample_photo(), noise(1000));
    let mut both = compressed(&first);
    both.extend(compressed(&second));
    let back = run("decompress", &both);
    back.assert_status(0);
    assert!(back.output == [first, second].concat());
}

#[test]
fn what_is_stored_comes_back_and_no_model_has_seen_it() {
    for original in [mixed_input(), sample_photo(), Vec::new()] {
        let stored = run("store --report json", &original);
        let report = stored.assert_status(0).report();
        assert_eq!(report["operation"], "store");
        assert_eq!(report["segments"], report["segments_stored"]);
        assert_eq!(report["verified"], true);
        assert_eq!(
            (&report["kind"], &report["level"]),
            (&Value::Null, &Value::Null)
        );
        assert!(run("store --threads 2", &original).output == stored.output);
        let restored = run("decompress", &stored.output);
        assert!(restored.assert_status(0).output == original);
    }
}
