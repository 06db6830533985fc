//! Every codec and operation on one file, in turn.
//!
//! Invariant: a file counts as compressed only if it came back equal and all ways of encoding it
//! gave the same bytes; otherwise it is refused, which the summary counts as stored.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::warn;

use crate::codec::{Codec, Operation};
use crate::photo::Photo;
use crate::process::{self, Cores, Run};
use crate::statistics::median;

/// One file, measured with all codecs; `codecs` stand in the order of the codecs given.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) photo: Photo,
    pub(crate) codecs: Vec<Outcome>,
}

/// What became of one file with one codec.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Coded(Coded),
    /// Why the file counts as stored.
    Refused(String),
}

/// A file that one codec compressed and restored.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    pub(crate) bytes: u64,
    /// In the order of [`Operation::ALL`].
    pub(crate) timings: [Option<Timing>; 4],
}

impl Outcome {
    pub(crate) fn coded(&self) -> Option<&Coded> {
        match self {
            Self::Coded(coded) => Some(coded),
            Self::Refused(_) => None,
        }
    }
}

impl Coded {
    pub(crate) fn timing(&self, operation: Operation) -> Option<Timing> {
        self.timings[operation as usize]
    }
}

/// Medians over the repetitions, in seconds, and the greatest memory of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) wall: f64,
    pub(crate) peak_rss_bytes: Option<u64>,
}

impl Timing {
    fn from_runs(runs: &[Run]) -> Option<Self> {
        let middle = |field: fn(&Run) -> Duration| {
            median(runs.iter().map(|run| field(run).as_secs_f64()).collect())
        };
        Some(Self {
            user: middle(|run| run.user)?,
            system: middle(|run| run.system)?,
            wall: middle(|run| run.wall)?,
            peak_rss_bytes: runs.iter().filter_map(|run| run.peak_rss_bytes).max(),
        })
    }
}

/// Where a codec's files are written, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) scratch: PathBuf,
    pub(crate) cores: Cores,
    pub(crate) repetitions: u32,
}

/// The runs of one codec on one file so far.
#[derive(Default)]
struct Series {
    runs: [Vec<Run>; 4],
    refusal: Option<String>,
    bytes: u64,
}

impl Bench {
    /// Measures one file: in each repetition all codecs, of each all operations.
    pub(crate) fn measure(&self, codecs: &[Codec], photo: Photo) -> io::Result<Measured> {
        let mut all: Vec<Series> = codecs.iter().map(|_| Series::default()).collect();
        for repetition in 0..self.repetitions {
            for (codec, series) in codecs.iter().zip(&mut all) {
                if series.refusal.is_none() {
                    self.repeat(codec, &photo, repetition == 0, series)?;
                }
            }
        }
        let outcomes = codecs.iter().zip(all).map(|(codec, series)| {
            if let Some(reason) = series.refusal {
                warn!(file = photo.name, codec = codec.name, reason, "refused");
                return Outcome::Refused(reason);
            }
            Outcome::Coded(Coded {
                bytes: series.bytes,
                timings: series.runs.map(|runs| Timing::from_runs(&runs)),
            })
        });
        Ok(Measured {
            codecs: outcomes.collect(),
            photo,
        })
    }

    /// One repetition: every operation that the codec has and the file is large enough for.
    fn repeat(
        &self,
        codec: &Codec,
        photo: &Photo,
        compare: bool,
        series: &mut Series,
    ) -> io::Result<()> {
        let coded = self.scratch.join("coded");
        let again = self.scratch.join("again");
        for operation in Operation::ALL {
            let two = operation == Operation::EncodeTwoThreads;
            if photo.bytes < operation.fewest_bytes() || (two && self.cores.second.is_none()) {
                continue;
            }
            let Some(arguments) = codec.arguments(operation) else {
                continue;
            };
            let (input, output, expected): (&Path, &Path, _) = match operation {
                Operation::Encode => (&photo.path, &coded, None),
                Operation::Decode => (&coded, &again, Some(&photo.path)),
                _ => (&photo.path, &again, Some(&coded)),
            };
            self.cores.pin(two)?;
            let run = process::run(&codec.program, &arguments, input, output)?;
            if !run.success {
                series.refusal = Some(format!("{}: {}", operation.name(), run.message));
                return Ok(());
            }
            if let (true, Some(expected)) = (compare, expected)
                && fs::read(output)? != fs::read(expected)?
            {
                series.refusal = Some(format!("{}: other bytes than expected", operation.name()));
                return Ok(());
            }
            series.runs[operation as usize].push(run);
        }
        series.bytes = fs::metadata(&coded)?.len();
        Ok(())
    }
}
