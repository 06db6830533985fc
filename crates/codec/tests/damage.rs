//! Damage is seen: no changed, missing or moved byte ever leads to wrong bytes and a good end.

mod support;

use lepta_codec::{Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Error, Level, Step};
use support::{
    Failure, Noise, PHOTO, PROGRESSIVE, assert_comes_back, decode, decode_prefix, encode,
    encode_seeing, encoder, encoder_with_restarts,
};

/// A container of a few segments: text, photos, noise.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let line = |i: usize| format!("{i} {}\n", i * i % 1009).into_bytes();
    let mut raw: Vec<u8> = (0..3000).flat_map(line).collect();
    raw.extend_from_slice(PHOTO);
    raw.extend(Noise(3).bytes(20_000));
    raw.extend_from_slice(PHOTO);
    raw.extend_from_slice(PHOTO);
    raw.extend_from_slice(PHOTO);
    raw.extend_from_slice(&PHOTO[..PHOTO.len() / 2]);
    let coded = encode(Level::Default, &raw);
    (raw, coded)
}

/// Decodes damaged data: what comes out is a prefix of what went in, and the end is not good.
fn assert_seen(raw: &[u8], damaged: &[u8], what: &str) {
    let (out, end) = decode_prefix(damaged);
    assert!(raw.starts_with(&out), "{what}: wrong bytes");
    assert!(end.is_err(), "{what}: a good end");
}

/// A container of one segment, without an image: quickly decoded.
fn small_sample() -> (Vec<u8>, Vec<u8>) {
    let raw = [
        &b"a few words, and then a few words more"[..],
        &Noise(5).bytes(5000),
    ]
    .concat();
    let coded = encode(Level::Default, &raw);
    (raw, coded)
}

fn assert_flips_are_seen(raw: &[u8], coded: &[u8], bits: impl Iterator<Item = usize>) {
    for bit in bits {
        let mut damaged = coded.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_seen(raw, &damaged, &format!("bit {bit}"));
    }
}

#[test]
fn flipped_bits_at_both_ends_are_seen() {
    let (raw, coded) = small_sample();
    let bits = 8 * coded.len();
    assert_flips_are_seen(&raw, &coded, (0..8 * 64).chain(bits - 8 * 64..bits));
}

#[test]
fn flipped_bits_are_seen() {
    let (raw, coded) = sample();
    let mut noise = Noise(11);
    let bits = (0..100).map(|_| noise.below(8 * coded.len()));
    assert_flips_are_seen(&raw, &coded, bits);
}

#[test]
fn truncations_are_seen() {
    let mut noise = Noise(13);
    for (raw, coded) in [small_sample(), sample()] {
        let random: Vec<usize> = (0..30).map(|_| noise.below(coded.len())).collect();
        for length in (0..40).chain(random).chain(coded.len() - 4..coded.len()) {
            let (out, end) = decode_prefix(&coded[..length]);
            assert!(raw.starts_with(&out));
            assert_eq!(end, Err(Failure::Truncated), "{length} bytes");
        }
    }
}

#[test]
fn zeroed_and_swapped_stretches_are_seen() {
    let (raw, coded) = sample();
    let mut noise = Noise(17);
    for _ in 0..15 {
        let (a, b) = (
            noise.below(coded.len() - 512),
            noise.below(coded.len() - 512),
        );
        let mut zeroed = coded.clone();
        zeroed[a..a + 512].fill(0);
        assert_seen(&raw, &zeroed, &format!("zeroes at {a}"));
        let mut swapped = coded.clone();
        swapped.copy_within(a..a + 512, b);
        swapped[a..a + 512].copy_from_slice(&coded[b..b + 512]);
        if swapped != coded {
            assert_seen(&raw, &swapped, &format!("{a} and {b} swapped"));
        }
    }
}

#[test]
fn what_follows_the_end_must_be_a_container() {
    let (_, mut coded) = sample();
    coded.extend_from_slice(b"trailing bytes");
    let Err(Failure::Broken(error)) = decode(&coded) else {
        panic!("trailing bytes were taken");
    };
    assert_eq!(error.status(), 54);
}

/// Size of a container's header, and of a segment's.
const CONTAINER_HEADER: usize = 12;
const SEGMENT_HEADER: usize = 15;

/// Where the segments begin, that of the end included.
fn segment_offsets(coded: &[u8]) -> Vec<usize> {
    let mut offsets = vec![CONTAINER_HEADER];
    let mut position = CONTAINER_HEADER;
    while coded[position] != 2 {
        let length = &coded[position + 4..position + 7];
        let length = u32::from_le_bytes([length[0], length[1], length[2], 0]) as usize;
        position += SEGMENT_HEADER + length;
        offsets.push(position);
    }
    offsets
}

#[test]
fn a_missing_or_repeated_segment_is_seen() {
    let (raw, coded) = sample();
    let offsets = segment_offsets(&coded);
    assert!(offsets.len() > 2);
    for pair in offsets.windows(2) {
        let missing = [&coded[..pair[0]], &coded[pair[1]..]].concat();
        assert!(decode(&missing).is_err());
        let repeated = [&coded[..pair[1]], &coded[pair[0]..]].concat();
        assert!(decode(&repeated).is_err());
    }
    let stored = stored_container(&raw);
    let offsets = segment_offsets(&stored);
    let missing = [&stored[..offsets[0]], &stored[offsets[1]..]].concat();
    let Err(Failure::Broken(error)) = decode(&missing) else {
        panic!("a missing stored segment was not noticed");
    };
    assert!(matches!(error, Error::TotalLength { .. }), "{error}");
}

/// The same bytes, in stored segments only.
fn stored_container(raw: &[u8]) -> Vec<u8> {
    let mut encoder = encoder(Level::Fast);
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut coded = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let consumed = encoder.encode_segment(rest, true, &mut buffer).consumed;
        let written = encoder.encode_stored(&rest[..consumed], &mut buffer);
        coded.extend_from_slice(&buffer[..written]);
        rest = &rest[consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    coded.extend_from_slice(&buffer[..written]);
    assert_comes_back(&coded, raw);
    coded
}

/// Changes a segment's payload, and at times its raw length, under a right checksum.
fn forge(segment: &mut [u8], noise: &mut Noise) {
    let (header, payload) = segment.split_at_mut(SEGMENT_HEADER);
    for _ in 0..1 + noise.below(4) {
        // The list of parts is the most rewarding place.
        let reach = if noise.below(2) == 0 {
            24
        } else {
            payload.len()
        };
        let place = noise.below(reach.min(payload.len()));
        payload[place] = noise.next() as u8;
    }
    if noise.below(4) == 0 {
        let raw_length = (payload.len() + noise.below(1 << 18)) as u32;
        header[1..4].copy_from_slice(&raw_length.to_le_bytes()[..3]);
    }
    repair(segment);
}

/// Makes a segment's checksum right.
fn repair(segment: &mut [u8]) {
    let (header, payload) = segment.split_at_mut(SEGMENT_HEADER);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..11]);
    hasher.update(payload);
    header[11..].copy_from_slice(&hasher.finalize().to_le_bytes());
}

fn assert_forgeries_are_seen(raw: &[u8], coded: &[u8], mut noise: Noise, rounds: usize) {
    let offsets = segment_offsets(coded);
    for round in 0..rounds {
        let number = noise.below(offsets.len() - 1);
        let mut forged = coded.to_vec();
        let segment = offsets[number]..offsets[number + 1];
        forge(&mut forged[segment], &mut noise);
        if forged != coded {
            assert_seen(raw, &forged, &format!("round {round}"));
        }
    }
}

#[test]
fn forged_payloads_lead_to_errors() {
    let (raw, coded) = sample();
    assert_forgeries_are_seen(&raw, &coded, Noise(19), 60);
}

/// A container with a progressive JPEG, and its raw bytes.
fn progressive_sample() -> (Vec<u8>, Vec<u8>) {
    let raw = PROGRESSIVE.clone();
    let coded = encode(Level::Default, &raw);
    (raw, coded)
}

#[test]
fn forged_images_of_several_scans_lead_to_errors() {
    let (raw, coded) = progressive_sample();
    let offsets = segment_offsets(&coded);
    assert!(offsets.len() > 2, "the image has a segment of its own");
    assert_forgeries_are_seen(&raw, &coded, Noise(23), 400);
}

/// A photo that is coded anew every 8192 bytes.
fn restarted_sample() -> Vec<u8> {
    encode_seeing(
        &mut encoder_with_restarts(Level::Default, 8192),
        PHOTO,
        usize::MAX,
    )
}

#[test]
fn forged_restarts_within_a_scan_lead_to_errors() {
    let coded = restarted_sample();
    assert_forgeries_are_seen(PHOTO, &coded, Noise(29), 150);
}

/// Which segment is the first key.
fn first_key(coded: &[u8], offsets: &[usize]) -> usize {
    let is_key = |&offset: &usize| (3..6).contains(&coded[offset]);
    offsets.iter().position(is_key).expect("several")
}

#[test]
fn a_key_of_another_level_than_the_container_is_refused() {
    let mut coded = restarted_sample();
    let offsets = segment_offsets(&coded);
    let key = first_key(&coded, &offsets);
    let (start, end) = (offsets[key], offsets[key + 1]);
    assert_eq!(coded[start], 4, "the default level's");
    coded[start] = 3;
    repair(&mut coded[start..end]);
    let (container, key) = (Level::Default, Level::Fast);
    let refused = Err(Failure::Broken(Error::KeyLevel { container, key }));
    assert_eq!(decode(&coded).map(drop), refused);
}

#[test]
fn a_resumption_that_is_not_the_start_of_a_key_is_refused() {
    let coded = restarted_sample();
    let offsets = segment_offsets(&coded);
    let key = first_key(&coded, &offsets);
    let (start, end) = (offsets[key], offsets[key + 1]);
    assert_eq!(coded[start + SEGMENT_HEADER + 1], 10);
    let mut forged = coded.clone();
    forged[start] = 1;
    repair(&mut forged[start..end]);
    let refused = Err(Failure::Broken(Error::ResumptionMisplaced));
    assert_eq!(decode(&forged).map(drop), refused);
}

#[test]
fn images_of_several_scans_need_memory() {
    let (_, coded) = progressive_sample();
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: 4 << 20,
        image_bytes: 5000,
    });
    let mut rest = &coded[..];
    let error = loop {
        let (unit, after) = rest.split_at(decoder.wanted());
        rest = after;
        if let Err(error) = decoder.step(unit) {
            break error;
        }
    };
    assert_eq!(error.status(), 30, "{error}");
}

#[test]
fn a_unit_of_another_size_is_refused() {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: 0,
        image_bytes: 0,
    });
    assert!(!decoder.may_end());
    let expected = Error::UnitLength {
        wanted: CONTAINER_HEADER,
        given: 3,
    };
    assert_eq!(decoder.step(&[0; 3]), Err(expected));
}

#[test]
fn a_failed_segment_may_be_replaced() {
    let (raw, coded) = sample();
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: 4 << 20,
        image_bytes: 8 << 20,
    });
    let offsets = segment_offsets(&coded);
    decoder.step(&coded[..CONTAINER_HEADER]).expect("a header");
    let mut damaged = coded[offsets[0]..offsets[1]].to_vec();
    damaged[SEGMENT_HEADER] ^= 1;
    let (header, payload) = damaged.split_at(SEGMENT_HEADER);
    decoder.step(header).expect("nothing wrong so far");
    decoder.step(payload).expect_err("a damaged payload");
    decoder.forget_segment();
    let stored = stored_container(&raw);
    let mut out = Vec::new();
    let mut rest = &stored[..];
    while !decoder.may_end() {
        let (unit, after) = rest.split_at(decoder.wanted());
        rest = after;
        if let Step::Raw(bytes) = decoder.step(unit).expect("a whole container") {
            out.extend_from_slice(bytes);
        }
    }
    assert!(out == raw);
}
