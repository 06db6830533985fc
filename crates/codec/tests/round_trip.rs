//! Whatever goes in comes out, and what is written depends on the input alone.

mod support;

use lepta_codec::{Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Level, SEGMENT_INPUT, Step};
use proptest::prelude::*;
use support::{
    LEVELS, Noise, PHOTO, PROGRESSIVE, assert_comes_back, encode, encode_seeing, encoder, shown,
};

fn text(length: usize) -> Vec<u8> {
    let line = |i: usize| format!("{i}: {} of {} are done\n", i * i % 89, i % 14).into_bytes();
    (0..).flat_map(line).take(length).collect()
}

/// A stretch of an input: noise, text, one byte, or a part of a photo.
fn stretch() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (1u64.., 0usize..60_000).prop_map(|(seed, length)| Noise(seed).bytes(length)),
        (0usize..60_000).prop_map(text),
        (any::<u8>(), 0usize..20_000).prop_map(|(byte, length)| vec![byte; length]),
        (0..PHOTO.len(), 0..PHOTO.len()).prop_map(|(a, b)| PHOTO[a.min(b)..a.max(b)].to_vec()),
        Just(PHOTO.to_vec()),
        (0..PROGRESSIVE.len()).prop_map(|end| PROGRESSIVE[..end].to_vec()),
        Just(PROGRESSIVE.clone()),
    ]
}

/// Several stretches, with some bytes changed.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (prop::collection::vec(stretch(), 0..5), changes).prop_map(|(stretches, changes)| {
        let mut input = stretches.concat();
        for (index, value) in changes {
            if !input.is_empty() {
                let place = index.index(input.len());
                input[place] = value;
            }
        }
        input
    })
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(&LEVELS[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_input_comes_back(input in input(), level in level()) {
        let coded = encode(level, &input);
        // What an image needs to be modelled may be coded with up to a quarter more than it has.
        prop_assert!(coded.len() <= input.len() + input.len() / 4 + 200);
        assert_comes_back(&coded, &input);
    }

    #[test]
    fn short_inputs_come_back(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let coded = encode(Level::Default, &input);
        assert_comes_back(&coded, &input);
    }

    #[test]
    fn what_is_in_sight_makes_no_difference(input in input(), more in 0..SEGMENT_INPUT) {
        let whole = encode(Level::Default, &input);
        for visible in [SEGMENT_INPUT, SEGMENT_INPUT + more] {
            let coded = encode_seeing(&mut encoder(Level::Default), &input, visible);
            prop_assert!(coded == whole, "differs with {visible} bytes in sight");
        }
    }

    #[test]
    fn containers_may_follow_each_other(
        first in input(),
        second in input(),
        levels in (level(), level()),
    ) {
        let mut coded = encode(levels.0, &first);
        coded.extend(encode(levels.1, &second));
        assert_comes_back(&coded, &[first, second].concat());
    }

    #[test]
    fn a_decoder_beside_the_encoder_agrees(input in input(), stored in any::<u64>()) {
        let mut encoder = encoder(Level::Fast);
        let mut decoder = Decoder::new(&DecoderOptions {
            state_bytes: 4 << 20,
            image_bytes: 8 << 20,
        });
        let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
        let mut decode = |coded: &[u8], original: &[u8], forget: bool| {
            if forget {
                decoder.forget_segment();
            }
            let (mut rest, mut raw) = (coded, Vec::new());
            while !rest.is_empty() {
                let (unit, after) = rest.split_at(decoder.wanted());
                rest = after;
                if let Step::Raw(bytes) = decoder.step_beside(unit, original)? {
                    raw.extend_from_slice(bytes);
                }
            }
            Ok::<_, lepta_codec::Error>(raw)
        };
        let mut rest = &input[..];
        for number in 0.. {
            if rest.is_empty() {
                break;
            }
            let window = shown(&mut encoder, rest, SEGMENT_INPUT);
            let segment = encoder.encode_segment(window, window.len() == rest.len(), &mut buffer);
            let raw = &window[..segment.consumed];
            let decoded = decode(&buffer[..segment.written], window, false);
            prop_assert!(decoded.as_deref() == Ok(raw), "{:?}", decoded.err());
            if stored >> (number % 64) & 1 == 1 {
                let written = encoder.encode_stored(raw, &mut buffer);
                let decoded = decode(&buffer[..written], window, true);
                prop_assert!(decoded.as_deref() == Ok(raw), "{:?}", decoded.err());
            }
            rest = &rest[segment.consumed..];
        }
    }

    #[test]
    fn any_segment_may_be_stored_instead(input in input(), stored in any::<u64>()) {
        let mut encoder = encoder(Level::Default);
        let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
        let mut coded = Vec::new();
        let mut rest = &input[..];
        for number in 0.. {
            if rest.is_empty() {
                break;
            }
            let mut segment = encoder.encode_segment(rest, true, &mut buffer);
            if stored >> (number % 64) & 1 == 1 {
                segment.written = encoder.encode_stored(&rest[..segment.consumed], &mut buffer);
            }
            coded.extend_from_slice(&buffer[..segment.written]);
            rest = &rest[segment.consumed..];
        }
        prop_assert_eq!(encoder.summary().raw_bytes(), input.len() as u64);
        let written = encoder.encode_end(&mut buffer);
        coded.extend_from_slice(&buffer[..written]);
        assert_comes_back(&coded, &input);
    }
}

#[test]
fn segment_boundaries_make_no_difference() {
    let tail = text(3000);
    for length in [SEGMENT_INPUT - 1, SEGMENT_INPUT, SEGMENT_INPUT + 1] {
        let input = [PHOTO, &PHOTO[..700], &tail[..]].concat();
        let input: Vec<u8> = input.into_iter().cycle().take(length).collect();
        let whole = encode(Level::Default, &input);
        let seen = encode_seeing(&mut encoder(Level::Default), &input, SEGMENT_INPUT);
        assert!(whole == seen, "{length} bytes");
        assert_comes_back(&whole, &input);
    }
}

#[test]
fn an_encoder_starts_over_after_the_end() {
    let input = [&text(200_000)[..], PHOTO].concat();
    let mut encoder = encoder(Level::Fast);
    let first = encode_seeing(&mut encoder, &input, usize::MAX);
    let again = encode_seeing(&mut encoder, &input, usize::MAX);
    assert!(first == again);
}

#[test]
fn two_segments_may_be_taken_back() {
    let input = [&text(150_000)[..], PHOTO, &text(150_000)].concat();
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut plain = encoder(Level::Default);
    let consumed = plain.encode_segment(&input, true, &mut buffer).consumed;
    let written = plain.encode_stored(&input[..consumed], &mut buffer);
    let mut expected = buffer[..written].to_vec();
    expected.extend(encode_seeing(&mut plain, &input[consumed..], usize::MAX));

    let mut ahead = encoder(Level::Default);
    ahead.encode_segment(&input, true, &mut buffer);
    ahead.encode_segment(&input[consumed..], true, &mut buffer);
    ahead.forget_segment();
    let written = ahead.encode_stored(&input[..consumed], &mut buffer);
    let mut coded = buffer[..written].to_vec();
    coded.extend(encode_seeing(&mut ahead, &input[consumed..], usize::MAX));
    assert!(coded == expected);
    assert_comes_back(&coded, &input);
}

#[test]
fn noise_grows_by_less_than_a_thousandth() {
    let noise = Noise(7).bytes(3 << 20);
    let coded = encode(Level::Default, &noise);
    assert!(
        coded.len() < noise.len() + noise.len() / 1000,
        "{} bytes",
        coded.len()
    );
    assert_comes_back(&coded, &noise);
}

#[test]
fn text_and_photos_shrink() {
    let text = text(300_000);
    assert!(encode(Level::Default, &text).len() < text.len() / 6);
    for level in LEVELS {
        let coded = encode(level, PHOTO);
        assert!(
            coded.len() < PHOTO.len() - PHOTO.len() / 7,
            "{} bytes",
            coded.len()
        );
    }
}

/// The photo with other quantiser steps: an image by another encoder, with the same coefficients.
fn photo_of_another_origin() -> Vec<u8> {
    let mut photo = PHOTO.to_vec();
    let table = photo.windows(2).position(|bytes| bytes == [0xFF, 0xDB]);
    // Behind marker, length, and which table it is: the last step, of the highest frequency.
    let last = table.expect("a quantiser table") + 4 + 64;
    photo[last] ^= 1;
    photo
}

#[test]
fn models_keep_what_they_learned_for_images_of_the_same_origin() {
    let other = photo_of_another_origin();
    let twice = [PHOTO, PHOTO].concat();
    let apart = [PHOTO, &other, &PROGRESSIVE[..], PHOTO].concat();
    for level in LEVELS {
        let once = encode(level, PHOTO).len();
        let coded = encode(level, &twice);
        // By what was learned of the very image.
        assert!(coded.len() < 2 * once - once / 50, "{}", coded.len());
        assert_comes_back(&coded, &twice);

        let coded = encode(level, &[PHOTO, &other].concat());
        assert!(coded.len() > 2 * once - once / 200, "{}", coded.len());
        let coded = encode(level, &apart);
        assert_comes_back(&coded, &apart);
        assert!(encode_seeing(&mut encoder(level), &apart, 1) == coded);
    }
}
