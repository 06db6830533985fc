//! Where the worker program is, and how it is started.

use std::env;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use lepta_worker::job::{Level, Operation};
use lepta_worker::status::Status;

use crate::problem::Problem;

const NAME: &str = "lepta-worker";
const VARIABLE: &str = "LEPTA_WORKER";

/// The worker program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerBinary {
    path: PathBuf,
}

/// What a worker is started for. `None` leaves the worker's own default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// What it does.
    pub operation: Operation,
    /// The model for compression.
    pub level: Option<Level>,
    /// After how many PNGs models start anew; 0: never.
    pub key_every: Option<u32>,
    /// Bytes that the process may take.
    pub memory_limit: Option<u64>,
    /// The bytes of the original that are wanted of a decompression: first, and behind the last.
    pub range: Option<(u64, u64)>,
    /// A descriptor that the worker inherits and reads the reference from. It must not be closed when
    /// another program is executed.
    pub reference: Option<RawFd>,
    /// Seconds of processor time.
    pub time_limit: Option<u64>,
    /// 2: verify in a thread beside compression.
    pub threads: u8,
}

impl WorkerOptions {
    /// One thread, and the worker's defaults.
    pub const fn new(operation: Operation) -> Self {
        Self {
            operation,
            level: None,
            key_every: None,
            memory_limit: None,
            range: None,
            reference: None,
            time_limit: None,
            threads: 1,
        }
    }

    fn add_to(self, command: &mut Command) {
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        };
        if self.operation == Operation::Compress {
            option("--level", self.level.map(|level| level_name(level).into()));
            option("--key-every", self.key_every.map(|count| count.to_string()));
            option("--threads", Some(self.threads.to_string()));
        }
        if self.operation == Operation::Decompress {
            option(
                "--range",
                self.range.map(|(start, end)| format!("{start}..{end}")),
            );
        }
        option(
            "--patch-from-fd",
            self.reference.map(|descriptor| descriptor.to_string()),
        );
        option(
            "--memory-limit",
            self.memory_limit.map(|limit| limit.to_string()),
        );
        option(
            "--time-limit",
            self.time_limit.map(|limit| limit.to_string()),
        );
        command.arg(self.operation.name());
    }
}

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Fast => "fast",
        Level::Default => "default",
        Level::Max => "max",
    }
}

impl WorkerBinary {
    /// The program that is `named`, else the one that the environment names in `LEPTA_WORKER`, else
    /// `lepta-worker` in the folder of the running program.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn find(named: Option<&Path>) -> Result<Self, Problem> {
        let variable = || env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let named = named
            .map(Path::to_owned)
            .or_else(|| variable().map(PathBuf::from));
        let path = match named {
            Some(path) => path,
            None => beside_this_program()?,
        };
        if !path.is_file() {
            let what = "the worker program is not there";
            return Err(Problem::new(Status::Other, what).at(path).advise(format!(
                "install {NAME} beside lepta, or name it with --worker or {VARIABLE}"
            )));
        }
        Ok(Self { path })
    }

    /// A command that starts a worker for `options`, with an empty environment, which reports as
    /// JSON. Its descriptors are for the caller to set.
    pub fn command(&self, options: &WorkerOptions) -> Command {
        let mut command = self.bare_command();
        options.add_to(&mut command);
        command
    }

    /// The same without a job, which then comes as a header on the input.
    pub fn command_awaiting_job(&self, threads: u8) -> Command {
        let mut command = self.bare_command();
        command.args(["--threads", &threads.to_string(), "--await-job"]);
        command
    }

    fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().args(["--report", "json"]);
        command
    }
}

fn beside_this_program() -> Result<PathBuf, Problem> {
    let own = env::current_exe().and_then(|path| path.canonicalize());
    let own = own.map_err(|error| {
        Problem::new(Status::Other, format!("cannot find this program: {error}")).advise(format!(
            "name the worker program with --worker or {VARIABLE}"
        ))
    })?;
    Ok(own.with_file_name(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &Command) -> Vec<&str> {
        command
            .get_args()
            .filter_map(|argument| argument.to_str())
            .collect()
    }

    #[test]
    fn options_become_arguments_of_the_worker() {
        let worker = WorkerBinary { path: "w".into() };
        let mut options = WorkerOptions::new(Operation::Compress);
        options.level = Some(Level::Fast);
        options.memory_limit = Some(30_000_000);
        let expected = "--report json --level fast --threads 1 --memory-limit 30000000 compress";
        assert_eq!(arguments(&worker.command(&options)).join(" "), expected);
        options.operation = Operation::Decompress;
        let expected = "--report json --memory-limit 30000000 decompress";
        assert_eq!(arguments(&worker.command(&options)).join(" "), expected);
        let expected = "--report json --threads 2 --await-job";
        assert_eq!(
            arguments(&worker.command_awaiting_job(2)).join(" "),
            expected
        );
    }

    #[test]
    fn a_worker_that_is_not_there_is_named() {
        let problem = WorkerBinary::find(Some(Path::new("/nowhere/w"))).expect_err("not there");
        assert!(problem.to_string().starts_with("/nowhere/w: "), "{problem}");
    }
}
