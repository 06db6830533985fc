//! Start-up: what a process costs before the work counts.

use std::fs;
use std::io;

use crate::codec::{Codec, Operation};
use crate::measure::Bench;
use crate::photo::{Kind, Photo};
use crate::process;
use crate::statistics::median;

/// A photo's size that start-up is measured with, as near as the folder has it.
const SMALL_PHOTO_BYTES: u64 = 50_000;

/// The median wall time of one small job.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) codec: &'static str,
    pub(crate) ours: bool,
    pub(crate) operation: Operation,
    /// Bytes of the file that is compressed or restored; 0: the empty input.
    pub(crate) bytes: u64,
    pub(crate) wall_milliseconds: f64,
}

/// A job and the wall times it took so far, in seconds.
struct Job<'a> {
    codec: &'a Codec,
    operation: Operation,
    bytes: u64,
    input: std::path::PathBuf,
    walls: Vec<f64>,
}

/// Measures verified encoding and decoding of an empty file and of the baseline photo nearest to
/// 50 KB; jobs that a codec refuses are left out.
pub(crate) fn measure(
    bench: &Bench,
    codecs: &[Codec],
    photos: &[Photo],
    runs: u32,
) -> io::Result<Vec<Start>> {
    let mut jobs = prepare(bench, codecs, photos)?;
    let output = bench.scratch.join("start-output");
    for _ in 0..runs {
        for job in &mut jobs {
            let arguments = job.codec.arguments(job.operation).unwrap_or_default();
            let run = process::run(&job.codec.program, &arguments, &job.input, &output)?;
            job.walls.push(run.wall.as_secs_f64());
        }
    }
    let starts = jobs.into_iter().filter_map(|job| {
        Some(Start {
            codec: job.codec.name,
            ours: !job.codec.is_peer(),
            operation: job.operation,
            bytes: job.bytes,
            wall_milliseconds: median(job.walls)? * 1e3,
        })
    });
    Ok(starts.collect())
}

/// The jobs that succeed, their inputs written.
fn prepare<'a>(bench: &Bench, codecs: &'a [Codec], photos: &[Photo]) -> io::Result<Vec<Job<'a>>> {
    bench.cores.pin(false)?;
    let empty = bench.scratch.join("empty");
    fs::write(&empty, [])?;
    let baseline = photos.iter().filter(|photo| photo.kind == Kind::Baseline);
    let small = baseline.min_by_key(|photo| photo.bytes.abs_diff(SMALL_PHOTO_BYTES));
    let mut inputs = vec![(empty, 0)];
    inputs.extend(small.map(|photo| (photo.path.clone(), photo.bytes)));

    let mut jobs = Vec::new();
    for (index, codec) in codecs.iter().enumerate() {
        for (input, bytes) in &inputs {
            let coded = bench.scratch.join(format!("start-{index}-{bytes}"));
            let arguments = codec
                .arguments(Operation::EncodeVerified)
                .unwrap_or_default();
            if !process::run(&codec.program, &arguments, input, &coded)?.success {
                continue;
            }
            let job = |operation, input: &std::path::Path| Job {
                codec,
                operation,
                bytes: *bytes,
                input: input.to_owned(),
                walls: Vec::new(),
            };
            jobs.push(job(Operation::EncodeVerified, input));
            jobs.push(job(Operation::Decode, &coded));
        }
    }
    Ok(jobs)
}
