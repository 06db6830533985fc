//! The model of quantised DCT coefficients.
//!
//! Invariant: everything here is a function of coefficients already coded and of the headers, in
//! integers, and each decision is written once for encoding and decoding.

mod binary;
mod block;
mod borders;
mod buckets;
mod coefficients;
mod context;
mod dc;
mod decisions;
mod edges;
mod expectation;
mod interior;
mod mixing;
mod quantization;
mod surroundings;
mod symbolic;
mod tables;
mod thorough;

pub(crate) use block::{Block, Neighbours, Remembered};
pub(crate) use coefficients::CoefficientModel;
pub(crate) use decisions::Decisions;
pub(crate) use mixing::Mixing;
pub(crate) use quantization::Quantization;
pub(crate) use symbolic::Symbolic;
pub(crate) use thorough::Thorough;
