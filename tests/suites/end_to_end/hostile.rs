//! Streams made to hurt: bounded memory, bounded time, a clear end.
//!
//! Invariant: processor time is bounded by the worker's own limit, which would
//! end a run with status 31; so status 0 says that it was not needed.

use crate::inputs;
use lepta_tests::in_process::{LEVELS, level_name};
use lepta_tests::jpeg_generator::Kind;
use lepta_tests::worker_run::{MEMORY_LIMIT, Run};
use std::io;

/// Seconds of processor time that no stream of a few megabytes may need.
const TIME_LIMIT: &str = "60";

#[test]
fn hostile_streams_cost_little_and_come_back() {
    for &kind in Kind::HOSTILE {
        for seed in 0..4 {
            let name = format!("{} {seed}", kind.name());
            let input = inputs::file(kind, seed);
            let level = level_name(LEVELS[seed as usize % 2]);
            let arguments = ["compress", "--level", level, "--time-limit", TIME_LIMIT];
            let run = Run::new(&arguments).on(&input);
            run.assert_done(&name);
            let back = Run::new(&["decompress", "--time-limit", TIME_LIMIT]).on(&run.output);
            back.assert_done(&name);
            assert!(back.output == input, "{name}: other bytes come back");
        }
    }
}

/// A head, then one byte for ever.
fn endless(head: Vec<u8>, byte: u8) -> impl io::Read + Send + 'static {
    io::Read::chain(io::Cursor::new(head), io::repeat(byte))
}

#[test]
fn endless_streams_end_at_the_time_limit() {
    let head = inputs::sample();
    for (name, head, byte) in [
        ("zeros", vec![], 0x00),
        ("fill bytes", vec![], 0xFF),
        ("a scan of zeros", head[..5_000].to_vec(), 0x00),
        ("a scan of fill bytes", head[..5_000].to_vec(), 0xFF),
    ] {
        let run = Run::new(&["compress", "--time-limit", "1"]);
        let (outcome, _) = run.stream(endless(head, byte), Vec::new());
        outcome.assert_orderly(name);
        assert_eq!(outcome.status, Some(31), "{name}: {}", outcome.messages);
        let seen = outcome.highest_memory;
        assert!(seen < MEMORY_LIMIT, "{name}: peak memory {seen}");
    }
}

#[test]
fn endless_streams_are_no_containers() {
    for byte in [0x00, 0xFF, b'L'] {
        let run = Run::new(&["decompress", "--time-limit", "10"]);
        let (outcome, _) = run.stream(endless(vec![], byte), Vec::new());
        outcome.assert_orderly("endless");
        assert_eq!(outcome.status, Some(54), "{byte:#x}: {}", outcome.messages);
    }
}
