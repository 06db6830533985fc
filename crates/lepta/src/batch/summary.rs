//! What all of it came to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use lepta_worker::status::Status;
use serde::Serialize;

use super::display::Display;
use super::entry::{Bytes, Form};
use super::work::locked;
use crate::problem::Problem;
use crate::storage::ReadBack;

/// Counts of one kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Kind {
    pub(crate) files: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// Counts of all files.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) compressed: u64,
    pub(crate) in_runs: u64,
    pub(crate) runs: u64,
    pub(crate) copied: u64,
    pub(crate) left_out: u64,
    pub(crate) duplicates: u64,
    pub(crate) unchanged: u64,
    pub(crate) links_and_folders: u64,
    pub(crate) special: u64,
    pub(crate) restored: u64,
    /// JPEGs out of `.lep` files.
    pub(crate) imported: u64,
    /// Frames out of differences.
    pub(crate) imported_frames: u64,
    /// Files that an import is not for.
    pub(crate) not_imported: u64,
    pub(crate) verified: u64,
    pub(crate) removed: u64,
    pub(crate) removed_after_direct_read: u64,
    pub(crate) failed: u64,
    pub(crate) alarms: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) by_kind: BTreeMap<String, Kind>,
    #[serde(skip)]
    failures: Vec<Status>,
}

/// What happened to one file, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct FileRecord<'a> {
    pub(crate) path: Bytes,
    pub(crate) result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<Form>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) blake3: &'a str,
    pub(crate) removed: bool,
    pub(crate) read_back: Option<ReadBack>,
}

/// Counts what threads do.
#[derive(Debug)]
pub(crate) struct Summary {
    started: Instant,
    counts: Mutex<Counts>,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            counts: Mutex::default(),
        }
    }

    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    /// Whether nothing came of it all.
    pub(crate) fn is_idle(&self) -> bool {
        let counts = self.counts();
        let done = counts.compressed + counts.in_runs + counts.copied + counts.duplicates;
        done + counts.removed + counts.failed == 0
    }

    /// Counts and says a failure.
    pub(crate) fn fail(&self, problem: &Problem, display: &Display) {
        #[derive(Serialize)]
        struct Failure<'a> {
            result: &'a str,
            status: u8,
            status_name: &'a str,
            error: String,
        }
        let mut counts = self.counts();
        counts.failed += 1;
        counts.failures.push(problem.status);
        drop(counts);
        display.problem(problem);
        display.object(&Failure {
            result: "failed",
            status: problem.status.code(),
            status_name: problem.status.name(),
            error: problem.to_string(),
        });
    }

    /// Says what it came to, and returns the exit status: that of the failures if they have all the
    /// same, else 1.
    pub(crate) fn finish(&self, display: &Display) -> Status {
        #[derive(Serialize)]
        struct Last<'a> {
            summary: &'a Counts,
            seconds: f64,
        }
        display.finish();
        let counts = self.counts();
        let seconds = self.started.elapsed().as_secs_f64();
        display.object(&Last {
            summary: &counts,
            seconds,
        });
        for line in lines(&counts, seconds) {
            display.line(&line);
        }
        match counts.failures.split_first() {
            None => Status::Done,
            Some((first, rest)) if rest.iter().all(|status| status == first) => *first,
            Some(_) => Status::Other,
        }
    }
}

fn lines(counts: &Counts, seconds: f64) -> Vec<String> {
    let parts = [
        ("JPEGs from .lep files", counts.imported),
        ("frames from differences", counts.imported_frames),
        ("other files left alone", counts.not_imported),
        ("compressed", counts.compressed),
        ("screenshots in runs", counts.in_runs),
        ("copied, since they gain nothing", counts.copied),
        ("left out, since they gain nothing", counts.left_out),
        ("duplicates", counts.duplicates),
        ("unchanged", counts.unchanged),
        ("restored", counts.restored),
        ("verified", counts.verified),
        ("removed", counts.removed),
        ("special files left out", counts.special),
        ("FAILED", counts.failed),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let mut lines = vec![match parts.is_empty() {
        true => "nothing to do".to_owned(),
        false => parts.join(", "),
    }];
    if counts.bytes_in > 0 && counts.restored + counts.verified == 0 {
        for (kind, sizes) in &counts.by_kind {
            lines.push(size_line(
                &format!("  {kind}"),
                sizes.bytes_in,
                sizes.bytes_out,
            ));
        }
        lines.push(size_line("all", counts.bytes_in, counts.bytes_out));
    }
    if counts.imported_frames > 0 {
        lines.push(
            "frames from differences have the pixels of the screenshots, in files of their own: \
             the old archive had no more"
                .to_owned(),
        );
    }
    if counts.removed > 0 {
        lines.push(format!(
            "of the results of removed files {} were read back from the disk, {} through the cache",
            counts.removed_after_direct_read,
            counts.removed - counts.removed_after_direct_read
        ));
    }
    if counts.alarms > 0 {
        lines.push(format!(
            "ALARM: {} verifications failed and were stored instead; please report this",
            counts.alarms
        ));
    }
    lines.push(format!("{seconds:.1} s"));
    lines
}

fn size_line(name: &str, bytes_in: u64, bytes_out: u64) -> String {
    let saving = match bytes_in {
        0 => 0.0,
        bytes_in => 100.0 * (1.0 - bytes_out as f64 / bytes_in as f64),
    };
    let (mb_in, mb_out) = (bytes_in as f64 / 1e6, bytes_out as f64 / 1e6);
    format!("{name}: {mb_in:.2} -> {mb_out:.2} MB, saving {saving:.1} %")
}
