//! The exit statuses with which this crate itself ends the process.
//!
//! Invariant: each is the number that the worker's status table gives to the same meaning.

/// The memory limit does not suffice.
pub const MEMORY: u8 = 30;
/// The limit of processor time is used up.
pub const TIME: u8 = 31;
/// A bug in the program: a panic or a memory fault.
pub const INTERNAL: u8 = 61;

/// The name of one of these statuses in reports.
pub const fn name(status: u8) -> &'static str {
    match status {
        MEMORY => "memory",
        TIME => "time",
        INTERNAL => "internal",
        _ => "other",
    }
}
