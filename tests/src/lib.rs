//! Shared parts of Lepta's end-to-end tests.
//!
//! Invariant: everything here is deterministic. The same seed gives the same
//! bytes on every run, so a failure is reproduced by the seed it names.
#![forbid(unsafe_code)]

pub mod jpeg_generator;
