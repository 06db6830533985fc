//! The compressed bytes depend on the input alone.
//!
//! Invariant: the outputs compared here are whole files, byte for byte.

use crate::inputs;
use lepta_tests::in_process::{LEVELS, compress, level_name};
use lepta_tests::worker_run::Run;

#[test]
fn reads_of_any_size_give_the_same_bytes() {
    for (name, input) in inputs::assorted() {
        let whole = Run::new(&["compress"]).on(&input);
        whole.assert_done(name);
        for size in [1, 7, 4096] {
            let run = Run::new(&["compress"]).in_reads_of(size).on(&input);
            run.assert_done(name);
            assert!(run.output == whole.output, "{name} in reads of {size}");
            let back = Run::new(&["decompress"])
                .in_reads_of(size)
                .on(&whole.output);
            back.assert_done(name);
            assert!(back.output == input, "{name} back in reads of {size}");
        }
    }
}

#[test]
fn two_threads_give_the_bytes_of_one() {
    let mut inputs = inputs::assorted();
    inputs.push(("several segments", inputs::several_segments()));
    for (name, input) in inputs {
        for level in LEVELS.map(level_name) {
            let one = Run::new(&["compress", "--level", level, "--threads", "1"]).on(&input);
            let two = Run::new(&["compress", "--level", level, "--threads", "2"]).on(&input);
            one.assert_done(name);
            two.assert_done(name);
            assert!(one.output == two.output, "{name} at {level}");
        }
    }
}

#[test]
fn the_worker_writes_what_the_codec_makes() {
    // The many cases that run on the codec alone say something about the worker
    // only as long as both make the same containers.
    for (name, input) in inputs::assorted() {
        for level in LEVELS {
            let run = Run::new(&["compress", "--level", level_name(level)]).on(&input);
            run.assert_done(name);
            let own = compress(&input, level);
            assert_eq!(run.output.len(), own.len(), "{name} at {level:?}");
        }
    }
}
