//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};

/// Measures ratio, user CPU time and peak memory of Lepta and lepton_jpeg on a folder of JPEG
/// files, file by file with all codecs in turn, pinned to one core.
#[derive(Debug, Parser)]
#[command(name = "lepta-bench", version)]
pub(crate) struct Arguments {
    /// Folder of JPEG files (subfolders are not searched)
    pub(crate) folder: PathBuf,

    /// The lepta-worker binary; without it the peer is measured alone
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,

    /// lepton-peer as a portable build
    #[arg(long, value_name = "PATH")]
    pub(crate) peer_portable: Option<PathBuf>,

    /// lepton-peer as an AVX2 build
    #[arg(long, value_name = "PATH")]
    pub(crate) peer_avx2: Option<PathBuf>,

    /// Which files, counted in the order of their names: tuning looks at the even half, reported
    /// figures come from the odd one
    #[arg(long, value_enum, default_value_t = Half::All)]
    pub(crate) half: Half,

    /// Measure the first N of the chosen files only
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Repetitions of which the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(3..))]
    pub(crate) repetitions: u32,

    /// Repetitions of each start-up measurement; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) start_runs: u32,

    /// The core to run on [default: the last one this process may use]
    #[arg(long, value_name = "N")]
    pub(crate) core: Option<usize>,

    /// Folder for files.csv, bench.csv and bench.svg
    #[arg(long, value_name = "FOLDER", default_value = "scripts/results")]
    pub(crate) output: PathBuf,

    /// Exit with status 1 if a goal is missed
    #[arg(long)]
    pub(crate) check: bool,
}

/// A selection of every other file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// The first, third, fifth … file by name
    Even,
    /// The second, fourth, sixth … file by name
    Odd,
    /// Every file
    All,
}

impl Half {
    /// Whether the file with this number, counted from 0 in the order of names, is selected.
    pub(crate) fn selects(self, index: usize) -> bool {
        match self {
            Self::Even => index.is_multiple_of(2),
            Self::Odd => !index.is_multiple_of(2),
            Self::All => true,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Even => "even half",
            Self::Odd => "odd half",
            Self::All => "all files",
        }
    }
}
