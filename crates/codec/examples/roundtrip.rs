//! Encodes and decodes files in memory; prints sizes, and the speed of each direction by processor
//! time (by the clock where the system does not tell).
//!
//! `cargo run --release -p lepta-codec --example roundtrip -- [--level fast|default|max] FILE...`

use lepta_codec::{
    Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, KEY_EVERY, Level, Step,
    Summary,
};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Row budget of either direction, in bytes.
const STATE_BYTES: usize = 8 << 20;

fn encode(input: &[u8], level: Level) -> (Vec<u8>, Summary) {
    let mut encoder = Encoder::new(&EncoderOptions {
        level,
        state_bytes: STATE_BYTES,
        key_every: KEY_EVERY,
        restart_every: 0,
        image_bytes: 2 * STATE_BYTES,
    });
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut coded = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let segment = encoder.encode_segment(rest, true, &mut buffer);
        coded.extend_from_slice(&buffer[..segment.written]);
        rest = &rest[segment.consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    coded.extend_from_slice(&buffer[..written]);
    (coded, encoder.summary().clone())
}

fn decode(coded: &[u8]) -> Result<Vec<u8>, lepta_codec::Error> {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: STATE_BYTES,
        image_bytes: 2 * STATE_BYTES,
    });
    let mut raw = Vec::new();
    let mut rest = coded;
    while !rest.is_empty() {
        let (unit, after) = rest.split_at(decoder.wanted().min(rest.len()));
        rest = after;
        if let Step::Raw(bytes) = decoder.step(unit)? {
            raw.extend_from_slice(bytes);
        }
    }
    Ok(raw)
}

/// Time that this thread has run so far.
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| text.split(' ').next()?.parse().ok());
    ran.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

#[derive(Default)]
struct Totals {
    raw: usize,
    coded: usize,
    encoding: Duration,
    decoding: Duration,
}

impl Totals {
    fn print(&self, name: &str, note: &str) {
        let speed = |time: Duration| self.raw as f64 / 1e6 / time.as_secs_f64().max(1e-9);
        println!(
            "{:>10} {:>10} {:7.3}% {:7.2} MB/s {:7.2} MB/s  {name} {note}",
            self.raw,
            self.coded,
            100.0 - 100.0 * self.coded as f64 / self.raw.max(1) as f64,
            speed(self.encoding),
            speed(self.decoding),
        );
    }

    fn add(&mut self, other: &Self) {
        self.raw += other.raw;
        self.coded += other.coded;
        self.encoding += other.encoding;
        self.decoding += other.decoding;
    }
}

fn note(summary: &Summary) -> String {
    let reasons: Vec<String> = summary.reasons.iter().map(|(r, _)| r.to_string()).collect();
    format!(
        "[image {} model {} noise {} stored {}{}{}]",
        summary.image_bytes,
        summary.model_bytes,
        summary.noise_bytes,
        summary.stored_bytes,
        if reasons.is_empty() { "" } else { "; " },
        reasons.join(", "),
    )
}

fn main() -> ExitCode {
    let mut level = Level::Default;
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, ..] = &files[..]
        && flag == "--level"
    {
        level = match name.as_str() {
            "fast" => Level::Fast,
            "max" => Level::Max,
            _ => Level::Default,
        };
        files.drain(..2);
    }
    let mut totals = Totals::default();
    let mut failures = 0;
    println!("       raw      coded   saving       encode       decode");
    for file in files {
        let input = match std::fs::read(&file) {
            Ok(input) => input,
            Err(error) => {
                eprintln!("{file}: {error}");
                failures += 1;
                continue;
            }
        };
        let start = now();
        let (coded, summary) = encode(&input, level);
        let encoding = now() - start;
        let start = now();
        let decoded = decode(&coded);
        let decoding = now() - start;
        let one = Totals {
            raw: input.len(),
            coded: coded.len(),
            encoding,
            decoding,
        };
        if decoded.as_ref() != Ok(&input) {
            eprintln!("{file}: does not round-trip: {:?}", decoded.err());
            failures += 1;
        }
        one.print(&file, &note(&summary));
        totals.add(&one);
    }
    totals.print("all", "");
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
