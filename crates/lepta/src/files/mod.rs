//! Single files, with the habits of `zstd` and `gzip`.
//!
//! Invariant: what goes wrong with one file is said and does not keep the others from being handled;
//! the exit status tells that something did.

mod inputs;
mod job;
mod listing;
mod original;
mod outputs;
mod record;
mod reference;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use crate::command_line::FileArguments;
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::worker::{WorkerBinary, WorkerOptions};

use inputs::{Input, inputs};
use job::FileJob;
use outputs::Outputs;
use record::Log;
use reference::Reference;

/// Handles all files that the arguments name, or standard input.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &FileArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    if arguments.mode.list {
        return listing::run(arguments, interruption);
    }
    let operation = operation(arguments);
    let options = WorkerOptions {
        level: Some(arguments.level.into()),
        memory_limit: arguments.workers.memory_limit,
        threads: threads(),
        ..WorkerOptions::new(operation)
    };
    let outputs = Outputs::new(arguments, operation);
    let job = FileJob {
        worker: WorkerBinary::find(arguments.workers.worker.as_deref())?,
        options,
        force: arguments.output.force,
        reference: arguments
            .patch_from
            .as_deref()
            .map(Reference::new)
            .transpose()?,
        remove: arguments.rm && !outputs.is_stdout() && operation != Operation::Verify,
        interruption,
    };
    let mut log = Log::new(arguments, operation, outputs.is_stdout());
    let list = inputs(arguments, operation)?;
    outputs.check(list.len())?;
    for input in list {
        if interruption.is_requested() {
            break;
        }
        let outcome = match &input {
            Input::Stream => job.run_stream(&outputs),
            Input::File(path) => job.run_file(path, &outputs),
            Input::Broken(problem) => Err(problem.clone()),
        };
        log.note(&input, outcome);
    }
    Ok(log.finish())
}

fn operation(arguments: &FileArguments) -> Operation {
    match (arguments.mode.decompress, arguments.mode.test) {
        (true, _) => Operation::Decompress,
        (_, true) => Operation::Verify,
        _ => Operation::Compress,
    }
}

/// Verification beside compression, where there is a second processor for it. Changes no byte.
fn threads() -> u8 {
    match std::thread::available_parallelism() {
        Ok(count) if count.get() > 1 => 2,
        _ => 1,
    }
}
