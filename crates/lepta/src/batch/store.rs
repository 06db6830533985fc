//! The bytes of a file on their way into an archive.
//!
//! Invariant: what [`Store::write`] returns is on the disk under its final name and was verified by
//! the worker that made it; nothing that the ledger knows was replaced.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use super::entry::{Form, Stored};
use super::ledger::{Archive, Ledger};
use crate::interruption::Interruption;
use crate::names::{says_compressed, with_suffix};
use crate::problem::{Problem, shown};
use crate::storage::{
    Digest, HashingReader, HashingWriter, Kept, Overwrite, PendingFile, ReadBack, folder_of,
    make_folders, read_back,
};
use crate::worker::{JobError, WorkerBinary, WorkerOptions, WorkerReport, run_job};

/// Longest name in a folder, in bytes.
const NAME_MAX: usize = 255;

/// Writes to an archive and reads what is stored there.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) ledger: &'a Ledger,
    pub(crate) worker: &'a WorkerBinary,
    pub(crate) options: WorkerOptions,
    /// Leave files out that gain nothing.
    pub(crate) leave: bool,
    pub(crate) interruption: &'a Interruption,
}

/// Bytes that were stored just now.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) stored: Stored,
    /// Failed verifications, whose segments were stored as they are.
    pub(crate) alarms: u64,
}

/// A result without a name.
struct Made {
    pending: Option<PendingFile>,
    form: Form,
    digest: Digest,
    report: Option<WorkerReport>,
}

impl<'a> Store<'a> {
    /// One that only reads what is stored, by workers of this memory limit.
    pub(crate) fn for_reading(
        archive: &'a Archive,
        ledger: &'a Ledger,
        worker: &'a WorkerBinary,
        memory_limit: Option<u64>,
        interruption: &'a Interruption,
    ) -> Self {
        Self {
            archive,
            ledger,
            worker,
            options: WorkerOptions {
                memory_limit,
                ..WorkerOptions::new(Operation::Decompress)
            },
            leave: false,
            interruption,
        }
    }
}

impl Store<'_> {
    /// Stores the bytes of an open file, which must have this digest. The path that it chooses stays
    /// reserved until the caller [releases](Ledger::release) it.
    ///
    /// # Errors
    /// If reading, compressing or writing fails.
    pub(crate) fn write(
        &self,
        path: &Path,
        full: &Path,
        file: &mut File,
        digest: &Digest,
    ) -> Result<Written, Problem> {
        match self.write_once(path, full, file, digest) {
            // What could not be synced is written anew: a second sync of the same pages may lie.
            Err(problem) if problem.status == Status::Write => {
                self.write_once(path, full, file, digest)
            }
            written => written,
        }
    }

    fn write_once(
        &self,
        path: &Path,
        full: &Path,
        file: &mut File,
        digest: &Digest,
    ) -> Result<Written, Problem> {
        let kept = file.metadata().map(|metadata| Kept::from(&metadata));
        let kept = kept.map_err(|error| Problem::reading(&error).at(full))?;
        let start = Instant::now();
        let result = self.make(full, file, digest)?;
        let stored_path = match result.pending {
            None => PathBuf::new(),
            Some(pending) => self.name(path, result.form, &digest.hash, pending, &kept)?,
        };
        let report = result.report.as_ref();
        Ok(Written {
            alarms: report.map_or(0, |report| report.alarms),
            stored: Stored {
                form: result.form,
                path: stored_path.as_path().into(),
                size: result.digest.length,
                length: digest.length,
                milliseconds: milliseconds_since(start),
                offset: None,
                blake3: result.digest.hash.to_string(),
                kind: report.and_then(|report| report.kind.clone()),
                reasons: report.map_or_else(Vec::new, |report| report.reasons.clone()),
                references: 0,
            },
        })
    }

    /// The smaller one of the compressed form and a copy.
    fn make(&self, full: &Path, file: &mut File, digest: &Digest) -> Result<Made, Problem> {
        let mut report = None;
        if !says_compressed(full) {
            let made = self.compress(full, file, digest)?;
            if made.digest.length < digest.length {
                return Ok(made);
            }
            report = made.report;
        }
        if self.leave {
            return Ok(Made {
                pending: None,
                form: Form::LeftOut,
                digest: *digest,
                report,
            });
        }
        let mut pending = self.begin()?;
        file.rewind()
            .map_err(|error| Problem::reading(&error).at(full))?;
        let mut reader = HashingReader::new(file);
        io::copy(&mut reader, &mut pending).map_err(|error| self.writing(&error))?;
        if reader.digest() != *digest {
            return Err(super::source::changed(full));
        }
        Ok(Made {
            pending: Some(pending),
            form: Form::Copied,
            digest: *digest,
            report,
        })
    }

    fn compress(&self, full: &Path, file: &mut File, digest: &Digest) -> Result<Made, Problem> {
        file.rewind()
            .map_err(|error| Problem::reading(&error).at(full))?;
        let mut pending = self.begin()?;
        let mut reader = HashingReader::new(file);
        let mut writer = HashingWriter::new(&mut pending);
        let run = run_job(
            self.worker,
            &self.options,
            &mut reader,
            &mut writer,
            self.interruption,
        );
        let report = run.map_err(|error| match error {
            JobError::Output(error) => self.writing(&error),
            error => error.into_problem(&shown(full), "nothing"),
        })?;
        if reader.digest() != *digest {
            return Err(super::source::changed(full));
        }
        Ok(Made {
            digest: writer.digest(),
            pending: Some(pending),
            form: Form::Compressed,
            report: Some(report),
        })
    }

    pub(crate) fn begin(&self) -> Result<PendingFile, Problem> {
        let pending = PendingFile::create_in(&self.archive.pending());
        pending.map_err(|error| self.writing(&error))
    }

    pub(crate) fn writing(&self, error: &io::Error) -> Problem {
        Problem::storing(error, self.archive.folder())
    }

    /// Names a result after its original, as far as that name is free.
    fn name(
        &self,
        path: &Path,
        form: Form,
        hash: &blake3::Hash,
        pending: PendingFile,
        kept: &Kept,
    ) -> Result<PathBuf, Problem> {
        let hexadecimal = hash.to_hex();
        let named = |path: &Path| match form {
            Form::Compressed => with_suffix(path),
            _ => path.to_owned(),
        };
        let own = Path::new("files").join(path);
        let mut distinct = own.clone().into_os_string();
        distinct.push(format!(".{}", &hexadecimal[..16]));
        let by_hash = named(&Path::new("files-by-hash").join(hexadecimal.as_str()));
        let candidates = [named(&own), named(Path::new(&distinct)), by_hash];
        self.keep(candidates, pending, Some(kept))
    }

    /// Gives a result the first of these names that nothing else has, and reserves it. The last one must
    /// be possible.
    pub(crate) fn keep(
        &self,
        names: [PathBuf; 3],
        pending: PendingFile,
        kept: Option<&Kept>,
    ) -> Result<PathBuf, Problem> {
        let [.., last] = &names;
        let last = last.clone();
        let names = names.into_iter();
        let chosen = self
            .ledger
            .reserve(names.filter(|path| *path == last || self.can_be_made(path)))?;
        let Some(chosen) = chosen else {
            let what = "these bytes are being stored for another path";
            return Err(Problem::new(Status::Busy, what).advise("run again"));
        };
        let full = self.archive.folder().join(&chosen);
        let made = make_folders(folder_of(&full)).map_err(|error| self.writing(&error));
        match made.and_then(|()| pending.keep(&full, kept, Overwrite::Allowed)) {
            Ok(()) => Ok(chosen),
            Err(problem) => {
                self.ledger.release(&chosen);
                Err(problem)
            }
        }
    }

    /// Whether nothing else than a file or a missing folder stands in the way of a stored path.
    fn can_be_made(&self, path: &Path) -> bool {
        let is_short = path.file_name().is_some_and(|name| name.len() <= NAME_MAX);
        let mut folders = path
            .ancestors()
            .skip(1)
            .map(|path| self.archive.folder().join(path));
        let is_free = folders.all(|folder| folder.is_dir() || folder.symlink_metadata().is_err());
        is_short && is_free && !self.archive.folder().join(path).is_dir()
    }

    /// Removes a stored file that the ledger no longer knows.
    pub(crate) fn discard(&self, path: &Path) {
        // If it stays, it costs room and nothing else.
        let _ = fs::remove_file(self.archive.folder().join(path));
    }

    /// Reads stored bytes back from the disk and restores them to `output`.
    ///
    /// # Errors
    /// If they are not those of `digest`, or reading or writing fails.
    pub(crate) fn restore(
        &self,
        stored: &Stored,
        digest: &Digest,
        output: &mut impl io::Write,
        output_name: &str,
    ) -> Result<ReadBack, Problem> {
        let mut writer = HashingWriter::new(output);
        let how = match stored.range() {
            // An empty file in a run: there is nothing to read.
            Some((start, end)) if start == end => ReadBack::Cached,
            range => self.decode(stored, range, &mut writer, output_name)?,
        };
        match writer.digest() == *digest {
            true => Ok(how),
            false => Err(differs(&self.archive.folder().join(stored.path.to_path()))),
        }
    }

    /// Restores a range, or all, of a stored file without comparing.
    ///
    /// # Errors
    /// If reading, decoding or writing fails.
    pub(crate) fn decode(
        &self,
        stored: &Stored,
        range: Option<(u64, u64)>,
        output: &mut impl io::Write,
        output_name: &str,
    ) -> Result<ReadBack, Problem> {
        let full = self.archive.folder().join(stored.path.to_path());
        let reading = |error: io::Error| Problem::reading(&error).at(&full);
        let (mut reader, how) = read_back(&full).map_err(reading)?;
        match stored.form {
            Form::Compressed | Form::InRun => {
                let options = WorkerOptions {
                    operation: Operation::Decompress,
                    range,
                    ..self.options
                };
                run_job(
                    self.worker,
                    &options,
                    &mut reader,
                    output,
                    self.interruption,
                )
                .map_err(|error| error.into_problem(&shown(&full), output_name))?;
            }
            Form::Copied | Form::LeftOut => {
                let copied = io::copy(&mut reader, output).and_then(|_| output.flush());
                copied.map_err(reading)?;
            }
        }
        Ok(how)
    }
}

/// Whole milliseconds since then.
pub(crate) fn milliseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The problem of stored bytes that changed.
pub(crate) fn differs(full: &Path) -> Problem {
    Problem::new(
        Status::Checksum,
        "the stored bytes are not those of the original",
    )
    .at(full)
    .advise("keep what you have and check the disk")
}
