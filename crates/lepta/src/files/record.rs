//! What is said about each file, for people or for machines.
//!
//! Invariant: each file is said exactly once, and [`Log::finish`] is 0 only if nothing went wrong.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;
use serde::Serialize;

use super::inputs::Input;
use super::outputs::Output;
use crate::command_line::FileArguments;
use crate::problem::{Problem, shown};
use crate::storage::{Digest, ReadBack};
use crate::worker::WorkerReport;

/// A file that was handled.
#[derive(Clone, Debug)]
pub(super) struct Done {
    report: WorkerReport,
    input: Digest,
    pub(super) output: Output,
    /// How the result was read back before the file was removed; `None`: it is kept.
    pub(super) read_back: Option<ReadBack>,
}

impl Done {
    pub(super) fn new(report: &WorkerReport, input: Digest, output: Output) -> Self {
        Self {
            report: report.clone(),
            input,
            output,
            read_back: None,
        }
    }
}

/// A file as one JSON object.
#[derive(Serialize)]
struct Record<'a> {
    file: Option<&'a str>,
    /// The bytes of a name that is not UTF-8, as hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hex: Option<String>,
    output: Option<String>,
    operation: &'a str,
    status: u8,
    status_name: &'a str,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    saving_percent: Option<f64>,
    kind: Option<&'a str>,
    width: Option<u32>,
    height: Option<u32>,
    reasons: &'a [String],
    blake3: Option<String>,
    removed: bool,
    read_back: Option<ReadBack>,
    error: Option<String>,
}

/// Says what happened.
#[derive(Debug)]
pub(super) struct Log {
    operation: Operation,
    json: bool,
    /// JSON goes to standard error where standard output has the result.
    json_to_stderr: bool,
    quiet: u8,
    verbose: bool,
    files: u64,
    bytes_in: u64,
    bytes_out: u64,
    failures: Vec<Status>,
}

impl Log {
    pub(super) fn new(arguments: &FileArguments, operation: Operation, to_stdout: bool) -> Self {
        Self {
            operation,
            json: arguments.json,
            json_to_stderr: to_stdout,
            quiet: arguments.quiet,
            verbose: arguments.verbose,
            files: 0,
            bytes_in: 0,
            bytes_out: 0,
            failures: Vec::new(),
        }
    }

    /// Says how it went with one input.
    pub(super) fn note(&mut self, input: &Input, outcome: Result<Done, Problem>) {
        match &outcome {
            Ok(done) => {
                self.files += 1;
                self.bytes_in += done.report.bytes_in;
                self.bytes_out += done.report.bytes_out;
            }
            Err(problem) => self.failures.push(problem.status),
        }
        if self.json {
            self.write_json(input, &outcome);
        }
        match outcome {
            Ok(done) if !self.json && self.quiet == 0 && self.is_worth_a_line(input) => {
                eprintln!("{}", self.line(input, &done));
            }
            Err(problem) if self.quiet < 2 => problem.tell(),
            _ => {}
        }
    }

    /// A filter in a pipe is silent unless asked.
    fn is_worth_a_line(&self, input: &Input) -> bool {
        self.verbose || (*input != Input::Stream && !self.json_to_stderr)
    }

    fn line(&self, input: &Input, done: &Done) -> String {
        let name = input_name(input);
        let report = &done.report;
        let mut line = match (&done.output, self.operation) {
            (Output::File(path), _) => format!("{name} -> {}: ", shown(path)),
            _ => format!("{name}: "),
        };
        line += &match self.operation {
            Operation::Verify => format!("{} bytes are whole", report.bytes_in),
            _ => format!("{} -> {} bytes", report.bytes_in, report.bytes_out),
        };
        if let Some(saving) = saving_percent(self.operation, report.bytes_in, report.bytes_out) {
            line += &format!(", saving {saving:.1} %");
        }
        line += match (self.operation, done.read_back) {
            (Operation::Verify, _) => "",
            (_, None) => ", verified",
            (_, Some(ReadBack::Direct)) => ", verified from the disk, original removed",
            (_, Some(ReadBack::Cached)) => ", verified, read back, original removed",
        };
        if report.alarms > 0 {
            line += &format!(
                ", ALARM: {} failed verifications, stored instead; please report this",
                report.alarms
            );
        }
        let unused = report
            .reasons
            .iter()
            .find(|reason| reason.starts_with("no reference"));
        if let Some(reason) = unused.filter(|_| !self.verbose) {
            line += &format!(", {reason}");
        }
        if self.verbose {
            line += &details(report, &done.input);
        }
        line
    }

    fn write_json(&self, input: &Input, outcome: &Result<Done, Problem>) {
        let done = outcome.as_ref().ok();
        let report = done.map(|done| &done.report);
        let status = outcome
            .as_ref()
            .map_or_else(|problem| problem.status, |_| Status::Done);
        let path = match input {
            Input::File(path) => Some(path.as_path()),
            _ => None,
        };
        let saving = report
            .and_then(|report| saving_percent(self.operation, report.bytes_in, report.bytes_out));
        let record = Record {
            file: path.and_then(Path::to_str),
            file_hex: path.filter(|path| path.to_str().is_none()).map(hexadecimal),
            output: done.and_then(|done| match &done.output {
                Output::File(path) => Some(path.to_string_lossy().into_owned()),
                _ => None,
            }),
            operation: self.operation.name(),
            status: status.code(),
            status_name: status.name(),
            bytes_in: report.map(|report| report.bytes_in),
            bytes_out: report.map(|report| report.bytes_out),
            saving_percent: saving.map(|saving| (saving * 1000.0).round() / 1000.0),
            kind: report.and_then(|report| report.kind.as_deref()),
            width: report.and_then(|report| report.width),
            height: report.and_then(|report| report.height),
            reasons: report.map_or(&[], |report| &report.reasons),
            blake3: done.map(|done| done.input.hash.to_string()),
            removed: done.is_some_and(|done| done.read_back.is_some()),
            read_back: done.and_then(|done| done.read_back),
            error: outcome.as_ref().err().map(ToString::to_string),
        };
        let Ok(text) = serde_json::to_string(&record) else {
            unreachable!("a record has nothing that JSON cannot hold");
        };
        // If nobody listens, the exit status still tells.
        let _ = match self.json_to_stderr {
            true => writeln!(io::stderr(), "{text}"),
            false => writeln!(io::stdout(), "{text}"),
        };
    }

    /// The last line, if there were several files, and the exit status: that of the failures if they
    /// have all the same, else 1.
    pub(super) fn finish(self) -> Status {
        let failed = self.failures.len();
        if self.files + failed as u64 > 1 && self.quiet == 0 && !self.json {
            let mut line = format!("{} files", self.files);
            if self.operation != Operation::Verify {
                line += &format!(": {} -> {} bytes", self.bytes_in, self.bytes_out);
            }
            if let Some(saving) = saving_percent(self.operation, self.bytes_in, self.bytes_out) {
                line += &format!(", saving {saving:.1} %");
            }
            if failed > 0 {
                line += &format!("; {failed} failed");
            }
            eprintln!("{line}");
        }
        match self.failures.split_first() {
            None => Status::Done,
            Some((first, others)) if others.iter().all(|other| other == first) => *first,
            Some(_) => Status::Other,
        }
    }
}

fn input_name(input: &Input) -> String {
    match input {
        Input::File(path) => shown(path),
        _ => "standard input".to_owned(),
    }
}

fn details(report: &WorkerReport, input: &Digest) -> String {
    let mut details = String::new();
    if let (Some(kind), Some(width), Some(height)) = (&report.kind, report.width, report.height) {
        details += &format!(", {kind} {width}x{height}");
    }
    if let Some(peak) = report.peak_rss_bytes {
        details += &format!(", peak {:.1} MB", peak as f64 / 1e6);
    }
    for reason in &report.reasons {
        details += &format!(", {reason}");
    }
    details + &format!(", BLAKE3 of the input {}", input.hash)
}

/// How much smaller the compressed side is, in percent of the original.
fn saving_percent(operation: Operation, bytes_in: u64, bytes_out: u64) -> Option<f64> {
    let (original, compressed) = match operation {
        Operation::Compress | Operation::Store => (bytes_in, bytes_out),
        Operation::Decompress => (bytes_out, bytes_in),
        Operation::Verify | Operation::Inspect => return None,
    };
    (original > 0).then(|| 100.0 * (1.0 - compressed as f64 / original as f64))
}

fn hexadecimal(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
