//! PNG files.
//!
//! Invariant: what a model of a PNG's pixels gives back is, after filtering and compressing as its
//! writer did, the file itself, byte for byte; whatever is not is stored.

#[allow(
    dead_code,
    unused_imports,
    reason = "used from where PNG files are taken apart"
)]
mod deflate;
