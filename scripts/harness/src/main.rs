//! `lepta-bench`: Lepta and lepton_jpeg side by side on a folder of JPEG files.
//!
//! Everything that is compared runs in turn on one core, file by file, so that a noisy machine is
//! noisy for all codecs alike. Invariant: no figure is reported for a file that did not come back
//! byte for byte.
#![forbid(unsafe_code)]

mod arguments;
mod codec;
mod csv_files;
mod goals;
mod measure;
mod photo;
mod plot;
mod process;
mod start;
mod statistics;
mod summary;
mod table;

use std::error::Error;
use std::fs;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing::{error, info};

use crate::arguments::Arguments;
use crate::codec::Codec;
use crate::goals::Goal;
use crate::measure::{Bench, Measured, Outcome};
use crate::photo::Photo;
use crate::process::Cores;
use crate::summary::{Peer, Summary};
use crate::table::Report;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match bench(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            error!("{failure}");
            ExitCode::from(2)
        }
    }
}

/// Measures and reports; whether all of our files round-tripped and, if asked for, all goals are
/// met.
fn bench(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let codecs = Codec::list(arguments);
    if codecs.is_empty() {
        return Err("nothing to measure: give --worker, --peer-portable or --peer-avx2".into());
    }
    let all = photo::list(&arguments.folder)
        .map_err(|error| format!("{}: {error}", arguments.folder.display()))?;
    let chosen = all.iter().enumerate();
    let chosen = chosen.filter(|(index, _)| arguments.half.selects(*index));
    let chosen = chosen.map(|(_, photo)| photo.clone());
    let photos: Vec<Photo> = chosen.take(arguments.limit.unwrap_or(usize::MAX)).collect();
    if photos.is_empty() {
        return Err(format!("no JPEG files in {}", arguments.folder.display()).into());
    }
    fs::create_dir_all(&arguments.output)?;
    let scratch = tempfile::tempdir()?;
    let bench = Bench {
        scratch: scratch.path().to_owned(),
        cores: Cores::choose(arguments.core)?,
        repetitions: arguments.repetitions,
    };

    let starts = start::measure(&bench, &codecs, &all, arguments.start_runs)?;
    let files = measure_files(&bench, &codecs, photos)?;
    let summaries = Summary::of_all(&codecs, &files);
    let peer = Peer::best(&summaries);
    let goals = goals::judge(&summaries, &peer, &starts);
    let conditions = conditions(arguments, &bench, &files);
    let report = Report {
        conditions: &conditions,
        summaries: &summaries,
        peer,
        starts: &starts,
        goals: &goals,
    };
    println!("{report}");

    let output = &arguments.output;
    fs::write(output.join("bench.txt"), report.to_string())?;
    csv_files::write_files(&output.join("files.csv"), &codecs, &files)?;
    csv_files::write_summary(&output.join("bench.csv"), &summaries)?;
    fs::write(
        output.join("bench.svg"),
        plot::draw(&summaries, &conditions[0]),
    )?;
    let refused = ours_refused(&codecs, &files);
    if refused > 0 {
        error!(refused, "files that Lepta must take and did not");
    }
    Ok(refused == 0 && (!arguments.check || goals.iter().all(Goal::met)))
}

fn measure_files(
    bench: &Bench,
    codecs: &[Codec],
    photos: Vec<Photo>,
) -> std::io::Result<Vec<Measured>> {
    let count = photos.len();
    let mut files = Vec::with_capacity(count);
    for (index, photo) in photos.into_iter().enumerate() {
        info!(
            "{}/{count} {} ({} bytes)",
            index + 1,
            photo.name,
            photo.bytes
        );
        files.push(bench.measure(codecs, photo)?);
    }
    Ok(files)
}

/// How many times a file was refused by a codec of ours, which takes any input.
fn ours_refused(codecs: &[Codec], files: &[Measured]) -> usize {
    let outcomes = files
        .iter()
        .flat_map(|file| codecs.iter().zip(&file.codecs));
    outcomes
        .filter(|(codec, outcome)| !codec.is_peer() && matches!(outcome, Outcome::Refused(_)))
        .count()
}

/// What was measured, as one line each; the first fits under the plot.
fn conditions(arguments: &Arguments, bench: &Bench, files: &[Measured]) -> Vec<String> {
    let large = files
        .iter()
        .filter(|file| summary::counts_for_speed(&file.photo));
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    vec![
        format!(
            "{} files ({}), {} of them for speed; medians of {} on one core of {processor}",
            files.len(),
            arguments.half.name(),
            large.count(),
            bench.repetitions
        ),
        format!(
            "core {}, start-up over {} runs",
            bench.cores.main, arguments.start_runs
        ),
    ]
}
