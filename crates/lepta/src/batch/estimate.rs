//! What a compression would save, from a sample.
//!
//! Invariant: nothing is written anywhere. The sample depends on the paths alone, so that the same
//! folder gives the same estimate.

use std::collections::{BTreeMap, BinaryHeap};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lepta_worker::status::Status;
use serde::Serialize;

use super::display::Display;
use super::entry::{Entry, Seen};
use super::ledger::{Archive, Ledger, View};
use super::source::Source;
use super::summary::Summary;
use super::walk::{Found, walk};
use crate::command_line::BatchCompressArguments;
use crate::interruption::Interruption;
use crate::names::says_compressed;
use crate::problem::{Problem, shown};
use crate::storage::{HashingWriter, Snapshot};
use crate::worker::{WorkerBinary, WorkerOptions, run_job};

/// Files of each class that are compressed for the estimate.
const SAMPLE: usize = 16;

/// Files of one class: an extension.
#[derive(Debug, Default, Serialize)]
struct Class {
    files: u64,
    bytes: u64,
    sampled: u64,
    sampled_bytes_in: u64,
    sampled_bytes_out: u64,
    /// The chosen ones: those whose paths have the least hashes.
    #[serde(skip)]
    chosen: BinaryHeap<([u8; 32], PathBuf)>,
}

impl Class {
    fn add(&mut self, found: &Found) {
        self.files += 1;
        self.bytes += found.metadata.size();
        let hash = *blake3::hash(found.path.as_os_str().as_bytes()).as_bytes();
        self.chosen.push((hash, found.path.clone()));
        if self.chosen.len() > SAMPLE {
            self.chosen.pop();
        }
    }

    /// Bytes that the class would take.
    fn estimate(&self) -> f64 {
        match self.sampled_bytes_in {
            0 => self.bytes as f64,
            sampled => self.bytes as f64 * self.sampled_bytes_out as f64 / sampled as f64,
        }
    }
}

/// Says what compressing the folder would save.
///
/// # Errors
/// If it cannot begin at all.
pub(crate) fn run(
    arguments: &BatchCompressArguments,
    source: &Source,
    archive: &Archive,
    (worker, options): (&WorkerBinary, WorkerOptions),
    interruption: &Interruption,
) -> Result<Status, Problem> {
    let display = Display::new(&arguments.common, true);
    let summary = Summary::new();
    let ledger = match archive.folder().join("ledger.redb").exists() {
        true => Some(Ledger::open(archive)?),
        false => None,
    };
    let view = ledger.as_ref().map(Ledger::view).transpose()?;
    let mut classes = classes(source, view.as_ref(), &summary, &display)?;
    for class in classes.values_mut() {
        let chosen = std::mem::take(&mut class.chosen);
        for (_, path) in chosen.into_sorted_vec() {
            if interruption.is_requested() {
                return Ok(Status::Done);
            }
            if let Err(problem) = sample(class, source, &path, (worker, options), interruption) {
                summary.fail(&problem, &display);
            }
        }
    }
    say(&classes, &display);
    Ok(summary.finish(&display))
}

fn classes(
    source: &Source,
    view: Option<&View>,
    summary: &Summary,
    display: &Display,
) -> Result<BTreeMap<String, Class>, Problem> {
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    for found in walk(&source.root) {
        match found {
            Ok(found) if found.file_type().is_file() => {
                let known = view
                    .map(|view| view.entry(&found.path))
                    .transpose()?
                    .flatten();
                let seen = Seen::from(&Snapshot::from(&found.metadata));
                match known.as_ref().and_then(Entry::file) {
                    Some(file) if file.seen == seen => summary.counts().unchanged += 1,
                    _ => classes
                        .entry(class_name(&found.path))
                        .or_default()
                        .add(&found),
                }
            }
            Ok(_) => {}
            Err(problem) => summary.fail(&problem, display),
        }
    }
    Ok(classes)
}

fn class_name(path: &Path) -> String {
    match path.extension() {
        Some(extension) => extension.to_string_lossy().to_ascii_lowercase(),
        None => "no extension".to_owned(),
    }
}

fn sample(
    class: &mut Class,
    source: &Source,
    path: &Path,
    (worker, options): (&WorkerBinary, WorkerOptions),
    interruption: &Interruption,
) -> Result<(), Problem> {
    let mut file = source.read(path)?;
    let mut sink = HashingWriter::new(std::io::sink());
    if !says_compressed(path) {
        run_job(worker, &options, &mut file.file, &mut sink, interruption)
            .map_err(|error| error.into_problem(&shown(&source.full(path)), "nothing"))?;
    }
    let size = file.digest.length;
    let result = Some(sink.digest().length).filter(|&length| length > 0);
    class.sampled += 1;
    class.sampled_bytes_in += size;
    class.sampled_bytes_out += result.map_or(size, |length| length.min(size));
    Ok(())
}

fn say(classes: &BTreeMap<String, Class>, display: &Display) {
    #[derive(Serialize)]
    struct Estimate<'a> {
        estimate: &'a BTreeMap<String, Class>,
        bytes_in: u64,
        estimated_bytes_out: f64,
    }
    let bytes_in = classes.values().map(|class| class.bytes).sum();
    let bytes_out: f64 = classes.values().map(Class::estimate).sum();
    display.object(&Estimate {
        estimate: classes,
        bytes_in,
        estimated_bytes_out: bytes_out.round(),
    });
    let line = |name: &str, files: u64, bytes: u64, estimate: f64| {
        let saving = match bytes {
            0 => 0.0,
            bytes => 100.0 * (1.0 - estimate / bytes as f64),
        };
        let (from, to) = (bytes as f64 / 1e6, estimate / 1e6);
        display.line(&format!(
            "{name}: {files} files, {from:.2} -> about {to:.2} MB, saving {saving:.1} %"
        ));
    };
    for (name, class) in classes {
        line(name, class.files, class.bytes, class.estimate());
    }
    let files = classes.values().map(|class| class.files).sum();
    line("all", files, bytes_in, bytes_out);
    display.line("dry run: nothing was written; the figures are of a sample");
}
