//! The command line.
//!
//! Invariant: whatever is given, either one complete [`Arguments`] comes out or one line that says
//! what is wrong, together with the form of report that was asked for until then.

use std::ffi::OsString;

use lepta_codec::Level;
use lepta_worker::job::{ByteRange, Operation, RESTART_EVERY_MIN};
use lexopt::{Arg, Parser, ValueExt};

use crate::budget::DEFAULT_MEMORY_LIMIT;
use crate::fault::Injection;
use crate::report::level_name;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: lepta-worker compress|decompress|verify|store|inspect|probe [OPTIONS] <INPUT >OUTPUT

  compress     any bytes in, a verified container out
  decompress   containers in, the original bytes out
  verify       containers in: are they whole? writes nothing
  store        any bytes in, a verified container out that holds them as they are
  inspect      the end of a container in: what does it say of itself? writes nothing
  probe        the first bytes of a file in: which image, of which size? writes nothing

Options:
  --level NAME           model for compression: fast, default or max [default]
  --threads 1|2          2: verification in a thread of its own, same bytes [1]
  --report text|json     form of the one report line on standard error [text]
  --time-limit SECONDS   processor time, then status 31 [none]
  --memory-limit BYTES   memory of the whole process [24000000]
  --key-every N          start anew after N PNGs, so that what follows decodes alone; 0: never [32]
  --restart-every BYTES  the same after so many bytes, also within a JPEG [none]
  --range START..END     decompress only these bytes of the original; nothing behind them is read
  --input-at OFFSET      with --range: the input begins at this place of the restart index
  --salvage              decompress what damage has left; status 51 and what is missing
  --patch-from-fd N      code against the PNG that descriptor N gives; decoding needs the same file
  --no-verify            compress without decoding and comparing; the report says so
  --no-sandbox           run without the jail; the report says so
  --await-job            read the job from a header on the input, once the jail is up
  --help, --version
";

/// The form of the report on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportForm {
    /// One line for people.
    Text,
    /// One JSON object on one line.
    Json,
}

/// How many threads a worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Verification takes turns with coding.
    One,
    /// Verification runs beside coding, one segment behind.
    Two,
}

impl Threads {
    pub(crate) const fn count(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// The options of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// What to do; `None` only with `await_job`.
    pub(crate) operation: Option<Operation>,
    /// The level of a compression; `None`: not given.
    pub(crate) level: Option<Level>,
    /// After how many PNGs all models start anew, 0 for never; `None`: not given.
    pub(crate) key_every: Option<u32>,
    /// After how many raw bytes; `None`: not given.
    pub(crate) restart_every: Option<u64>,
    /// The part that is to be decompressed.
    pub(crate) range: Option<ByteRange>,
    /// Where in the original the input begins, if not with a container.
    pub(crate) input_at: Option<u64>,
    pub(crate) salvage: bool,
    /// The descriptor of a reference file, 3 or above.
    pub(crate) reference: Option<i32>,
    pub(crate) threads: Threads,
    pub(crate) report: ReportForm,
    /// Seconds of processor time, at least 1.
    pub(crate) time_limit: Option<u64>,
    /// Bytes that the whole process may take.
    pub(crate) memory_limit: u64,
    pub(crate) sandbox: bool,
    pub(crate) verify: bool,
    pub(crate) await_job: bool,
    pub(crate) injection: Option<Injection>,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Arguments),
    Help,
    Version,
}

/// What is wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageError {
    pub(crate) message: String,
    /// The form of report asked for before the mistake.
    pub(crate) report: ReportForm,
}

/// A wrong option or value, before it is known in which form to report it.
struct Mistake(String);

impl From<lexopt::Error> for Mistake {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

impl Arguments {
    fn new() -> Self {
        Self {
            operation: None,
            level: None,
            key_every: None,
            restart_every: None,
            range: None,
            input_at: None,
            salvage: false,
            reference: None,
            threads: Threads::One,
            report: ReportForm::Text,
            time_limit: None,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            sandbox: true,
            verify: true,
            await_job: false,
            injection: None,
        }
    }

    /// Takes the arguments one by one; `Some` when one settles the request by itself.
    fn take_all(&mut self, parser: &mut Parser) -> Result<Option<Request>, Mistake> {
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Some(Request::Help)),
                Arg::Long("version") | Arg::Short('V') => return Ok(Some(Request::Version)),
                Arg::Long("no-sandbox") => self.sandbox = false,
                Arg::Long("no-verify") => self.verify = false,
                Arg::Long("await-job") => self.await_job = true,
                Arg::Long("level") => {
                    self.level = Some(one_of(parser, "--level", &LEVELS)?);
                }
                Arg::Long("key-every") => {
                    let count = number(parser, "--key-every", 0)?;
                    self.key_every = Some(u32::try_from(count).unwrap_or(u32::MAX));
                }
                Arg::Long("restart-every") => {
                    self.restart_every =
                        Some(number(parser, "--restart-every", RESTART_EVERY_MIN)?);
                }
                Arg::Long("range") => {
                    let value = text(parser)?;
                    let range = ByteRange::parse(&value);
                    self.range = Some(range.ok_or_else(|| {
                        Mistake(format!("--range {value}: not START..END, or empty"))
                    })?);
                }
                Arg::Long("input-at") => {
                    self.input_at = Some(number(parser, "--input-at", 0)?);
                }
                Arg::Long("salvage") => self.salvage = true,
                Arg::Long("patch-from-fd") => {
                    let descriptor = number(parser, "--patch-from-fd", 3)?;
                    self.reference = Some(i32::try_from(descriptor).unwrap_or(i32::MAX));
                }
                Arg::Long("threads") => self.threads = one_of(parser, "--threads", &THREADS)?,
                Arg::Long("report") => self.report = one_of(parser, "--report", &REPORTS)?,
                Arg::Long("time-limit") => {
                    self.time_limit = Some(number(parser, "--time-limit", 1)?);
                }
                Arg::Long("memory-limit") => {
                    self.memory_limit = number(parser, "--memory-limit", 0)?;
                }
                #[cfg(feature = "fault-injection")]
                Arg::Long("inject") => {
                    let value = text(parser)?;
                    self.injection = Some(
                        Injection::parse(&value)
                            .ok_or_else(|| Mistake(format!("--inject {value}: not KIND:SEED")))?,
                    );
                }
                Arg::Value(value) if self.operation.is_none() => {
                    self.operation = Some(operation(value)?);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(None)
    }

    /// The rules between options.
    fn check(&self) -> Result<(), Mistake> {
        let rule = |broken: bool, message: &str| match broken {
            true => Err(Mistake(message.to_owned())),
            false => Ok(()),
        };
        rule(
            self.operation.is_none() && !self.await_job,
            "say compress, decompress, verify, store, inspect or probe (see --help)",
        )?;
        let is_job_said = self.level.is_some()
            || self.key_every.is_some()
            || self.restart_every.is_some()
            || self.range.is_some()
            || !self.verify;
        rule(
            self.await_job && is_job_said,
            "with --await-job, --level, --key-every, --restart-every, --range and --no-verify \
             come with the job",
        )?;
        let is_other_than =
            |wanted: Operation| self.operation.is_some_and(|operation| operation != wanted);
        let decompresses_less = self.range.is_some() || self.salvage;
        rule(
            self.await_job && self.salvage,
            "--salvage is not for --await-job",
        )?;
        for (is_given, option) in [
            (self.key_every.is_some(), "--key-every"),
            (self.restart_every.is_some(), "--restart-every"),
            (!self.verify, "--no-verify"),
        ] {
            rule(
                is_given && is_other_than(Operation::Compress),
                &format!("{option} is for compress alone"),
            )?;
        }
        rule(
            decompresses_less && is_other_than(Operation::Decompress),
            "--range and --salvage are for decompress alone",
        )?;
        rule(
            self.range.is_some() && self.salvage,
            "--range and --salvage exclude each other",
        )?;
        rule(
            self.input_at.is_some() && self.range.is_none(),
            "--input-at is for --range alone",
        )
    }
}

const LEVELS: [(&str, Level); 3] = [
    (level_name(Level::Fast), Level::Fast),
    (level_name(Level::Default), Level::Default),
    (level_name(Level::Max), Level::Max),
];
const THREADS: [(&str, Threads); 2] = [("1", Threads::One), ("2", Threads::Two)];
const REPORTS: [(&str, ReportForm); 2] = [("text", ReportForm::Text), ("json", ReportForm::Json)];

/// Reads the command line, program name excluded.
///
/// # Errors
/// The first mistake in it.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Request, UsageError> {
    let mut taken = Arguments::new();
    let outcome =
        taken
            .take_all(&mut Parser::from_args(arguments))
            .and_then(|settled| match settled {
                Some(request) => Ok(request),
                None => taken.check().map(|()| Request::Run(taken.clone())),
            });
    outcome.map_err(|Mistake(message)| UsageError {
        message,
        report: taken.report,
    })
}

fn text(parser: &mut Parser) -> Result<String, Mistake> {
    Ok(parser.value()?.string()?)
}

fn one_of<T: Copy>(parser: &mut Parser, option: &str, choices: &[(&str, T)]) -> Result<T, Mistake> {
    let value = text(parser)?;
    let chosen = choices.iter().find(|(name, _)| *name == value);
    chosen.map(|&(_, choice)| choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        Mistake(format!("{option} {value}: not {}", names.join(" or ")))
    })
}

fn number(parser: &mut Parser, option: &str, least: u64) -> Result<u64, Mistake> {
    let value = text(parser)?;
    let number = value.parse().ok().filter(|&number| number >= least);
    number.ok_or_else(|| {
        Mistake(format!(
            "{option} {value}: not a whole number from {least} up"
        ))
    })
}

fn operation(value: OsString) -> Result<Operation, Mistake> {
    let value = value.string()?;
    let named = |operation: &Operation| operation.name() == value;
    let found = Operation::ALL.into_iter().find(named);
    found.ok_or_else(|| {
        Mistake(format!(
            "{value}: not compress, decompress, verify, store, inspect or probe"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Arguments, String> {
        match parse(line.split_whitespace()) {
            Ok(Request::Run(arguments)) => Ok(arguments),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.message),
        }
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let arguments = run("compress").expect("an operation suffices");
        assert_eq!(
            arguments,
            Arguments {
                operation: Some(Operation::Compress),
                ..Arguments::new()
            }
        );
        assert!(HELP.contains(&format!("[{DEFAULT_MEMORY_LIMIT}]")));
    }

    #[test]
    fn every_option_is_taken() {
        let arguments = run(
            "--level fast --threads=2 decompress --report json --time-limit 7 \
             --memory-limit 9000000 --no-sandbox --patch-from-fd 3",
        )
        .expect("all of it is right");
        assert_eq!(arguments.operation, Some(Operation::Decompress));
        assert_eq!(arguments.level, Some(Level::Fast));
        assert_eq!(arguments.threads.count(), 2);
        assert_eq!(arguments.report, ReportForm::Json);
        assert_eq!(arguments.time_limit, Some(7));
        assert_eq!(arguments.memory_limit, 9_000_000);
        assert_eq!(arguments.reference, Some(3));
        assert!(!arguments.sandbox && arguments.verify && !arguments.await_job);
        assert!(run("--await-job").expect("no operation").await_job);
        assert!(!run("compress --no-verify").expect("allowed").verify);
    }

    #[test]
    fn each_mistake_is_named() {
        for (line, part) in [
            ("", "say compress"),
            ("shrink", "shrink"),
            ("compress verify", "verify"),
            ("compress --level best", "fast or default or max"),
            ("compress --threads 3", "1 or 2"),
            ("compress --time-limit 0", "from 1 up"),
            ("compress --memory-limit -1", "--memory-limit -1"),
            ("compress --memory-limit", "memory-limit"),
            ("compress --patch-from-fd 2", "--patch-from-fd 2"),
            ("compress --nonsense", "--nonsense"),
            ("verify --no-verify", "compress alone"),
            ("--await-job --level fast", "come with the job"),
            ("--await-job --key-every 3", "come with the job"),
            ("verify --key-every 3", "for compress alone"),
            ("decompress --restart-every 65536", "for compress alone"),
            ("compress --restart-every 4095", "from 4096 up"),
            ("compress --range 1..2", "for decompress alone"),
            ("decompress --range 2..2", "or empty"),
            ("decompress --range 2", "START..END"),
            ("decompress --range 1..2 --salvage", "exclude"),
            ("decompress --input-at 7", "for --range alone"),
            ("--await-job --range 1..2", "come with the job"),
            ("--await-job --restart-every 65536", "come with the job"),
            ("--await-job --salvage", "not for --await-job"),
            ("compress --await-job --no-verify", "come with the job"),
        ] {
            let message = run(line).expect_err(line);
            assert!(message.contains(part), "{line}: {message}");
            assert!(!message.contains('\n'));
        }
    }

    #[test]
    fn a_mistake_is_reported_in_the_form_asked_for_before_it() {
        let error = parse(["--report", "json", "--nonsense"]).expect_err("unknown option");
        assert_eq!(error.report, ReportForm::Json);
    }

    #[test]
    fn help_and_version_win_over_what_follows() {
        assert_eq!(parse(["--help", "--nonsense"]), Ok(Request::Help));
        assert_eq!(parse(["compress", "--version"]), Ok(Request::Version));
    }
}
