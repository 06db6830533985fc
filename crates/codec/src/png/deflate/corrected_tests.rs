//! Corrections of streams of every legal kind, both ways.

use super::corrected_replay::{CorrectedReplay, Correcting, WrittenStream};
use super::correction_models::CorrectionModels;
use super::description::Description;
use super::inflater::Inflater;
use super::token::Token;
use super::token_reader::{BlockStart, Pause, Progress, TokenReader};
use crate::entropy::{RangeDecoder, RangeEncoder};
use lepta_reference_zlib::AnyDeflate;
use proptest::prelude::*;

/// A stream that lies in memory, read one token at a time.
struct Written<'s> {
    input: &'s [u8],
    reader: TokenReader,
    token: Option<Token>,
    pause: Option<Pause>,
}

impl<'s> Written<'s> {
    fn new(input: &'s [u8]) -> Self {
        Self {
            input,
            reader: TokenReader::new(),
            token: None,
            pause: None,
        }
    }

    fn fill(&mut self) -> Option<()> {
        while self.token.is_none() && self.pause.is_none() {
            let mut tokens = [Token::default()];
            let (count, pause) = self
                .reader
                .read_to_pause(&mut self.input, &mut tokens)
                .ok()?;
            self.token = (count == 1).then_some(tokens[0]);
            match pause {
                Pause::Progress(Progress::NeedsRoom) => {}
                Pause::Progress(_) => return self.token.map(|_| ()),
                pause => self.pause = Some(pause),
            }
        }
        Some(())
    }
}

impl WrittenStream for Written<'_> {
    fn block_start(&mut self) -> Option<BlockStart> {
        self.fill()?;
        match self.pause.take() {
            Some(Pause::BlockBegan(start)) if self.token.is_none() => Some(start),
            _ => None,
        }
    }

    fn block_ends(&mut self) -> Option<bool> {
        self.fill()?;
        Some(self.token.is_none() && self.pause.take() == Some(Pause::BlockEnded))
    }

    fn token(&mut self) -> Option<Token> {
        self.fill()?;
        self.token.take()
    }

    fn description(&self) -> Description {
        self.reader.description()
    }
}

/// Bytes with repetitions near and far, and noise.
fn bytes_of(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes: Vec<u8> = Vec::with_capacity(length + 700);
    while bytes.len() < length {
        let count = random.usize(1..600);
        match random.u8(..5) {
            0 => bytes.extend((0..count).map(|_| random.u8(..))),
            1 => bytes.extend((0..count).map(|_| random.u8(..3))),
            2 => bytes.extend(std::iter::repeat_n(random.u8(..), count)),
            _ if bytes.is_empty() => bytes.push(0),
            _ => {
                let distance = random.usize(1..=bytes.len().min(40_000));
                for _ in 0..count {
                    bytes.push(bytes[bytes.len() - distance]);
                }
            }
        }
    }
    bytes.truncate(length);
    bytes
}

/// Bytes of the range coder's output, and whether the stream can be corrected.
fn encode(
    stream: &[u8],
    bytes: &[u8],
    reference: &[Token],
    (level, piece): (u8, usize),
) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = vec![0; 2 * stream.len() + bytes.len() + 4096];
    let mut coder = RangeEncoder::new(&mut buffer);
    let mut models = CorrectionModels::new();
    let mut replay = CorrectedReplay::new(level);
    replay.add_reference(reference);
    let mut written = Written::new(stream);
    let mut out = Vec::new();
    let mut again = Vec::new();
    let pieces = bytes.len().div_ceil(piece);
    for (number, input) in bytes.chunks(piece).enumerate() {
        let mut by = Correcting {
            models: &mut models,
            coder: &mut coder,
            written: Some(&mut written),
        };
        let pushed = replay.push(&mut by, input, number + 1 == pieces, &mut out);
        assert!(pushed.is_some(), "piece {number} of {pieces}");
        again.append(&mut out);
    }
    let length = coder.finish().expect("the buffer is large enough");
    buffer.truncate(length);
    (buffer, again)
}

/// What a decoder makes of these bytes; `None` if it finds out that no encoder wrote them.
fn decode(
    coded: &[u8],
    bytes: &[u8],
    reference: &[Token],
    (level, piece): (u8, usize),
) -> Option<Vec<u8>> {
    let mut coder = RangeDecoder::new(coded);
    let mut models = CorrectionModels::new();
    let mut replay = CorrectedReplay::new(level);
    replay.add_reference(reference);
    let mut out = Vec::new();
    let mut stream = Vec::new();
    let pieces = bytes.len().div_ceil(piece);
    for (number, input) in bytes.chunks(piece).enumerate() {
        let mut by = Correcting {
            models: &mut models,
            coder: &mut coder,
            written: None::<&mut Written<'_>>,
        };
        replay.push(&mut by, input, number + 1 == pieces, &mut out)?;
        stream.append(&mut out);
    }
    Some(stream)
}

fn zlib_stream(options: AnyDeflate, bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x9C];
    stream.extend(options.write(bytes));
    let mut adler = super::adler::Adler32::new();
    adler.update(bytes);
    stream.extend(adler.value().to_be_bytes());
    stream
}

fn tokens_of(stream: &[u8], bytes: &[u8]) -> Vec<Token> {
    let mut inflater = Inflater::new();
    let (mut input, mut tokens, mut inflated) = (stream, Vec::new(), Vec::new());
    loop {
        let step = inflater.inflate(&mut input).expect("a legal stream");
        tokens.extend_from_slice(step.tokens);
        inflated.extend_from_slice(step.bytes);
        if step.progress == Progress::Ended {
            break;
        }
    }
    assert!(inflated == bytes, "the generator wrote other bytes");
    tokens
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn streams_of_every_legal_kind_are_corrected(
        seed in any::<u64>(),
        length in prop_oneof![1usize..400, 1usize..90_000],
        reach in prop_oneof![Just(32_768usize), 1usize..32_768],
        level in 1u8..=9,
        piece in 1usize..3000,
        has_reference in any::<bool>(),
    ) {
        let bytes = bytes_of(seed, length);
        let options = AnyDeflate { seed, reach, long_form: false };
        let stream = zlib_stream(options, &bytes);
        let other = AnyDeflate { seed: seed ^ 2, ..options };
        let reference = match has_reference {
            true => tokens_of(&zlib_stream(other, &bytes), &bytes),
            false => Vec::new(),
        };
        tokens_of(&stream, &bytes);
        let (coded, again) = encode(&stream, &bytes, &reference, (level, piece));
        prop_assert!(again == stream[2..stream.len() - 4]);
        let decoded = decode(&coded, &bytes, &reference, (level, piece));
        prop_assert!(decoded == Some(again));
    }

    #[test]
    fn forged_corrections_come_to_an_end(
        seed in any::<u64>(),
        length in 1usize..3000,
        level in 1u8..=9,
        coded in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = bytes_of(seed, length);
        // Whatever comes out, if anything, is bounded.
        let stream = decode(&coded, &bytes, &[], (level, 1000)).unwrap_or_default();
        prop_assert!(stream.len() < 3 * (1 << 20));
    }
}

#[test]
fn its_own_tokens_as_a_reference_cost_next_to_nothing() {
    let bytes = bytes_of(3, 200_000);
    let options = AnyDeflate {
        seed: 3,
        reach: 32_768,
        long_form: false,
    };
    let stream = zlib_stream(options, &bytes);
    let reference = tokens_of(&stream, &bytes);
    let (alone, _) = encode(&stream, &bytes, &[], (6, 1000));
    let (like, _) = encode(&stream, &bytes, &reference, (6, 1000));
    assert!(
        like.len() < alone.len() / 2,
        "{} of {}",
        like.len(),
        alone.len()
    );
}
