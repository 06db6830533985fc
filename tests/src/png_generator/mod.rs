//! Writes PNG files of every kind, and such as break the specification in one way.
//!
//! Invariant: a file depends on its parameters alone; its zlib stream is the real zlib's or
//! `miniz_oxide`'s, or one of any legal kind.

mod content;
mod defects;
mod file;
mod filters;
mod parameters;

pub use defects::Defect;
pub use file::{write, write_gray};
pub use parameters::{FilterChoice, Interruption, PngParameters, StreamWriter};
