//! Kernels, each in both directions: decisions and symbols of the range coder, the bytes model on
//! text, and whole JPEG files (Huffman, model and coder together) at each level.
//!
//! `cargo bench -p lepta-codec`; throughput is in decisions, symbols or raw bytes per second.
#![allow(
    missing_docs,
    reason = "criterion's macros make a public function without one"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lepta_codec::entropy::{Coder, RangeDecoder, RangeEncoder};
use lepta_codec::{
    Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, KEY_EVERY, Level,
    SEGMENT_INPUT, Step,
};

static SAMPLE_JPEG: &[u8] = include_bytes!("../../../tests/data/sample.jpg");
static TEXT: &str = include_str!("../src/entropy/range_coder.rs");

/// Decisions or symbols coded in one go.
const COUNT: usize = 1 << 16;
const STATE_BYTES: usize = 4 << 20;

/// Numbers that look random, the same in every run (G. Marsaglia, "Xorshift RNGs", 2003).
fn noise(count: usize) -> Vec<u32> {
    let mut state = 2_463_534_242u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..count).map(next).collect()
}

/// Codes decisions, each with its own probability of one in units of 1/65536; how many are one.
fn code_bits<C: Coder>(coder: &mut C, decisions: &[(u32, bool)]) -> usize {
    let coded = decisions.iter();
    coded
        .filter(|(probability, bit)| coder.bit(*probability, *bit))
        .count()
}

fn code_symbols<C: Coder>(coder: &mut C, bounds: &[u16; 16], symbols: &[usize]) -> usize {
    symbols
        .iter()
        .map(|symbol| coder.symbol(bounds, *symbol))
        .sum()
}

fn range_coder_bits(criterion: &mut Criterion) {
    let decisions: Vec<(u32, bool)> = noise(COUNT)
        .into_iter()
        .map(|number| (number >> 16, (number & 0xFFFF) < number >> 16))
        .collect();
    let mut buffer = vec![0; COUNT];
    let mut coder = RangeEncoder::new(&mut buffer);
    let ones = code_bits(&mut coder, &decisions);
    assert!(coder.finish().is_some());
    assert_eq!(code_bits(&mut RangeDecoder::new(&buffer), &decisions), ones);

    let mut group = criterion.benchmark_group("range coder, decisions");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            let mut coder = RangeEncoder::new(&mut buffer);
            code_bits(&mut coder, black_box(&decisions));
            coder.finish()
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| code_bits(&mut RangeDecoder::new(black_box(&buffer)), &decisions));
    });
    group.finish();
}

fn range_coder_symbols(criterion: &mut Criterion) {
    // Small symbols are likely, as run lengths and sizes of coefficients are.
    let symbols: Vec<usize> = noise(COUNT)
        .into_iter()
        .map(|number| number.leading_zeros().min(15) as usize)
        .collect();
    let bounds: [u16; 16] = std::array::from_fn(|symbol| u16::MAX - (u16::MAX >> symbol));
    let mut buffer = vec![0; 2 * COUNT];
    let mut coder = RangeEncoder::new(&mut buffer);
    let sum = code_symbols(&mut coder, &bounds, &symbols);
    assert!(coder.finish().is_some());
    let mut decoder = RangeDecoder::new(&buffer);
    assert_eq!(code_symbols(&mut decoder, &bounds, &symbols), sum);

    let mut group = criterion.benchmark_group("range coder, symbols of 16");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            let mut coder = RangeEncoder::new(&mut buffer);
            code_symbols(&mut coder, &bounds, black_box(&symbols));
            coder.finish()
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let mut coder = RangeDecoder::new(black_box(&buffer));
            code_symbols(&mut coder, &bounds, &symbols)
        });
    });
    group.finish();
}

fn encoder(level: Level) -> Encoder {
    Encoder::new(&EncoderOptions {
        level,
        state_bytes: STATE_BYTES,
        key_every: KEY_EVERY,
        restart_every: 0,
        image_bytes: 2 * STATE_BYTES,
    })
}

/// Puts all of `input` through the encoder.
fn encode(mut encoder: Encoder, input: &[u8]) -> Vec<u8> {
    let mut segment = vec![0; ENCODED_SEGMENT_MAX];
    let mut output = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let shown = rest.len().min(SEGMENT_INPUT);
        let coded = encoder.encode_segment(&rest[..shown], shown == rest.len(), &mut segment);
        output.extend_from_slice(&segment[..coded.written]);
        rest = &rest[coded.consumed..];
    }
    let written = encoder.encode_end(&mut segment);
    output.extend_from_slice(&segment[..written]);
    output
}

/// Takes a whole container; the raw bytes that came out.
fn decode(container: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: STATE_BYTES,
        image_bytes: 2 * STATE_BYTES,
    });
    let mut output = Vec::new();
    let mut rest = container;
    while !rest.is_empty() {
        let (unit, after) = rest.split_at(decoder.wanted());
        match decoder.step(unit) {
            Ok(Step::Raw(raw)) => output.extend_from_slice(raw),
            Ok(_) => {}
            Err(error) => panic!("the container does not decode: {error}"),
        }
        rest = after;
    }
    output
}

/// Both directions of the whole codec on `input`. Making the state is timed in decoding only,
/// where it belongs to reading the container's header.
fn whole_codec(criterion: &mut Criterion, name: &str, input: &[u8], level: Level) {
    let container = encode(encoder(level), input);
    assert_eq!(decode(&container), input);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(input.len() as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter_batched(
            || encoder(level),
            |encoder| encode(encoder, black_box(input)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| decode(black_box(&container)));
    });
    group.finish();
}

fn bytes_model(criterion: &mut Criterion) {
    let text = TEXT.repeat(8);
    whole_codec(
        criterion,
        "bytes model, text",
        text.as_bytes(),
        Level::Default,
    );
}

fn jpeg(criterion: &mut Criterion) {
    whole_codec(criterion, "jpeg, fast", SAMPLE_JPEG, Level::Fast);
    whole_codec(criterion, "jpeg, default", SAMPLE_JPEG, Level::Default);
}

criterion_group!(
    kernels,
    range_coder_bits,
    range_coder_symbols,
    bytes_model,
    jpeg
);
criterion_main!(kernels);
