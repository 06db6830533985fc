//! Restoring files of one run, whose tar is decoded once for all of them.
//!
//! Invariant: as for single files: a name appears only for bytes with the original's BLAKE3. What is
//! wrong with one file does not keep the others from being restored.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use super::entry::{Entry, Stored};
use super::restore::Restoration;
use super::splitter::{Sink, Splitter, Stretch};
use super::store::differs;
use super::tree::Place;
use crate::problem::Problem;
use crate::storage::{Digest, HashingWriter, PendingFile};

/// A file in a run.
#[derive(Debug)]
pub(super) struct RunFile {
    pub(super) path: PathBuf,
    pub(super) entry: Entry,
    pub(super) stored: Stored,
    pub(super) digest: Digest,
}

/// Paths that are restored.
type Done = RefCell<BTreeSet<PathBuf>>;

impl RunFile {
    /// Whether it is in the run that these files are of, or they are none yet.
    pub(super) fn is_in_run_of(&self, others: &[Self]) -> bool {
        let first = others.first();
        first.is_none_or(|first| first.stored.path == self.stored.path)
    }
}

impl Restoration<'_> {
    /// Restores files of one run. If that fails, those that are still missing are tried one by one.
    pub(super) fn restore_run(&self, files: Vec<RunFile>) {
        let done = Done::default();
        if files.len() > 1 {
            // Whoever tries the missing ones alone says what is wrong with each.
            let _ = self.decode_run(&files, &done);
        }
        for file in files {
            if !done.borrow().contains(&file.path) {
                self.restore(file.path, file.entry);
            }
        }
    }

    /// Notes the paths that came out right.
    fn decode_run(&self, files: &[RunFile], done: &Done) -> Result<(), Problem> {
        let mut stretches = Vec::new();
        for file in files {
            let place = match file.entry.file() {
                Some(content) => self.free_place(&file.path, &file.entry, content),
                None => Ok(None),
            };
            if let Ok(None) = place {
                done.borrow_mut().insert(file.path.clone());
            }
            if let Ok(Some(place)) = place {
                let sink = FileSink {
                    restoration: self,
                    file,
                    place,
                    done,
                    pending: None,
                };
                stretches.push((Stretch::of(&file.stored), sink));
            }
        }
        let start = stretches.iter().map(|(stretch, _)| stretch.offset).min();
        let end = stretches.iter().map(|(stretch, _)| stretch.end()).max();
        let (Some(start), Some(end), Some(first)) = (start, end, files.first()) else {
            return Ok(());
        };
        if start == end {
            return Ok(());
        }
        let mut splitter = Splitter::new(start, stretches);
        let range = Some((start, end));
        self.store
            .decode(&first.stored, range, &mut splitter, "the target")?;
        Ok(())
    }
}

/// One file as it comes.
struct FileSink<'a> {
    restoration: &'a Restoration<'a>,
    file: &'a RunFile,
    place: Place,
    done: &'a Done,
    pending: Option<HashingWriter<PendingFile>>,
}

impl FileSink<'_> {
    fn pending(&mut self) -> io::Result<&mut HashingWriter<PendingFile>> {
        match &mut self.pending {
            Some(pending) => Ok(pending),
            none => {
                let begun = self.restoration.begin(&self.place, &self.file.path);
                Ok(none.insert(HashingWriter::new(begun.map_err(io::Error::other)?)))
            }
        }
    }
}

impl Sink for FileSink<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending()?.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.pending()?;
        let Some(pending) = self.pending else {
            return Ok(());
        };
        let file = self.file;
        let kept = match pending.digest() == file.digest {
            true => {
                let pending = pending.into_inner();
                self.restoration
                    .keep(pending, &self.place, &file.path, &file.entry)
            }
            false => Err(differs(&file.stored.path.to_path())),
        };
        kept.map_err(io::Error::other)?;
        self.done.borrow_mut().insert(file.path.clone());
        Ok(())
    }
}
