//! The container: what stands around coded data, what goes into it, and both state machines.
//!
//! FORMAT.md at the top of the repository describes every byte; each structure is written and
//! parsed in one place here. Invariants: what the encoder writes depends on the input bytes and
//! the options alone, and a decoder reports the end of a container only after every checksum and
//! length in it has been found right.

mod container_header;
mod decoder;
mod encoder;
mod end;
mod key_schedule;
mod level;
mod models;
mod parts;
mod pixel_decoding;
mod progress;
mod restart_index;
mod segment_decoder;
mod segment_encoder;
mod segment_header;
mod segment_image;
mod segment_info;
mod summary;
mod uniformity;
mod varint;

pub use decoder::{Decoder, DecoderOptions, Step};
pub use encoder::{Encoded, Encoder, EncoderOptions, Wanted};
pub use level::Level;
pub use pixel_decoding::{ImageCount, Start, begins_outside_image_data};
pub use segment_info::{
    CONTAINER_HEADER_SIZE, ContainerEnd, SEGMENT_HEADER_SIZE, SegmentInfo, StartingPlace,
    begins_container, container_header_length, is_whole_segment,
};
pub use summary::{RestartCost, Summary, SummaryImage};

/// The first four bytes of every container of every version.
pub const MAGIC: [u8; 4] = container_header::MAGIC;

/// Most input bytes that one encoded segment takes.
pub const SEGMENT_INPUT: usize = 256 << 10;

/// Most input bytes of a segment that does not begin with a PNG or within its image data, whose strips may
/// need more: with few, a second thread that verifies has little to wait for at the start and to do
/// at the end.
const USUAL_INPUT: usize = SEGMENT_INPUT / 2;

/// After how many PNGs models start anew, unless said otherwise.
pub const KEY_EVERY: u32 = 32;

/// Most raw bytes that a segment of the format may hold.
pub const FORMAT_SEGMENT_MAX: usize = 1 << 20;

/// Bytes by which the payload of a coded segment may exceed its raw bytes.
const CODED_SLACK: usize = 64;

/// Most bytes that one call of the encoder writes, headers included.
pub const ENCODED_SEGMENT_MAX: usize =
    container_header::SIZE_MAX + segment_header::SIZE + SEGMENT_INPUT + CODED_SLACK;

/// Most bytes that a decoder may want at once.
pub const UNIT_MAX: usize = FORMAT_SEGMENT_MAX + CODED_SLACK;

const _: () = assert!(
    container_header::SIZE_MAX + segment_header::SIZE + end::PAYLOAD_MAX + end::FOOTER_SIZE
        <= ENCODED_SEGMENT_MAX
);
