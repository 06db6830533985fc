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
pub mod serve;
mod storage;
pub mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use lepta_worker::status::Status;

use command_line::{Command, CommandLine};
use interruption::Interruption;
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
    end(match &command_line.command {
        // These see to signals themselves, or need not.
        Some(Command::Serve(arguments)) => serve::run(arguments),
        Some(Command::Healthcheck(arguments)) => serve::healthcheck::run(arguments),
        Some(Command::Batch(command)) => watched(|interruption| batch::run(command, interruption)),
        Some(Command::Completions { shell }) => documents::print_completions(*shell),
        Some(Command::Manual { folder }) => documents::print_manual(folder.as_deref()),
        None => watched(|interruption| files::run(&command_line.files, interruption)),
    })
}

/// Runs what leaves by itself when the user interrupts.
fn watched(work: impl FnOnce(&Interruption) -> Result<Status, Problem>) -> Result<Status, Problem> {
    let interruption = interruption::watch()?;
    let outcome = work(&interruption);
    interruption.end_if_interrupted();
    outcome
}

fn end(outcome: Result<Status, Problem>) -> ExitCode {
    let status = outcome.unwrap_or_else(|problem| {
        problem.tell();
        problem.status
    });
    ExitCode::from(status.code())
}
