//! A power cut: what a run does to the disk is recorded, and played again up to any point, keeping of it only
//! what was synced by then.
//!
//! A name is kept if its folder was synced after it was made, and so is its end. Bytes are kept if their file
//! was synced after they were written. Disks may keep more than that, so two other ways are tried as well: all
//! names, but bytes only if synced; and synced names with some of the later writes.

mod support;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{is_still_there, lepta, messages, noise, run, screenshot_of, strace_is_there};
use tempfile::TempDir;

/// Calls that change a disk, or show that the recording lacks something.
const CALLS: &str = "openat,creat,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,splice,\
    ftruncate,fallocate,fsync,fdatasync,sync,syncfs,sync_file_range,rename,renameat,renameat2,link,linkat,\
    symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat";

/// One call that succeeded, by absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Create(PathBuf),
    Append(PathBuf, Vec<u8>),
    WriteAt(PathBuf, u64, Vec<u8>),
    Resize(PathBuf, u64),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    MakeFolder(PathBuf),
}

/// What stands under a name: the number of a file, or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

#[derive(Clone, Debug, Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Writes since the last sync: offset and bytes.
    unsynced: Vec<(usize, Vec<u8>)>,
}

/// A disk, as processes see it and as it would be after a cut.
#[derive(Clone, Debug, Default)]
struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, Node>,
    synced_names: BTreeMap<PathBuf, Node>,
}

/// What is kept besides what was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Nothing,
    AllNames,
    SomeWrites,
}

impl Disk {
    /// One on which all of a folder is synced.
    fn of(root: &Path) -> Self {
        let mut disk = Self::default();
        for (path, content) in tree(root) {
            let node = match content {
                None => Node::Folder,
                Some(bytes) => disk.add(bytes.clone(), bytes),
            };
            disk.names.insert(path, node);
        }
        disk.synced_names = disk.names.clone();
        disk
    }

    fn add(&mut self, now: Vec<u8>, synced: Vec<u8>) -> Node {
        self.files.push(File {
            now,
            synced,
            unsynced: Vec::new(),
        });
        Node::File(self.files.len() - 1)
    }

    fn file(&mut self, path: &Path) -> &mut File {
        match self.names.get(path) {
            Some(Node::File(number)) => &mut self.files[*number],
            other => panic!("{}: {other:?}", path.display()),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(path) => {
                let node = self.add(Vec::new(), Vec::new());
                self.names.entry(path.clone()).or_insert(node);
            }
            Event::Append(path, bytes) => {
                let place = self.file(path).now.len();
                self.file(path).write(place, bytes);
            }
            Event::WriteAt(path, place, bytes) => {
                let place = usize::try_from(*place).expect("small");
                self.file(path).write(place, bytes);
            }
            Event::Resize(path, length) => {
                let length = usize::try_from(*length).expect("small");
                let file = self.file(path);
                file.now.resize(length, 0);
                // A length that is not synced helps nobody; a write beyond it sets it anew.
                file.unsynced.push((length, Vec::new()));
            }
            Event::Sync(path) => match self.names.get(path) {
                Some(Node::File(number)) => {
                    let file = &mut self.files[*number];
                    file.synced.clone_from(&file.now);
                    file.unsynced.clear();
                }
                // The root has no name of its own.
                Some(Node::Folder) | None => self.sync_folder(path),
            },
            Event::Rename(from, to) => {
                let node = self.names.remove(from).expect("a name");
                self.names.insert(to.clone(), node);
            }
            Event::Link(from, to) => {
                let node = self.names[from];
                self.names.insert(to.clone(), node);
            }
            Event::Remove(path) => drop(self.names.remove(path)),
            Event::MakeFolder(path) => drop(self.names.insert(path.clone(), Node::Folder)),
        }
    }

    fn sync_folder(&mut self, folder: &Path) {
        let is_in = |path: &Path| path.parent() == Some(folder);
        self.synced_names.retain(|path, _| !is_in(path));
        let names = self.names.iter().filter(|(path, _)| is_in(path));
        let names = names.map(|(path, node)| (path.clone(), *node));
        self.synced_names.extend(names);
    }

    /// Names and bytes after a cut.
    fn after_cut(&self, kept: Kept, root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let names = match kept {
            Kept::AllNames => &self.names,
            Kept::Nothing | Kept::SomeWrites => &self.synced_names,
        };
        let is_reachable = |path: &Path| {
            let mut folders = path
                .ancestors()
                .skip(1)
                .take_while(|folder| *folder != root);
            folders.all(|folder| names.get(folder) == Some(&Node::Folder))
        };
        let reachable = names.iter().filter(|(path, _)| is_reachable(path));
        reachable
            .map(|(path, node)| {
                let bytes = match node {
                    Node::Folder => None,
                    Node::File(number) => Some(self.files[*number].after_cut(kept)),
                };
                (path.clone(), bytes)
            })
            .collect()
    }
}

impl File {
    fn write(&mut self, place: usize, bytes: &[u8]) {
        write_at(&mut self.now, place, bytes);
        self.unsynced.push((place, bytes.to_vec()));
    }

    fn after_cut(&self, kept: Kept) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        if kept == Kept::SomeWrites {
            // Every third write has reached the disk, and of every fourth one a half.
            for (number, (place, written)) in self.unsynced.iter().enumerate() {
                match (number % 3, number % 4) {
                    (0, _) => write_at(&mut bytes, *place, written),
                    (_, 0) => write_at(&mut bytes, *place, &written[..written.len() / 2]),
                    _ => {}
                }
            }
        }
        bytes
    }
}

fn write_at(bytes: &mut Vec<u8>, place: usize, written: &[u8]) {
    let end = place + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[place..end].copy_from_slice(written);
}

/// All in a folder; `None` for folders.
fn tree(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.append(&mut tree(&path));
            found.insert(path, None);
        } else {
            let bytes = fs::read(&path).expect("a file");
            found.insert(path, Some(bytes));
        }
    }
    found
}

/// The bytes of a string as `strace -xx` writes them.
fn unescaped(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|digits| u8::from_str_radix(digits, 16).expect("two digits"))
        .collect()
}

fn path(text: &str) -> PathBuf {
    let bytes = match text.contains("\\x") {
        true => unescaped(text),
        false => text.as_bytes().to_vec(),
    };
    PathBuf::from(String::from_utf8(bytes).expect("UTF-8"))
}

/// Arguments of a call: strings without their quotes; descriptors as the paths that they stand for.
fn arguments(call: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = call;
    while !rest.is_empty() {
        rest = rest.trim_start_matches([',', ' ']);
        let (argument, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => {
                let end = rest.find([',']).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        let argument = match argument.split_once('<') {
            Some((_, path)) => path.trim_end_matches('>'),
            None => argument,
        };
        arguments.push(argument.to_owned());
        rest = after;
    }
    arguments
}

/// The event of one line, if it is about files below `root`.
fn event(line: &str, root: &Path) -> Option<Event> {
    let (call, result) = line.rsplit_once(" = ")?;
    // There may be more spaces in between.
    let call = call.trim_end().strip_suffix(')')?;
    let (name, call) = call.split_once('(')?;
    if result.starts_with('-') {
        return None;
    }
    let arguments = arguments(call);
    let at = |folder: usize| path(&arguments[folder]).join(path(&arguments[folder + 1]));
    let number = |index: usize| arguments[index].parse::<u64>().expect("a number");
    let open = |index: usize| path(&arguments[index]);
    let plain = |index: usize| root.join(path(&arguments[index]));
    let event = match name {
        "openat" if line.contains("O_CREAT") => Event::Create(at(0)),
        "openat" => return None,
        "write" => Event::Append(open(0), unescaped(&arguments[1])),
        "pwrite64" => Event::WriteAt(open(0), number(3), unescaped(&arguments[1])),
        "ftruncate" => Event::Resize(open(0), number(1)),
        "fsync" | "fdatasync" => Event::Sync(open(0)),
        "rename" => Event::Rename(plain(0), plain(1)),
        "renameat" | "renameat2" => Event::Rename(at(0), at(2)),
        "link" => Event::Link(plain(0), plain(1)),
        "linkat" => Event::Link(at(0), at(2)),
        "unlink" | "rmdir" => Event::Remove(plain(0)),
        "unlinkat" => Event::Remove(at(0)),
        "mkdir" => Event::MakeFolder(plain(0)),
        "mkdirat" => Event::MakeFolder(at(0)),
        _ => {
            let is_here = arguments
                .iter()
                .any(|argument| path(argument).starts_with(root));
            assert!(!is_here, "a call that the replay does not know: {line}");
            return None;
        }
    };
    let changed = match &event {
        Event::Create(path)
        | Event::Append(path, _)
        | Event::WriteAt(path, ..)
        | Event::Resize(path, _)
        | Event::Sync(path)
        | Event::Rename(path, _)
        | Event::Link(path, _)
        | Event::Remove(path)
        | Event::MakeFolder(path) => path,
    };
    changed.starts_with(root).then_some(event)
}

/// Runs a command and returns what its main thread did to the disk.
fn record(command: &Command, root: &Path) -> Vec<Event> {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let mut strace = Command::new("strace");
    strace
        .args(["-qqq", "-y", "-xx", "-s", "100000000", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(trace.path())
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(root);
    for (name, value) in command.get_envs() {
        strace.env(name, value.expect("set"));
    }
    let output = strace.output().expect("strace runs");
    assert!(output.status.success(), "{}", messages(&output));
    let text = fs::read_to_string(trace.path()).expect("a trace");
    text.lines().filter_map(|line| event(line, root)).collect()
}

/// Names and bytes.
type Files = [(String, Vec<u8>)];

/// A command, what it worked on, and what has to hold after a cut.
struct Case<'a> {
    files: &'a Files,
    arguments: &'a str,
    check: fn(&Path, &Files, &str),
}

fn write_all(root: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
}

/// Cuts at every event, and checks each state of the disk once. Returns how many there were.
fn cut_everywhere(case: &Case<'_>) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a folder");
    write_all(&root, case.files);
    let mut disk = Disk::of(&root);
    let events = record(&lepta(&root, case.arguments), &root);
    assert!(
        events.contains(&Event::Sync(root.clone())) || events.len() > 10,
        "{events:?}"
    );
    let mut seen = HashSet::new();
    let mut cuts = 0;
    for (number, event) in events.iter().enumerate() {
        disk.apply(event);
        for kept in [Kept::Nothing, Kept::AllNames, Kept::SomeWrites] {
            let state = disk.after_cut(kept, &root);
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                let copy = materialized(&state, &root);
                let place = format!("after event {number} with {kept:?}");
                (case.check)(copy.path(), case.files, &place);
                cuts += 1;
            }
        }
    }
    // The replay is right: what processes see in it in the end is what is there.
    let now: BTreeMap<PathBuf, Option<Vec<u8>>> = disk
        .names
        .iter()
        .map(|(path, node)| match node {
            Node::Folder => (path.clone(), None),
            Node::File(number) => (path.clone(), Some(disk.files[*number].now.clone())),
        })
        .collect();
    let there = tree(&root);
    assert!(
        now.keys().eq(there.keys()),
        "{:?} {:?}",
        now.keys(),
        there.keys()
    );
    assert!(now == there);
    cuts
}

fn materialized(state: &BTreeMap<PathBuf, Option<Vec<u8>>>, root: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for (path, bytes) in state {
        let path = copy.path().join(path.strip_prefix(root).expect("below"));
        match bytes {
            None => fs::create_dir_all(path).expect("made"),
            Some(bytes) => fs::write(path, bytes).expect("written"),
        }
    }
    copy
}

fn check_archive(folder: &Path, files: &Files, place: &str) {
    let before: Vec<PathBuf> = tree(folder).into_keys().collect();
    for (name, bytes) in files {
        if !is_still_there(&folder.join(name), bytes) {
            let stored = name.strip_prefix("in/").expect("all are in there");
            let restored = run(folder, &format!("batch restore out - {stored}"));
            assert!(
                restored.stdout == *bytes,
                "{place}: {name}: {}",
                messages(&restored)
            );
        }
    }
    let again = run(
        folder,
        "batch compress -j1 --rm --moved --level fast in out",
    );
    assert!(again.status.success(), "{place}: {}", messages(&again));
    let restored = run(folder, "batch restore -j1 out back");
    assert!(
        restored.status.success(),
        "{place}: {}",
        messages(&restored)
    );
    for (name, bytes) in files {
        let stored = name.strip_prefix("in/").expect("all are in there");
        let read = fs::read(folder.join("back").join(stored));
        let read = read.unwrap_or_else(|error| panic!("{place}: {name}: {error}: {before:?}"));
        assert!(read == *bytes, "{place}: {name}");
    }
}

fn check_file(folder: &Path, files: &Files, place: &str) {
    let (name, bytes) = &files[0];
    let result = folder.join(format!("{name}.lepta"));
    if result.exists() {
        let restored = run(folder, &format!("-dc {name}.lepta"));
        assert!(
            restored.stdout == *bytes,
            "{place}: {}",
            messages(&restored)
        );
    } else {
        assert!(is_still_there(&folder.join(name), bytes), "{place}");
        let again = run(folder, &format!("--rm --level fast {name}"));
        assert!(again.status.success(), "{place}: {}", messages(&again));
    }
}

#[test]
fn a_single_file_survives_a_cut_at_any_point() {
    if !strace_is_there() {
        return;
    }
    let files = [("text".to_owned(), b"compressible ".repeat(300))];
    for arguments in ["--rm --level fast text", "--level fast text"] {
        let cuts = cut_everywhere(&Case {
            files: &files,
            arguments,
            check: check_file,
        });
        assert!(cuts >= 3, "{cuts}");
    }
}

fn originals(shots: u8) -> Vec<(String, Vec<u8>)> {
    let shot = |number: u8| {
        let name = format!("in/shots/2024-06-26T08:22:5{number}.png");
        (name, screenshot_of(40, 20, usize::from(number)))
    };
    let mut files: Vec<_> = (0..shots).map(shot).collect();
    files.push(("in/a/text".to_owned(), b"compressible ".repeat(300)));
    files
}

fn cut_batch(files: &Files) -> usize {
    cut_everywhere(&Case {
        files,
        arguments: "batch compress -j1 --rm --level fast in out",
        check: check_archive,
    })
}

#[test]
fn a_batch_survives_a_cut_at_any_point() {
    if strace_is_there() {
        let cuts = cut_batch(&originals(0));
        println!("{cuts} states");
        assert!(cuts > 15, "{cuts}");
    }
}

/// Takes minutes: `cargo test -p lepta --test power_cut -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn a_batch_with_runs_and_copies_survives_a_cut_at_any_point() {
    if strace_is_there() {
        let mut files = originals(4);
        files.push(("in/a/same".to_owned(), b"compressible ".repeat(300)));
        files.push(("in/noise".to_owned(), noise(3000)));
        let cuts = cut_batch(&files);
        println!("{cuts} states");
        assert!(cuts > 40, "{cuts}");
    }
}
