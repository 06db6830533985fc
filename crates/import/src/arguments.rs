//! The command line.

use std::ffi::OsString;

use lepta_worker::status::Status;
use lexopt::{Arg, Parser, ValueExt};

use crate::failure::Failure;

/// The most that `--memory-limit` can allow, in bytes: the addresses that the arena reserves.
pub(crate) const MEMORY_LIMIT_MAX: usize = 1 << 30;

/// The limit for the whole process when none is given, in bytes.
const DEFAULT_MEMORY_LIMIT: u64 = 400_000_000;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: lepta-import lep|delta [OPTIONS] <INPUT >OUTPUT

  lep    a .lep file in, its JPEG out
  delta  a lossless JPEG XL of the difference to the frame before in, the frame out, as a PNG

Options:
  --before-fd N          delta: descriptor N gives the frame before, a PNG
  --report text|json     form of the one report line on standard error [text]
  --time-limit SECONDS   processor time, then status 31 [none]
  --memory-limit BYTES   memory of the whole process [400000000]
  --no-sandbox           run without the jail; the report says so
  --help, --version
";

/// What is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Lep,
    Delta,
}

impl Operation {
    pub(crate) const ALL: [Self; 2] = [Self::Lep, Self::Delta];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lep => "lep",
            Self::Delta => "delta",
        }
    }
}

/// The options of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) operation: Operation,
    /// The descriptor of the frame before.
    pub(crate) before: Option<i32>,
    pub(crate) json: bool,
    /// Seconds of processor time, at least 1.
    pub(crate) time_limit: Option<u64>,
    /// Bytes that the whole process may take.
    pub(crate) memory_limit: u64,
    pub(crate) sandbox: bool,
}

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Arguments),
    Help,
    Version,
}

/// Reads the command line, program name excluded.
///
/// # Errors
/// Status 2, with what is wrong.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Request, Failure> {
    parse_all(&mut Parser::from_args(arguments))
        .map_err(|error| Failure::new(Status::Usage, error.to_string()))
}

fn parse_all(parser: &mut Parser) -> Result<Request, lexopt::Error> {
    let mut operation = None;
    let mut taken = Arguments {
        operation: Operation::Lep,
        before: None,
        json: false,
        time_limit: None,
        memory_limit: DEFAULT_MEMORY_LIMIT,
        sandbox: true,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Request::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Request::Version),
            Arg::Long("no-sandbox") => taken.sandbox = false,
            Arg::Long("before-fd") => taken.before = Some(parser.value()?.parse()?),
            Arg::Long("time-limit") => taken.time_limit = Some(parser.value()?.parse()?),
            Arg::Long("memory-limit") => taken.memory_limit = parser.value()?.parse()?,
            Arg::Long("report") => {
                taken.json = match parser.value()?.string()?.as_str() {
                    "json" => true,
                    "text" => false,
                    other => return Err(format!("--report {other}: not text or json").into()),
                };
            }
            Arg::Value(value) if operation.is_none() => {
                let value = value.string()?;
                let named = |operation: &Operation| operation.name() == value;
                operation = Operation::ALL.into_iter().find(named);
                if operation.is_none() {
                    return Err(format!("{value}: not lep or delta").into());
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    taken.operation = operation.ok_or("say lep or delta (see --help)")?;
    Ok(Request::Run(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults() {
        let Ok(Request::Run(arguments)) = parse(["lep"]) else {
            panic!("an operation suffices");
        };
        assert!(arguments.sandbox && !arguments.json);
        assert!(HELP.contains(&format!("[{}]", arguments.memory_limit)));
        assert!(arguments.memory_limit <= MEMORY_LIMIT_MAX as u64);
    }

    #[test]
    fn mistakes_are_2() {
        for line in [
            "",
            "lepton",
            "lep delta",
            "lep --report x",
            "delta --before-fd x",
            "--y",
        ] {
            let failure = parse(line.split_whitespace()).expect_err(line);
            assert_eq!(failure.status, Status::Usage, "{line}");
        }
    }
}
