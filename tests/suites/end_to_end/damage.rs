//! Damaged compressed files never pass for whole ones.
//!
//! Invariant: whatever is done to a file, the result is an error or the original
//! bytes; never other bytes with success, never a panic, a hang or a signal.

use crate::inputs;
use fastrand::Rng;
use lepta_codec::Level;
use lepta_tests::cases;
use lepta_tests::container::repair_checksums;
use lepta_tests::damage::{Counts, each};
use lepta_tests::in_process::{compress, decompress, level_name};
use lepta_tests::jpeg_generator::Kind;
use lepta_tests::worker_run::Run;

/// A file of one segment: most damage is found by its checksum.
fn small() -> Vec<u8> {
    [inputs::file(Kind::Cmyk, 2), b"tail ".repeat(50)].concat()
}

fn assert_found_by_codec(original: &[u8], level: Level, counts: Counts) {
    let whole = compress(original, level);
    assert_eq!(decompress(&whole).as_deref(), Ok(original));
    each(&whole, 1, counts, |name, damaged| {
        if let Ok(output) = decompress(damaged) {
            assert!(output == original, "{level:?}, {name}: other bytes");
        }
    });
}

fn assert_found_by_worker(original: &[u8], level: Level) {
    let whole = Run::new(&["compress", "--level", level_name(level)]).on(original);
    whole.assert_done("whole");
    let counts = Counts {
        bit_flips: cases(500),
        truncations: cases(50),
        runs: cases(25),
        edge_step: 20,
    };
    each(&whole.output, 2, counts, |name, damaged| {
        let run = Run::new(&["decompress"]).on(damaged);
        run.assert_orderly(name);
        if run.status == Some(0) {
            assert!(run.output == original, "{level:?}, {name}: other bytes");
        } else {
            let status = run.status.expect("it ended by itself");
            assert!((50..60).contains(&status), "{level:?}, {name}: {status}");
        }
    });
}

fn full_counts() -> Counts {
    Counts {
        bit_flips: cases(10_000),
        truncations: cases(1_000),
        runs: cases(500),
        edge_step: 1,
    }
}

#[test]
fn the_codec_finds_damage_at_the_fast_level() {
    assert_found_by_codec(&small(), Level::Fast, full_counts());
}

#[test]
fn the_codec_finds_damage_at_the_default_level() {
    assert_found_by_codec(&small(), Level::Default, full_counts());
}

#[test]
fn the_codec_finds_damage_between_and_after_segments() {
    let counts = Counts {
        bit_flips: cases(300),
        truncations: cases(100),
        runs: cases(100),
        edge_step: 16,
    };
    assert_found_by_codec(&inputs::several_segments(), Level::Fast, counts);
}

/// Damage behind right checksums, which reaches the models and is caught by the
/// checksum over the decoded bytes or before.
fn assert_forgeries_are_found(original: &[u8], level: Level, count: u64) {
    let whole = compress(original, level);
    let mut random = Rng::with_seed(4);
    for case in 0..count {
        let mut forged = whole.clone();
        for _ in 0..=case % 4 {
            let place = random.usize(..forged.len());
            // Small places hold the headers and lists of parts.
            let place = if random.bool() {
                place.min(place % 64)
            } else {
                place
            };
            forged[place] = random.u8(..);
        }
        repair_checksums(&mut forged);
        if let Ok(output) = decompress(&forged) {
            assert!(output == original, "{level:?}, forgery {case}: other bytes");
        }
    }
}

#[test]
fn forgeries_are_found_at_the_fast_level() {
    assert_forgeries_are_found(&small(), Level::Fast, cases(10_000));
}

#[test]
fn forgeries_are_found_at_the_default_level() {
    assert_forgeries_are_found(&small(), Level::Default, cases(5_000));
}

#[test]
fn the_worker_finds_damage_at_the_fast_level() {
    assert_found_by_worker(&small(), Level::Fast);
}

#[test]
fn the_worker_finds_damage_at_the_default_level() {
    assert_found_by_worker(&small(), Level::Default);
}

#[test]
fn verify_says_the_same_as_decompress() {
    let whole = compress(&small(), Level::Fast);
    let run = Run::new(&["verify"]).on(&whole);
    run.assert_done("whole");
    assert!(run.output.is_empty(), "verify writes nothing");
    let counts = Counts {
        bit_flips: cases(50),
        truncations: cases(50),
        runs: cases(10),
        edge_step: 64,
    };
    each(&whole, 3, counts, |name, damaged| {
        let verify = Run::new(&["verify"]).on(damaged);
        let decompress = Run::new(&["decompress"]).on(damaged);
        verify.assert_orderly(name);
        assert_eq!(verify.status, decompress.status, "{name}");
        assert!(verify.output.is_empty(), "{name}: verify writes nothing");
    });
}

#[test]
fn what_follows_a_container_is_another_one_or_an_error() {
    let (first, second) = (inputs::file(Kind::Baseline, 1), inputs::file(Kind::Cmyk, 1));
    let mut both = compress(&first, Level::Fast);
    both.extend(compress(&second, Level::Default));
    let run = Run::new(&["decompress"]).on(&both);
    run.assert_done("two containers");
    assert!(
        run.output == [first, second].concat(),
        "both files come back"
    );
    both.push(0);
    let run = Run::new(&["decompress"]).on(&both);
    run.assert_orderly("a byte too many");
    assert!(matches!(run.status, Some(50 | 54)), "{:?}", run.status);
    both.extend([0; 100]);
    let run = Run::new(&["decompress"]).on(&both);
    run.assert_orderly("zeros after the end");
    assert_eq!(run.status, Some(54));
    let run = Run::new(&["decompress"]).on(&[]);
    run.assert_orderly("nothing");
    assert_eq!(run.status, Some(50), "nothing is no container");
}
