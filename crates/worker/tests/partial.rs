//! Parts of the original, and what damage has left of it, through the jailed process.

mod support;

use lepta_codec::ContainerEnd;
use support::{mixed_input, run, run_command, sample_photo, worker};

/// Photos with text between them, compressed with restarts between images.
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
    assert_eq!(report["restarts"], 4, "{report}");
    assert_eq!(report["reasons"].as_array().map(Vec::len), Some(0));
    (raw, run.output)
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
    let (raw, coded) = photos();
    let end = ContainerEnd::find(&coded).expect("a container ends here");
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
    let report = salvage.assert_status(51).report();
    let missing = &report["missing"][0];
    let bound = |index: usize| {
        let bound = missing[index].as_u64().expect("known");
        usize::try_from(bound).expect("small")
    };
    let (start, end) = (bound(0), bound(1));
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
