//! Writes a generated JPEG to standard output.
//!
//! Invariant: the same arguments give the same bytes.
#![forbid(unsafe_code)]

use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Kind, Process, generate};
use std::io::{self, Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
usage: generate-jpeg KIND [SEED]
       generate-jpeg WIDTHxHEIGHT [SEED]

Writes a JPEG of a kind to standard output, or a baseline 4:4:4 one of the
given size with photo-like coefficients. SEED is a number (0 if not given).

kinds:";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(stream) = parse(&arguments) else {
        eprintln!("{USAGE}");
        for kind in Kind::all() {
            eprintln!("  {}", kind.name());
        }
        return ExitCode::from(2);
    };
    match copy(stream) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate-jpeg: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<JpegStream> {
    let (what, seed) = match arguments {
        [what] => (what, 0),
        [what, seed] => (what, seed.parse().ok()?),
        _ => return None,
    };
    if let Some(kind) = Kind::all().find(|kind| kind.name() == what) {
        return Some(generate(kind, seed));
    }
    let (width, height) = what.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    let mut parameters = JpegParameters::new(seed, Process::Baseline, width, height, &[(1, 1); 3]);
    parameters.content = Content::Natural { detail: 2.0 };
    Some(JpegStream::new(&parameters))
}

fn copy(mut stream: JpegStream) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer)? {
            0 => return output.flush(),
            count => output.write_all(&buffer[..count])?,
        }
    }
}
