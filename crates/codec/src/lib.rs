//! Lossless recompression of JPEG and PNG files: bytes in, bytes out.
//!
//! The crate does no I/O, starts no threads, reads no clock and logs nothing. Its invariant: the
//! decoder, fed with what the encoder wrote, gives back the encoder's input, byte for byte, on
//! every machine and for every way of splitting the input. Only integer arithmetic touches
//! anything that ends up in coded bytes.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::disallowed_macros
    )
)]

mod bytes;
pub mod entropy;
mod error;
mod fault;
mod jpeg;
mod png;
mod probe;
mod reference_file;
mod simd;
mod stream;

pub use error::Error;
#[cfg(feature = "fault-injection")]
pub use fault::Damage;
pub use jpeg::NotModelled;
pub use probe::{PROBED, ProbedImage, probe};
pub use reference_file::{ReferenceFile, ReferenceIdentity};
pub use stream::{
    CONTAINER_HEADER_SIZE, ContainerEnd, Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoded,
    Encoder, EncoderOptions, FORMAT_SEGMENT_MAX, ImageCount, KEY_EVERY, Level, MAGIC, RestartCost,
    SEGMENT_HEADER_SIZE, SEGMENT_INPUT, SegmentInfo, Start, StartingPlace, Step, Summary,
    SummaryImage, UNIT_MAX, Wanted, begins_container, begins_outside_image_data,
    container_header_length, is_whole_segment,
};
