//! Signals that end the process in order: with one line, and the status for it.
//!
//! Invariant: a handler never returns; it uses the stack alone and leaves by `exit_group`.

use std::ffi::c_int;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::last_words::leave_with_words;
use crate::status;

/// Installs the handlers: the end of processor time, and memory faults (a stack overflow comes as
/// one), for which `std`'s own handler would make forbidden calls. A write past a limit of file size
/// becomes an ordinary error.
pub(crate) fn install() -> nix::Result<()> {
    handle(Signal::SIGXCPU, SigHandler::Handler(out_of_time))?;
    handle(Signal::SIGSEGV, SigHandler::Handler(memory_fault))?;
    handle(Signal::SIGBUS, SigHandler::Handler(memory_fault))?;
    handle(Signal::SIGXFSZ, SigHandler::SigIgn)?;
    handle(Signal::SIGPIPE, SigHandler::SigIgn)
}

fn handle(signal: Signal, handler: SigHandler) -> nix::Result<()> {
    // On the alternate stack that `std` gives each thread: after an overflow there is no other.
    let action = SigAction::new(handler, SaFlags::SA_ONSTACK, SigSet::empty());
    // SAFETY: the handlers do what a handler may: they compute on their stack, write to a
    // descriptor, and end the process.
    unsafe { sigaction(signal, &action) }.map(drop)
}

extern "C" fn out_of_time(_: c_int) {
    leave_with_words(
        status::TIME,
        format_args!("the limit of processor time is used up"),
    );
}

extern "C" fn memory_fault(signal: c_int) {
    leave_with_words(
        status::INTERNAL,
        format_args!("internal error: memory fault or stack overflow (signal {signal})"),
    );
}
