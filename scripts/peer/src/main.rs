//! One file through `lepton_jpeg` on one thread, from standard input to standard output.
//!
//! `lepton-peer encode|encode-verified|decode`. On standard error stands one JSON object,
//! `{"peak_rss_bytes":N}`, with the process's own `VmHWM`. Exit status 0: done; 2: usage; 3: the
//! library refuses the file (standard output then holds nothing of use); 4: I/O.
//!
//! Standard input and output must be files: the library seeks in what it encodes, and it takes
//! the least memory when nothing is buffered whole beside it. Only its verification needs the
//! whole file in memory.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use lepton_jpeg::{
    EnabledFeatures, SingleThreadPool, decode_lepton, encode_lepton, encode_lepton_verify,
};

const BUFFER_BYTES: usize = 64 << 10;

/// What ends the program early: an exit status and a line.
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    fn usage() -> Self {
        Self {
            status: 2,
            message: "usage: lepton-peer encode|encode-verified|decode <INPUT >OUTPUT".into(),
        }
    }

    fn refused(error: impl Display) -> Self {
        Self {
            status: 3,
            message: error.to_string(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            status: 4,
            message: error.to_string(),
        }
    }
}

fn main() -> ExitCode {
    let operation = std::env::args().nth(1).unwrap_or_default();
    match run(&operation) {
        Ok(peak) => {
            eprintln!("{{\"peak_rss_bytes\":{peak}}}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("lepton-peer: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

/// Runs one operation; the peak resident size in bytes.
fn run(operation: &str) -> Result<u64, Failure> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    match operation {
        "encode" => encode(input, output)?,
        "encode-verified" => encode_verified(input, output)?,
        "decode" => decode(input, output)?,
        _ => return Err(Failure::usage()),
    }
    Ok(peak_rss_bytes()?)
}

fn encode(input: File, output: File) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, output);
    let pool = SingleThreadPool::default();
    encode_lepton(&mut input, &mut output, &one_thread(), &pool).map_err(Failure::refused)?;
    Ok(output.flush()?)
}

fn encode_verified(mut input: File, mut output: File) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let pool = SingleThreadPool::default();
    let (coded, _) =
        encode_lepton_verify(&bytes, &one_thread(), &pool).map_err(Failure::refused)?;
    Ok(output.write_all(&coded)?)
}

fn decode(input: File, output: File) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut output = BufWriter::with_capacity(BUFFER_BYTES, output);
    let pool = SingleThreadPool::default();
    decode_lepton(&mut input, &mut output, &one_thread(), &pool).map_err(Failure::refused)?;
    Ok(output.flush()?)
}

/// The library's own defaults, progressive files included, but everything in one partition: on
/// one thread more partitions would only cost ratio.
fn one_thread() -> EnabledFeatures {
    EnabledFeatures {
        max_partitions: 1,
        max_processor_threads: 1,
        ..EnabledFeatures::compat_lepton_vector_write()
    }
}

/// `VmHWM` of this process. (`ru_maxrss` would begin at the size of the process that started it.)
fn peak_rss_bytes() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
        .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| io::Error::other("no VmHWM in /proc/self/status"))
}
