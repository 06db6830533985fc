//! The way from a command line to a jailed process that has read nothing yet.
//!
//! Order: descriptors are checked, memory is limited, result buffers, pipes and threads are made, the
//! jail is entered and confirms itself, and only then is the first byte read. Invariant: a worker
//! that cannot be jailed, and was not told to do without, reads nothing and ends with status 62.

use std::io::{stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};

use lepta_sandbox::{
    Jail, JailError, SealedBuffer, arena, inherited_descriptor, standard_descriptor_was_closed,
};
use lepta_worker::job::Operation;
use lepta_worker::status::Status;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::arguments::{Arguments, Threads};
use crate::beside_checker::{BesideChecker, verify_beside};
use crate::budget::{self, CODED_LENGTH};
use crate::ending::Ending;
use crate::failure::Failure;
use crate::job_runner::{Readied, run_job};
use crate::last_words::{note_jailed, prepare_last_words};
use crate::reference::{BUFFER_LENGTH, ReferenceInput};
use crate::report::Report;

/// Runs what the command line asks for and ends the process.
pub(crate) fn run(arguments: &Arguments) -> ! {
    prepare_last_words(arguments.report);
    let mut ending = Ending {
        form: arguments.report,
        peak_memory: None,
    };
    let mut report = Report::new();
    report.operation = arguments.operation;
    // Comes first, before anything else could get its number.
    let readied = take_reference(arguments).and_then(|reference| {
        check_descriptors(arguments)?;
        limit_memory(arguments, 0)?;
        enter_jail(arguments, reference, &mut ending)
    });
    match readied {
        Ok(readied) => {
            report.jailed = arguments.sandbox;
            run_job(arguments, readied, ending, report)
        }
        Err(failure) => ending.leave(report, Err(failure)),
    }
}

/// The threads that the operation can make use of.
fn threads(arguments: &Arguments) -> Threads {
    match arguments.operation {
        Some(Operation::Decompress | Operation::Verify | Operation::Inspect | Operation::Probe) => {
            Threads::One
        }
        Some(Operation::Compress | Operation::Store) | None => arguments.threads,
    }
}

/// Sealed buffers that the operation may need.
fn sealed_buffers(arguments: &Arguments) -> usize {
    match arguments.operation {
        Some(Operation::Decompress | Operation::Verify | Operation::Inspect | Operation::Probe) => {
            0
        }
        Some(Operation::Compress | Operation::Store) | None => {
            usize::from(arguments.threads.count())
        }
    }
}

/// Takes the reference's descriptor over, and makes it block.
fn take_reference(arguments: &Arguments) -> Result<Option<OwnedFd>, Failure> {
    let Some(number) = arguments.reference else {
        return Ok(None);
    };
    let descriptor = inherited_descriptor(number).map_err(|_| {
        let message = format!("--patch-from-fd {number}: no such descriptor is open");
        Failure::new(Status::Usage, message)
    })?;
    make_blocking(&descriptor, "the reference's descriptor")?;
    Ok(Some(descriptor))
}

/// Refuses closed descriptors, in whose place there is the null device by now, and makes the others
/// block: in the jail there is no way to wait for one that does not.
#[expect(clippy::disallowed_methods, reason = "runs before the jail")]
fn check_descriptors(arguments: &Arguments) -> Result<(), Failure> {
    if standard_descriptor_was_closed(0) {
        return Err(Failure::new(Status::Read, "standard input is closed"));
    }
    let writes = !matches!(
        arguments.operation,
        Some(Operation::Verify | Operation::Inspect | Operation::Probe)
    );
    if writes && standard_descriptor_was_closed(1) {
        return Err(Failure::new(Status::Write, "standard output is closed"));
    }
    make_blocking(stdin(), "standard input")?;
    make_blocking(stdout(), "standard output")
}

fn make_blocking(descriptor: impl AsFd, name: &str) -> Result<(), Failure> {
    let flags = fcntl(&descriptor, FcntlArg::F_GETFL).map(OFlag::from_bits_retain);
    let outcome = flags.and_then(|flags| match flags.contains(OFlag::O_NONBLOCK) {
        true => fcntl(
            &descriptor,
            FcntlArg::F_SETFL(flags.difference(OFlag::O_NONBLOCK)),
        ),
        false => Ok(0),
    });
    outcome.map(drop).map_err(|errno| {
        let message = format!("{name} cannot be made to block ({errno})");
        Failure::new(Status::Busy, message)
    })
}

/// Limits the arenas to what the budget leaves them beside a reference of `reference` bytes.
pub(crate) fn limit_memory(arguments: &Arguments, reference: usize) -> Result<(), Failure> {
    let limit = arguments.memory_limit;
    if let Some(operation) = arguments.operation {
        budget::row_bytes(operation, limit, reference)?;
    }
    let buffers = sealed_buffers(arguments);
    let (main, second) = budget::arena_bytes(limit, threads(arguments), buffers, reference)?;
    arena::set_limit(arena::Arena::Main, main);
    arena::set_limit(arena::Arena::Second, second);
    Ok(())
}

fn enter_jail(
    arguments: &Arguments,
    reference: Option<OwnedFd>,
    ending: &mut Ending,
) -> Result<Readied, Failure> {
    prepare(arguments, reference, ending).map_err(|error| match arguments.sandbox {
        true => Failure::new(Status::NoSandbox, format!("no jail: {error}")),
        false => Failure::new(Status::Other, error.to_string()),
    })
}

fn prepare(
    arguments: &Arguments,
    reference: Option<OwnedFd>,
    ending: &mut Ending,
) -> Result<Readied, JailError> {
    let mut jail = Jail::new();
    if let Some(seconds) = arguments.time_limit {
        jail.time_limit(seconds);
    }
    ending.peak_memory = Some(jail.peak_memory()?);
    let buffers: Result<Vec<SealedBuffer>, JailError> = (0..sealed_buffers(arguments))
        .map(|_| jail.result_buffer(CODED_LENGTH))
        .collect();
    let beside = match threads(arguments) {
        Threads::One => None,
        Threads::Two => Some(start_checker(&mut jail, arguments)?),
    };
    let reference = match reference {
        None => None,
        Some(descriptor) => Some(ReferenceInput {
            descriptor: jail.input(descriptor),
            buffer: jail.result_buffer(BUFFER_LENGTH)?,
        }),
    };
    let readied = Readied {
        buffers: buffers?,
        beside,
        reference,
    };
    if arguments.sandbox {
        jail.enter()?;
        note_jailed();
    } else {
        jail.stay_outside()?;
    }
    Ok(readied)
}

fn start_checker(jail: &mut Jail, arguments: &Arguments) -> Result<BesideChecker, JailError> {
    let (orders, received_orders) = jail.channel(BesideChecker::CAPACITY)?;
    let (judged, received_judged) = jail.channel(BesideChecker::CAPACITY)?;
    let ending = Ending {
        form: arguments.report,
        peak_memory: Some(jail.peak_memory()?),
    };
    jail.spawn(move || verify_beside(received_orders, judged, ending))?;
    Ok(BesideChecker::new(orders, received_judged))
}
