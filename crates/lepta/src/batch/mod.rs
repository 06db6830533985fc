//! Whole folders: an archive that grows, is restored, verified and listed.
//!
//! An archive is a folder: `files/` has what is stored, under the paths of the originals as far as
//! they are free; `runs/` has runs of screenshots, each a tar inside of a container; `ledger.redb` says what is where; `manifest.jsonl` says the same for people and
//! other programs.
//!
//! Invariant: what was stored once is never replaced before the ledger knows its successor, and
//! never given up while it is the only copy.

mod attributes;
mod compress;
mod compress_run;
mod display;
mod entry;
mod estimate;
mod import;
mod ledger;
mod list;
mod page;
mod restore;
mod restore_run;
mod run_names;
mod run_store;
mod run_tar;
mod salvage;
mod salvage_tar;
mod selection;
mod source;
mod splitter;
mod store;
mod summary;
mod tree;
mod verify;
mod walk;
mod watch;
mod work;

use lepta_worker::status::Status;

use crate::command_line::BatchCommand;
use crate::interruption::Interruption;
use crate::problem::Problem;

/// Does what a `batch` command says.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(command: &BatchCommand, interruption: &Interruption) -> Result<Status, Problem> {
    match command {
        BatchCommand::Compress(arguments) => compress::run(arguments, interruption),
        BatchCommand::Import(arguments) => import::run(arguments, interruption),
        BatchCommand::Restore(arguments) => restore::run(arguments, interruption),
        BatchCommand::Verify(arguments) => verify::run(arguments, interruption),
        BatchCommand::List(arguments) => list::run(arguments),
    }
}
