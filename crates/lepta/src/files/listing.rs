//! What compressed files save, from their ends alone.
//!
//! Invariant: this process only moves bytes; a jailed worker reads them and says how long the
//! container is that ends with them, which is where the next one before it ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use lepta_worker::job::{INSPECTED, Operation};
use lepta_worker::status::Status;
use serde::Serialize;

use super::inputs::{Input, inputs};
use super::original::Original;
use crate::command_line::FileArguments;
use crate::interruption::Interruption;
use crate::problem::{Problem, shown};
use crate::worker::{WorkerBinary, WorkerOptions, run_job};

/// What a file of one or several containers says.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Listed {
    containers: u64,
    compressed_bytes: u64,
    original_bytes: u64,
    /// Where decoding can start.
    restarts: u64,
}

impl Listed {
    fn saving(&self) -> f64 {
        match self.original_bytes {
            0 => 0.0,
            original => 100.0 * (1.0 - self.compressed_bytes as f64 / original as f64),
        }
    }
}

/// Lists all files that the arguments name.
///
/// # Errors
/// If it cannot begin at all.
pub(super) fn run(
    arguments: &FileArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let worker = WorkerBinary::find(arguments.workers.worker.as_deref())?;
    let mut failures = Vec::new();
    if !arguments.json && arguments.quiet == 0 {
        print("  saving      original    compressed  containers  file")?;
    }
    for input in inputs(arguments, Operation::Inspect)? {
        let listed = match &input {
            Input::File(path) => list(&worker, path, arguments.output.force, interruption)
                .and_then(|listed| say(path, &listed, arguments.json))
                .map_err(|problem| problem.at(path)),
            Input::Broken(problem) => Err(problem.clone()),
            Input::Stream => Err(
                Problem::new(Status::Usage, "a stream has no end to look at")
                    .advise("name a file, or use -t"),
            ),
        };
        if let Err(problem) = listed {
            problem.tell();
            failures.push(problem.status);
        }
    }
    Ok(match failures.split_first() {
        None => Status::Done,
        Some((first, rest)) if rest.iter().all(|status| status == first) => *first,
        Some(_) => Status::Other,
    })
}

fn print(line: &str) -> Result<(), Problem> {
    let printed = writeln!(io::stdout(), "{line}");
    printed.map_err(|error| Problem::writing(&error).moved_to("standard output"))
}

fn say(path: &Path, listed: &Listed, json: bool) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Record<'a> {
        file: String,
        #[serde(flatten)]
        listed: &'a Listed,
        saving_percent: f64,
    }
    let record = Record {
        file: path.to_string_lossy().into_owned(),
        listed,
        saving_percent: listed.saving(),
    };
    match serde_json::to_string(&record) {
        Ok(text) if json => print(&text),
        _ => print(&format!(
            "{:6.2} % {:>13} {:>13} {:>11}  {}",
            listed.saving(),
            listed.original_bytes,
            listed.compressed_bytes,
            listed.containers,
            shown(path)
        )),
    }
}

/// Goes from container to container, from the end of the file to its beginning.
fn list(
    worker: &WorkerBinary,
    path: &Path,
    follow_links: bool,
    interruption: &Interruption,
) -> Result<Listed, Problem> {
    let original = Original::open(path, follow_links)?;
    let mut listed = Listed::default();
    let mut end = original.metadata.len();
    loop {
        let tail = tail(&original.file, end).map_err(|error| Problem::reading(&error))?;
        let options = WorkerOptions::new(Operation::Inspect);
        let report = run_job(
            worker,
            &options,
            &mut tail.as_slice(),
            &mut io::sink(),
            interruption,
        )
        .map_err(|error| error.into_problem(&shown(path), "nothing"))?;
        listed.containers += 1;
        listed.compressed_bytes += report.bytes_in;
        listed.original_bytes = listed.original_bytes.saturating_add(report.bytes_out);
        listed.restarts += report.restarts;
        end = match end
            .checked_sub(report.bytes_in)
            .filter(|_| report.bytes_in > 0)
        {
            Some(0) => return Ok(listed),
            Some(before) => before,
            None => {
                let what = "is shorter than the container at its end: its beginning is missing";
                return Err(Problem::new(Status::Truncated, what));
            }
        };
    }
}

/// The last bytes in front of `end` that a worker may want to see.
fn tail(file: &File, end: u64) -> io::Result<Vec<u8>> {
    let length = end.min(INSPECTED as u64);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(INSPECTED)];
    file.read_exact_at(&mut bytes, end - length)?;
    Ok(bytes)
}
