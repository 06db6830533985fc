//! The zlib format (RFC 1950) and DEFLATE (RFC 1951): parsing it into tokens and bytes, and putting
//! out again exactly what zlib would have put out for the same bytes.
//!
//! Invariant: [`Inflater`] accepts what zlib's `inflate` accepts, and for parameters that are those
//! of the writer, [`Replay`] gives back the writer's stream, byte for byte.

mod adler;
mod bit_reader;
mod bit_writer;
mod block_codes;
mod block_models;
mod blocks;
mod code_tables;
mod corrected_replay;
#[cfg(test)]
mod corrected_tests;
mod correction_cost;
mod correction_models;
mod decoding_table;
mod description;
mod error;
mod expander;
mod handover;
mod inflater;
mod likely;
mod long_matches;
mod matcher;
mod miniz_replay;
mod parameters;
mod prefix_code;
mod reference_tokens;
mod replay;
mod search;
mod stored;
#[cfg(test)]
mod tests;
mod token;
mod token_reader;
mod zlib_replay;

pub(crate) use adler::Adler32;
pub(crate) use corrected_replay::{CorrectedReplay, Correcting, WrittenStream};
pub(crate) use correction_cost::BitCount;
pub(crate) use correction_models::CorrectionModels;
pub(crate) use description::Description;
pub(crate) use error::InflateError;
pub(crate) use handover::{Handover, Standing};
pub(crate) use inflater::{Inflated, Inflater};
pub(crate) use likely::likely_parameters;
pub(crate) use parameters::{Compressor, Flush, Parameters, Strategy};
pub(crate) use reference_tokens::same_ends;
pub(crate) use replay::Replay;
pub(crate) use search::{Search, Trial};
pub(crate) use token::Token;
pub(crate) use token_reader::{BlockStart, Pause, Progress, TokenReader};
