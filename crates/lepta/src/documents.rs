//! Completions and the manual page, made from the same description as the command line.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use lepta_worker::status::Status;

use crate::command_line::CommandLine;
use crate::problem::Problem;

/// Prints the completions for a shell.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn print_completions(shell: Shell) -> Result<Status, Problem> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "lepta", &mut text);
    print(&text)
}

/// Prints the manual page, in the format of `man`, or writes those of all commands into a folder.
///
/// # Errors
/// If standard output or the folder cannot be written.
pub(crate) fn print_manual(folder: Option<&Path>) -> Result<Status, Problem> {
    if let Some(folder) = folder {
        let written = clap_mangen::generate_to(CommandLine::command(), folder);
        written.map_err(|error| Problem::writing(&error).at(folder))?;
        return Ok(Status::Done);
    }
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(CommandLine::command()).render(&mut text);
    rendered.map_err(|error| Problem::new(Status::Internal, error.to_string()))?;
    print(&text)
}

fn print(text: &[u8]) -> Result<Status, Problem> {
    let printed = io::stdout().lock().write_all(text);
    printed.map_err(|error| Problem::writing(&error).at("standard output"))?;
    Ok(Status::Done)
}
