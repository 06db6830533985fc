//! Compressing what looks like a run of screenshots.
//!
//! Names say which files may belong together, jailed workers which of them are PNGs of one size: nothing
//! here looks into a file.
//!
//! Invariant: a run takes only files that nothing else stores yet; whatever keeps them from becoming
//! a run lets them be stored one by one.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};
use std::path::Path;

use lepta_worker::job::{Operation, PROBED};

use super::compress::{Compression, Handled, Item};
use super::entry::{Attributes, Entry, Form, Stored};
use super::run_names::FRAMES_MIN;
use super::run_tar::Member;
use super::splitter::{Sink, Splitter, Stretch};
use super::store::differs;
use crate::problem::Problem;
use crate::storage::{Digest, HashingWriter, ReadBack, Snapshot};
use crate::worker::{WorkerOptions, run_job};

/// A file of a run that was read once.
struct Frame<'a> {
    item: &'a Item,
    attributes: Attributes,
    snapshot: Snapshot,
    digest: Digest,
    blake3: String,
}

impl Compression<'_> {
    /// Stores files as a run, or one by one.
    pub(super) fn handle_run(&self, items: &[Item]) {
        let (frames, mut others) = self.read_frames(items);
        let mut runs: BTreeMap<(u32, u32), Vec<Frame<'_>>> = BTreeMap::new();
        for frame in frames {
            match self.png_dimensions(&frame.item.path) {
                Some(dimensions) => runs.entry(dimensions).or_default().push(frame),
                None => others.push(frame.item),
            }
        }
        for frames in runs.values() {
            let outcome = match frames.len() >= FRAMES_MIN {
                true => self.store_run(frames),
                false => Ok(false),
            };
            match outcome {
                Ok(true) => {}
                // One file that cannot be read or stored must not keep the others out.
                Ok(false) | Err(_) => frames.iter().for_each(|frame| self.handle(frame.item)),
            }
        }
        others.into_iter().for_each(|item| self.handle(item));
    }

    /// Width and height of a PNG, as a jailed worker says them; `None` for anything else.
    fn png_dimensions(&self, path: &Path) -> Option<(u32, u32)> {
        let mut start = self.source.open_file(path).ok()?.take(PROBED as u64);
        let report = run_job(
            self.store.worker,
            &WorkerOptions::new(Operation::Probe),
            &mut start,
            &mut io::sink(),
            self.store.interruption,
        );
        let report = report
            .ok()
            .filter(|report| report.kind.as_deref() == Some("PNG"))?;
        report.width.zip(report.height)
    }

    /// Reads all files; returns those that are not stored yet, and all others.
    fn read_frames<'a>(&self, items: &'a [Item]) -> (Vec<Frame<'a>>, Vec<&'a Item>) {
        let (mut frames, mut others) = (Vec::new(), Vec::new());
        let mut hashes = HashSet::new();
        for item in items {
            if self.store.interruption.is_requested() {
                break;
            }
            let frame = self.read_frame(item).ok().flatten();
            match frame.filter(|frame| hashes.insert(frame.blake3.clone())) {
                Some(frame) => frames.push(frame),
                None => others.push(item),
            }
        }
        (frames, others)
    }

    fn read_frame<'a>(&self, item: &'a Item) -> Result<Option<Frame<'a>>, Problem> {
        let file = self.source.read(&item.path)?;
        let blake3 = file.digest.hash.to_string();
        self.check_not_replacing(&item.path, &blake3)?;
        let known = self.store.ledger.view()?.stored(&blake3)?;
        Ok(known.is_none().then_some(Frame {
            item,
            attributes: file.attributes,
            snapshot: file.snapshot,
            digest: file.digest,
            blake3,
        }))
    }

    /// Says whether the files became a run.
    fn store_run(&self, frames: &[Frame<'_>]) -> Result<bool, Problem> {
        let members: Vec<Member<'_>> = frames
            .iter()
            .map(|frame| Member {
                path: &frame.item.path,
                attributes: &frame.attributes,
                digest: frame.digest,
            })
            .collect();
        let Some(run) = self
            .store
            .write_run(self.source, &members, self.key_every)?
        else {
            return Ok(false);
        };
        let recorded = self.record_run(frames, &run.stored);
        self.store.ledger.release(&run.path);
        recorded?;
        self.summary.counts().alarms += run.alarms;
        self.summary.counts().runs += 1;
        let proven = self.remove.then(|| self.prove_run(frames, &run.stored));
        let proven = proven.transpose().unwrap_or_else(|problem| {
            self.summary.fail(&problem, &self.display);
            None
        });
        for (index, (frame, stored)) in frames.iter().zip(&run.stored).enumerate() {
            let proven = proven.as_ref().filter(|_| self.is_in(&run.path, frame));
            let read_back = proven.and_then(|(how, right)| {
                let removed = match right.contains(&index) {
                    true => self.remove_recorded(frame.item, &frame.snapshot, &frame.digest),
                    false => Err(differs(&self.store.archive.folder().join(&run.path))),
                };
                match removed {
                    Ok(()) => Some(*how),
                    Err(problem) => {
                        self.summary.fail(&problem, &self.display);
                        None
                    }
                }
            });
            let handled = Handled {
                is_duplicate: false,
                form: Form::InRun,
                kind: stored.kind.clone(),
                bytes_out: stored.size,
                read_back,
            };
            self.count(frame.item, &handled, &frame.blake3);
        }
        Ok(true)
    }

    /// Whether the ledger has the frame's bytes in this run. Another thread may have stored the same bytes
    /// elsewhere first: they are not proven here, and the next run removes the original.
    fn is_in(&self, run: &Path, frame: &Frame<'_>) -> bool {
        let view = self.store.ledger.view();
        let stored = view.and_then(|view| view.stored(&frame.blake3));
        matches!(stored, Ok(Some(stored)) if stored.path.to_path() == run)
    }

    fn record_run(&self, frames: &[Frame<'_>], stored: &[Stored]) -> Result<(), Problem> {
        let files: Vec<_> = frames
            .iter()
            .zip(stored)
            .map(|(frame, stored)| {
                let content = frame.item.content(&frame.snapshot, frame.digest, false);
                let entry = Entry {
                    content,
                    attributes: frame.attributes.clone(),
                };
                (frame.item.path.as_path(), entry, Some(stored.clone()))
            })
            .collect();
        for path in self.store.ledger.record(&files)? {
            self.store.discard(&path);
        }
        self.note_change();
        Ok(())
    }

    /// Reads the run back and decodes it; returns the numbers of the files that came out right.
    fn prove_run(
        &self,
        frames: &[Frame<'_>],
        stored: &[Stored],
    ) -> Result<(ReadBack, Vec<usize>), Problem> {
        let Some(first) = stored.first() else {
            return Ok((ReadBack::Cached, Vec::new()));
        };
        let right = RefCell::new(Vec::new());
        let sinks = frames
            .iter()
            .zip(stored)
            .enumerate()
            .map(|(index, (frame, stored))| {
                let sink = Check {
                    index,
                    expected: frame.digest,
                    decoded: HashingWriter::new(io::sink()),
                    right: &right,
                };
                (Stretch::of(stored), sink)
            });
        let mut splitter = Splitter::new(0, sinks.collect());
        let how = self.store.decode(first, None, &mut splitter, "nothing")?;
        drop(splitter);
        Ok((how, right.into_inner()))
    }
}

/// Compares one file of a run with what it has to be.
struct Check<'a> {
    index: usize,
    expected: Digest,
    decoded: HashingWriter<io::Sink>,
    right: &'a RefCell<Vec<usize>>,
}

impl Sink for Check<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.decoded, bytes)
    }

    fn finish(self) -> io::Result<()> {
        if self.decoded.digest() == self.expected {
            self.right.borrow_mut().push(self.index);
        }
        Ok(())
    }
}
