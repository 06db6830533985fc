//! Standard input to standard output.

use std::io::{self, IsTerminal};

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use crate::command_line::FileArguments;
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::worker::{WorkerBinary, WorkerOptions, run_job};

/// Compresses or restores standard input.
///
/// # Errors
/// If the worker does not succeed, or its output would go to a terminal.
pub(crate) fn run(
    arguments: &FileArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let operation = match arguments.decompress {
        true => Operation::Decompress,
        false => Operation::Compress,
    };
    let mut output = io::stdout();
    if output.is_terminal() {
        let problem = Problem::new(
            Status::Usage,
            "compressed and image data is not for terminals",
        );
        return Err(problem.advise("redirect standard output to a file or a pipe"));
    }
    let worker = WorkerBinary::find(arguments.workers.worker.as_deref())?;
    let mut options = WorkerOptions::new(operation);
    options.level = Some(arguments.level.into());
    options.memory_limit = arguments.workers.memory_limit;
    run_job(
        &worker,
        &options,
        &mut io::stdin(),
        &mut output,
        interruption,
    )
    .map_err(|error| error.into_problem("standard input", "standard output"))?;
    Ok(Status::Done)
}
