//! Compressing what is new or has changed.
//!
//! Invariant: an entry is recorded only after its bytes are stored, and an original is removed only
//! after it is recorded and proven. So the process may die between any two steps.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use super::display::Display;
use super::entry::{Content, Entry, FileContent, Form, Seen, Stored};
use super::estimate;
use super::ledger::{Archive, Ledger, View};
use super::page::Page;
use super::run_names::{Groups, time_in_name};
use super::source::{Source, SourceFile};
use super::store::Store;
use super::summary::{FileRecord, Summary};
use super::walk::{Found, walk};
use super::watch::{Frames, Watch};
use super::work::{locked, spread, threads};
use crate::command_line::BatchCompressArguments;
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::storage::{Digest, ReadBack, Snapshot};
use crate::worker::{WorkerBinary, WorkerOptions};

/// Links and folders that are recorded at once.
const RECORDED_AT_ONCE: usize = 1000;

/// Compresses a folder into an archive.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &BatchCompressArguments,
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let source = Source::open(&arguments.source)?;
    check_apart(&source.root, &arguments.archive)?;
    let worker = WorkerBinary::find(arguments.common.workers.worker.as_deref())?;
    let options = WorkerOptions {
        level: Some(arguments.level.into()),
        memory_limit: arguments.common.workers.memory_limit,
        ..WorkerOptions::new(Operation::Compress)
    };
    let archive = Archive::new(&arguments.archive);
    if arguments.dry_run {
        return estimate::run(
            arguments,
            &source,
            &archive,
            (&worker, options),
            interruption,
        );
    }
    let pass = |watch: Option<&Watch>| {
        let ledger = Ledger::open_or_create(&archive)?;
        ledger.claim(&source.root, arguments.moved)?;
        let compression = Compression {
            store: Store {
                archive: &archive,
                ledger: &ledger,
                worker: &worker,
                options,
                leave: arguments.leave_incompressible,
                interruption,
            },
            source: &source,
            remove: arguments.rm,
            runs: !arguments.no_runs,
            key_every: arguments.key_every,
            summary: Summary::new(),
            display: Display::new(&arguments.common, watch.is_none()),
            emptied: Mutex::default(),
            has_changes: AtomicBool::new(false),
            watch,
        };
        compression.settle_removals()?;
        compression.run(threads(arguments.common.jobs))?;
        if let Some(path) = &arguments.report {
            Page::of(&ledger.view()?)?.write(path)?;
        }
        Ok(match watch.is_some() && compression.summary.is_idle() {
            true => Status::Done,
            false => compression.summary.finish(&compression.display),
        })
    };
    match arguments.watch {
        true => Watch::new(arguments).run(pass, interruption),
        false => pass(None),
    }
}

/// Refuses an archive inside of what it is made of, and the other way round.
pub(super) fn check_apart(source: &Path, archive: &Path) -> Result<(), Problem> {
    let existing = archive.ancestors().find_map(|path| {
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        Some((path.canonicalize().ok()?, path.to_owned()))
    });
    let Some((canonical, _)) = existing else {
        return Ok(());
    };
    let is_whole = archive.exists();
    if canonical.starts_with(source) || (is_whole && source.starts_with(&canonical)) {
        return Err(
            Problem::new(Status::Usage, "one folder lies inside of the other")
                .at(archive)
                .advise("choose an archive outside of SRC"),
        );
    }
    Ok(())
}

/// A file to be handled.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    size: u64,
    /// Another path of the same file.
    linked_to: Option<PathBuf>,
}

impl Item {
    /// A file with no other names.
    pub(super) fn new(path: PathBuf, size: u64) -> Self {
        Self {
            path,
            size,
            linked_to: None,
        }
    }

    /// What is recorded of the file.
    pub(super) fn content(&self, snapshot: &Snapshot, digest: Digest, left_out: bool) -> Content {
        Content::File(FileContent {
            size: digest.length,
            blake3: digest.hash.to_string(),
            linked_to: self.linked_to.as_deref().map(Into::into),
            seen: snapshot.into(),
            removed: false,
            left_out,
        })
    }
}

/// What a thread takes.
#[derive(Debug)]
enum Work {
    File(Item),
    Run(Vec<Item>),
}

impl Work {
    /// In bytes.
    fn size(&self) -> u64 {
        match self {
            Self::File(item) => item.size,
            Self::Run(items) => items.iter().map(|item| item.size).sum(),
        }
    }
}

/// What happened to a file.
pub(super) struct Handled {
    pub(super) is_duplicate: bool,
    pub(super) form: Form,
    pub(super) kind: Option<String>,
    pub(super) bytes_out: u64,
    pub(super) read_back: Option<ReadBack>,
}

/// A compression at work.
pub(super) struct Compression<'a> {
    pub(super) store: Store<'a>,
    pub(super) source: &'a Source,
    pub(super) remove: bool,
    /// Whether screenshots become runs, and after how many of them one is stored whole.
    pub(super) runs: bool,
    pub(super) key_every: u32,
    pub(super) summary: Summary,
    pub(super) display: Display,
    /// Folders that files were removed from.
    pub(super) emptied: Mutex<BTreeSet<PathBuf>>,
    pub(super) has_changes: AtomicBool,
    /// Which files may be taken yet; `None`: all.
    pub(super) watch: Option<&'a Watch>,
}

impl Compression<'_> {
    /// Undoes removals that were cut off: they are proven anew.
    fn settle_removals(&self) -> Result<(), Problem> {
        for path in self.store.ledger.view()?.removals()? {
            let is_there = self.source.put_back(&path)?;
            self.store.ledger.end_removal(&path, !is_there)?;
        }
        Ok(())
    }

    fn run(&self, threads: usize) -> Result<(), Problem> {
        if self.display.is_live() {
            self.display.set_total(self.bytes_to_do()?);
        }
        spread(
            threads,
            Work::size,
            |hand_out| self.find(hand_out),
            |work| match work {
                Work::File(item) => self.handle(&item),
                Work::Run(items) => self.handle_run(&items),
            },
        )?;
        self.set_folder_times()?;
        self.write_manifest()
    }

    /// Writes the manifest anew if anything was recorded.
    pub(super) fn write_manifest(&self) -> Result<(), Problem> {
        match self.has_changes.load(Ordering::Relaxed) {
            true => self.store.ledger.view()?.write_manifest(self.store.archive),
            false => Ok(()),
        }
    }

    fn bytes_to_do(&self) -> Result<u64, Problem> {
        let view = self.store.ledger.view()?;
        let mut bytes = 0;
        for found in walk(&self.source.root).flatten() {
            if found.file_type().is_file() && !self.is_done(&view, &found)? {
                bytes += found.metadata.size();
            }
        }
        Ok(bytes)
    }

    /// Whether a file is recorded as it is, and needs nothing more.
    fn is_done(&self, view: &View, found: &Found) -> Result<bool, Problem> {
        let entry = view.entry(&found.path)?;
        let seen = Seen::from(&Snapshot::from(&found.metadata));
        Ok(entry.as_ref().and_then(Entry::file).is_some_and(|file| {
            let is_stored = !file.left_out || self.store.leave;
            let is_to_go = self.remove && !file.left_out;
            file.seen == seen && !file.removed && is_stored && !is_to_go
        }))
    }

    /// Hands out the files to be handled, and records links and folders.
    fn find(&self, hand_out: &mut dyn FnMut(Work)) -> Result<(), Problem> {
        let view = self.store.ledger.view()?;
        let mut recorded = Vec::new();
        let mut groups = Groups::new();
        let mut frames = Frames::default();
        let mut first_names: HashMap<(u64, u64), PathBuf> = HashMap::new();
        for found in walk(&self.source.root) {
            if self.store.interruption.is_requested() {
                break;
            }
            let found = match found {
                Ok(found) => found,
                Err(problem) => {
                    self.summary.fail(&problem, &self.display);
                    continue;
                }
            };
            let file_type = found.file_type();
            if file_type.is_file() {
                let linked_to = first_name(&mut first_names, &found);
                if self.is_done(&view, &found)? {
                    self.summary.counts().unchanged += 1;
                    continue;
                }
                let time = time_in_name(&found.path);
                let taken = self.watch.map(|watch| watch.take(&found));
                let item = Item {
                    size: found.metadata.size(),
                    path: found.path,
                    linked_to,
                };
                if let (Some(taken), Some(watch)) = (taken, self.watch) {
                    match time {
                        Some(time) => frames.add(time, item, taken),
                        None if taken.is_settled => {
                            watch.note_taken(&item.path);
                            hand_out(Work::File(item));
                        }
                        None => {}
                    }
                    continue;
                }
                match time.filter(|_| self.runs) {
                    Some(time) => {
                        let folder = item.path.parent().unwrap_or(Path::new("")).to_owned();
                        if let Some(group) = groups.add(&folder, time, item) {
                            hand_out(Work::Run(group));
                        }
                    }
                    None => hand_out(Work::File(item)),
                }
            } else if file_type.is_dir() || file_type.is_symlink() {
                self.note(&view, found, &mut recorded)?;
            } else {
                self.summary.counts().special += 1;
                let path = crate::problem::shown(&self.source.full(&found.path));
                self.display
                    .line(&format!("{path}: has no content, left out"));
            }
        }
        groups.finish().for_each(|group| hand_out(Work::Run(group)));
        for group in frames.groups() {
            if let Some(watch) = self.watch {
                group.iter().for_each(|item| watch.note_taken(&item.path));
            }
            match self.runs {
                true => hand_out(Work::Run(group)),
                false => group
                    .into_iter()
                    .for_each(|item| hand_out(Work::File(item))),
            }
        }
        self.store.ledger.record_all(&recorded)
    }

    /// Notes a link or a folder, if it is not recorded as it is.
    fn note(
        &self,
        view: &View,
        found: Found,
        recorded: &mut Vec<(PathBuf, Entry)>,
    ) -> Result<(), Problem> {
        self.summary.counts().links_and_folders += 1;
        let known = view.entry(&found.path)?;
        // Removals change a folder's time; what counts is the time before the first of them.
        let is_settled = self.remove && found.metadata.is_dir() && known.is_some();
        match self.source.describe(&found) {
            Ok(entry) if known.as_ref() == Some(&entry) || is_settled => {}
            Ok(entry) => {
                self.has_changes.store(true, Ordering::Relaxed);
                recorded.push((found.path, entry));
            }
            Err(problem) => self.summary.fail(&problem, &self.display),
        }
        if recorded.len() == RECORDED_AT_ONCE {
            self.store.ledger.record_all(recorded)?;
            recorded.clear();
        }
        Ok(())
    }

    pub(super) fn handle(&self, item: &Item) {
        if self.store.interruption.is_requested() {
            return;
        }
        let file = match self.source.read(&item.path) {
            Ok(file) => file,
            Err(problem) => return self.summary.fail(&problem, &self.display),
        };
        match self.store_and_record(item, file) {
            Ok((handled, blake3)) => self.count(item, &handled, &blake3),
            Err(problem) if !self.store.interruption.is_requested() => {
                let problem = problem.at(self.source.full(&item.path));
                self.summary.fail(&problem, &self.display);
            }
            Err(_) => {}
        }
    }

    fn store_and_record(
        &self,
        item: &Item,
        mut file: SourceFile,
    ) -> Result<(Handled, String), Problem> {
        let full = self.source.full(&item.path);
        let blake3 = file.digest.hash.to_string();
        self.check_not_replacing(&item.path, &blake3)?;
        let known = self.store.ledger.view()?.stored(&blake3)?;
        let known = known.filter(|stored| stored.form != Form::LeftOut || self.store.leave);
        let written = match &known {
            Some(_) => None,
            None => Some(
                self.store
                    .write(&item.path, &full, &mut file.file, &file.digest)?,
            ),
        };
        self.summary.counts().alarms += written.as_ref().map_or(0, |written| written.alarms);
        let reserved = written
            .as_ref()
            .map(|written| written.stored.path.to_path());
        let is_duplicate = known.is_some();
        let Some(stored) = known.or_else(|| written.map(|written| written.stored)) else {
            unreachable!("bytes that were not known have been written");
        };
        let recorded = file
            .check_unchanged(&full)
            .and_then(|()| self.record(item, &file, &stored, is_duplicate));
        if let Some(path) = &reserved {
            self.store.ledger.release(path);
        }
        // Another thread may have stored the same bytes first.
        let surplus = recorded?;
        let is_duplicate = is_duplicate || reserved.is_some_and(|path| surplus.contains(&path));
        let mut handled = Handled {
            is_duplicate,
            form: stored.form,
            kind: stored.kind.clone(),
            bytes_out: stored.size,
            read_back: None,
        };
        if self.remove && stored.form != Form::LeftOut {
            handled.read_back = Some(self.remove_proven(item, &file, &blake3)?);
        }
        Ok((handled, blake3))
    }

    /// Refuses other bytes under a path whose original was removed: the archive has the only copy.
    pub(super) fn check_not_replacing(&self, path: &Path, blake3: &str) -> Result<(), Problem> {
        let before = self.store.ledger.view()?.entry(path)?;
        match before.as_ref().and_then(Entry::file) {
            Some(before) if before.removed && before.blake3 != blake3 => {
                let what = "the archive has another file of this name, whose original was removed";
                let problem = Problem::new(Status::Other, what).at(self.source.full(path));
                Err(problem.advise("rename this one, or choose another archive"))
            }
            _ => Ok(()),
        }
    }

    /// Returns stored paths that were given up.
    fn record(
        &self,
        item: &Item,
        file: &SourceFile,
        stored: &Stored,
        is_duplicate: bool,
    ) -> Result<Vec<PathBuf>, Problem> {
        let is_left_out = stored.form == Form::LeftOut;
        let entry = Entry {
            content: item.content(&file.snapshot, file.digest, is_left_out),
            attributes: file.attributes.clone(),
        };
        let stored = (!is_duplicate).then(|| stored.clone());
        let surplus = self.store.ledger.record(&[(&item.path, entry, stored)])?;
        for path in &surplus {
            self.store.discard(path);
        }
        self.note_change();
        Ok(surplus)
    }

    /// Notes that the manifest has to be written anew.
    pub(super) fn note_change(&self) {
        self.has_changes.store(true, Ordering::Relaxed);
    }

    fn remove_proven(
        &self,
        item: &Item,
        file: &SourceFile,
        blake3: &str,
    ) -> Result<ReadBack, Problem> {
        let Some(stored) = self.store.ledger.view()?.stored(blake3)? else {
            return Err(Problem::new(Status::Internal, "the ledger lost a record"));
        };
        let mut nowhere = std::io::sink();
        let how = self
            .store
            .restore(&stored, &file.digest, &mut nowhere, "nothing")?;
        self.remove_recorded(item, &file.snapshot, &file.digest)?;
        Ok(how)
    }

    /// Removes an original whose stored bytes are proven.
    pub(super) fn remove_recorded(
        &self,
        item: &Item,
        snapshot: &Snapshot,
        digest: &Digest,
    ) -> Result<(), Problem> {
        self.store.ledger.begin_removal(&item.path)?;
        // After a failure it is not known under which name the file is; the next run looks.
        self.source.remove(&item.path, snapshot, digest)?;
        self.store.ledger.end_removal(&item.path, true)?;
        if let Some(folder) = item.path.parent() {
            locked(&self.emptied).insert(folder.to_owned());
        }
        Ok(())
    }

    /// Gives folders that files were removed from the times that they had before.
    fn set_folder_times(&self) -> Result<(), Problem> {
        let emptied = locked(&self.emptied);
        let view = self.store.ledger.view()?;
        for path in emptied.iter() {
            if let Some(entry) = view.entry(path)?
                && let Err(problem) = self.source.set_folder_time(path, &entry)
            {
                self.summary.fail(&problem, &self.display);
            }
        }
        Ok(())
    }

    pub(super) fn count(&self, item: &Item, handled: &Handled, blake3: &str) {
        let bytes_out = match (handled.is_duplicate, handled.form) {
            (true, _) => 0,
            (false, Form::LeftOut) => item.size,
            (false, _) => handled.bytes_out,
        };
        let mut counts = self.summary.counts();
        match (handled.is_duplicate, handled.form) {
            (true, _) => counts.duplicates += 1,
            (false, Form::Compressed) => counts.compressed += 1,
            (false, Form::InRun) => counts.in_runs += 1,
            (false, Form::Copied) => counts.copied += 1,
            (false, Form::LeftOut) => counts.left_out += 1,
        }
        counts.removed += u64::from(handled.read_back.is_some());
        counts.removed_after_direct_read += u64::from(handled.read_back == Some(ReadBack::Direct));
        counts.bytes_in += item.size;
        counts.bytes_out += bytes_out;
        let kind = handled.kind.as_deref().unwrap_or("other");
        let kind = counts.by_kind.entry(kind.to_owned()).or_default();
        kind.files += 1;
        kind.bytes_in += item.size;
        kind.bytes_out += bytes_out;
        drop(counts);
        self.display.advance(item.size, bytes_out);
        self.display.object(&FileRecord {
            path: item.path.as_path().into(),
            result: if handled.is_duplicate {
                "duplicate"
            } else {
                "stored"
            },
            form: Some(handled.form),
            bytes_in: item.size,
            bytes_out,
            blake3,
            removed: handled.read_back.is_some(),
            read_back: handled.read_back,
        });
    }
}

/// The first path under which a file with several names was met.
fn first_name(first_names: &mut HashMap<(u64, u64), PathBuf>, found: &Found) -> Option<PathBuf> {
    if !found.has_other_names() {
        return None;
    }
    let identity = (found.metadata.dev(), found.metadata.ino());
    match first_names.get(&identity) {
        Some(first) => Some(first.clone()),
        None => {
            first_names.insert(identity, found.path.clone());
            None
        }
    }
}
