//! The command line. Completions and the manual page are made from what stands here.
//!
//! Invariant: this is the only description of options; other modules take parsed arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
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
    /// Restore compressed files
    #[arg(short, long)]
    pub decompress: bool,
    /// Model for compression
    #[arg(long, value_enum, default_value_t)]
    pub level: LevelArgument,
    /// How workers are run.
    #[command(flatten)]
    pub workers: WorkerArguments,
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
