//! The container: what stands around the coded data, and what goes into it.

mod level;

pub use level::Level;
