//! Restoring from an archive that is damaged, or has lost its ledger.
//!
//! Stored files lie under the names of their originals, runs are tars: both can be restored without anything
//! that the archive says about them. Invariant: a name appears only for bytes whose checksums in the container
//! were right; what is left of a damaged file has `.partial` behind its name, and is always a failure too.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use super::entry::{Attributes, Content, Entry, Form, Stored};
use super::restore::Restoration;
use super::salvage_tar::{Chunk, chunks, members};
use super::selection::Selection;
use super::tree::is_inside;
use super::walk::walk;
use crate::names::without_suffix;
use crate::problem::{Problem, shown};
use crate::storage::read_back;
use crate::worker::{WorkerOptions, WorkerReport, run_job};

/// Folders of stored files, and whether they are named after their originals.
const STORED: [(&str, bool); 2] = [("files", true), ("files-by-hash", false)];
/// Folders of stored runs.
const RUNS: [&str; 2] = ["runs", "runs-by-hash"];

/// Behind the name of what is left of a file.
const PARTIAL: &str = ".partial";

impl Restoration<'_> {
    /// Writes what is left of a damaged file that has a stored file for itself, under another name.
    pub(super) fn salvage_part(&self, stored: &Stored, path: &Path, entry: &Entry) {
        if stored.form != Form::Compressed {
            return;
        }
        let full = self.store.archive.folder().join(stored.path.to_path());
        let outcome = self.write_part(&full, path, entry);
        self.attempt(path, outcome);
    }

    fn write_part(&self, stored: &Path, path: &Path, entry: &Entry) -> Result<(), Problem> {
        let mut name = path.as_os_str().to_owned();
        name.push(PARTIAL);
        let partial = PathBuf::from(name);
        let place = self.place(&partial)?;
        let mut pending = self.begin(&place, &partial)?;
        let report = self.decode_what_is_left(stored, &mut pending)?;
        if report.bytes_out == 0 {
            return Ok(());
        }
        self.keep(pending, &place, &partial, entry)?;
        let missing = report.missing.len();
        let partial = shown(&self.target.join(&partial));
        self.display.line(&format!(
            "{partial}: {} bytes are left, without {missing} parts in between",
            report.bytes_out
        ));
        Ok(())
    }

    fn decode_what_is_left(
        &self,
        stored: &Path,
        output: &mut impl io::Write,
    ) -> Result<WorkerReport, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(stored);
        let (mut reader, _) = read_back(stored).map_err(reading)?;
        let options = WorkerOptions {
            operation: Operation::Decompress,
            salvage: true,
            ..self.store.options
        };
        let worker = self.store.worker;
        run_job(
            worker,
            &options,
            &mut reader,
            output,
            self.store.interruption,
        )
        .map_err(|error| error.into_problem(&shown(stored), "the target"))
    }

    /// Restores stored files that the ledger does not know. Returns how many there were.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(super) fn salvage_unknown(&self, selection: &Selection) -> Result<u64, Problem> {
        let mut known: HashSet<PathBuf> = HashSet::new();
        self.view.for_each_stored(|_, stored| {
            known.insert(stored.path.to_path());
            Ok(())
        })?;
        let mut found = 0;
        let archive = self.store.archive.folder();
        for (folder, has_names) in STORED {
            for stored in unknown(&archive.join(folder), Path::new(folder), &known) {
                let name = match has_names {
                    true => stored.strip_prefix(folder).unwrap_or(&stored),
                    false => stored.as_path(),
                };
                found += self.salvage_file(&archive.join(&stored), name, selection);
            }
        }
        for folder in RUNS {
            for stored in unknown(&archive.join(folder), Path::new(folder), &known) {
                found += self.salvage_run(&archive.join(&stored), selection);
            }
        }
        Ok(found)
    }

    /// Restores a stored file by its name alone: decoded, if it is a container, else as it is.
    fn salvage_file(&self, stored: &Path, name: &Path, selection: &Selection) -> u64 {
        let original = without_suffix(name);
        let path = original.as_deref().unwrap_or(name);
        let entry = match stored.symlink_metadata() {
            Ok(metadata) => Entry {
                content: Content::Folder,
                attributes: Attributes::from(&metadata),
            },
            Err(_) => return 0,
        };
        if self.store.interruption.is_requested() || !selection.has(path, &entry) {
            return 0;
        }
        let outcome = match original.is_some() {
            true => self.salvage_container(stored, path, &entry),
            false => self.copy_stored(stored, path, &entry),
        };
        self.attempt(path, outcome);
        1
    }

    fn salvage_container(&self, stored: &Path, path: &Path, entry: &Entry) -> Result<(), Problem> {
        let place = self.free_name(path)?;
        let mut pending = self.begin(&place, path)?;
        match self.decode_what_is_left(stored, &mut pending) {
            Ok(report) if report.verified && report.missing.is_empty() => {
                self.keep(pending, &place, path, entry)
            }
            Ok(_) => {
                drop(pending);
                self.write_part(stored, path, entry)?;
                Err(Problem::new(Status::Checksum, "is damaged").at(stored))
            }
            // The original had such a name, and gained nothing.
            Err(problem) if problem.status == Status::Malformed => {
                let name = stored.file_name().map(|name| path.with_file_name(name));
                self.copy_stored(stored, name.as_deref().unwrap_or(path), entry)
            }
            Err(problem) => Err(problem),
        }
    }

    fn copy_stored(&self, stored: &Path, path: &Path, entry: &Entry) -> Result<(), Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(stored);
        let place = self.free_name(path)?;
        let mut pending = self.begin(&place, path)?;
        let mut file = File::open(stored).map_err(reading)?;
        io::copy(&mut file, &mut pending).map_err(reading)?;
        self.keep(pending, &place, path, entry)
    }

    /// Restores the files of a run that have no gap in them. Returns how many there were.
    fn salvage_run(&self, stored: &Path, selection: &Selection) -> u64 {
        let mut found = 0;
        let outcome = self.salvage_members(stored, selection, &mut found);
        self.attempt(stored, outcome);
        found
    }

    fn salvage_members(
        &self,
        stored: &Path,
        selection: &Selection,
        found: &mut u64,
    ) -> Result<(), Problem> {
        let writing = |error: io::Error| Problem::writing(&error).at(self.target);
        let mut tar = tempfile::tempfile_in(self.target).map_err(writing)?;
        let report = self.decode_what_is_left(stored, &mut tar)?;
        tar.rewind().map_err(writing)?;
        let chunks: Vec<Chunk> = chunks(&report.missing, report.bytes_out);
        members(&tar, &chunks, |path, attributes, content| {
            let entry = Entry {
                content: Content::Folder,
                attributes,
            };
            if self.store.interruption.is_requested() || !selection.has(path, &entry) {
                return;
            }
            *found += 1;
            let outcome = match is_inside(path) {
                true => self.write_member(path, &entry, content),
                false => Err(Problem::new(Status::Malformed, "leads out of the archive")),
            };
            self.attempt(path, outcome);
        })
        .map_err(writing)?;
        match report.verified && report.missing.is_empty() {
            true => Ok(()),
            false => Err(Problem::new(
                Status::Checksum,
                "is damaged; files in it that have a gap are lost",
            )
            .at(stored)),
        }
    }

    fn write_member(
        &self,
        path: &Path,
        entry: &Entry,
        content: &mut dyn io::Read,
    ) -> Result<(), Problem> {
        let place = self.free_name(path)?;
        let mut pending = self.begin(&place, path)?;
        io::copy(content, &mut pending).map_err(|error| Problem::writing(&error))?;
        self.keep(pending, &place, path, entry)
    }
}

/// Stored files in a folder of the archive that are not among the known ones.
fn unknown(folder: &Path, name: &Path, known: &HashSet<PathBuf>) -> Vec<PathBuf> {
    let found = walk(folder).filter_map(Result::ok);
    let files = found.filter(|found| found.file_type().is_file());
    let paths = files.map(|found| name.join(found.path));
    paths.filter(|path| !known.contains(path)).collect()
}
