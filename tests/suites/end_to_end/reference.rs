//! A PNG against another file: what comes back, what it costs, and what is refused before any output.
//!
//! Invariant: a test names its input by its parameters.

use lepta_codec::{Decoder, DecoderOptions, Error, Level, NotModelled, ReferenceFile};
use lepta_tests::cases;
use lepta_tests::container::repair_checksums;
use lepta_tests::damage::{self, Counts};
use lepta_tests::in_process::{Damage, LEVELS, compress, compress_against, decompress_against};
use lepta_tests::png_generator::{FilterChoice, PngParameters, write};
use lepta_tests::worker_run::{Outcome, Run};
use std::path::PathBuf;
use std::{env, fs, process};

/// A file that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("lepta-reference-{}-{name}", process::id()));
        fs::write(&path, bytes).expect("a temporary file");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether a reason is the expected one.
type Expected = fn(&NotModelled) -> bool;

fn screenshot(frame: u32) -> Vec<u8> {
    write(&PngParameters::screenshot(640, 480, frame))
}

fn assert_refused(outcome: &Outcome, status: i32, name: &str) {
    outcome.assert_orderly(name);
    assert_eq!(outcome.status, Some(status), "{name}: {outcome:?}");
    assert!(outcome.output.is_empty(), "{name}: there is output");
}

#[test]
fn a_frame_costs_little_against_the_one_before() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let file = Temporary::new("before", &before);
    let alone = compress(&frame, Level::Default).len();
    for level in ["fast", "default"] {
        let arguments = ["compress", "--level", level];
        let run = Run::with_reference(&arguments, &file.0).on(&frame);
        let report = run.assert_done(level);
        assert_eq!(report.reasons, [""; 0]);
        assert!(run.output.len() < alone / 8, "{}", run.output.len());
        let beside = Run::with_reference(&[&arguments[..], &["--threads", "2"]].concat(), &file.0);
        assert!(beside.on(&frame).output == run.output, "two threads");
        let back = Run::with_reference(&["decompress"], &file.0).on(&run.output);
        back.assert_done(level);
        assert!(back.output == frame);
        let verified = Run::with_reference(&["verify"], &file.0).on(&run.output);
        verified.assert_done(level);
    }
}

#[test]
fn parts_come_back_and_damage_is_salvaged_with_a_reference_too() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let file = Temporary::new("part", &before);
    let with_reference = |arguments: &[&str]| Run::with_reference(arguments, &file.0);
    let compressed = with_reference(&["compress"]).on(&frame).output;
    let part = with_reference(&["decompress", "--range", "100..5000"]).on(&compressed);
    part.assert_done("range");
    assert!(part.output == frame[100..5000]);
    let salvage = ["decompress", "--salvage"];
    let whole = with_reference(&salvage).on(&compressed);
    whole.assert_done("salvage");
    assert!(whole.output == frame);
    assert_refused(&Run::new(&salvage).on(&compressed), 53, "no reference");
    // What the header says of the reference: nothing can be told from the rest without it.
    let mut damaged = compressed.clone();
    damaged[14] ^= 1;
    assert_refused(&with_reference(&salvage).on(&damaged), 51, "damaged");
    assert_refused(&with_reference(&salvage).on(&compressed[..20]), 50, "cut");
}

#[test]
fn another_reference_is_53_before_any_output() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let file = Temporary::new("right", &before);
    let compressed = Run::with_reference(&["compress"], &file.0)
        .on(&frame)
        .output;
    let mut damaged = before.clone();
    damaged[5000] ^= 1;
    let others = [
        ("another", screenshot(2)),
        ("damaged", damaged),
        ("truncated", before[..before.len() - 1].to_vec()),
        ("empty", vec![]),
        ("endless", vec![7; ReferenceFile::LENGTH_MAX + 10_000]),
    ];
    for operation in ["decompress", "verify"] {
        assert_refused(&Run::new(&[operation]).on(&compressed), 53, "missing");
        for (name, bytes) in &others {
            let file = Temporary::new(name, bytes);
            let outcome = Run::with_reference(&[operation], &file.0).on(&compressed);
            assert_refused(&outcome, 53, name);
        }
    }
}

#[test]
fn a_reference_that_no_container_wants_does_no_harm() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let file = Temporary::new("unwanted", &before);
    let plain = compress(&frame, Level::Fast);
    let (against, _) = compress_against(&frame, Level::Fast, &before);
    let both = [&plain[..], &against, &plain, &against].concat();
    let back = Run::with_reference(&["decompress"], &file.0).on(&both);
    back.assert_done("containers with and without a reference");
    assert!(back.output == frame.repeat(4));
}

#[test]
fn what_is_of_no_use_as_a_reference_is_not_used() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let mut cut = before.clone();
    cut.truncate(before.len() / 2);
    let mut damaged = before.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 100].fill(0x55);
    let mut high = before.clone();
    high[20..24].copy_from_slice(&(u32::MAX >> 1).to_be_bytes());
    let mut wide = before.clone();
    wide[16..20].copy_from_slice(&(u32::MAX >> 1).to_be_bytes());
    let long = [&before[..], &vec![0; ReferenceFile::LENGTH_MAX]].concat();
    let is_odd = |reason: &NotModelled| *reason == NotModelled::OddReference;
    let is_wide = |reason: &NotModelled| matches!(reason, NotModelled::WideReference { .. });
    let is_long = |reason: &NotModelled| *reason == NotModelled::LongReference;
    let useless: [(&str, Vec<u8>, Expected); 7] = [
        ("empty", vec![], is_odd),
        ("text", b"no image".repeat(1000), is_odd),
        ("cut", cut, is_odd),
        ("damaged", damaged, is_odd),
        ("high", high, is_odd),
        ("wide", wide, is_wide),
        ("long", long, is_long),
    ];
    for (name, reference, is_reason) in &useless {
        let (compressed, summary) = compress_against(&frame, Level::Default, reference);
        let [(reason, 1)] = &summary.reasons[..] else {
            panic!("{name}: {:?}", summary.reasons);
        };
        assert!(is_reason(reason), "{name}: {reason}");
        assert!(compressed == compress(&frame, Level::Default), "{name}");
    }
    let file = Temporary::new("text", &useless[1].1);
    let run = Run::with_reference(&["compress"], &file.0).on(&frame);
    let report = run.assert_done("text");
    assert_eq!(report.reasons, ["no reference: not a whole PNG"]);
    let back = Run::new(&["decompress"]).on(&run.output);
    assert!(back.output == frame);
}

#[test]
fn any_kind_of_png_comes_back_against_any_other() {
    let mut used = 0;
    for seed in 0..cases(200) {
        let parameters = PngParameters::random(seed, 90);
        let before = write(&parameters);
        let after = write(&PngParameters {
            frame: 1,
            ..parameters.clone()
        });
        let other = write(&PngParameters::random(seed + 1_000_000, 90));
        // Twice, and with another in between, so that what is kept and what is given meet.
        let input = [&after[..], &other, &after].concat();
        let level = LEVELS[seed as usize % 2];
        let (compressed, summary) = compress_against(&input, level, &before);
        assert_eq!(summary.segments_stored, 0, "{parameters:?}");
        assert!(
            decompress_against(&compressed, &before).as_deref() == Ok(&input),
            "{parameters:?} at {level:?}: other bytes come back"
        );
        used += usize::from(summary.reasons.is_empty());
    }
    assert!(used > 0);
}

#[test]
fn damage_is_found_with_a_reference_too() {
    let frames = [0, 1].map(|frame| write(&PngParameters::screenshot(300, 200, frame)));
    let counts = Counts {
        bit_flips: cases(1000),
        truncations: cases(100),
        runs: cases(50),
        edge_step: 3,
    };
    for level in LEVELS {
        let (compressed, _) = compress_against(&frames[1], level, &frames[0]);
        damage::each(&compressed, 3, counts, |name, damaged| {
            assert!(decompress_against(damaged, &frames[0]).is_err(), "{name}");
            let mut forged = damaged.to_vec();
            repair_checksums(&mut forged);
            let decoded = decompress_against(&forged, &frames[0]);
            assert!(
                decoded.is_err() || decoded.as_deref() == Ok(&frames[1]),
                "{name}"
            );
        });
    }
}

#[test]
fn a_forged_container_names_a_hostile_reference() {
    let frames = [0, 1].map(|frame| write(&PngParameters::screenshot(300, 200, frame)));
    let (compressed, _) = compress_against(&frames[1], Level::Fast, &frames[0]);
    let with_reference = |reference: &[u8]| {
        let mut forged = compressed.clone();
        forged[12..16].copy_from_slice(&(reference.len() as u32).to_le_bytes());
        forged[16..20].copy_from_slice(&crc32fast::hash(reference).to_le_bytes());
        repair_checksums(&mut forged);
        decompress_against(&forged, reference)
    };
    assert!(with_reference(&frames[0]).as_deref() == Ok(&frames[1]));
    assert_eq!(
        with_reference(b"no image"),
        Err(Damage::Codec(Error::ReferenceHasNoImage))
    );
    let counts = Counts {
        bit_flips: cases(500),
        truncations: cases(50),
        runs: cases(50),
        edge_step: 5,
    };
    damage::each(&frames[0], 4, counts, |name, hostile| {
        let decoded = with_reference(hostile);
        assert!(
            decoded.is_err() || decoded.as_deref() == Ok(&frames[1]),
            "{name}"
        );
    });
}

#[test]
fn frames_of_4k_with_a_reference_of_4k_stay_within_the_memory() {
    let [before, frame] = [0, 1].map(|frame| {
        write(&PngParameters {
            filters: FilterChoice::Fixed(2),
            chunk_size: 100_000,
            ..PngParameters::screenshot(3840, 2160, frame)
        })
    });
    // What follows the image makes it as long as a reference may be.
    let mut reference = before;
    assert!(reference.len() < ReferenceFile::LENGTH_MAX);
    reference.resize(ReferenceFile::LENGTH_MAX, 0x5A);
    let file = Temporary::new("4k", &reference);
    for threads in ["1", "2"] {
        let arguments = ["compress", "--threads", threads];
        let compressed = Run::with_reference(&arguments, &file.0).on(&frame);
        let report = compressed.assert_done("4K");
        assert_eq!(report.reasons, [""; 0]);
        assert!(compressed.output.len() < frame.len() / 4, "{report:?}");
        let back = Run::with_reference(&["decompress"], &file.0).on(&compressed.output);
        back.assert_done("4K");
        assert!(back.output == frame);
    }
}

/// Models that are used again know whether their container has a reference, which going back would lose.
#[test]
fn nothing_goes_back_to_a_start_behind_a_reference() {
    let (before, frame) = (screenshot(0), screenshot(1));
    let (against, _) = compress_against(&frame, Level::Default, &before);
    let alone = compress(&frame, Level::Default);
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: 5 << 20,
        image_bytes: 2 << 20,
    });
    decoder.set_reference(ReferenceFile::new(before));
    for (container, goes_back) in [(&alone, true), (&against, false), (&alone, true)] {
        let mut rest = &container[..];
        let mut starts = Vec::new();
        while !rest.is_empty() {
            starts.push(decoder.start().is_some());
            let (unit, next) = rest.split_at(decoder.wanted());
            decoder.step(unit).expect("whole");
            rest = next;
        }
        let first_segment = if goes_back { 1 } else { 2 };
        assert_eq!(starts[first_segment], goes_back);
    }
}
