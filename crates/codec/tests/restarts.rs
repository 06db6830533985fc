//! Restarts within images: what they are made of depends on the input alone, and decoding can begin at
//! each of them.

mod support;

use lepta_codec::{
    CONTAINER_HEADER_SIZE, ContainerEnd, Decoder, DecoderOptions, Encoder, EncoderOptions, Error,
    Level, NotModelled, RestartCost, SEGMENT_HEADER_SIZE, SEGMENT_INPUT, SegmentInfo,
    StartingPlace, Step, Summary,
};
use proptest::prelude::*;
use std::path::Path;
use support::{
    LEVELS, Noise, PHOTO, PROGRESSIVE, assert_comes_back, decode, encode_seeing,
    encoder_with_restarts,
};

/// What the golden file of this name decodes to.
fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let coded = std::fs::read(folder.join(format!("{name}-default.lepta")));
    decode(&coded.expect("a golden file")).expect("a golden file")
}

fn encode(level: Level, restart_every: u64, input: &[u8]) -> Vec<u8> {
    encode_seeing(
        &mut encoder_with_restarts(level, restart_every),
        input,
        SEGMENT_INPUT,
    )
}

/// Places of the segments that decode without those before them.
fn keys(coded: &[u8]) -> Vec<StartingPlace> {
    let (mut place, mut raw, mut keys) = (CONTAINER_HEADER_SIZE, 0, Vec::new());
    loop {
        let header = coded[place..].first_chunk().expect("a header");
        let info = SegmentInfo::parse(header).expect("a legal header");
        if info.is_end {
            return keys;
        }
        if info.starts_anew {
            keys.push(StartingPlace {
                container_offset: place as u64,
                raw_offset: raw,
            });
        }
        place += SEGMENT_HEADER_SIZE + info.coded_length;
        raw += info.raw_length as u64;
    }
}

/// Decodes from this place of a container on, up to its end.
fn decode_from(coded: &[u8], level: Option<Level>, place: StartingPlace) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: 4 << 20,
        image_bytes: 8 << 20,
    });
    decoder.enter_container(level);
    let mut rest = &coded[usize::try_from(place.container_offset).expect("small")..];
    let mut raw = Vec::new();
    while !decoder.may_end() {
        let (unit, after) = rest.split_at(decoder.wanted());
        rest = after;
        match decoder.step(unit)? {
            Step::Raw(bytes) => raw.extend_from_slice(bytes),
            Step::Lost { raw_length } => panic!("{raw_length} bytes depend on others"),
            Step::More | Step::End { .. } => {}
        }
    }
    Ok(raw)
}

/// Asserts that all comes back, and from each key on what is behind it; how many keys there are.
fn assert_restarts(coded: &[u8], level: Level, input: &[u8]) -> usize {
    assert_comes_back(coded, input);
    let keys = keys(coded);
    for &key in &keys {
        let start = usize::try_from(key.raw_offset).expect("small");
        let raw = decode_from(coded, Some(level), key).expect("a key");
        assert!(raw == input[start..], "from byte {start} on");
    }
    keys.len()
}

#[test]
fn a_photo_is_coded_whole_from_restart_to_restart() {
    for level in LEVELS {
        let mut encoder = encoder_with_restarts(level, 8192);
        let coded = encode_seeing(&mut encoder, PHOTO, SEGMENT_INPUT);
        let keys = assert_restarts(&coded, level, PHOTO);
        assert!(keys >= PHOTO.len() / 8192 - 1, "{keys} keys");
        let summary = encoder.summary();
        assert_eq!(summary.restarts, keys as u64);
        assert_eq!((summary.images, summary.stored_bytes), (1, 0));
        assert_eq!(summary.reasons, []);
        let without = encode(level, 0, PHOTO);
        let cost = (coded.len() - without.len()) / keys;
        assert!(cost < 500, "{cost} bytes for each restart");
        let end = ContainerEnd::find(&coded).expect("a container");
        assert_eq!(end.places.len(), keys + 1);
    }
}

#[test]
fn what_restarts_cost_is_known() {
    let grayscale = golden("grayscale");
    for level in LEVELS {
        for (photo, restart_every) in [(PHOTO, 8192), (PHOTO, 40_000), (&grayscale[..], 6000)] {
            let mut encoder = encoder_with_restarts(level, restart_every);
            let coded = encode_seeing(&mut encoder, photo, SEGMENT_INPUT);
            let cost = encoder.summary().restart_cost;
            assert_eq!(cost.restarts, encoder.summary().restarts);
            let grown = (coded.len() - encode(level, 0, photo).len()) as u64;
            let off = cost.bytes.checked_sub_unsigned(grown);
            assert!(
                off.is_some_and(|off| off.abs() <= 32),
                "{level:?}: {} for {grown}",
                cost.bytes
            );
        }
    }
}

/// The sample photo with restarts, with so many bytes for rows.
fn encode_within(state_bytes: usize) -> (Vec<u8>, Summary) {
    let mut encoder = Encoder::new(&EncoderOptions {
        level: Level::Fast,
        state_bytes,
        key_every: 0,
        restart_every: 8192,
        image_bytes: 0,
    });
    let coded = encode_seeing(&mut encoder, PHOTO, SEGMENT_INPUT);
    (coded, encoder.summary().clone())
}

#[test]
fn what_restarts_cost_is_not_known_without_room_for_two_images() {
    let (_, summary) = encode_within(0);
    let Some((NotModelled::TooWide { needed, .. }, _)) = summary.reasons.first() else {
        panic!("{summary:?}");
    };
    let (enough, known) = encode_within(2 * needed);
    assert_eq!(known.restart_cost.restarts, known.restarts);
    let (too_little, unknown) = encode_within(2 * needed - 1);
    assert_eq!(unknown.restarts, known.restarts);
    assert_eq!(unknown.restart_cost, RestartCost::default());
    assert!(too_little == enough);
}

#[test]
fn photos_of_all_kinds_go_on_at_restarts() {
    for (name, keys) in [
        ("restarts", 2),
        ("cmyk", 4),
        ("grayscale", 4),
        ("truncated", 1),
    ] {
        let photo = golden(name);
        let coded = encode(Level::Default, 4096, &photo);
        assert_eq!(
            assert_restarts(&coded, Level::Default, &photo),
            keys,
            "{name}"
        );
    }
}

#[test]
fn an_image_with_more_header_than_data_goes_on_without_restarts() {
    let photo = golden("random-tables");
    let mut encoder = encoder_with_restarts(Level::Default, 4096);
    let coded = encode_seeing(&mut encoder, &photo, SEGMENT_INPUT);
    assert_eq!(assert_restarts(&coded, Level::Default, &photo), 0);
    assert_eq!(encoder.summary().images, 1);
}

/// A stretch of an input: a photo, a part of one, or something else.
fn stretch() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(PHOTO.to_vec()),
        2 => prop::sample::select(vec!["restarts", "cmyk", "grayscale"]).prop_map(golden),
        1 => (0..PHOTO.len(), 0..PHOTO.len()).prop_map(|(a, b)| PHOTO[a.min(b)..a.max(b)].to_vec()),
        1 => Just(PROGRESSIVE.clone()),
        1 => (1u64.., 0usize..20_000).prop_map(|(seed, length)| Noise(seed).bytes(length)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_is_in_an_input_comes_back_from_every_restart(
        stretches in prop::collection::vec(stretch(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        restart_every in 4096u64..60_000,
        level in prop::sample::select(&LEVELS[..]),
        more in 0..SEGMENT_INPUT,
    ) {
        let mut input = stretches.concat();
        for (index, value) in changes {
            let place = index.index(input.len());
            input[place] = value;
        }
        let coded = encode(level, restart_every, &input);
        assert_restarts(&coded, level, &input);
        let mut encoder = encoder_with_restarts(level, restart_every);
        prop_assert!(encode_seeing(&mut encoder, &input, SEGMENT_INPUT + more) == coded);
    }
}

#[test]
fn a_key_names_its_level() {
    // Text is coded alike at two of the levels, the photo behind it is not.
    let text = (0..2000).flat_map(|i: u32| format!("{i} of {}\n", i * i % 89).into_bytes());
    let input: Vec<u8> = text.chain(PHOTO.iter().copied()).collect();
    for level in LEVELS {
        let coded = encode(level, 8192, &input);
        let keys = keys(&coded);
        assert!(keys.len() > 3, "{}", keys.len());
        // The first segment is no key.
        for &key in &keys[1..] {
            let raw = decode_from(&coded, None, key).expect("a key");
            assert!(raw == input[key.raw_offset as usize..], "{level:?}");
        }
    }
}
