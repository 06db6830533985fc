//! Verification verifies: what is damaged between coding and sealing never leaves the process.
//!
//! Invariant: a damaged segment is stored instead and raises an alarm, or, if that is damaged too,
//! the job ends with 60 before a byte of the segment is written; with one thread as with two.

mod support;

use support::{mixed_input, noise, run};

/// Bytes of more segments than a seed chooses from.
fn input() -> Vec<u8> {
    [&mixed_input()[..50_000], &noise(600_000)].concat()
}

#[test]
fn a_damaged_result_is_stored_instead() {
    let input = input();
    for seed in 0..16 {
        let one = run(
            &format!("compress --level fast --report json --inject result:{seed}"),
            &input,
        );
        let report = one.assert_status(0).report();
        assert_eq!(report["alarms"], 1, "seed {seed}");
        assert_eq!(report["segments_stored"], 1, "seed {seed}");
        assert_eq!(report["verified"], true);
        let back = run("decompress --report json", &one.output);
        assert!(back.assert_status(0).output == input, "seed {seed}");
        assert_eq!(back.report()["segments_stored"], 1);
        let two = run(
            &format!("compress --level fast --threads 2 --report json --inject result:{seed}"),
            &input,
        );
        assert!(two.assert_status(0).output == one.output, "seed {seed}");
        assert_eq!(two.report()["alarms"], 1);
    }
}

#[test]
fn a_segment_that_is_damaged_stored_too_ends_with_60() {
    let input = input();
    let whole = run("compress --level fast", &input).output;
    for seed in 0..8 {
        for threads in [1, 2] {
            let failed = run(
                &format!(
                    "compress --level fast --threads {threads} --report json \
                     --inject result-twice:{seed}"
                ),
                &input,
            );
            let report = failed.assert_status(60).report();
            assert_eq!(report["alarms"], 2, "seed {seed}");
            assert_eq!(report["verified"], false);
            assert_eq!(report["segments"], seed % 3);
            assert!(whole.starts_with(&failed.output), "seed {seed}");
            assert_eq!(failed.output.is_empty(), seed % 3 == 0);
        }
    }
}

#[test]
fn without_verification_damage_is_not_found_and_nothing_else_is_said() {
    let damaged = run(
        "compress --no-verify --report json --inject result:1",
        &input(),
    );
    let report = damaged.assert_status(0).report();
    assert_eq!(
        (&report["verified"], &report["alarms"]),
        (&false.into(), &0.into())
    );
    let back = run("decompress", &damaged.output);
    assert!(
        (50..60).contains(&back.status.expect("no signal")),
        "{back:?}"
    );
}

#[test]
fn a_damaged_end_segment_ends_with_60() {
    // Less than one segment, so that number 1 is the end segment.
    for threads in [1, 2] {
        let failed = run(
            &format!("compress --threads {threads} --inject result:1"),
            b"some bytes",
        );
        failed.assert_status(60);
        assert!(!failed.output.is_empty());
    }
}

#[test]
fn wrong_injections_are_refused() {
    for injection in ["result", "result:x", "nothing:1"] {
        run(&format!("compress --inject {injection}"), &[]).assert_status(2);
    }
}
