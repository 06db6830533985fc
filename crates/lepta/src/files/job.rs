//! What is done with one file.
//!
//! Invariant: a final name appears only for a result that its worker called verified, and a file is
//! removed only after its result was read back from the disk and, for a compressed one, decoded by
//! another worker to the same bytes.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use super::original::Original;
use super::outputs::{Output, Outputs};
use super::record::Done;
use super::reference::Reference;
use crate::interruption::Interruption;
use crate::problem::{Problem, shown};
use crate::storage::{
    Digest, HashingReader, HashingWriter, Kept, Overwrite, PendingFile, ReadBack, digest_of,
    exists, folder_of, make_folders, read_back,
};
use crate::worker::{WorkerBinary, WorkerOptions, WorkerReport, run_job};

const STDIN: &str = "standard input";
const STDOUT: &str = "standard output";

/// How files are handled.
#[derive(Debug)]
pub(super) struct FileJob<'a> {
    pub(super) worker: WorkerBinary,
    pub(super) options: WorkerOptions,
    pub(super) force: bool,
    /// What files are coded against.
    pub(super) reference: Option<Reference>,
    /// Remove originals.
    pub(super) remove: bool,
    pub(super) interruption: &'a Interruption,
}

/// What one run of a worker gave.
struct Run {
    report: WorkerReport,
    /// Of the bytes that went in.
    input: Digest,
    /// Of those that came out.
    output: Digest,
}

impl FileJob<'_> {
    /// Handles standard input.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) fn run_stream(&self, outputs: &Outputs) -> Result<Done, Problem> {
        let output = outputs.of_stream()?;
        let mut stdin = io::stdin();
        let run = self.run_to(&mut stdin, STDIN, &output, None)?;
        Ok(Done::new(&run.report, run.input, output))
    }

    /// Handles a file.
    ///
    /// # Errors
    /// What went wrong, and where.
    pub(super) fn run_file(&self, path: &Path, outputs: &Outputs) -> Result<Done, Problem> {
        let original = Original::open(path, self.force)?;
        if let Some(reference) = self.reference.as_ref().filter(|_| self.remove)
            && reference.is(&original.snapshot)
        {
            let what = "is the reference that others need, and is never removed";
            return Err(Problem::new(Status::Usage, what)
                .at(path)
                .advise("leave it out, or do without --rm"));
        }
        let output = outputs.of_file(path)?;
        let done = self.run_original(&original, path, output);
        done.map_err(|problem| problem.at(path))
    }

    fn run_original(
        &self,
        original: &Original,
        path: &Path,
        output: Output,
    ) -> Result<Done, Problem> {
        let name = shown(path);
        let run = self.run_to(&mut &original.file, &name, &output, Some(original))?;
        let mut done = Done::new(&run.report, run.input, output);
        if let (true, Output::File(result)) = (self.remove, &done.output) {
            done.read_back = Some(self.prove(&run, result)?);
            original.remove(path, &run.input)?;
        }
        Ok(done)
    }

    /// Runs a worker from `input` to `output`. A file appears only if the original did not change.
    fn run_to(
        &self,
        input: &mut (impl Read + Send),
        input_name: &str,
        output: &Output,
        original: Option<&Original>,
    ) -> Result<Run, Problem> {
        let unchanged = || original.map_or(Ok(()), Original::check_unchanged);
        let run = match output {
            Output::Nothing => self.run_worker(input, input_name, &mut io::sink(), "nothing")?,
            Output::Stdout => {
                let run = self.run_worker(input, input_name, &mut io::stdout(), STDOUT)?;
                unchanged()?;
                run
            }
            Output::File(path) => {
                if let Some(reference) = &self.reference {
                    reference.check_not_replaced(path)?;
                }
                let mut pending = self.begin(path)?;
                let run = self.run_worker(input, input_name, &mut pending, &shown(path))?;
                unchanged()?;
                let kept = original.map(|original| Kept::from(&original.metadata));
                pending.keep(path, kept.as_ref(), self.overwrite())?;
                run
            }
        };
        Ok(run)
    }

    fn overwrite(&self) -> Overwrite {
        match self.force {
            true => Overwrite::Allowed,
            false => Overwrite::Forbidden,
        }
    }

    fn begin(&self, path: &Path) -> Result<PendingFile, Problem> {
        if !self.force && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = folder_of(path);
        let made = make_folders(folder).and_then(|()| PendingFile::create_in(folder));
        made.map_err(|error| Problem::writing(&error).at(path))
    }

    fn run_worker(
        &self,
        input: &mut (impl Read + Send),
        input_name: &str,
        output: &mut impl Write,
        output_name: &str,
    ) -> Result<Run, Problem> {
        let mut input = HashingReader::new(input);
        let mut output = HashingWriter::new(output);
        let options = self.options;
        let report = self.run_job(options, &mut input, &mut output, input_name, output_name)?;
        Ok(Run {
            report,
            input: input.digest(),
            output: output.digest(),
        })
    }

    /// Runs one worker, with a reference if there is one.
    fn run_job(
        &self,
        options: WorkerOptions,
        input: &mut (impl Read + Send),
        output: &mut impl Write,
        input_name: &str,
        output_name: &str,
    ) -> Result<WorkerReport, Problem> {
        let reference = self.reference.as_ref().map(Reference::descriptor);
        let reference = reference.transpose()?;
        let options = WorkerOptions {
            reference: reference.as_ref().map(AsRawFd::as_raw_fd),
            ..options
        };
        run_job(&self.worker, &options, input, output, self.interruption)
            .map_err(|error| error.into_problem(input_name, output_name))
    }

    /// Reads a result back from the disk. If it is a compressed one, another worker decodes it.
    fn prove(&self, run: &Run, result: &Path) -> Result<ReadBack, Problem> {
        let reading = |error: io::Error| Problem::reading(&error).at(result);
        let (mut stored, how) = read_back(result).map_err(reading)?;
        let (found, expected) = match self.options.operation {
            Operation::Compress => {
                let mut decoded = HashingWriter::new(io::sink());
                let options = WorkerOptions {
                    operation: Operation::Decompress,
                    ..self.options
                };
                let name = shown(result);
                self.run_job(options, &mut stored, &mut decoded, &name, "nothing")?;
                (decoded.digest(), run.input)
            }
            _ => (digest_of(stored).map_err(reading)?, run.output),
        };
        if found != expected {
            let what = "what the disk gives back is not what was written; the original is kept";
            return Err(Problem::new(Status::VerificationFailed, what)
                .at(result)
                .advise("check the disk and the memory of this machine"));
        }
        Ok(how)
    }
}
