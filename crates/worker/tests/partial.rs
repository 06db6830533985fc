//! Parts of the original, and what damage has left of it, through the jailed process.

mod support;

use std::ops::Range;

use lepta_codec::ContainerEnd;
use support::{Run, mixed_input, run, run_command, sample_photo, worker};

/// Photos with text between them, compressed with restarts.
fn photos() -> (Vec<u8>, Vec<u8>) {
    let mut raw = Vec::new();
    for number in 0..5 {
        raw.extend_from_slice(format!("photo {number}\n").as_bytes());
        raw.extend(sample_photo());
    }
    let run = run(
        "compress --level fast --restart-every 65536 --report json",
        &raw,
    );
    let report = run.assert_status(0).report();
    // One between each two of them, and one within the last.
    assert_eq!(report["restarts"], 5, "{report}");
    assert_eq!(report["reasons"].as_array().map(Vec::len), Some(0));
    (raw, run.output)
}

/// One photo, with restarts within it.
fn photo() -> (Vec<u8>, Vec<u8>) {
    let raw = sample_photo();
    let run = run("compress --restart-every 8192 --report json", &raw);
    let report = run.assert_status(0).report();
    assert!(report["restarts"].as_u64() >= Some(10), "{report}");
    assert_eq!(report["restart_cost"]["restarts"], report["restarts"]);
    assert!(
        report["restart_cost"]["bytes"].as_u64() > Some(1000),
        "{report}"
    );
    assert_eq!(report["reasons"].as_array().map(Vec::len), Some(0));
    (raw, run.output)
}

/// What a salvage says is missing: one stretch.
fn missing(salvage: &Run) -> Range<usize> {
    let report = salvage.assert_status(51).report();
    assert_eq!(report["missing"].as_array().map(Vec::len), Some(1));
    let bound = |index: usize| {
        let bound = report["missing"][0][index].as_u64().expect("known");
        usize::try_from(bound).expect("small")
    };
    bound(0)..bound(1)
}

#[test]
fn a_range_of_a_photo_decodes_from_the_restart_before_it() {
    let (raw, coded) = photo();
    for start in (0..raw.len()).step_by(6007) {
        let range = start..raw.len().min(start + 100);
        let arguments = format!("--range {}..{}", range.start, range.end);
        let part = run(&format!("decompress --report json {arguments}"), &coded);
        let report = part.assert_status(0).report();
        assert!(part.output == raw[range.clone()], "{range:?}");
        // Where two intervals meet, or a part of one that is shorter than a segment.
        assert!(report["segments"].as_u64() <= Some(3), "{report}");
    }
}

#[test]
fn a_salvage_gives_back_what_is_behind_damage_within_a_photo() {
    let (raw, coded) = photo();
    for place in (200..coded.len() - 600).step_by(5003) {
        let mut damaged = coded.clone();
        damaged[place] ^= 1;
        let salvage = run("decompress --salvage --report json", &damaged);
        let missing = missing(&salvage);
        assert!(missing.len() <= 2 * 8192, "{missing:?}");
        assert!(salvage.output == [&raw[..missing.start], &raw[missing.end..]].concat());
    }
}

#[test]
fn a_range_of_photos_decodes_from_the_restart_before_it() {
    let (raw, coded) = photos();
    let whole = run("decompress --report json", &coded).report();
    for range in [
        0..10,
        400_000..400_001,
        200_000..500_000,
        250_000..raw.len(),
    ] {
        let arguments = format!("--range {}..{}", range.start, range.end);
        let part = run(&format!("decompress --report json {arguments}"), &coded);
        let report = part.assert_status(0).report();
        assert!(part.output == raw[range.clone()], "{range:?}");
        let decoded = report["segments"].as_u64().expect("a number");
        // Each photo is one segment, with a short one for the text in front of it.
        let photos = (range.end - 1) / sample_photo().len() - range.start / sample_photo().len();
        assert!(decoded <= 2 * (photos as u64 + 1), "{range:?}: {decoded}");
        assert!(decoded < whole["segments"].as_u64().expect("a number"));
    }
    let beyond = format!("decompress --range 0..{}", raw.len() + 1);
    run(&beyond, &coded).assert_status(2);
}

#[test]
fn a_caller_may_position_the_input() {
    for (raw, coded) in [photos(), photo()] {
        assert_positions(&raw, &coded);
    }
}

/// Decoding begins at every place of the index.
fn assert_positions(raw: &[u8], coded: &[u8]) {
    let end = ContainerEnd::find(coded).expect("a container ends here");
    for place in &end.places {
        let start = place.raw_offset;
        let arguments = format!(
            "decompress --input-at {start} --range {}..{}",
            start,
            start + 9
        );
        let from = usize::try_from(place.container_offset).expect("small");
        let part = run(&arguments, &coded[from..]);
        part.assert_status(0);
        let start = usize::try_from(start).expect("small");
        assert!(part.output == raw[start..start + 9]);
    }
}

#[test]
fn nothing_behind_the_range_is_needed() {
    let (raw, coded) = photos();
    let part = run("decompress --range 5..90000", &coded[..coded.len() / 2]);
    part.assert_status(0);
    assert!(part.output == raw[5..90_000]);
}

#[test]
fn a_salvage_gives_the_other_photos_back_and_says_what_is_missing() {
    let (raw, mut coded) = photos();
    let middle = coded.len() / 2;
    coded[middle] ^= 1;
    run("decompress", &coded).assert_status(51);
    let salvage = run("decompress --salvage --report json", &coded);
    let Range { start, end } = missing(&salvage);
    assert!(end - start <= 2 * sample_photo().len());
    assert!(salvage.output == [&raw[..start], &raw[end..]].concat());
    let text = run("decompress --salvage", &coded);
    let said = format!("missing {start}..{end}");
    assert!(text.messages.contains(&said), "{}", text.messages);
}

#[test]
fn a_salvage_of_what_is_whole_ends_well() {
    let raw = mixed_input();
    let coded = run("compress --level fast --restart-every 100000", &raw);
    let salvage = run("decompress --salvage", &coded.assert_status(0).output);
    salvage.assert_status(0);
    assert!(salvage.output == raw);
}

#[test]
fn restarts_depend_on_nothing_but_the_input_and_the_option() {
    let raw = [mixed_input(), sample_photo()].concat();
    let arguments = "compress --level fast --restart-every 90000";
    let one = run(arguments, &raw);
    one.assert_status(0);
    let two = run_command(worker(&format!("{arguments} --threads 2")), &raw);
    two.assert_status(0);
    assert!(one.output == two.output);
}
