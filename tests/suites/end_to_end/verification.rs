//! Verification verifies: damage made inside the compressing process is found.
//!
//! Invariant: the decompressed result always equals the input, and the report
//! shows an alarm whenever something was really damaged.

use crate::inputs;
use lepta_tests::cases;
use lepta_tests::png_generator::{self, PngParameters};
use lepta_tests::worker_binary::Build;
use lepta_tests::worker_run::Run;

/// Runs one injection; true if it raised an alarm.
fn inject(kind: &str, seed: u64, original: &[u8]) -> bool {
    let injection = format!("{kind}:{seed}");
    let threads = if seed.is_multiple_of(3) { "2" } else { "1" };
    let level = if seed.is_multiple_of(8) {
        "default"
    } else {
        "fast"
    };
    let arguments = ["compress", "--level", level, "--threads", threads];
    let arguments = [&arguments[..], &["--inject", &injection]].concat();
    let run = Run::of(Build::ScalarWithInjection, &arguments).on(original);
    run.assert_orderly(&injection);
    let report = run.report();
    if report.status == 60 {
        return true;
    }
    assert_eq!(report.status, 0, "{injection}: {report:?}");
    let back = Run::new(&["decompress"]).on(&run.output);
    assert_eq!(back.status, Some(0), "{injection}: {}", back.messages);
    assert!(
        back.output == original,
        "{injection}: other bytes come back"
    );
    report.alarms > 0
}

/// Gives how many of the injections raised an alarm.
fn alarms(kind: &str, count: u64) -> u64 {
    alarms_on(&inputs::several_segments(), kind, count)
}

fn alarms_on(original: &[u8], kind: &str, count: u64) -> u64 {
    let seeds = 0..count;
    let raised = seeds.filter(|&seed| inject(kind, seed, original));
    raised.count() as u64
}

#[test]
fn a_changed_result_is_always_found() {
    let count = cases(100);
    assert_eq!(alarms("result", count), count);
}

#[test]
fn a_result_changed_twice_ends_with_an_alarm_status() {
    let original = inputs::several_segments();
    for seed in 0..4 {
        let injection = format!("result-twice:{seed}");
        let arguments = ["compress", "--level", "fast", "--inject", &injection];
        let run = Run::of(Build::ScalarWithInjection, &arguments).on(&original);
        run.assert_orderly(&injection);
        assert_eq!(run.status, Some(60), "{injection}: {}", run.messages);
    }
}

#[test]
fn a_changed_coefficient_is_always_found() {
    let count = cases(100);
    assert_eq!(alarms("coefficient", count), count);
}

#[test]
fn a_changed_probability_is_always_found() {
    let count = cases(100);
    assert_eq!(alarms("probability", count), count);
}

/// There the verifying decoder compares bytes of later segments as it puts them out.
#[test]
fn damage_to_a_progressive_image_is_always_found() {
    let original = inputs::progressive_photo(2000, 1600);
    let count = cases(30);
    for kind in ["result", "coefficient", "probability"] {
        assert_eq!(alarms_on(&original, kind, count), count, "{kind}");
    }
}

/// Of frames whose writer is known, the encoder leaves the replay of the zlib stream to the verifying decoder.
#[test]
fn a_changed_result_is_always_found_where_something_is_taken_for_granted() {
    let frame = |number| png_generator::write(&PngParameters::screenshot(1200, 900, number));
    let run: Vec<u8> = (0..4).flat_map(frame).collect();
    let count = cases(40);
    assert_eq!(alarms_on(&run, "result", count), count);
}
