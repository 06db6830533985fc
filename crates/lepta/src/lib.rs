//! The command for people and fleets: files, folders and services.
//!
//! Invariant: nothing here interprets the bytes of an original or of a compressed file. They go to
//! jailed `lepta-worker` processes, and what comes back counts only if such a process says that it
//! was jailed, that all of it is verified, and ends with status 0.
#![forbid(unsafe_code)]

mod batch;
pub mod command_line;
mod documents;
mod files;
pub mod interruption;
mod names;
pub mod problem;
mod storage;
pub mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use lepta_worker::status::Status;

use command_line::{Command, CommandLine};
use problem::Problem;

/// Does what the command line says, program name included, and says on standard error what went
/// wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => {
            // Help and version are such "errors" too, and go to standard output. If even that
            // cannot be written, there is nobody left to tell.
            let _ = error.print();
            let status = if error.use_stderr() {
                Status::Usage
            } else {
                Status::Done
            };
            return ExitCode::from(status.code());
        }
    };
    let interruption = match interruption::watch() {
        Ok(interruption) => interruption,
        Err(problem) => return end(Err(problem)),
    };
    let outcome = match &command_line.command {
        None => files::run(&command_line.files, &interruption),
        Some(Command::Batch(command)) => batch::run(command, &interruption),
        Some(Command::Completions { shell }) => documents::print_completions(*shell),
        Some(Command::Manual) => documents::print_manual(),
    };
    interruption.end_if_interrupted();
    end(outcome)
}

fn end(outcome: Result<Status, Problem>) -> ExitCode {
    let status = outcome.unwrap_or_else(|problem| {
        problem.tell();
        problem.status
    });
    ExitCode::from(status.code())
}
