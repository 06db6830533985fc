//! What an archive holds, in an embedded database that survives a kill and a power cut.
//!
//! Invariant: a record exists only for bytes that are on the disk under their final name; each
//! change is one transaction that is on the disk when its method returns.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lepta_worker::status::Status;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, WriteTransaction,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::{Bytes, Entry, Form, Stored};
use super::work::locked;
use crate::problem::Problem;
use crate::storage::{Overwrite, PendingFile, folder_of, make_folders};

/// By path: what stands there.
const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
/// By BLAKE3: where these bytes are.
const STORED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("stored");
/// By stored path: the BLAKE3 of the bytes that it stands for.
const NAMES: TableDefinition<'_, &[u8], &str> = TableDefinition::new("names");
/// Paths whose originals are being removed.
const REMOVALS: TableDefinition<'_, &[u8], ()> = TableDefinition::new("removals");
/// About the archive itself.
const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");

const SOURCE: &str = "source";
const LAYOUT: &str = "layout";
/// The layout of folders and tables that this program knows.
const LAYOUT_KNOWN: &[u8] = b"1";

/// Lines of a manifest that are taken at once.
const LINES_AT_ONCE: usize = 1000;

/// Bytes of the database that are kept in memory.
const CACHE: usize = 24 << 20;

/// The folder of an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
}

impl Archive {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn database(&self) -> PathBuf {
        self.folder.join("ledger.redb")
    }

    /// Where results are written before they get their names.
    pub(crate) fn pending(&self) -> PathBuf {
        self.folder.join("pending")
    }

    /// The list for people and for other programs.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.folder.join("manifest.jsonl")
    }
}

/// The ledger of an archive.
#[derive(Debug)]
pub(crate) struct Ledger {
    database: Database,
    /// Stored paths that are being written.
    reserved: Mutex<HashSet<Vec<u8>>>,
}

/// A consistent view of a ledger while it goes on changing.
pub(crate) struct View {
    transaction: ReadTransaction,
}

fn broken(error: impl Into<redb::Error>) -> Problem {
    let error = error.into();
    let status = match &error {
        redb::Error::Io(error) if error.kind() == ErrorKind::StorageFull => Status::NoSpace,
        _ => Status::Other,
    };
    Problem::new(status, format!("the ledger cannot be used: {error}"))
}

fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            Status::Malformed,
            format!("the ledger has a wrong record: {error}"),
        )
    })
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    let Ok(bytes) = serde_json::to_vec(value) else {
        unreachable!("records have nothing that JSON cannot hold");
    };
    bytes
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Makes an empty ledger that appears under its name whole. If another process makes one at the same
/// time, that one stays.
fn create(path: &Path) -> Result<(), Problem> {
    let writing = |error| Problem::writing(&error).at(path);
    let pending = PendingFile::create_in(folder_of(path)).map_err(writing)?;
    let file = pending.file().try_clone().map_err(writing)?;
    let database = FileBackend::new(file)
        .and_then(|backend| builder().create_with_backend(backend))
        .map_err(|error| broken(error).at(path))?;
    let filled = (|| {
        let transaction = database.begin_write()?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(STORED)?;
        transaction.open_table(NAMES)?;
        transaction.open_table(REMOVALS)?;
        transaction
            .open_table(ABOUT)?
            .insert(LAYOUT, LAYOUT_KNOWN)?;
        Ok(transaction.commit()?)
    })();
    filled.map_err(|error: redb::Error| broken(error).at(path))?;
    drop(database);
    match pending.keep(path, None, Overwrite::Forbidden) {
        Err(_) if path.exists() => Ok(()),
        kept => kept,
    }
}

impl Ledger {
    /// Opens the ledger of an archive for changes, and makes it if the archive is new.
    ///
    /// # Errors
    /// If another process has it open, it cannot be read, or there are stored files without it.
    pub(crate) fn open_or_create(archive: &Archive) -> Result<Self, Problem> {
        let path = archive.database();
        if !path.exists() && archive.folder.join("files").exists() {
            return Err(Problem::new(Status::Other, "has files but no ledger.redb")
                .at(&archive.folder)
                .advise("put the ledger back, or choose another folder"));
        }
        let writing = |error| Problem::writing(&error).at(&archive.folder);
        make_folders(&archive.pending()).map_err(writing)?;
        if !path.exists() {
            create(&path)?;
        }
        let ledger = Self::open_file(&path)?;
        for entry in fs::read_dir(archive.pending()).map_err(writing)? {
            // Left over from a run that was cut off: this process has the archive for itself.
            let path = entry.map_err(writing)?.path();
            let removed = match path.symlink_metadata().is_ok_and(|entry| entry.is_dir()) {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
            removed.map_err(writing)?;
        }
        Ok(ledger)
    }

    /// A ledger in the folder `scratch` that has what the manifest of an archive says, as far as it can be
    /// read.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) fn from_manifest(archive: &Archive, scratch: &Path) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Line {
            path: Bytes,
            #[serde(flatten)]
            entry: Entry,
            stored: Option<Stored>,
        }
        let database = scratch.join("ledger.redb");
        create(&database)?;
        let ledger = Self::open_file(&database)?;
        let Ok(manifest) = fs::File::open(archive.manifest()) else {
            return Ok(ledger);
        };
        let lines = BufReader::new(manifest).split(b'\n').map_while(Result::ok);
        let mut lines = lines
            .filter_map(|line| serde_json::from_slice::<Line>(&line).ok())
            .filter(|line| line.entry.file().is_none() || line.stored.is_some())
            .map(|line| (line.path.to_path(), line.entry, line.stored))
            .peekable();
        while lines.peek().is_some() {
            let some: Vec<_> = lines.by_ref().take(LINES_AT_ONCE).collect();
            let files: Vec<_> = some
                .iter()
                .map(|(path, entry, stored)| (path.as_path(), entry.clone(), stored.clone()))
                .collect();
            ledger.record(&files)?;
        }
        Ok(ledger)
    }

    /// Opens the ledger of an archive that exists.
    ///
    /// # Errors
    /// If another process has it open, or it cannot be read.
    pub(crate) fn open(archive: &Archive) -> Result<Self, Problem> {
        let path = archive.database();
        if !path.exists() {
            return Err(
                Problem::new(Status::Read, "is no archive: it has no ledger.redb")
                    .at(&archive.folder)
                    .advise("name the folder that lepta batch compress wrote to"),
            );
        }
        Self::open_file(&path)
    }

    fn open_file(path: &Path) -> Result<Self, Problem> {
        let database = builder().open(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => {
                Problem::new(Status::Busy, "another process works on this archive")
                    .at(path)
                    .advise("wait until it has ended")
            }
            error => broken(error).at(path),
        })?;
        let ledger = Self {
            database,
            reserved: Mutex::default(),
        };
        ledger.check_layout(path)?;
        Ok(ledger)
    }

    fn check_layout(&self, path: &Path) -> Result<(), Problem> {
        let view = self.view()?;
        let about = view.transaction.open_table(ABOUT).map_err(broken)?;
        match about.get(LAYOUT).map_err(broken)? {
            Some(layout) if layout.value() == LAYOUT_KNOWN => Ok(()),
            _ => Err(
                Problem::new(Status::UnknownVersion, "the ledger is of another version")
                    .at(path)
                    .advise("use the version of lepta that wrote it, or a newer one"),
            ),
        }
    }

    fn change<T>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Problem> {
        let transaction = self.database.begin_write().map_err(broken)?;
        let value = act(&transaction).map_err(broken)?;
        transaction.commit().map_err(broken)?;
        Ok(value)
    }

    /// The ledger as it is now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn view(&self) -> Result<View, Problem> {
        let transaction = self.database.begin_read().map_err(broken)?;
        Ok(View { transaction })
    }

    /// Notes which folder the archive is of.
    ///
    /// # Errors
    /// If it is of another one.
    pub(crate) fn claim(&self, source: &Path, moved: bool) -> Result<(), Problem> {
        let source = Bytes::from(source);
        let known: Option<Bytes> = {
            let view = self.view()?;
            let about = view.transaction.open_table(ABOUT).map_err(broken)?;
            let known = about.get(SOURCE).map_err(broken)?;
            known.map(|known| decoded(known.value())).transpose()?
        };
        match known {
            Some(known) if known == source => return Ok(()),
            Some(known) if !moved => {
                let what = "the archive is of another folder";
                return Err(Problem::new(Status::Usage, what)
                    .at(known.to_path())
                    .advise(
                        "choose another DEST, or say --moved if the same files are elsewhere now",
                    ));
            }
            _ => {}
        }
        self.change(|transaction| {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert(SOURCE, encoded(&source).as_slice())?;
            Ok(())
        })
    }

    /// Chooses a path for bytes, `wanted` if it is free, and keeps others from choosing it until
    /// [`Ledger::release`].
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn reserve(
        &self,
        wanted: impl IntoIterator<Item = PathBuf>,
    ) -> Result<Option<PathBuf>, Problem> {
        let view = self.view()?;
        let names = view.transaction.open_table(NAMES).map_err(broken)?;
        let mut reserved = locked(&self.reserved);
        for path in wanted {
            let key = Bytes::from(path.as_path()).to_vec();
            if names.get(key.as_slice()).map_err(broken)?.is_none() && reserved.insert(key) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Ends a reservation.
    pub(crate) fn release(&self, path: &Path) {
        let mut reserved = locked(&self.reserved);
        reserved.remove(&Bytes::from(path).to_vec());
    }

    /// Notes files and, for each whose bytes are not known yet, where they are stored. Returns stored
    /// paths that nobody needs any more: those of bytes that an entry had before, or of bytes that somebody
    /// else has stored meanwhile.
    ///
    /// # Errors
    /// If the ledger cannot be written, or knows nothing of bytes that are not given as stored. Nothing
    /// is noted then.
    pub(crate) fn record(
        &self,
        files: &[(&Path, Entry, Option<Stored>)],
    ) -> Result<Vec<PathBuf>, Problem> {
        let transaction = self.database.begin_write().map_err(broken)?;
        let surplus = record_in(&transaction, files).map_err(broken)?;
        match surplus {
            Some(surplus) => {
                transaction.commit().map_err(broken)?;
                Ok(surplus)
            }
            None => {
                let what = "the same bytes elsewhere in the archive were given up meanwhile";
                Err(Problem::new(Status::Busy, what).advise("run again"))
            }
        }
    }

    /// Notes many links and folders at once.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) fn record_all(&self, entries: &[(PathBuf, Entry)]) -> Result<(), Problem> {
        self.change(|transaction| {
            let mut table = transaction.open_table(ENTRIES)?;
            for (path, entry) in entries {
                let key = Bytes::from(path.as_path()).to_vec();
                table.insert(key.as_slice(), encoded(entry).as_slice())?;
            }
            Ok(())
        })
    }

    /// Notes that an original is about to be removed.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) fn begin_removal(&self, path: &Path) -> Result<(), Problem> {
        self.change(|transaction| {
            let mut removals = transaction.open_table(REMOVALS)?;
            removals.insert(Bytes::from(path).to_vec().as_slice(), ())?;
            Ok(())
        })
    }

    /// Notes how a removal ended.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) fn end_removal(&self, path: &Path, removed: bool) -> Result<(), Problem> {
        let key = Bytes::from(path).to_vec();
        self.change(|transaction| {
            let mut entries = transaction.open_table(ENTRIES)?;
            let entry: Option<Entry> = entries
                .get(key.as_slice())?
                .and_then(|entry| serde_json::from_slice(entry.value()).ok());
            if let Some(mut entry) = entry
                && let super::entry::Content::File(file) = &mut entry.content
            {
                file.removed |= removed;
                entries.insert(key.as_slice(), encoded(&entry).as_slice())?;
            }
            transaction.open_table(REMOVALS)?.remove(key.as_slice())?;
            Ok(())
        })
    }
}

/// `None` if bytes are not known.
fn record_in(
    transaction: &WriteTransaction,
    files: &[(&Path, Entry, Option<Stored>)],
) -> Result<Option<Vec<PathBuf>>, redb::Error> {
    let mut tables = Tables {
        stored: transaction.open_table(STORED)?,
        names: transaction.open_table(NAMES)?,
        surplus: Vec::new(),
    };
    let mut entries = transaction.open_table(ENTRIES)?;
    for (path, entry, stored) in files {
        let now = entry.file().map(|file| &file.blake3);
        match (now, stored) {
            (Some(now), Some(stored)) => tables.add(now, stored.clone())?,
            (Some(now), None) if tables.get(now)?.is_none() => return Ok(None),
            _ => {}
        }
        let key = Bytes::from(*path).to_vec();
        let before: Option<Entry> = entries
            .insert(key.as_slice(), encoded(entry).as_slice())?
            .and_then(|before| serde_json::from_slice(before.value()).ok());
        let before = before
            .as_ref()
            .and_then(|entry| Some(&entry.file()?.blake3));
        if before != now {
            if let Some(now) = now {
                tables.count(now, 1)?;
            }
            if let Some(before) = before {
                tables.count(before, -1)?;
            }
        }
    }
    Ok(Some(tables.surplus))
}

/// The tables of stored bytes, within a transaction.
struct Tables<'a> {
    stored: redb::Table<'a, &'static str, &'static [u8]>,
    names: redb::Table<'a, &'static [u8], &'static str>,
    surplus: Vec<PathBuf>,
}

impl Tables<'_> {
    fn get(&self, hash: &str) -> Result<Option<Stored>, redb::Error> {
        let bytes = self.stored.get(hash)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(bytes.value()).ok()))
    }

    fn add(&mut self, hash: &str, mut stored: Stored) -> Result<(), redb::Error> {
        match self.get(hash)? {
            Some(known) if known.form != Form::LeftOut => {
                if stored.form.has_own_file() && stored.path != known.path {
                    self.surplus.push(stored.path.to_path());
                }
            }
            known => {
                stored.references = known.map_or(0, |known| known.references);
                if stored.form != Form::LeftOut {
                    self.names.insert(stored.path.to_vec().as_slice(), hash)?;
                }
                self.stored.insert(hash, encoded(&stored).as_slice())?;
            }
        }
        Ok(())
    }

    fn count(&mut self, hash: &str, change: i64) -> Result<(), redb::Error> {
        let Some(mut stored) = self.get(hash)? else {
            return Ok(());
        };
        stored.references = stored.references.saturating_add_signed(change);
        if stored.references > 0 {
            self.stored.insert(hash, encoded(&stored).as_slice())?;
            return Ok(());
        }
        self.stored.remove(hash)?;
        // What is in a run stays there: the other files of the run need it.
        if stored.form.has_own_file() {
            self.names.remove(stored.path.to_vec().as_slice())?;
            self.surplus.push(stored.path.to_path());
        }
        Ok(())
    }
}

impl View {
    /// What stands under a path.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn entry(&self, path: &Path) -> Result<Option<Entry>, Problem> {
        let entries = self.transaction.open_table(ENTRIES).map_err(broken)?;
        let key = Bytes::from(path).to_vec();
        let entry = entries.get(key.as_slice()).map_err(broken)?;
        entry.map(|entry| decoded(entry.value())).transpose()
    }

    /// Where the bytes of this BLAKE3 are stored.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn stored(&self, hash: &str) -> Result<Option<Stored>, Problem> {
        let stored = self.transaction.open_table(STORED).map_err(broken)?;
        let stored = stored.get(hash).map_err(broken)?;
        stored.map(|stored| decoded(stored.value())).transpose()
    }

    /// Calls `act` with every path and entry, in the order of the paths' bytes.
    ///
    /// # Errors
    /// If the ledger cannot be read, and what `act` fails with.
    pub(crate) fn for_each_entry(
        &self,
        mut act: impl FnMut(PathBuf, Entry) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let entries = self.transaction.open_table(ENTRIES).map_err(broken)?;
        for row in entries.iter().map_err(broken)? {
            let (key, value) = row.map_err(broken)?;
            act(Bytes::from(key.value()).to_path(), decoded(value.value())?)?;
        }
        Ok(())
    }

    /// Calls `act` with the BLAKE3 and the place of all stored bytes.
    ///
    /// # Errors
    /// If the ledger cannot be read, and what `act` fails with.
    pub(crate) fn for_each_stored(
        &self,
        mut act: impl FnMut(&str, Stored) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let stored = self.transaction.open_table(STORED).map_err(broken)?;
        for row in stored.iter().map_err(broken)? {
            let (key, value) = row.map_err(broken)?;
            act(key.value(), decoded(value.value())?)?;
        }
        Ok(())
    }

    /// The paths whose removal has begun and not ended.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn removals(&self) -> Result<Vec<PathBuf>, Problem> {
        let removals = self.transaction.open_table(REMOVALS).map_err(broken)?;
        let rows = removals.iter().map_err(broken)?;
        rows.map(|row| Ok(Bytes::from(row.map_err(broken)?.0.value()).to_path()))
            .collect()
    }

    /// Writes the whole ledger as one JSON object for each path, so that an archive can be read
    /// without this program.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub(crate) fn write_manifest(&self, archive: &Archive) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Line {
            path: Bytes,
            #[serde(flatten)]
            entry: Entry,
            stored: Option<Stored>,
        }
        let path = archive.manifest();
        let writing = |error| Problem::writing(&error).at(&path);
        let pending = PendingFile::create_in(&archive.pending()).map_err(writing)?;
        let mut writer = std::io::BufWriter::new(pending);
        self.for_each_entry(|path, entry| {
            let stored = match entry.file() {
                Some(file) => self.stored(&file.blake3)?,
                None => None,
            };
            let mut line = encoded(&Line {
                path: path.as_path().into(),
                entry,
                stored,
            });
            line.push(b'\n');
            writer.write_all(&line).map_err(writing)
        })?;
        let pending = writer
            .into_inner()
            .map_err(|error| writing(error.into_error()))?;
        pending.keep(&path, None, Overwrite::Allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::entry::{Attributes, Content, FileContent, Seen};
    use crate::storage::Snapshot;

    fn file(content: &str) -> Entry {
        let seen = tempfile::tempfile().expect("a file");
        let snapshot = Snapshot::of(&seen).expect("its state");
        Entry {
            content: Content::File(FileContent {
                size: content.len() as u64,
                blake3: content.to_owned(),
                linked_to: None,
                seen: Seen::from(&snapshot),
                removed: false,
                left_out: false,
            }),
            attributes: Attributes::of(&seen).expect("its attributes"),
        }
    }

    fn stored(path: &str) -> Option<Stored> {
        Some(Stored {
            form: Form::Compressed,
            path: Bytes::from(Path::new(path)),
            size: 1,
            length: 1,
            milliseconds: 0,
            offset: None,
            blake3: String::new(),
            kind: None,
            reasons: Vec::new(),
            references: 0,
        })
    }

    fn ledger() -> (tempfile::TempDir, Archive, Ledger) {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = Archive::new(&folder.path().join("archive"));
        let ledger = Ledger::open_or_create(&archive).expect("a new one");
        (folder, archive, ledger)
    }

    #[test]
    fn one_process_at_a_time() {
        let (_folder, archive, ledger) = ledger();
        for second in [Ledger::open(&archive), Ledger::open_or_create(&archive)] {
            assert_eq!(second.expect_err("it is open").status, Status::Busy);
        }
        drop(ledger);
        assert!(Ledger::open(&archive).is_ok());
    }

    #[test]
    fn bytes_are_given_up_when_the_last_path_has_others() {
        let (_folder, _archive, ledger) = ledger();
        let record = |path: &str, content: &str, stored| {
            ledger.record(&[(Path::new(path), file(content), stored)])
        };
        let none: Vec<PathBuf> = Vec::new();
        assert_eq!(record("a", "one", stored("s1")), Ok(none.clone()));
        assert_eq!(record("b", "one", None), Ok(none.clone()));
        // Two threads stored the same bytes.
        assert_eq!(record("c", "one", stored("s2")), Ok(vec!["s2".into()]));
        assert_eq!(record("a", "two", stored("s3")), Ok(none.clone()));
        assert_eq!(record("b", "two", None), Ok(none.clone()));
        assert_eq!(record("c", "two", None), Ok(vec!["s1".into()]));
        assert_eq!(record("c", "two", None), Ok(none));
        // They are gone: nobody may rely on them any more.
        let problem = record("d", "one", None).expect_err("given up");
        assert_eq!(problem.status, Status::Busy);
        let view = ledger.view().expect("a view");
        assert_eq!(view.entry(Path::new("d")), Ok(None));
        let known = view.stored("two").expect("read").expect("there");
        assert_eq!(known.references, 3);
    }

    /// Takes minutes: `cargo test --release -p lepta --lib million -- --ignored`, alone in its process.
    #[test]
    #[ignore = "takes minutes"]
    fn a_million_entries_take_little_memory() {
        let (_folder, archive, ledger) = ledger();
        let template = file("");
        for thousand in 0..1000 {
            let entries: Vec<_> = (0..1000)
                .map(|number| {
                    let path = format!("folder {thousand}/a photo with a usual name {number}.jpg");
                    let mut entry = template.clone();
                    if let Content::File(file) = &mut entry.content {
                        file.blake3 = blake3::hash(path.as_bytes()).to_string();
                    }
                    let stored = stored(&format!("files/{path}.lepta"));
                    (PathBuf::from(path), entry, stored)
                })
                .collect();
            let entries: Vec<_> = entries
                .iter()
                .map(|(path, entry, stored)| (path.as_path(), entry.clone(), stored.clone()))
                .collect();
            ledger.record(&entries).expect("recorded");
        }
        let view = ledger.view().expect("a view");
        view.write_manifest(&archive).expect("written");
        crate::batch::page::Page::of(&view).expect("read");
        let mut found = 0;
        view.for_each_entry(|path, _| {
            found += usize::from(view.entry(&path)?.is_some());
            Ok(())
        })
        .expect("read");
        assert_eq!(found, 1_000_000);
        let status = fs::read_to_string("/proc/self/status").expect("/proc");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes
            .and_then(|text| text.parse().ok())
            .expect("a number");
        println!("peak {kilobytes} kB");
        assert!(kilobytes < 100_000, "{kilobytes} kB");
    }

    #[test]
    fn a_path_is_reserved_once() {
        let (_folder, _archive, ledger) = ledger();
        let reserve = |paths: &[&str]| {
            let paths = paths.iter().map(PathBuf::from);
            ledger.reserve(paths).expect("read")
        };
        assert_eq!(reserve(&["a", "b"]), Some("a".into()));
        assert_eq!(reserve(&["a", "b"]), Some("b".into()));
        assert_eq!(reserve(&["a", "b"]), None);
        ledger.release(Path::new("a"));
        ledger
            .record(&[(Path::new("x"), file("x"), stored("a"))])
            .expect("recorded");
        assert_eq!(reserve(&["a"]), None, "the ledger knows it now");
    }
}
