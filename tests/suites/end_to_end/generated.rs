//! Generated files of every kind come back bit for bit.
//!
//! Invariant: every kind is tried at both levels. `LEPTA_FIRST_SEED` moves the
//! seeds on, to look at other files than the usual ones.

use crate::inputs;
use fastrand::Rng;
use lepta_tests::cases;
use lepta_tests::in_process::{LEVELS, compress, decompress, level_name};
use lepta_tests::jpeg_generator::Kind;
use lepta_tests::worker_run::Run;
use std::env;

fn first_seed() -> u64 {
    let seed = env::var("LEPTA_FIRST_SEED").ok();
    seed.map_or(0, |seed| {
        seed.parse().expect("LEPTA_FIRST_SEED is a number")
    })
}

/// No file may grow beyond this: one eighth for what no model foresees, and
/// what a container needs.
fn most_bytes(original: usize) -> usize {
    original + original / 8 + 200
}

fn assert_round_trips(kinds: &[Kind], seeds: u64) {
    for &kind in kinds {
        for seed in first_seed()..first_seed() + seeds {
            let input = inputs::file(kind, seed);
            for level in LEVELS {
                let compressed = compress(&input, level);
                let name = format!("{} {seed} at {level:?}", kind.name());
                assert!(
                    compressed.len() <= most_bytes(input.len()),
                    "{name}: {} bytes grow to {}",
                    input.len(),
                    compressed.len()
                );
                assert!(
                    decompress(&compressed).as_deref() == Ok(&input),
                    "{name}: other bytes come back"
                );
            }
        }
    }
}

#[test]
fn random_bytes_hardly_grow() {
    let mut random = Rng::with_seed(1);
    let input: Vec<u8> = (0..1_000_000).map(|_| random.u8(..)).collect();
    for level in LEVELS {
        let compressed = compress(&input, level);
        assert!(compressed.len() < 1_001_000, "{}", compressed.len());
        assert!(decompress(&compressed).as_deref() == Ok(&input));
    }
}

#[test]
fn legal_files_come_back() {
    assert_round_trips(&Kind::LEGAL[1..], cases(60).max(8));
}

#[test]
fn photos_come_back() {
    assert_round_trips(&Kind::LEGAL[..1], 2);
}

#[test]
fn nearly_legal_files_come_back() {
    assert_round_trips(Kind::NEARLY_LEGAL, cases(60).max(8));
}

#[test]
fn processes_that_are_not_modelled_come_back() {
    assert_round_trips(Kind::NOT_MODELLED, cases(20));
}

#[test]
fn hostile_streams_come_back() {
    assert_round_trips(Kind::HOSTILE, cases(20));
}

#[test]
fn every_kind_comes_back_through_the_worker() {
    for kind in Kind::all().filter(|kind| !Kind::HOSTILE.contains(kind)) {
        for (level, seed) in LEVELS.into_iter().zip(first_seed()..) {
            let name = format!("{} {seed}", kind.name());
            let input = inputs::file(kind, seed);
            let run = Run::new(&["compress", "--level", level_name(level)]).on(&input);
            let report = run.assert_done(&name);
            assert_eq!(report.alarms, 0, "{name}: {report:?}");
            let back = Run::new(&["decompress"]).on(&run.output);
            back.assert_done(&name);
            assert!(back.output == input, "{name}: other bytes come back");
        }
    }
}

/// What of a legal file is modelled must be modelled, or the round trips above
/// would hold for a program that stores everything.
#[test]
fn legal_baseline_files_are_modelled() {
    for kind in [
        Kind::Photo,
        Kind::Baseline,
        Kind::Extended,
        Kind::Grayscale,
        Kind::TwoComponents,
        Kind::Cmyk,
        Kind::Restarts,
        Kind::RandomTables,
        Kind::TrailingBytes,
    ] {
        for seed in first_seed()..first_seed() + 4 {
            let name = format!("{} {seed}", kind.name());
            let run = Run::new(&["compress", "--level", "fast"]).on(&inputs::file(kind, seed));
            let report = run.assert_done(&name);
            assert_eq!(report.reasons, Vec::<String>::new(), "{name}: {report:?}");
            assert!(report.width.is_some(), "{name}: {report:?}");
        }
    }
}
