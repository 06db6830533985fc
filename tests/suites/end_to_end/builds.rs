//! Debug, release and scalar builds are one format.
//!
//! Invariant: every build's output is compared with the release build's.

use crate::inputs;
use lepta_tests::in_process::{LEVELS, level_name};
use lepta_tests::worker_binary::Build;
use lepta_tests::worker_run::Run;

fn assert_same_as_release(build: Build) {
    for (name, input) in inputs::assorted() {
        for level in LEVELS.map(level_name) {
            let released = Run::new(&["compress", "--level", level]).on(&input);
            let other = Run::of(build, &["compress", "--level", level]).on(&input);
            assert_eq!(other.status, Some(0), "{name}: {}", other.messages);
            assert!(
                other.output == released.output,
                "{name} at {level}: {build:?} gives other bytes than release"
            );
            let back = Run::of(build, &["decompress"]).on(&released.output);
            assert_eq!(back.status, Some(0), "{name}: {}", back.messages);
            assert!(back.output == input, "{name} at {level}, back by {build:?}");
        }
    }
}

#[test]
fn a_debug_build_makes_the_same_bytes() {
    assert_same_as_release(Build::Debug);
}

#[test]
fn a_build_without_simd_makes_the_same_bytes() {
    assert_same_as_release(Build::ScalarWithInjection);
}
