//! From the jailed process that has read nothing yet to its end.
//!
//! Invariant: model states are allocated here, after the limits and the jail are in force.

use lepta_codec::{
    Decoder, DecoderOptions, Encoder, EncoderOptions, KEY_EVERY, ReferenceFile,
    SEGMENT_HEADER_SIZE, UNIT_MAX,
};
use lepta_sandbox::{Input as StandardInput, SealedBuffer, StandardOutput};
use lepta_worker::job::{ByteRange, JOB_HEADER_LENGTH, Job, Operation};
use lepta_worker::status::Status;

use crate::arguments::Arguments;
use crate::beside_checker::BesideChecker;
use crate::budget::{self, ImageBytes, PAGE};
use crate::compress::Compression;
use crate::decompress::decode;
use crate::ending::Ending;
use crate::failure::Failure;
use crate::fault::Injection;
use crate::inline_checker::InlineChecker;
use crate::inspect::inspect;
use crate::last_words::note_progress;
use crate::probe::probe;
use crate::range::{Part, decode_range};
use crate::reference::ReferenceInput;
use crate::report::Report;
use crate::salvage::salvage;
use crate::slot::Slot;
use crate::startup::limit_memory;
use crate::streams::{Input, Output, UnitReader};
use crate::verifier::{Verifier, VerifierOptions};

/// What was made before the jail, for use in it.
#[derive(Debug)]
pub(crate) struct Readied {
    /// One for each thread that takes part in a compression.
    pub(crate) buffers: Vec<SealedBuffer>,
    /// The thread that verifies, if there is one.
    pub(crate) beside: Option<BesideChecker>,
    /// Where a reference comes from.
    pub(crate) reference: Option<ReferenceInput>,
}

/// A job with the memory for its images.
struct Task {
    job: Job,
    images: ImageBytes,
    reference: Option<ReferenceFile>,
    injection: Option<Injection>,
    /// How a decompression gives back less than all.
    less: Option<Less>,
}

/// What a decompression gives back.
#[derive(Clone, Copy, Debug)]
enum Less {
    /// A part of the original.
    Range(Part),
    /// What damage has left.
    Salvage,
}

/// Runs the job and ends the process.
pub(crate) fn run_job(
    arguments: &Arguments,
    mut readied: Readied,
    ending: Ending,
    mut report: Report,
) -> ! {
    let mut input = Input::new(StandardInput::standard());
    let (report, outcome) = match take_task(arguments, &mut input, readied.reference.take()) {
        Ok(task) => {
            report.begin(&task.job, arguments.threads);
            note_progress(&report);
            match task.job.operation {
                Operation::Compress | Operation::Store => compress(&task, readied, input, report),
                Operation::Decompress => {
                    let output = Output::new(StandardOutput);
                    decompress(&task, input, Some(output), report)
                }
                Operation::Verify => decompress(&task, input, None, report),
                Operation::Inspect => {
                    let outcome = inspect(input, &mut report);
                    (report, outcome)
                }
                Operation::Probe => {
                    let outcome = probe(input, &mut report);
                    (report, outcome)
                }
            }
        }
        Err(failure) => (report, Err(failure)),
    };
    ending.leave(report, outcome)
}

fn take_task(
    arguments: &Arguments,
    input: &mut Input<StandardInput>,
    reference: Option<ReferenceInput>,
) -> Result<Task, Failure> {
    let job = match arguments.operation {
        Some(operation) if !arguments.await_job => Job {
            level: arguments.level.unwrap_or_default(),
            verify: arguments.verify,
            key_every: arguments.key_every.unwrap_or(KEY_EVERY),
            restart_every: arguments.restart_every.unwrap_or(0),
            range: arguments.range,
            reference: reference.is_some(),
            ..Job::of(operation)
        },
        allowed => read_job(input, allowed, arguments.memory_limit)?,
    };
    let memory_limit = job.memory_limit.unwrap_or(arguments.memory_limit);
    let reference = read_reference(job.reference, reference)?;
    let length = reference.as_ref().map_or(0, |file| file.bytes().len());
    let length = length.next_multiple_of(PAGE);
    let mut images = budget::image_bytes(job.operation, memory_limit, length)?;
    if job.operation == Operation::Compress {
        images = budget::at_level(images, job.level);
    }
    limit_memory(arguments, length)?;
    Ok(Task {
        job,
        images,
        reference,
        injection: arguments.injection,
        less: less(arguments, job.range, memory_limit, length)?,
    })
}

fn less(
    arguments: &Arguments,
    range: Option<ByteRange>,
    memory_limit: u64,
    reference: usize,
) -> Result<Option<Less>, Failure> {
    let Some(range) = range else {
        return Ok(arguments.salvage.then_some(Less::Salvage));
    };
    let bytes = budget::range_bytes(memory_limit, reference)?;
    Ok(Some(Less::Range(Part {
        range,
        input_at: arguments.input_at,
        held_bytes: bytes.held,
        pixel_bytes: bytes.pixels,
    })))
}

/// Reads the job of a worker that was started ahead for this operation, or for any.
fn read_job(
    input: &mut Input<StandardInput>,
    allowed: Option<Operation>,
    memory_limit: u64,
) -> Result<Job, Failure> {
    let mut header = [0; JOB_HEADER_LENGTH];
    let length = input.fill(&mut header)?;
    let refuse = |message: String| Err(Failure::new(Status::Usage, message));
    if length < header.len() {
        return refuse(format!("the job header ends after {length} bytes"));
    }
    let job = match Job::decode(&header) {
        Ok(job) => job,
        Err(error) => return refuse(error.to_string()),
    };
    if allowed.is_some_and(|operation| operation != job.operation) {
        return refuse(format!(
            "the job is to {}, which this worker was not started for",
            job.operation.name()
        ));
    }
    if job.memory_limit.is_some_and(|limit| limit > memory_limit) {
        return refuse(format!(
            "the job's memory limit is above the worker's, {memory_limit} bytes"
        ));
    }
    input.begin_object(job.input_limit);
    Ok(job)
}

/// Reads the reference if the job wants it.
fn read_reference(
    wanted: bool,
    source: Option<ReferenceInput>,
) -> Result<Option<ReferenceFile>, Failure> {
    match (wanted, source) {
        (false, _) => Ok(None),
        (true, Some(source)) => source.read().map(Some),
        (true, None) => {
            let message = "the job has a reference, which this worker was not started for";
            Err(Failure::new(Status::Usage, message))
        }
    }
}

fn compress(
    task: &Task,
    readied: Readied,
    input: Input<StandardInput>,
    report: Report,
) -> (Report, Result<(), Failure>) {
    let options = VerifierOptions {
        decoder: task.job.verify.then_some(DecoderOptions {
            state_bytes: task.images.rows,
            image_bytes: task.images.whole,
        }),
        reference: task.reference.clone(),
        injection: task.injection,
    };
    let stores = task.job.operation == Operation::Store;
    let slots = readied.buffers.into_iter();
    let slots = slots.map(|buffer| Slot::new(buffer, &report)).collect();
    let encoder = || {
        let mut encoder = Encoder::new(&EncoderOptions {
            level: task.job.level,
            state_bytes: task.images.rows,
            image_bytes: task.images.whole,
            key_every: task.job.key_every,
            restart_every: task.job.restart_every,
        });
        encoder.set_verified(task.job.verify);
        if let Some(reference) = &task.reference {
            encoder.set_reference(reference.clone());
        }
        encoder
    };
    let (mut report, outcome) = match readied.beside {
        Some(mut checker) => {
            checker.begin(options);
            Compression::new(input, encoder(), checker, slots, report, task.injection)
                .storing(stores)
                .run()
        }
        None => {
            let verifier = Verifier::new(&options, Output::new(StandardOutput));
            let checker = InlineChecker::new(verifier);
            Compression::new(input, encoder(), checker, slots, report, task.injection)
                .storing(stores)
                .run()
        }
    };
    report.verified = outcome.is_ok() && task.job.verify;
    (report, outcome)
}

fn decompress(
    task: &Task,
    input: Input<StandardInput>,
    output: Option<Output<StandardOutput>>,
    mut report: Report,
) -> (Report, Result<(), Failure>) {
    let reader = UnitReader::new(input, SEGMENT_HEADER_SIZE + UNIT_MAX);
    report.is_partial = task.less.is_some();
    let held_bytes = match task.less {
        Some(Less::Range(part)) => part.held_bytes,
        Some(Less::Salvage) | None => 0,
    };
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: task.images.rows - held_bytes,
        image_bytes: task.images.whole - held_bytes,
    });
    if let Some(reference) = &task.reference {
        decoder.set_reference(reference.clone());
    }
    let outcome = match task.less {
        Some(Less::Range(part)) => decode_range(reader, &mut decoder, output, part, &mut report),
        Some(Less::Salvage) => salvage(reader, &mut decoder, output, &mut report),
        None => decode(reader, &mut decoder, output, &mut report),
    };
    (report, outcome)
}
