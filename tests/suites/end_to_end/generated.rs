//! Generated files of every kind come back bit for bit.
//!
//! Invariant: every kind is tried at every level. `LEPTA_FIRST_SEED` moves the
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

/// `outer` with an application segment behind its SOI that holds `inner`.
fn with_thumbnail(outer: &[u8], inner: &[u8]) -> Vec<u8> {
    let length = u16::try_from(inner.len() + 8).expect("the thumbnail fits a segment");
    let head = [&[0xFF, 0xE1][..], &length.to_be_bytes(), b"Exif\0\0"].concat();
    [&outer[..2], &head, inner, &outer[2..]].concat()
}

#[test]
fn an_image_inside_a_segment_is_coded_as_one() {
    let kinds = [Kind::Baseline, Kind::Grayscale, Kind::Restarts];
    let images = kinds.map(|kind| inputs::file(kind, 1));
    for inner in images.iter().filter(|inner| inner.len() < 60_000) {
        for outer in &images {
            // Twice, so that the outer image's tables are seen to come back.
            let nested = with_thumbnail(&with_thumbnail(outer, inner), inner);
            for level in LEVELS {
                let size = |input: &[u8]| compress(input, level).len();
                let compressed = compress(&nested, level);
                assert!(decompress(&compressed).as_deref() == Ok(&nested));
                let most = size(outer) + 2 * size(inner) + size(inner) / 8;
                assert!(compressed.len() < most, "{} of {most}", compressed.len());
            }
        }
    }
}

#[test]
fn an_image_inside_a_segment_may_be_cut_or_go_beyond_it() {
    let outer = inputs::file(Kind::Baseline, 1);
    let inner = inputs::file(Kind::Grayscale, 1);
    for cut in (0..inner.len()).step_by(inner.len() / 20) {
        let short = with_thumbnail(&outer, &inner[..cut]);
        let mut beyond = with_thumbnail(&outer, &inner);
        beyond[4..6].copy_from_slice(&(cut as u16 + 8).to_be_bytes());
        for input in [short, beyond] {
            for level in LEVELS {
                assert!(decompress(&compress(&input, level)).as_deref() == Ok(&input));
            }
        }
    }
}

#[test]
fn an_image_split_over_segments_leaves_the_outer_one_alone() {
    let outer = inputs::sample();
    let inner = inputs::preview();
    let (first, rest) = inner.split_at(inner.len() / 2);
    let split = with_thumbnail(&with_thumbnail(&outer, rest), first);
    for level in LEVELS {
        let compressed = compress(&split, level);
        assert!(decompress(&compressed).as_deref() == Ok(&split));
        let most = compress(&outer, level).len() + inner.len() * 17 / 16;
        assert!(compressed.len() < most, "{} of {most}", compressed.len());
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
