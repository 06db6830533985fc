//! Is what an archive stores what it says?

use std::path::PathBuf;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use super::display::Display;
use super::entry::{Form, Stored};
use super::ledger::{Archive, Ledger};
use super::store::Store;
use super::summary::Summary;
use super::work::{spread, threads};
use crate::command_line::{BatchVerifyArguments, Subset};
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::storage::HashingWriter;
use crate::worker::{WorkerBinary, WorkerOptions};

/// Decodes all that is stored, or a part of it, and compares it with the BLAKE3 of the originals.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &BatchVerifyArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let archive = Archive::new(&arguments.archive);
    let ledger = Ledger::open(&archive)?;
    let worker = WorkerBinary::find(arguments.common.workers.worker.as_deref())?;
    let options = WorkerOptions {
        memory_limit: arguments.common.workers.memory_limit,
        ..WorkerOptions::new(Operation::Decompress)
    };
    let store = Store {
        archive: &archive,
        ledger: &ledger,
        worker: &worker,
        options,
        leave: false,
        interruption,
    };
    let (summary, display) = (Summary::new(), Display::new(&arguments.common));
    let view = ledger.view()?;
    let is_meant = |hash: &blake3::Hash| arguments.subset.is_none_or(|subset| is_in(subset, hash));
    spread(
        threads(arguments.common.jobs),
        |hand_out| {
            view.for_each_stored(|hash, stored| {
                match blake3::Hash::from_hex(hash) {
                    Ok(hash) if is_meant(&hash) && stored.form != Form::LeftOut => {
                        hand_out((hash, stored));
                    }
                    Ok(_) => {}
                    Err(_) => {
                        let problem = Problem::new(Status::Malformed, "a wrong record").at(hash);
                        summary.fail(&problem, &display);
                    }
                }
                Ok(())
            })
        },
        |(hash, stored)| {
            if interruption.is_requested() {
                return;
            }
            match check(&store, hash, &stored) {
                Ok(()) => {
                    summary.counts().verified += 1;
                    display.advance(stored.size, stored.size);
                }
                Err(problem) => summary.fail(&problem, &display),
            }
        },
    )?;
    Ok(summary.finish(&display))
}

fn is_in(subset: Subset, hash: &blake3::Hash) -> bool {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) % subset.total == subset.number - 1
}

fn check(store: &Store<'_>, hash: blake3::Hash, stored: &Stored) -> Result<(), Problem> {
    let mut restored = HashingWriter::new(std::io::sink());
    store.decode(stored, &mut restored, "nothing")?;
    if restored.digest().hash != hash {
        let path: PathBuf = store.archive.folder().join(stored.path.to_path());
        return Err(super::store::differs(&path));
    }
    Ok(())
}
