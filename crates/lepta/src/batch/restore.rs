//! Restoring files from an archive.
//!
//! Invariant: nothing is written outside of the target, whatever paths and links the ledger has, and
//! a file appears under its name only with bytes whose BLAKE3 is the original's.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lepta_worker::status::Status;
use rustix::fs::{AtFlags, linkat, symlinkat, unlinkat};
use tempfile::TempDir;

use super::attributes::{set_all, set_link_times};
use super::display::Display;
use super::entry::{Content, Entry, FileContent, Form};
use super::ledger::{Archive, Ledger, View};
use super::restore_run::RunFile;
use super::selection::Selection;
use super::store::Store;
use super::summary::Summary;
use super::tree::{Place, Tree, is_inside};
use super::work::{locked, spread, threads};
use crate::command_line::BatchRestoreArguments;
use crate::interruption::Interruption;
use crate::problem::{Problem, shown};
use crate::storage::{Overwrite, PendingFile, make_folders};
use crate::worker::WorkerBinary;

/// Restores what is selected.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &BatchRestoreArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let archive = Archive::new(&arguments.archive);
    let selection = Selection::new(&arguments.selection)?;
    let is_stream = arguments.target.as_os_str() == "-";
    let writing = |error: io::Error| Problem::writing(&error).at(&arguments.target);
    let is_new = !is_stream && is_missing_or_empty(&arguments.target);
    if !is_stream {
        make_folders(&arguments.target).map_err(writing)?;
    }
    let (ledger, scratch) = match arguments.salvage && !is_stream {
        true => open_what_is_left(&archive, &arguments.target)?,
        false => (Ledger::open(&archive)?, None),
    };
    let worker = WorkerBinary::find(arguments.common.workers.worker.as_deref())?;
    let memory_limit = arguments.common.workers.memory_limit;
    let store = Store::for_reading(&archive, &ledger, &worker, memory_limit, interruption);
    if is_stream {
        return to_stdout(&store, &selection);
    }
    let restoration = Restoration {
        tree: Tree::open(&arguments.target).map_err(writing)?,
        target: &arguments.target,
        view: ledger.view()?,
        store,
        overwrite: match arguments.force {
            true => Overwrite::Allowed,
            false => Overwrite::Forbidden,
        },
        summary: Summary::new(),
        display: Display::new(&arguments.common, true),
        links: Mutex::default(),
        folders: Mutex::default(),
        is_new,
        salvage: arguments.salvage,
    };
    let mut found = restoration.run(&selection, threads(arguments.common.jobs))?;
    if arguments.salvage {
        found += restoration.salvage_unknown(&selection)?;
    }
    drop(scratch);
    restoration.finish_folders();
    let status = restoration.summary.finish(&restoration.display);
    match found {
        0 if !selection.is_everything() => Err(nothing_selected(&archive)),
        _ => Ok(status),
    }
}

fn is_missing_or_empty(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The ledger, or a new one in a folder that goes with what is returned: of what the manifest says.
fn open_what_is_left(
    archive: &Archive,
    target: &Path,
) -> Result<(Ledger, Option<TempDir>), Problem> {
    match Ledger::open(archive) {
        Ok(ledger) => Ok((ledger, None)),
        Err(problem) if problem.status == Status::Busy => Err(problem),
        Err(problem) => {
            problem
                .advise("going on by the manifest and the stored files")
                .tell();
            let scratch = tempfile::Builder::new()
                .prefix(".lepta-")
                .tempdir_in(target)
                .map_err(|error| Problem::writing(&error).at(target))?;
            let ledger = Ledger::from_manifest(archive, scratch.path())?;
            Ok((ledger, Some(scratch)))
        }
    }
}

fn nothing_selected(archive: &Archive) -> Problem {
    Problem::new(Status::Usage, "has nothing that fits")
        .at(archive.folder())
        .advise("see lepta batch list")
}

/// Writes the one file that is selected to standard output.
fn to_stdout(store: &Store<'_>, selection: &Selection) -> Result<Status, Problem> {
    if io::stdout().is_terminal() {
        let problem = Problem::new(Status::Usage, "files are not for terminals");
        return Err(problem.advise("redirect standard output"));
    }
    let view = store.ledger.view()?;
    let mut files = Vec::new();
    view.for_each_entry(|path, entry| {
        if let Content::File(file) = &entry.content
            && selection.has(&path, &entry)
            && files.len() < 2
        {
            files.push((path, file.clone()));
        }
        Ok(())
    })?;
    let (path, file) = match files.as_slice() {
        [] => return Err(nothing_selected(store.archive)),
        [file] => file,
        _ => {
            let what = "several files fit, but standard output takes one";
            return Err(Problem::new(Status::Usage, what).advise("name one path"));
        }
    };
    let (stored, digest) = stored_bytes(&view, path, file)?;
    store.restore(&stored, &digest, &mut io::stdout(), "standard output")?;
    Ok(Status::Done)
}

fn stored_bytes(
    view: &View,
    path: &Path,
    file: &FileContent,
) -> Result<(super::entry::Stored, crate::storage::Digest), Problem> {
    let damaged =
        || Problem::new(Status::Malformed, "its record in the ledger is damaged").at(path);
    let digest = file.digest().ok_or_else(damaged)?;
    let stored = view.stored(&file.blake3)?.ok_or_else(damaged)?;
    if stored.form == Form::LeftOut {
        let what = "was left out of the archive, since it gained nothing";
        return Err(Problem::new(Status::Read, what).at(path));
    }
    Ok((stored, digest))
}

/// What a thread takes.
enum Work {
    Entry(PathBuf, Entry),
    /// Files of one stored run.
    Run(Vec<RunFile>),
}

impl Work {
    /// In bytes.
    fn size(&self) -> u64 {
        match self {
            Self::Entry(_, entry) => entry.file().map_or(0, |file| file.size),
            Self::Run(files) => files.iter().map(|file| file.digest.length).sum(),
        }
    }
}

/// A restoration at work.
pub(super) struct Restoration<'a> {
    pub(super) store: Store<'a>,
    pub(super) view: View,
    pub(super) tree: Tree,
    pub(super) target: &'a Path,
    overwrite: Overwrite,
    pub(super) summary: Summary,
    pub(super) display: Display,
    /// Files that are other names of files: linked when all others are there.
    links: Mutex<Vec<(PathBuf, Entry)>>,
    /// Folders, whose attributes come last, since files change them and may be kept out by them.
    folders: Mutex<Vec<(PathBuf, Entry)>>,
    /// Whether the target was made for this, or had nothing in it; else it keeps its own attributes.
    is_new: bool,
    /// Whether what is left of damaged files is wanted.
    salvage: bool,
}

impl Restoration<'_> {
    /// Returns how many entries were selected.
    fn run(&self, selection: &Selection, threads: usize) -> Result<u64, Problem> {
        let mut found = 0;
        let mut run = Vec::new();
        spread(
            threads,
            Work::size,
            |hand_out| {
                self.view.for_each_entry(|path, entry| {
                    if !selection.has(&path, &entry) || self.store.interruption.is_requested() {
                        return Ok(());
                    }
                    found += 1;
                    let is_root = path.as_os_str().is_empty() && entry.content == Content::Folder;
                    if !is_inside(&path) && !is_root {
                        let problem = Problem::new(Status::Malformed, "leads out of the archive");
                        self.summary.fail(&problem.at(&path), &self.display);
                    } else if entry.content == Content::Folder {
                        self.attempt(
                            &path,
                            self.tree
                                .make_folders(&path)
                                .map_err(|error| Problem::writing(&error)),
                        );
                        locked(&self.folders).push((path, entry));
                    } else {
                        match self.run_file(path, entry)? {
                            Err((path, entry)) => hand_out(Work::Entry(path, entry)),
                            Ok(file) if file.is_in_run_of(&run) => run.push(file),
                            Ok(file) => {
                                let whole = std::mem::replace(&mut run, vec![file]);
                                hand_out(Work::Run(whole));
                            }
                        }
                    }
                    Ok(())
                })?;
                hand_out(Work::Run(std::mem::take(&mut run)));
                Ok(())
            },
            |work| match work {
                Work::Entry(path, entry) => self.restore(path, entry),
                Work::Run(files) => self.restore_run(files),
            },
        )?;
        let links = locked(&self.links);
        for (path, entry) in links.iter() {
            self.attempt(path, self.restore_link(path, entry));
        }
        Ok(found)
    }

    /// A file that is in a run and has no other names, or what was given.
    fn run_file(
        &self,
        path: PathBuf,
        entry: Entry,
    ) -> Result<Result<RunFile, (PathBuf, Entry)>, Problem> {
        let stored = match &entry.content {
            Content::File(file) if file.linked_to.is_none() => {
                let stored = self.view.stored(&file.blake3)?;
                file.digest()
                    .zip(stored.filter(|stored| stored.form == Form::InRun))
            }
            _ => None,
        };
        Ok(match stored {
            Some((digest, stored)) => Ok(RunFile {
                path,
                entry,
                stored,
                digest,
            }),
            None => Err((path, entry)),
        })
    }

    pub(super) fn attempt(&self, path: &Path, outcome: Result<(), Problem>) {
        if let Err(problem) = outcome {
            self.summary
                .fail(&problem.at(self.target.join(path)), &self.display);
        }
    }

    /// Gives folders their attributes, those inside of others first.
    fn finish_folders(&self) {
        let mut folders = locked(&self.folders);
        folders.retain(|(path, _)| self.is_new || !path.as_os_str().is_empty());
        folders.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
        for (path, entry) in folders.iter() {
            let set = self
                .tree
                .open_folder(path)
                .and_then(|folder| set_all(&folder, &entry.attributes));
            self.attempt(path, set.map_err(|error| Problem::writing(&error)));
        }
    }

    pub(super) fn restore(&self, path: PathBuf, entry: Entry) {
        if self.store.interruption.is_requested() {
            return;
        }
        let outcome = match &entry.content {
            Content::Folder => Ok(()),
            Content::Link { target } => {
                self.restore_symbolic_link(&path, &entry, &target.to_path())
            }
            Content::File(file) if file.linked_to.is_some() => {
                let mut links = locked(&self.links);
                links.push((path, entry));
                return;
            }
            Content::File(file) => self.restore_file(&path, &entry, file),
        };
        self.attempt(&path, outcome);
    }

    pub(super) fn place(&self, path: &Path) -> Result<Place, Problem> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let place = self
            .tree
            .make_folders(folder)
            .and_then(|()| self.tree.place(path));
        place.map_err(|error| Problem::writing(&error))
    }

    fn restore_file(&self, path: &Path, entry: &Entry, file: &FileContent) -> Result<(), Problem> {
        let Some(place) = self.free_place(path, entry, file)? else {
            return Ok(());
        };
        let full = self.target.join(path);
        let (stored, digest) = stored_bytes(&self.view, path, file)?;
        let mut pending = self.begin(&place, path)?;
        let name = shown(&full);
        match self.store.restore(&stored, &digest, &mut pending, &name) {
            Ok(_) => self.keep(pending, &place, path, entry),
            Err(problem) if self.salvage => {
                self.salvage_part(&stored, path, entry);
                Err(problem)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Where a file goes that nothing is known of but its name.
    ///
    /// # Errors
    /// If the name is taken and may not be replaced.
    pub(super) fn free_name(&self, path: &Path) -> Result<Place, Problem> {
        let place = self.place(path)?;
        let is_taken = place.path().symlink_metadata().is_ok();
        match is_taken && self.overwrite == Overwrite::Forbidden {
            true => {
                let problem = crate::storage::exists(&self.target.join(path));
                Err(problem.advise("use -f to replace it"))
            }
            false => Ok(place),
        }
    }

    /// Where a file goes; `None` if it is there already.
    pub(super) fn free_place(
        &self,
        path: &Path,
        entry: &Entry,
        file: &FileContent,
    ) -> Result<Option<Place>, Problem> {
        let place = self.place(path)?;
        if is_there(&place, entry, file) {
            self.summary.counts().unchanged += 1;
            return Ok(None);
        }
        self.free_name(path).map(Some)
    }

    /// A file without its name, in the folder where it goes.
    pub(super) fn begin(&self, place: &Place, path: &Path) -> Result<PendingFile, Problem> {
        let place = place.path();
        let pending = PendingFile::create_in(place.parent().unwrap_or(Path::new(".")));
        pending.map_err(|error| Problem::writing(&error).at(self.target.join(path)))
    }

    /// Gives a restored file its attributes and its name.
    pub(super) fn keep(
        &self,
        pending: PendingFile,
        place: &Place,
        path: &Path,
        entry: &Entry,
    ) -> Result<(), Problem> {
        let full = self.target.join(path);
        set_all(pending.file(), &entry.attributes)
            .map_err(|error| Problem::writing(&error).at(&full))?;
        pending
            .keep(&place.path(), None, self.overwrite)
            .map_err(|problem| problem.moved_to(&full))?;
        self.summary.counts().restored += 1;
        Ok(())
    }

    /// Makes another name of a file, or a file of its own if that one is not here.
    fn restore_link(&self, path: &Path, entry: &Entry) -> Result<(), Problem> {
        let Content::File(file) = &entry.content else {
            return Ok(());
        };
        let first = file.linked_to.as_ref().map(super::entry::Bytes::to_path);
        let first = first.filter(|first| is_inside(first));
        let source = first.and_then(|first| {
            let known = self.view.entry(&first).ok()??;
            let known = known.file().filter(|known| known.blake3 == file.blake3)?;
            let place = self.tree.place(&first).ok()?;
            is_there(&place, entry, known).then_some(place)
        });
        let Some(source) = source else {
            return self.restore_file(path, entry, file);
        };
        let place = self.place(path)?;
        let linked = linkat(
            &source.folder,
            &source.name,
            &place.folder,
            &place.name,
            AtFlags::empty(),
        );
        match linked {
            Ok(()) => {
                self.summary.counts().restored += 1;
                Ok(())
            }
            Err(_) => self.restore_file(path, entry, file),
        }
    }

    fn restore_symbolic_link(
        &self,
        path: &Path,
        entry: &Entry,
        target: &Path,
    ) -> Result<(), Problem> {
        let writing = |error: io::Error| Problem::writing(&error);
        let place = self.place(path)?;
        if rustix::fs::readlinkat(&place.folder, &place.name, Vec::new())
            .is_ok_and(|known| known.as_bytes() == super::entry::Bytes::from(target).to_vec())
        {
            self.summary.counts().unchanged += 1;
            return Ok(());
        }
        if self.overwrite == Overwrite::Allowed {
            // If there is nothing to replace, all the better.
            let _ = unlinkat(&place.folder, &place.name, AtFlags::empty());
        }
        symlinkat(target, &place.folder, &place.name).map_err(|errno| writing(errno.into()))?;
        set_link_times(&place, &entry.attributes).map_err(writing)?;
        self.summary.counts().links_and_folders += 1;
        Ok(())
    }
}

/// Whether a file of this size and time is there already, as an earlier run left it.
fn is_there(place: &Place, entry: &Entry, file: &FileContent) -> bool {
    place.path().symlink_metadata().is_ok_and(|metadata| {
        metadata.is_file()
            && metadata.size() == file.size
            && (metadata.mtime(), metadata.mtime_nsec()) == entry.attributes.modified
    })
}
