//! Shared parts of Lepta's end-to-end tests.
//!
//! Invariant: everything here is deterministic. The same seed gives the same
//! bytes on every run, so a failure is reproduced by the seed it names.
#![forbid(unsafe_code)]

pub mod container;
pub mod corpus;
pub mod damage;
pub mod fuzz_properties;
pub mod in_process;
pub mod jpeg_generator;
pub mod png_generator;
pub mod report;
pub mod whole_mcus;
pub mod worker_binary;
pub mod worker_run;

/// How many cases a test tries: `count` in optimised builds, a tenth of it (at
/// least one) in unoptimised ones.
pub fn cases(count: u64) -> u64 {
    if cfg!(debug_assertions) {
        (count / 10).max(1)
    } else {
        count
    }
}
