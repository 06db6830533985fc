//! Trains the models of coefficients on files and writes what they have learned: see
//! `scripts/start-states/make`.
//!
//! `cargo run --release -p lepta-codec --features training --example learn -- fast|default|max OUT FILE...`

use lepta_codec::{ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, Level};
use std::process::ExitCode;

const STATE_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [level, out, files @ ..] = &arguments[..] else {
        eprintln!("usage: learn fast|default|max OUT FILE...");
        return ExitCode::FAILURE;
    };
    let level = match &level[..] {
        "fast" => Level::Fast,
        "max" => Level::Max,
        _ => Level::Default,
    };
    let mut encoder = Encoder::new(&EncoderOptions {
        level,
        state_bytes: STATE_BYTES,
        key_every: 0,
        restart_every: 0,
        image_bytes: 2 * STATE_BYTES,
    });
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    for file in files {
        let Ok(input) = std::fs::read(file) else {
            eprintln!("{file}: cannot be read");
            return ExitCode::FAILURE;
        };
        let mut rest = &input[..];
        while !rest.is_empty() {
            let segment = encoder.encode_segment(rest, true, &mut buffer);
            rest = &rest[segment.consumed..];
        }
    }
    let states = encoder.learned_states();
    println!("{} bytes from {} files", states.len(), files.len());
    match std::fs::write(out, states) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{out}: {error}");
            ExitCode::FAILURE
        }
    }
}
