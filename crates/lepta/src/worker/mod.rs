//! Jailed worker processes, from outside.
//!
//! Invariant: a job counts as done only if its worker ended with status 0 and reported that it was
//! jailed and that everything was verified.

mod binary;
mod importer;
mod outcome;
mod process;

pub use binary::{WorkerBinary, WorkerOptions};
pub use importer::{ImportBinary, ImportJob};
pub use outcome::{Ending, Outcome, WorkerFailure, WorkerReport};
pub use process::{JobError, run_job};
