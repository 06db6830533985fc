//! Reads what other tools have compressed: one file from standard input, its original or its pixels to
//! standard output, one line of report, and ends.
//!
//! - `lep`: a `.lep` file in, its JPEG out, byte for byte, by the `lepton_jpeg` crate.
//! - `delta`: a lossless JPEG XL image in, and a PNG of the same size by a descriptor of its own; the sums of
//!   their samples modulo 256 out, as a PNG. This is how a script archive keeps a screenshot that is little
//!   different from the one before.
//!
//! Invariant: nothing that comes from outside is read before the jail is up, and all memory comes from one
//! arena of a fixed size.
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
mod delta;
mod failure;
mod jxl;
mod lep;
mod pixels;
mod png_reader;
mod png_writer;
mod report;

use std::hash::RandomState;

use lepta_sandbox::{
    ArenaAllocator, Input, Jail, JailError, arena, inherited_descriptor, install_panic_hook,
};
use lepta_worker::status::Status;

use arguments::{Arguments, HELP, MEMORY_LIMIT_MAX, Operation, Request};
use failure::Failure;

#[global_allocator]
static ALLOCATOR: ArenaAllocator = ArenaAllocator::with_reservation(MEMORY_LIMIT_MAX);

/// Resident bytes that are in no arena: program, stack, the C library.
const BASE: u64 = 8_000_000;

fn main() {
    install_panic_hook();
    report::prepare();
    let outcome = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(arguments)) => run(&arguments),
        Ok(Request::Help) => report::print(HELP),
        Ok(Request::Version) => {
            report::print(concat!("lepta-import ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Err(failure) => Err(failure),
    };
    report::leave(&outcome)
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    report::begin(arguments);
    // Comes first, before anything else could get its number.
    let before = match arguments.before {
        None => None,
        Some(number) => Some(inherited_descriptor(number).map_err(|_| {
            let message = format!("--before-fd {number}: no such descriptor is open");
            Failure::new(Status::Usage, message)
        })?),
    };
    let bytes = arguments.memory_limit.saturating_sub(BASE);
    arena::set_limit(
        arena::Arena::Main,
        usize::try_from(bytes).unwrap_or(usize::MAX),
    );
    let mut jail = Jail::new();
    jail.waking();
    if let Some(seconds) = arguments.time_limit {
        jail.time_limit(seconds);
    }
    let before = before.map(|descriptor| jail.input(descriptor));
    enter(jail, arguments.sandbox)
        .map_err(|error| Failure::new(Status::NoSandbox, format!("no jail: {error}")))?;
    report::note_jailed(arguments.sandbox);
    match (arguments.operation, before) {
        (Operation::Lep, _) => lep::restore(Input::standard()),
        (Operation::Delta, Some(before)) => delta::restore(Input::standard(), before),
        (Operation::Delta, None) => Err(Failure::new(
            Status::Usage,
            "delta needs the frame before: --before-fd",
        )),
    }
}

fn enter(mut jail: Jail, sandbox: bool) -> Result<(), JailError> {
    report::note_peak_memory(jail.peak_memory()?);
    // The keys of this thread's hash maps, which the jail would not give any more.
    let _ = RandomState::new();
    match sandbox {
        true => jail.enter(),
        false => jail.stay_outside(),
    }
}
