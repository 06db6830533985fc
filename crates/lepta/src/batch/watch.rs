//! Keeping a folder compressed while files arrive.
//!
//! Invariant: a file is taken only when it is complete and quiet: it did not change since the pass before nor
//! for some time, and no process that can be seen has it open for writing. The last screenshot of a run that
//! may go on is not taken at all: whoever makes it may compare the next one with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use lepta_worker::status::Status;

use super::compress::Item;
use super::entry::Seen;
use super::run_names::FRAMES_MAX;
use super::walk::Found;
use super::work::locked;
use crate::command_line::BatchCompressArguments;
use crate::interruption::Interruption;
use crate::problem::Problem;
use crate::storage::{Snapshot, folder_of};

/// Shortest time between two passes.
const PAUSE: Duration = Duration::from_secs(1);
/// A pass takes at most one part in so many of the time.
const PAUSES: u32 = 10;
/// What failed is tried again only after this time, unless it changes.
const RETRY: Duration = Duration::from_secs(600);

/// What is known from one pass to the next.
#[derive(Debug)]
pub(crate) struct Watch {
    settle: Duration,
    run_settle: Duration,
    /// Files that are not done, as the pass before saw them, and when they were handed out.
    before: HashMap<PathBuf, Waiting>,
    now: Mutex<HashMap<PathBuf, Waiting>>,
    /// Files that processes write to, looked up once in a pass.
    written: OnceLock<HashSet<(u64, u64)>>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    seen: Seen,
    taken: Option<Instant>,
}

/// Whether a file may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Nobody changes it any more.
    pub(crate) is_settled: bool,
    /// It is so old that a run with it as the last one has ended.
    is_old: bool,
}

impl Watch {
    pub(crate) fn new(arguments: &BatchCompressArguments) -> Self {
        Self {
            settle: Duration::from_secs(arguments.settle),
            run_settle: Duration::from_secs(arguments.run_settle),
            before: HashMap::new(),
            now: Mutex::default(),
            written: OnceLock::new(),
        }
    }

    /// Makes one pass after another until the process is asked to end.
    ///
    /// # Errors
    /// If a pass cannot begin, unless only because another process works on the archive.
    pub(crate) fn run(
        mut self,
        pass: impl Fn(Option<&Self>) -> Result<Status, Problem>,
        interruption: &Interruption,
    ) -> Result<Status, Problem> {
        let mut status = Status::Done;
        while !interruption.is_requested() {
            let start = Instant::now();
            match pass(Some(&self)) {
                Ok(Status::Done) => {}
                Ok(failed) => status = failed,
                Err(problem) if problem.status == Status::Busy => {}
                Err(problem) => return Err(problem),
            }
            self.before = std::mem::take(&mut *locked(&self.now));
            self.written.take();
            let pause = PAUSE.max(start.elapsed() * PAUSES);
            let start = Instant::now();
            while start.elapsed() < pause && !interruption.is_requested() {
                sleep(PAUSE / 20);
            }
        }
        Ok(status)
    }

    /// Whether a file that is not done may be taken in this pass.
    pub(crate) fn take(&self, found: &Found) -> Taken {
        let seen = Seen::from(&Snapshot::from(&found.metadata));
        let known = self.before.get(&found.path).copied();
        let known = known.filter(|known| known.seen == seen);
        let has_failed = known
            .and_then(|known| known.taken)
            .is_some_and(|taken| taken.elapsed() < RETRY);
        let age = age(found);
        let is_settled =
            known.is_some() && !has_failed && age >= self.settle && !self.is_written(found);
        let taken = known.and_then(|known| known.taken);
        let waiting = Waiting { seen, taken };
        locked(&self.now).insert(found.path.clone(), waiting);
        Taken {
            is_settled,
            is_old: age >= self.run_settle,
        }
    }

    /// Notes that a file was handed out.
    pub(crate) fn note_taken(&self, path: &Path) {
        if let Some(waiting) = locked(&self.now).get_mut(path) {
            waiting.taken = Some(Instant::now());
        }
    }

    fn is_written(&self, found: &Found) -> bool {
        let written = self.written.get_or_init(written_files);
        written.contains(&(found.metadata.dev(), found.metadata.ino()))
    }
}

/// Since the last change of content or attributes; zero if the clock was set back since.
fn age(found: &Found) -> Duration {
    let seconds = u64::try_from(found.metadata.ctime()).unwrap_or(0);
    let changed = UNIX_EPOCH + Duration::from_secs(seconds);
    let age = SystemTime::now().duration_since(changed);
    age.unwrap_or(Duration::ZERO)
}

/// Device and inode of all files that processes have open for writing, as far as this user may see them.
fn written_files() -> HashSet<(u64, u64)> {
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut written = HashSet::new();
    for process in processes.filter(|entry| entry.file_name().to_str().is_some_and(is_process)) {
        let folder = process.path();
        let descriptors = fs::read_dir(folder.join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        for descriptor in descriptors {
            let writes = is_for_writing(&folder.join("fdinfo").join(descriptor.file_name()));
            if let (true, Ok(metadata)) = (writes, fs::metadata(descriptor.path())) {
                written.insert((metadata.dev(), metadata.ino()));
            }
        }
    }
    written
}

/// By what the kernel says about a descriptor: `flags:` and the flags in octal digits, whose last two bits
/// are 1 or 2 for writing.
fn is_for_writing(information: &Path) -> bool {
    let text = fs::read_to_string(information).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 3 != 0)
}

/// Screenshots that are not done, by folder.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    folders: BTreeMap<PathBuf, Vec<(DateTime, Taken, Item)>>,
}

impl Frames {
    pub(crate) fn add(&mut self, time: DateTime, item: Item, taken: Taken) {
        let folder = folder_of(&item.path).to_owned();
        self.folders
            .entry(folder)
            .or_default()
            .push((time, taken, item));
    }

    /// Groups that may be taken, each in the order of time. Of a run that may go on only whole ones, and not
    /// its last screenshot.
    pub(crate) fn groups(self) -> impl Iterator<Item = Vec<Item>> {
        self.folders.into_values().flat_map(|mut frames| {
            frames.sort_by_key(|(time, ..)| *time);
            let has_ended = frames.last().is_some_and(|(_, taken, _)| taken.is_old);
            if !has_ended {
                frames.pop();
            }
            let settled = frames.into_iter().filter(|(_, taken, _)| taken.is_settled);
            let mut items = settled.map(|(.., item)| item).peekable();
            let mut groups = Vec::new();
            while items.peek().is_some() {
                let group: Vec<Item> = items.by_ref().take(FRAMES_MAX).collect();
                if has_ended || group.len() == FRAMES_MAX {
                    groups.push(group);
                }
            }
            groups
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn files_that_are_written_to_are_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let identity = |file: &File| {
            let metadata = file.metadata().expect("its own");
            (metadata.dev(), metadata.ino())
        };
        let written = File::create(folder.path().join("a")).expect("made");
        drop(File::create(folder.path().join("b")).expect("made"));
        let read = File::open(folder.path().join("b")).expect("there");
        let files = written_files();
        assert!(files.contains(&identity(&written)));
        assert!(!files.contains(&identity(&read)));
    }

    #[test]
    fn a_run_that_may_go_on_keeps_its_last_frame_and_what_fills_no_group() {
        let sizes = |count: usize, is_old: bool, unsettled: &[usize]| -> Vec<usize> {
            let mut frames = Frames::default();
            for number in (0..count).rev() {
                let seconds = i8::try_from(number % 60).expect("small");
                let minutes = i8::try_from(number / 60).expect("small");
                let time = DateTime::constant(2024, 1, 1, 0, minutes, seconds, 0);
                let taken = Taken {
                    is_settled: !unsettled.contains(&number),
                    is_old,
                };
                frames.add(time, Item::new(format!("a/{number}").into(), 1), taken);
            }
            frames.groups().map(|group| group.len()).collect()
        };
        assert_eq!(sizes(FRAMES_MAX, false, &[]), [0; 0]);
        assert_eq!(sizes(FRAMES_MAX + 1, false, &[]), [FRAMES_MAX]);
        assert_eq!(sizes(FRAMES_MAX + 1, false, &[3]), [0; 0]);
        assert_eq!(sizes(FRAMES_MAX + 5, true, &[3]), [FRAMES_MAX, 4]);
        assert_eq!(sizes(1, false, &[]), [0; 0]);
    }
}
