//! Whole inputs through the codec, in memory.
#![allow(dead_code, reason = "each test uses its own part")]

use std::sync::LazyLock;

use lepta_codec::{
    Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, Error, KEY_EVERY, Level,
    Step,
};

/// A small photo, about 90 KB.
pub(crate) static PHOTO: &[u8] = include_bytes!("../../../../tests/data/sample.jpg");

/// A small progressive JPEG of nine scans.
pub(crate) static PROGRESSIVE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    decode(include_bytes!("../golden/progressive-default.lepta")).expect("a golden file")
});

pub(crate) const LEVELS: [Level; 3] = Level::ALL;

const STATE_BYTES: usize = 4 << 20;

pub(crate) fn encoder(level: Level) -> Encoder {
    encoder_with_restarts(level, 0)
}

/// An encoder whose models start anew after so many bytes, or never for 0.
pub(crate) fn encoder_with_restarts(level: Level, restart_every: u64) -> Encoder {
    Encoder::new(&EncoderOptions {
        level,
        state_bytes: STATE_BYTES,
        key_every: KEY_EVERY,
        restart_every,
        image_bytes: 2 * STATE_BYTES,
    })
}

/// The start of `rest` that the encoder must be shown, or `visible` bytes if those are more.
pub(crate) fn shown<'a>(encoder: &mut Encoder, rest: &'a [u8], visible: usize) -> &'a [u8] {
    let mut length = rest.len().min(visible);
    loop {
        let wanted = encoder.wanted(&rest[..length], length == rest.len());
        assert!(wanted.bytes <= wanted.at_most);
        if length >= wanted.bytes.min(rest.len()) {
            return &rest[..length];
        }
        length = wanted.bytes.min(rest.len());
    }
}

/// Encodes with `visible` bytes of input in sight, or as many as must be.
pub(crate) fn encode_seeing(encoder: &mut Encoder, input: &[u8], visible: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut rest = input;
    while !rest.is_empty() {
        let window = shown(encoder, rest, visible);
        let segment = encoder.encode_segment(window, window.len() == rest.len(), &mut buffer);
        assert!((1..=window.len()).contains(&segment.consumed));
        coded.extend_from_slice(&buffer[..segment.written]);
        rest = &rest[segment.consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    coded.extend_from_slice(&buffer[..written]);
    coded
}

pub(crate) fn encode(level: Level, input: &[u8]) -> Vec<u8> {
    encode_seeing(&mut encoder(level), input, usize::MAX)
}

/// Why decoding did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The input ends where more is wanted.
    Truncated,
    Broken(Error),
}

/// What came out, and how it ended.
pub(crate) fn decode_prefix(coded: &[u8]) -> (Vec<u8>, Result<(), Failure>) {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: STATE_BYTES,
        image_bytes: 2 * STATE_BYTES,
    });
    let mut raw = Vec::new();
    let mut rest = coded;
    while !(rest.is_empty() && decoder.may_end()) {
        let Some((unit, after)) = rest.split_at_checked(decoder.wanted()) else {
            return (raw, Err(Failure::Truncated));
        };
        rest = after;
        match decoder.step(unit) {
            Ok(Step::Raw(bytes)) => raw.extend_from_slice(bytes),
            Ok(Step::More | Step::Lost { .. } | Step::End { .. }) => {}
            Err(error) => {
                assert_eq!(decoder.wanted(), 0);
                assert_eq!(decoder.step(&[]), Err(error));
                return (raw, Err(Failure::Broken(error)));
            }
        }
    }
    (raw, Ok(()))
}

pub(crate) fn decode(coded: &[u8]) -> Result<Vec<u8>, Failure> {
    let (raw, end) = decode_prefix(coded);
    end.map(|()| raw)
}

/// Asserts that the bytes come back, without printing them.
#[track_caller]
pub(crate) fn assert_comes_back(coded: &[u8], raw: &[u8]) {
    let (out, end) = decode_prefix(coded);
    assert_eq!(end, Ok(()));
    let difference = out.iter().zip(raw).position(|(a, b)| a != b);
    assert_eq!((out.len(), difference), (raw.len(), None));
}

/// Numbers that look random, the same in every run (G. Marsaglia, "Xorshift RNGs", 2003).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 32) as u8).collect()
    }
}
