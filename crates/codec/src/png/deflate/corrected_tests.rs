//! Corrections of streams of every legal kind, both ways.

use super::corrected_replay::{CorrectedReplay, Correcting, WrittenStream};
use super::correction_models::CorrectionModels;
use super::description::Description;
use super::handover::Handover;
use super::inflater::Inflater;
use super::parameters::{Parameters, Strategy as SearchStrategy};
use super::replay::Replay;
use super::token::Token;
use super::token_reader::{BlockKind, BlockStart, Pause, Progress, TokenReader};
use crate::entropy::{RangeDecoder, RangeEncoder};
use lepta_reference_zlib::{self as zlib, AnyDeflate};
use proptest::prelude::*;

/// A stream that lies in memory, read one token at a time.
#[derive(Clone)]
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

    /// At the block in hand of what is handed over, when so many bytes of the stream were put out.
    fn within(stream: &'s [u8], put_out: usize, from: &Handover) -> Self {
        let mut input = &stream[2 + put_out..];
        let passed = from.passed_bits();
        let mut first = &input[..usize::from(passed > 0)];
        let reader = TokenReader::within(&mut first, passed, from.block_start());
        input = &input[usize::from(passed > 0)..];
        Self {
            reader: reader.expect("the byte is there"),
            ..Self::new(input)
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

/// Bytes of the range coder's output, and the stream that they stand for.
fn encode(
    stream: &[u8],
    bytes: &[u8],
    reference: &[Token],
    search: (u8, usize),
) -> (Vec<u8>, Vec<u8>) {
    let from = Handover::default();
    encode_from(&from, Written::new(stream), bytes, reference, search)
}

/// The same where `bytes` come behind those of what is handed over.
fn encode_from(
    from: &Handover,
    mut written: Written<'_>,
    bytes: &[u8],
    reference: &[Token],
    (level, piece): (u8, usize),
) -> (Vec<u8>, Vec<u8>) {
    let mut buffer = vec![0; 2 * written.input.len() + bytes.len() + 4096];
    let mut coder = RangeEncoder::new(&mut buffer);
    let mut models = CorrectionModels::new();
    let (mut out, mut again) = (Vec::new(), Vec::new());
    let mut by = Correcting {
        models: &mut models,
        coder: &mut coder,
        written: Some(&mut written),
    };
    let replay = CorrectedReplay::take_over(&mut by, from, level, &mut out);
    let mut replay = replay.expect("tokens of a block");
    replay.add_reference(reference);
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
fn decode(coded: &[u8], bytes: &[u8], reference: &[Token], search: (u8, usize)) -> Option<Vec<u8>> {
    decode_from(&Handover::default(), coded, bytes, reference, search)
}

/// The same where `bytes` come behind those of what is handed over.
fn decode_from(
    from: &Handover,
    coded: &[u8],
    bytes: &[u8],
    reference: &[Token],
    (level, piece): (u8, usize),
) -> Option<Vec<u8>> {
    let mut coder = RangeDecoder::new(coded);
    let mut models = CorrectionModels::new();
    let (mut out, mut stream) = (Vec::new(), Vec::new());
    let mut by = Correcting {
        models: &mut models,
        coder: &mut coder,
        written: None::<&mut Written<'_>>,
    };
    let mut replay = CorrectedReplay::take_over(&mut by, from, level, &mut out)?;
    replay.add_reference(reference);
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

const STRATEGIES: [SearchStrategy; 5] = [
    SearchStrategy::Default,
    SearchStrategy::Filtered,
    SearchStrategy::HuffmanOnly,
    SearchStrategy::RunLength,
    SearchStrategy::Fixed,
];

/// What zlib writes that is flushed behind so many pieces of its input.
fn interrupted(parameters: &Parameters, pieces: &[&[u8]], (right, flush): (usize, i32)) -> Vec<u8> {
    let strategy = (0..)
        .zip(STRATEGIES)
        .find(|&(_, s)| s == parameters.strategy);
    let mut deflate = zlib::Deflate::new(
        i32::from(parameters.level),
        strategy.expect("one of them").0,
        i32::from(parameters.memory_level),
        i32::from(parameters.window_bits),
        8192,
    );
    let mut stream = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        if number == right {
            deflate.compress(&[], flush, &mut stream);
        }
        deflate.compress(piece, zlib::Z_NO_FLUSH, &mut stream);
    }
    deflate.compress(&[], zlib::Z_FINISH, &mut stream);
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
    fn corrections_go_on_wherever_a_replay_stands(
        seed in any::<u64>(),
        length in prop_oneof![1usize..2000, 1usize..150_000],
        piece in 1usize..9000,
        (level, strategy) in (1u8..=9, 0usize..5),
        (memory_level, window_bits) in (1u8..=9, 8u8..=15),
        right in 0usize..1000,
        by in prop_oneof![Just(zlib::Z_BLOCK), Just(zlib::Z_SYNC_FLUSH), Just(zlib::Z_FULL_FLUSH)],
        corrected_level in 1u8..=9,
    ) {
        let bytes = bytes_of(seed, length);
        let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
        let right = right % pieces.len();
        let strategy = STRATEGIES[strategy];
        let parameters = Parameters { memory_level, window_bits, ..Parameters::new(level, strategy) };
        let stream = interrupted(&parameters, &pieces, (right, by));
        let mut replay = Replay::new(&parameters);
        let mut put_out = Vec::new();
        let mut from = Handover::default();
        for piece in &pieces[..right] {
            replay.push(piece, &mut put_out);
        }
        replay.hand_over(&mut from);
        prop_assert!(stream[2..].starts_with(&put_out));
        let written = Written::within(&stream, put_out.len(), &from);
        if written.clone().block_start().is_some_and(|start| matches!(start.kind, BlockKind::Stored(_))) {
            return Ok(());
        }
        let rest = &bytes[right * piece..];
        let search = (corrected_level, piece);
        let (coded, again) = encode_from(&from, written, rest, &[], search);
        prop_assert!(again == stream[2 + put_out.len()..stream.len() - 4]);
        let decoded = decode_from(&from, &coded, rest, &[], search);
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
