//! The command line. Completions and the manual page are made from what stands here.
//!
//! Invariant: this is the only description of options; other modules take parsed arguments.

use std::path::PathBuf;

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
    Manual,
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

/// The models by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LevelArgument {
    /// Less time.
    Fast,
    /// Less space.
    #[default]
    Default,
}

impl From<LevelArgument> for Level {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Fast => Self::Fast,
            LevelArgument::Default => Self::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_description_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
