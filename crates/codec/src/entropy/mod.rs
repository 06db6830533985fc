//! Entropy coding: one range coder, and the adaptive models that feed it.
//!
//! Every model is written once, generic over [`Coder`]: the same code path encodes and decodes,
//! so the two directions cannot drift apart.

pub(crate) mod adaptive;
pub(crate) mod learned;
pub(crate) mod logistic;
pub(crate) mod mixed;
mod range_coder;
pub(crate) mod refined;
pub(crate) mod symbols;
mod vector_coder;

pub use range_coder::{Coder, RangeDecoder, RangeEncoder, SymbolPart};
pub(crate) use range_coder::{code_evenly, code_number};
pub(crate) use vector_coder::{VectorCoder, Vectorizing};
