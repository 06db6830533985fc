//! Is what an archive stores what it says?

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;

use lepta_worker::status::Status;

use super::display::Display;
use super::entry::{Form, Stored};
use super::ledger::{Archive, Ledger};
use super::splitter::{Sink, Splitter, Stretch};
use super::store::{Store, differs};
use super::summary::Summary;
use super::work::{spread, threads};
use crate::command_line::{BatchVerifyArguments, Subset};
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::worker::WorkerBinary;

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
    let memory_limit = arguments.common.workers.memory_limit;
    let store = Store::for_reading(&archive, &ledger, &worker, memory_limit, interruption);
    let (summary, display) = (Summary::new(), Display::new(&arguments.common, true));
    let view = ledger.view()?;
    spread(
        threads(arguments.common.jobs),
        |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.stored.length).sum(),
        |hand_out| {
            let mut runs: HashMap<PathBuf, Vec<Piece>> = HashMap::new();
            view.for_each_stored(|hash, stored| {
                let Ok(hash) = blake3::Hash::from_hex(hash) else {
                    let problem = Problem::new(Status::Malformed, "a wrong record").at(hash);
                    summary.fail(&problem, &display);
                    return Ok(());
                };
                let piece = Piece { hash, stored };
                let subset = arguments.subset;
                if subset.is_some_and(|subset| !piece.is_in(subset)) {
                    return Ok(());
                }
                match piece.stored.form {
                    Form::LeftOut => {}
                    Form::InRun => {
                        let run = runs.entry(piece.stored.path.to_path());
                        run.or_default().push(piece);
                    }
                    Form::Compressed | Form::Copied => hand_out(vec![piece]),
                }
                Ok(())
            })?;
            runs.into_values().for_each(hand_out);
            Ok(())
        },
        |pieces: Vec<Piece>| {
            if interruption.is_requested() {
                return;
            }
            let bytes = pieces.iter().map(|piece| piece.stored.length).sum();
            let wrong = wrong_pieces(&store, &pieces);
            summary.counts().verified += pieces.len().saturating_sub(wrong.len()) as u64;
            for problem in &wrong {
                summary.fail(problem, &display);
            }
            display.advance(bytes, bytes);
        },
    )?;
    Ok(summary.finish(&display))
}

/// Stored bytes and what they have to be.
#[derive(Debug)]
struct Piece {
    hash: blake3::Hash,
    stored: Stored,
}

impl Piece {
    /// Whether it belongs to this part of the archive. All of a run belong to the same.
    fn is_in(&self, subset: Subset) -> bool {
        let hash = match self.stored.form {
            Form::InRun => blake3::hash(&self.stored.path.to_vec()),
            _ => self.hash,
        };
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) % subset.total == subset.number - 1
    }
}

/// Decodes what stands in one stored file, and returns a problem for each piece that is wrong.
fn wrong_pieces(store: &Store<'_>, pieces: &[Piece]) -> Vec<Problem> {
    let right = RefCell::new(HashSet::new());
    let sinks = pieces.iter().map(|piece| {
        let sink = Check {
            expected: piece.hash,
            hasher: blake3::Hasher::new(),
            right: &right,
        };
        (Stretch::of(&piece.stored), sink)
    });
    let Some(first) = pieces.first() else {
        return Vec::new();
    };
    let mut splitter = Splitter::new(0, sinks.collect());
    let decoded = store.decode(&first.stored, None, &mut splitter, "nothing");
    drop(splitter);
    let right = right.into_inner();
    let full = store.archive.folder().join(first.stored.path.to_path());
    let problem = decoded.err().unwrap_or_else(|| differs(&full));
    let wrong = pieces.iter().filter(|piece| !right.contains(&piece.hash));
    wrong.map(|_| problem.clone()).collect()
}

/// Compares one piece with its BLAKE3.
struct Check<'a> {
    expected: blake3::Hash,
    hasher: blake3::Hasher,
    right: &'a RefCell<HashSet<blake3::Hash>>,
}

impl Sink for Check<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        if self.hasher.finalize() == self.expected {
            self.right.borrow_mut().insert(self.expected);
        }
        Ok(())
    }
}
