//! `lepta-bench-screens`: Lepta and others on a run of screenshots, in one go, on one core.
//!
//! Invariant: no figure is reported of what did not come back: of our own methods the files byte for
//! byte, of the others their pixels, where the machine has their decoder.
#![forbid(unsafe_code)]

mod child;
mod frames;
mod ours;
mod peers;
mod plot;
mod report;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::frames::Run;
use crate::report::Figures;

/// Measures saving, user CPU time and peak memory of Lepta and others on a run of screenshots.
#[derive(Debug, Parser)]
#[command(name = "lepta-bench-screens", version)]
struct Arguments {
    /// Folder of PNG files of one size, in the order of their names
    folder: PathBuf,

    /// The lepta-worker binary
    #[arg(long, value_name = "PATH")]
    worker: PathBuf,

    /// Every Nth frame only, as if screenshots had been taken more seldom
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,

    /// Frames for methods that code each alone, spread over the run
    #[arg(long, value_name = "N", default_value_t = 12)]
    stills: usize,

    /// Frames from the start of the run for slow methods that code frames against others
    #[arg(long, value_name = "N", default_value_t = 24)]
    prefix: usize,

    /// Repetitions of our own runs, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    repetitions: usize,

    /// Folder for screens.csv, screens.svg and screens.txt
    #[arg(long, value_name = "FOLDER", default_value = "scripts/results")]
    output: PathBuf,
}

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("lepta-bench-screens: {failure}");
            ExitCode::from(2)
        }
    }
}

fn bench(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    child::pin_to_one_core()?;
    let run = Run::of_folder(&arguments.folder, arguments.every)?;
    let scratch = tempfile::tempdir()?;
    let mut all: Vec<Figures> = Vec::new();
    for method in ours::METHODS {
        eprintln!("{}", method.name);
        let measured = ours::measure(
            &arguments.worker,
            method,
            &run,
            scratch.path(),
            arguments.repetitions,
        )?;
        all.push(measured);
    }
    eprintln!("one frame");
    let (frame, restored) = ours::restore_frame(
        &arguments.worker,
        &run,
        scratch.path(),
        arguments.repetitions,
    )?;
    for peer in peers::PEERS {
        eprintln!("{}", peer.name);
        let chosen = peer.frames(&run, arguments.stills, arguments.prefix);
        all.push(peer.measure(&run, &chosen, scratch.path())?);
    }
    let condition = condition(arguments, &run);
    let text = report::text(&condition, &all)
        + &format!(
            "\nlepta default restores frame {frame} of those behind a key in {:.2} s, with {:.1} MB.\n",
            restored.user,
            restored.memory as f64 / 1e6
        );
    print!("{text}");
    fs::create_dir_all(&arguments.output)?;
    fs::write(arguments.output.join("screens.txt"), text)?;
    fs::write(arguments.output.join("screens.csv"), report::csv(&all))?;
    fs::write(
        arguments.output.join("screens.svg"),
        plot::draw(&all, &condition),
    )?;
    Ok(())
}

/// What was measured, in one line.
fn condition(arguments: &Arguments, run: &Run) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let every = match arguments.every {
        1 => String::new(),
        every => format!(", every {every}th of the folder"),
    };
    format!(
        "{} frames of {} x {}, {:.1} MB of PNG{every}; user CPU time on one core of {processor}",
        run.files.len(),
        run.width,
        run.height,
        run.bytes(&run.all()) as f64 / 1e6,
    )
}
