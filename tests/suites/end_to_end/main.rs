//! End-to-end tests on the real worker and, for what needs ten thousands of
//! cases, on the codec as the worker drives it.
//!
//! Invariant: a test names its input by kind and seed, so that a failure can be
//! repeated with `generate-jpeg KIND SEED`.
#![forbid(unsafe_code)]

mod builds;
mod cut_photos;
mod damage;
mod damaged_scans;
mod fuzz_replay;
mod generated;
mod hostile;
mod images_in_streams;
mod independence;
mod inputs;
mod jail;
mod large_image;
mod png;
mod progressive;
mod reference;
mod streaming;
mod system_calls;
mod verification;
