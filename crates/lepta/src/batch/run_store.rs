//! A run of screenshots on its way into an archive.
//!
//! Invariant: as for single files: what is returned is on the disk under its name, verified by the
//! worker that made it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::entry::{Form, Stored};
use super::run_tar::{Member, RunTar};
use super::source::Source;
use super::store::{Store, milliseconds_since};
use crate::names::SUFFIX;
use crate::problem::{Problem, shown};
use crate::storage::HashingWriter;
use crate::worker::{JobError, WorkerOptions, run_job};

/// Longest part of a name that is taken from a frame, in bytes.
const STEM_MAX: usize = 100;

/// A run that was stored just now.
#[derive(Debug)]
pub(crate) struct WrittenRun {
    /// Reserved until the caller releases it.
    pub(crate) path: PathBuf,
    /// Of each file, in order.
    pub(crate) stored: Vec<Stored>,
    pub(crate) alarms: u64,
}

impl Store<'_> {
    /// Stores files as one run; `None` if that gains nothing.
    ///
    /// # Errors
    /// If reading, compressing or writing fails, or a file is not what it was.
    pub(crate) fn write_run(
        &self,
        source: &Source,
        members: &[Member<'_>],
        key_every: u32,
    ) -> Result<Option<WrittenRun>, Problem> {
        let making = |error| Problem::reading(&error).at(&source.root);
        let mut tar = RunTar::new(source, members.iter().copied()).map_err(making)?;
        let start = Instant::now();
        let mut pending = self.begin()?;
        let mut writer = HashingWriter::new(&mut pending);
        let options = WorkerOptions {
            key_every: Some(key_every),
            ..self.options
        };
        let run = run_job(
            self.worker,
            &options,
            &mut tar,
            &mut writer,
            self.interruption,
        );
        let report = run.map_err(|error| match error {
            JobError::Output(error) => self.writing(&error),
            error => error.into_problem(&shown(&source.root), "nothing"),
        })?;
        let digest = writer.digest();
        let raw: u64 = members.iter().map(|member| member.digest.length).sum();
        if digest.length >= raw {
            return Ok(None);
        }
        let hash = digest.hash.to_hex();
        let path = self.keep(names(members, hash.as_str()), pending, None)?;
        let milliseconds = milliseconds_since(start) / (members.len() as u64).max(1);
        let share = |length: u64| {
            let share = u128::from(digest.length) * u128::from(length) / u128::from(raw.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let stored = members
            .iter()
            .zip(&tar.offsets)
            .map(|(member, &offset)| Stored {
                form: Form::InRun,
                path: path.as_path().into(),
                size: share(member.digest.length),
                length: member.digest.length,
                milliseconds,
                offset: Some(offset),
                blake3: hash.to_string(),
                kind: report.kind.clone(),
                reasons: Vec::new(),
                references: 0,
            });
        Ok(Some(WrittenRun {
            stored: stored.collect(),
            path,
            alarms: report.alarms,
        }))
    }
}

/// `runs/FOLDER/FIRST--LAST.tar.lepta`, and others if that is taken.
fn names(members: &[Member<'_>], hash: &str) -> [PathBuf; 3] {
    let stem = |member: Option<&Member<'_>>| {
        let stem = member
            .and_then(|member| member.path.file_stem())
            .unwrap_or_default();
        let end = stem.len().min(STEM_MAX);
        String::from_utf8_lossy(&stem.as_bytes()[..end]).into_owned()
    };
    let folder = members.first().and_then(|member| member.path.parent());
    let folder = Path::new("runs").join(folder.unwrap_or(Path::new("")));
    let span = format!("{}--{}", stem(members.first()), stem(members.last()));
    [
        folder.join(format!("{span}.tar{SUFFIX}")),
        folder.join(format!("{span}.{}.tar{SUFFIX}", &hash[..16])),
        Path::new("runs-by-hash").join(format!("{hash}.tar{SUFFIX}")),
    ]
}
