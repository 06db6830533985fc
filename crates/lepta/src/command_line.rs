//! The command line. Completions and the manual page are made from what stands here.
//!
//! Invariant: this is the only description of options; other modules take parsed arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lepta_worker::job::Level;

use crate::serve::healthcheck::HealthcheckArguments;
use crate::serve::options::ServeArguments;

/// Make JPEG photos and PNG screenshots smaller and get them back byte for byte.
#[derive(Debug, Parser)]
#[command(
    name = "lepta",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct CommandLine {
    /// What to do instead of handling single files.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Single files.
    #[command(flatten)]
    pub files: FileArguments,
}

/// What else there is than single files.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compress whole folders into an archive, and restore, verify and list it
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Compress and restore for other programs, over HTTP
    Serve(ServeArguments),
    /// Ask a running service whether it is ready
    Healthcheck(HealthcheckArguments),
    /// Print completions for a shell
    #[command(hide = true)]
    Completions {
        /// Which shell they are for.
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Manual {
        /// Write those of all commands into this folder instead
        folder: Option<PathBuf>,
    },
}

/// Options that every way of starting workers has.
#[derive(Args, Clone, Debug, Default)]
pub struct WorkerArguments {
    /// The worker program [default: $LEPTA_WORKER, or lepta-worker beside this program]
    #[arg(long, value_name = "PROGRAM")]
    pub worker: Option<PathBuf>,
    /// Bytes of memory that a worker may take
    #[arg(long, value_name = "BYTES")]
    pub memory_limit: Option<u64>,
}

/// Arguments for single files.
#[derive(Args, Debug)]
pub struct FileArguments {
    /// What to work on; standard input if there is none, or for -
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What to do.
    #[command(flatten)]
    pub mode: ModeArguments,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArguments,
    /// Keep the given files (the default)
    #[arg(short, long, overrides_with = "rm")]
    pub keep: bool,
    /// Remove each file once its result is on the disk, read back and proven to decode to it
    #[arg(long, overrides_with = "keep")]
    pub rm: bool,
    /// Work on all files in folders
    #[arg(short, long)]
    pub recursive: bool,
    /// Work on the files that this file names, one on each line
    #[arg(long, value_name = "FILE")]
    pub filelist: Option<PathBuf>,
    /// Leave files alone whose names say that they are compressed (archives, videos)
    #[arg(long)]
    pub exclude_compressed: bool,
    /// Code against this PNG, such as the screenshot before; restoring needs the same file
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub patch_from: Option<PathBuf>,
    /// Model for compression
    #[arg(long, value_enum, default_value_t)]
    pub level: LevelArgument,
    /// Say nothing but what went wrong; twice: nothing at all
    #[arg(short, long, action = ArgAction::Count)]
    pub quiet: u8,
    /// Say more about each file
    #[arg(short, long)]
    pub verbose: bool,
    /// Say it as one JSON object for each file
    #[arg(long)]
    pub json: bool,
    /// How workers are run.
    #[command(flatten)]
    pub workers: WorkerArguments,
}

/// What to do with single files.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub struct ModeArguments {
    /// Compress (the default)
    #[arg(short = 'z', long)]
    pub compress: bool,
    /// Restore compressed files
    #[arg(short, long)]
    pub decompress: bool,
    /// Tell whether compressed files are whole
    #[arg(short, long)]
    pub test: bool,
    /// List what compressed files save; only their ends are read
    #[arg(short, long)]
    pub list: bool,
}

/// Where the results of single files go.
#[derive(Args, Debug)]
pub struct OutputArguments {
    /// Write to standard output
    #[arg(short = 'c', long = "stdout")]
    pub to_stdout: bool,
    /// Write to this file; - is standard output
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FILE",
        conflicts_with = "to_stdout"
    )]
    pub path: Option<PathBuf>,
    /// Write into this folder, with the folders that the names have
    #[arg(
        long = "output-dir-mirror",
        value_name = "DIR",
        conflicts_with_all = ["to_stdout", "path"]
    )]
    pub mirror: Option<PathBuf>,
    /// Replace existing files, and take symbolic links
    #[arg(short, long)]
    pub force: bool,
}

/// What to do with whole folders.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Compress what is new or has changed in a folder into an archive
    Compress(BatchCompressArguments),
    /// Take over .lep files, and screenshots kept as JPEG XL of their differences, into an archive
    Import(BatchImportArguments),
    /// Restore files from an archive
    Restore(BatchRestoreArguments),
    /// Decode what an archive has stored and compare it with its BLAKE3
    Verify(BatchVerifyArguments),
    /// List what an archive has
    List(BatchListArguments),
}

/// Options of everything that is done with whole folders.
#[derive(Args, Clone, Debug)]
pub struct BatchArguments {
    /// Workers at a time [default: one for each processor]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Say nothing but what went wrong
    #[arg(short, long)]
    pub quiet: bool,
    /// Say it as one JSON object for each file, and a last one for all
    #[arg(long)]
    pub json: bool,
    /// How workers are run.
    #[command(flatten)]
    pub workers: WorkerArguments,
}

/// Frames from one key to the next in a run of screenshots, unless said otherwise: one of 1920 × 1080
/// pixels comes back in half a second.
const KEY_EVERY: u32 = 16;

/// Arguments of `batch compress`.
#[derive(Args, Debug)]
pub struct BatchCompressArguments {
    /// The folder to compress
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// The archive: a folder elsewhere, made if it is not there
    #[arg(value_name = "DEST")]
    pub archive: PathBuf,
    /// Remove originals whose stored results are proven, each after its own proof
    #[arg(long)]
    pub rm: bool,
    /// Do not store files that gain nothing; they are never removed
    #[arg(long)]
    pub leave_incompressible: bool,
    /// Write nothing; estimate the savings from a sample
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Store screenshots one by one, not as runs of what changed since the one before
    #[arg(long)]
    pub no_runs: bool,
    /// Screenshots of a run after which one is stored whole: fewer restore faster and take more room
    #[arg(long, value_name = "N", default_value_t = KEY_EVERY)]
    pub key_every: u32,
    /// Write a page about the archive: what saves how much
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// The archive is of the same files, which were elsewhere before
    #[arg(long)]
    pub moved: bool,
    /// Go on for ever: take each file once nobody has changed it for some time or has it open for writing
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    /// How long a file must not have changed, with --watch
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "watch")]
    pub settle: u64,
    /// How long after its last screenshot a run counts as ended, with --watch; until then it is stored as it
    /// fills runs, and its last screenshot stays
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        requires = "watch"
    )]
    pub run_settle: u64,
    /// Model for compression
    #[arg(long, value_enum, default_value_t)]
    pub level: LevelArgument,
    /// What all of it has.
    #[command(flatten)]
    pub common: BatchArguments,
}

/// Arguments of `batch import`.
#[derive(Args, Debug)]
pub struct BatchImportArguments {
    /// The folder that has what other tools compressed
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// The archive: a folder elsewhere, made if it is not there
    #[arg(value_name = "DEST")]
    pub archive: PathBuf,
    /// Screenshots of a run after which one is stored whole: fewer restore faster and take more room
    #[arg(long, value_name = "N", default_value_t = KEY_EVERY)]
    pub key_every: u32,
    /// Model for compression
    #[arg(long, value_enum, default_value_t)]
    pub level: LevelArgument,
    /// The program that reads them [default: $LEPTA_IMPORT, or lepta-import beside this program]
    #[arg(long, value_name = "PROGRAM")]
    pub import_program: Option<PathBuf>,
    /// What all of it has.
    #[command(flatten)]
    pub common: BatchArguments,
}

/// Which entries of an archive.
#[derive(Args, Clone, Debug)]
pub struct SelectionArguments {
    /// Only these paths, folders with all in them, or patterns (*, ?, [], **) [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Only what was modified at this time or later (2024-06-26, or with a time)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what was modified before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Arguments of `batch restore`.
#[derive(Args, Debug)]
pub struct BatchRestoreArguments {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,
    /// The folder to restore to, made if it is not there; - is standard output
    #[arg(value_name = "TARGET")]
    pub target: PathBuf,
    /// What to restore.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Replace existing files
    #[arg(short, long)]
    pub force: bool,
    /// Restore what damage has left of the archive, without its ledger if need be; what is left of a damaged
    /// file gets .partial behind its name
    #[arg(long)]
    pub salvage: bool,
    /// What all of it has.
    #[command(flatten)]
    pub common: BatchArguments,
}

/// Arguments of `batch verify`.
#[derive(Args, Debug)]
pub struct BatchVerifyArguments {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,
    /// Only the Nth of T about equal parts, always the same ones
    #[arg(long, value_name = "N/T")]
    pub subset: Option<Subset>,
    /// What all of it has.
    #[command(flatten)]
    pub common: BatchArguments,
}

/// Arguments of `batch list`.
#[derive(Args, Debug)]
pub struct BatchListArguments {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,
    /// What to list.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Say it as one JSON object for each path
    #[arg(long)]
    pub json: bool,
}

/// One of several parts of about the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subset {
    /// Which one, from 1.
    pub number: u64,
    /// Of how many.
    pub total: u64,
}

impl FromStr for Subset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(number, total)| {
                let (number, total) = (number.parse().ok()?, total.parse().ok()?);
                (1..=total)
                    .contains(&number)
                    .then_some(Self { number, total })
            })
            .ok_or_else(|| "not N/T with N from 1 to T".to_owned())
    }
}

/// The models by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LevelArgument {
    /// Less time.
    Fast,
    /// Less space.
    #[default]
    Default,
    /// The least space, in about twice the time.
    Max,
}

impl From<LevelArgument> for Level {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Fast => Self::Fast,
            LevelArgument::Default => Self::Default,
            LevelArgument::Max => Self::Max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_subset_is_one_of_its_parts() {
        assert_eq!(
            "2/7".parse(),
            Ok(Subset {
                number: 2,
                total: 7
            })
        );
        for wrong in ["", "2", "0/7", "8/7", "1/0", "-1/2", "a/b"] {
            assert!(wrong.parse::<Subset>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_description_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
