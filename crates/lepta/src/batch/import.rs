//! Taking over what other tools have compressed.
//!
//! Jailed processes restore each file into a folder of its own inside of the archive; from there it goes the
//! way of any other file. Invariant: what is imported is recorded under the name of what was restored, with
//! the time of what it came from, which says at the next run that it is done. The old files stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use jiff::civil::DateTime;
use lepta_worker::job::Operation;
use lepta_worker::status::Status;
use rustix::fs::{Mode, OFlags, open};

use super::compress::{Compression, Item, check_apart};
use super::display::Display;
use super::entry::Entry;
use super::ledger::{Archive, Ledger, View};
use super::run_names::{FRAMES_MAX, time_in_stem};
use super::source::Source;
use super::store::Store;
use super::summary::Summary;
use super::walk::{Found, walk};
use super::work::{spread, threads};
use crate::command_line::BatchImportArguments;
use crate::interruption::Interruption;
use crate::problem::{Problem, shown};
use crate::storage::{Kept, folder_of, take_over};
use crate::worker::{ImportBinary, ImportJob, WorkerBinary, WorkerOptions};

/// Imports a folder into an archive.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &BatchImportArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let old = Source::open(&arguments.source)?;
    check_apart(&old.root, &arguments.archive)?;
    let program = ImportBinary::find(arguments.import_program.as_deref())?;
    let worker = WorkerBinary::find(arguments.common.workers.worker.as_deref())?;
    let archive = Archive::new(&arguments.archive);
    let ledger = Ledger::open_or_create(&archive)?;
    ledger.claim(&old.root, false)?;
    let writing = |error| Problem::storing(&error, archive.folder());
    let restored = tempfile::tempdir_in(archive.pending()).map_err(writing)?;
    let restored_source = Source::open(restored.path())?;
    let import = Import {
        old,
        program,
        compression: Compression {
            store: Store {
                archive: &archive,
                ledger: &ledger,
                worker: &worker,
                options: WorkerOptions {
                    level: Some(arguments.level.into()),
                    memory_limit: arguments.common.workers.memory_limit,
                    ..WorkerOptions::new(Operation::Compress)
                },
                leave: false,
                interruption,
            },
            source: &restored_source,
            remove: false,
            runs: true,
            key_every: arguments.key_every,
            summary: Summary::new(),
            display: Display::new(&arguments.common, true),
            emptied: Mutex::default(),
            has_changes: AtomicBool::new(false),
            watch: None,
        },
    };
    spread(
        threads(arguments.common.jobs),
        Work::size,
        |hand_out| import.find(hand_out),
        |work| match work {
            Work::Lep(file) => import.import_lep(&file),
            Work::Frames(frames) => import.import_frames(&frames),
        },
    )?;
    import.compression.write_manifest()?;
    Ok(import
        .compression
        .summary
        .finish(&import.compression.display))
}

/// Something to import.
#[derive(Debug)]
struct OldFile {
    path: PathBuf,
    metadata: Metadata,
    /// The path of what comes out of it.
    restored: PathBuf,
    is_done: bool,
}

/// What a thread takes.
enum Work {
    Lep(Box<OldFile>),
    /// All frames of a folder, in the order of time: a PNG is one by itself, any other is the difference to
    /// the one before it.
    Frames(Vec<OldFile>),
}

impl Work {
    /// In bytes.
    fn size(&self) -> u64 {
        match self {
            Self::Lep(file) => file.metadata.size(),
            Self::Frames(files) => files.iter().map(|file| file.metadata.size()).sum(),
        }
    }
}

/// An import at work.
struct Import<'a> {
    old: Source,
    program: ImportBinary,
    /// Compresses what is restored.
    compression: Compression<'a>,
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// `photo.jpg` for `photo.lep` and for `photo.jpg.lep`.
fn jpeg_name(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    match has_extension(&stem, "jpg") || has_extension(&stem, "jpeg") {
        true => stem,
        false => path.with_extension("jpg"),
    }
}

impl Import<'_> {
    fn find(&self, hand_out: &mut dyn FnMut(Work)) -> Result<(), Problem> {
        let view = self.compression.store.ledger.view()?;
        let mut names = BTreeSet::new();
        let mut folders: BTreeMap<PathBuf, Vec<(DateTime, OldFile)>> = BTreeMap::new();
        for found in walk(&self.old.root) {
            let found = match found {
                Ok(found) => found,
                Err(problem) => {
                    self.fail(&problem);
                    continue;
                }
            };
            if !found.file_type().is_file() {
                continue;
            }
            let is_frame = has_extension(&found.path, "png") || has_extension(&found.path, "jxl");
            match time_in_stem(&found.path).filter(|_| is_frame) {
                Some(time) => {
                    let restored = found.path.with_extension("png");
                    let folder = folder_of(&found.path).to_owned();
                    let file = old_file(&view, found, restored)?;
                    folders.entry(folder).or_default().push((time, file));
                }
                None if has_extension(&found.path, "lep") => {
                    let restored = jpeg_name(&found.path);
                    let file = old_file(&view, found, restored)?;
                    if names.insert(file.restored.clone()) {
                        self.hand_out_lep(file, hand_out);
                    } else {
                        let what = "another file here gives a JPEG of the same name";
                        let problem = Problem::new(Status::Usage, what);
                        let problem = problem.at(self.old.full(&file.path));
                        self.fail(&problem.advise("rename one of them"));
                    }
                }
                None => self.compression.summary.counts().not_imported += 1,
            }
        }
        for frames in folders.into_values() {
            self.hand_out_frames(frames, hand_out);
        }
        Ok(())
    }

    fn hand_out_lep(&self, file: OldFile, hand_out: &mut dyn FnMut(Work)) {
        match file.is_done {
            true => self.compression.summary.counts().unchanged += 1,
            false => hand_out(Work::Lep(Box::new(file))),
        }
    }

    /// Hands out what is a run with differences; a folder without any is none of another tool.
    fn hand_out_frames(
        &self,
        mut frames: Vec<(DateTime, OldFile)>,
        hand_out: &mut dyn FnMut(Work),
    ) {
        let is_whole = |file: &OldFile| has_extension(&file.path, "png");
        if frames.iter().all(|(_, file)| is_whole(file)) {
            self.compression.summary.counts().not_imported += frames.len() as u64;
            return;
        }
        // A screenshot that is there itself needs no difference.
        frames.sort_by(|(time, file), (other_time, other)| {
            let by_time = time
                .cmp(other_time)
                .then(file.restored.cmp(&other.restored));
            by_time.then(is_whole(other).cmp(&is_whole(file)))
        });
        frames.dedup_by(|(_, file), (_, before)| file.restored == before.restored);
        let done = frames.iter().filter(|(_, file)| file.is_done).count();
        self.compression.summary.counts().unchanged += done as u64;
        if done < frames.len() {
            let frames = frames.into_iter().map(|(_, file)| file);
            hand_out(Work::Frames(frames.collect()));
        }
    }

    fn fail(&self, problem: &Problem) {
        self.compression
            .summary
            .fail(problem, &self.compression.display);
    }

    fn is_interrupted(&self) -> bool {
        self.compression.store.interruption.is_requested()
    }

    fn import_lep(&self, file: &OldFile) {
        if self.is_interrupted() {
            return;
        }
        match self.restore(file, ImportJob::Lep) {
            Ok((item, _)) => {
                self.compression.summary.counts().imported += 1;
                self.compression.handle(&item);
                self.remove_restored(&item);
            }
            Err(problem) => self.fail(&problem),
        }
    }

    /// Imports the frames of a folder; of those between two whole ones, as many as are wanted.
    fn import_frames(&self, frames: &[OldFile]) {
        let mut restored = Vec::new();
        for stretch in frames.chunk_by(|_, next| !has_extension(&next.path, "png")) {
            let wanted = stretch.iter().rposition(|file| !file.is_done);
            let stretch = &stretch[..wanted.map_or(0, |last| last + 1)];
            self.import_stretch(stretch, &mut restored);
        }
        self.store_run(&mut restored);
    }

    /// Restores one frame after another, each from the one before it.
    fn import_stretch(&self, stretch: &[OldFile], restored: &mut Vec<Item>) {
        let mut before: Option<File> = None;
        for file in stretch {
            if self.is_interrupted() {
                return;
            }
            match self.restore_frame(file, before.as_ref()) {
                Ok((item, png)) => {
                    before = Some(png);
                    match file.is_done {
                        true => self.remove_restored(&item),
                        false => restored.push(item),
                    }
                }
                Err(problem) => {
                    self.fail(&problem);
                    before = None;
                }
            }
            if restored.len() == FRAMES_MAX {
                self.store_run(restored);
            }
        }
    }

    fn restore_frame(
        &self,
        file: &OldFile,
        before: Option<&File>,
    ) -> Result<(Item, File), Problem> {
        if has_extension(&file.path, "png") {
            return self.copy(file);
        }
        let Some(before) = before else {
            let what = "is a difference to a frame that is not there or cannot be read";
            return Err(Problem::new(Status::Reference, what)
                .at(self.old.full(&file.path))
                .advise("keep it; the frame before it may be somewhere else"));
        };
        // Anew, so that it is read from its start; the process that is started inherits it.
        let path = format!("/proc/self/fd/{}", before.as_raw_fd());
        let descriptor = open(path, OFlags::RDONLY, Mode::empty());
        let descriptor = descriptor.map_err(|errno| Problem::reading(&errno.into()))?;
        let before = descriptor.as_raw_fd();
        let restored = self.restore(file, ImportJob::Delta { before })?;
        if !file.is_done {
            self.compression.summary.counts().imported_frames += 1;
        }
        Ok(restored)
    }

    /// Restores an old file by a jailed process.
    fn restore(&self, file: &OldFile, job: ImportJob) -> Result<(Item, File), Problem> {
        let full = self.old.full(&file.path);
        let mut input = self.open(file)?;
        let mut output = self.create(file)?;
        let interruption = self.compression.store.interruption;
        self.program
            .run(job, &mut input, &mut output, interruption)
            .map_err(|error| error.into_problem(&shown(&full), "the archive"))?;
        self.finish(file, output)
    }

    /// Takes a PNG over as it is.
    fn copy(&self, file: &OldFile) -> Result<(Item, File), Problem> {
        let mut output = self.create(file)?;
        std::io::copy(&mut self.open(file)?, &mut output)
            .map_err(|error| self.compression.store.writing(&error))?;
        self.finish(file, output)
    }

    fn open(&self, file: &OldFile) -> Result<File, Problem> {
        let opened = self.old.open_file(&file.path);
        opened.map_err(|error| Problem::reading(&error).at(self.old.full(&file.path)))
    }

    fn create(&self, file: &OldFile) -> Result<File, Problem> {
        let path = self.compression.source.full(&file.restored);
        let created = fs::create_dir_all(folder_of(&path)).and_then(|()| {
            File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
        });
        created.map_err(|error| self.compression.store.writing(&error))
    }

    /// Gives what was restored the mode and the time of what it came from.
    fn finish(&self, file: &OldFile, output: File) -> Result<(Item, File), Problem> {
        let writing = |error| self.compression.store.writing(&error);
        take_over(&output, &Kept::from(&file.metadata)).map_err(writing)?;
        let size = output.metadata().map_err(writing)?.len();
        Ok((Item::new(file.restored.clone(), size), output))
    }

    fn store_run(&self, restored: &mut Vec<Item>) {
        self.compression.handle_run(restored);
        for item in restored.drain(..) {
            self.remove_restored(&item);
        }
    }

    fn remove_restored(&self, item: &Item) {
        // If it stays, it goes with its folder.
        let _ = fs::remove_file(self.compression.source.full(&item.path));
    }
}

fn old_file(view: &View, found: Found, restored: PathBuf) -> Result<OldFile, Problem> {
    let known = view.entry(&restored)?;
    let time = (found.metadata.mtime(), found.metadata.mtime_nsec());
    let is_done = |entry: &Entry| entry.file().is_some() && entry.attributes.modified == time;
    Ok(OldFile {
        is_done: known.as_ref().is_some_and(is_done),
        path: found.path,
        metadata: found.metadata,
        restored,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jpegs_get_the_names_they_had() {
        for (old, name) in [
            ("a/b.lep", "a/b.jpg"),
            ("a.b.LEP", "a.b.jpg"),
            ("b.jpg.lep", "b.jpg"),
            ("b.JPEG.lep", "b.JPEG"),
        ] {
            assert_eq!(jpeg_name(Path::new(old)), Path::new(name));
        }
    }
}
