//! The worker: a process that jails itself, compresses, decompresses or verifies one stream from
//! standard input to standard output, says on one line how that went, and ends.
//!
//! The threads' protocol is in [`compress`], the byte budget in [`budget`], the order of the start in
//! [`startup`], the job of a worker that was started ahead in [`lepta_worker::job`].
//!
//! Invariant: nothing that comes from outside is read before the jail is up, and no byte of a
//! compression is written before it was verified, unless the command line says otherwise; and then
//! the report says so.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::disallowed_macros
    )
)]

mod arguments;
mod beside_checker;
mod budget;
mod compress;
#[cfg(test)]
mod damaged_streams;
mod decompress;
mod ending;
mod failure;
mod fault;
mod inline_checker;
mod inspect;
mod job_runner;
mod json;
mod last_words;
mod missing;
mod probe;
mod range;
mod reference;
mod report;
mod salvage;
mod slot;
mod startup;
mod streams;
mod verifier;

use lepta_sandbox::{ArenaAllocator, StandardOutput, install_panic_hook};
use lepta_worker::status::Status;

use arguments::{HELP, ReportForm, Request, UsageError};
use ending::Ending;
use failure::Failure;
use report::Report;
use streams::Output;

#[global_allocator]
static ALLOCATOR: ArenaAllocator = ArenaAllocator::new();

fn main() {
    install_panic_hook();
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(arguments)) => startup::run(&arguments),
        Ok(Request::Help) => print(HELP),
        Ok(Request::Version) => print(concat!("lepta-worker ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(UsageError { message, report }) => {
            end(report, Err(Failure::new(Status::Usage, message)));
        }
    }
}

/// Prints what was asked for instead of a job.
fn print(text: &str) {
    if let Err(failure) = Output::new(StandardOutput).write_all(text.as_bytes()) {
        end(ReportForm::Text, Err(failure));
    }
}

fn end(form: ReportForm, outcome: Result<(), Failure>) -> ! {
    let ending = Ending {
        form,
        peak_memory: None,
    };
    ending.leave(Report::new(), outcome)
}
