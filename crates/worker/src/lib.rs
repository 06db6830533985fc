//! What a parent process needs to know to run `lepta-worker`: its exit statuses and the job header
//! for workers that were started ahead.
//!
//! Invariant: what stands here is the interface between processes; it changes only together with the
//! version in the job header.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::disallowed_macros
    )
)]

pub mod job;
pub mod status;
