//! Decompression, and verification as decompression that delivers nothing.
//!
//! Invariant: only segments whose checksums were right are delivered, and success is said only after
//! the lengths and checksums of every whole container were right and nothing else followed.

use std::io::Read;

use lepta_codec::{Decoder, Error, Step};
use lepta_worker::status::Status;

use crate::failure::Failure;
use crate::report::Tally;
use crate::streams::{Unit, UnitReader};

/// Decodes all of the input and delivers the raw bytes segment by segment.
///
/// # Errors
/// Status 50 where the input ends early, the codec's status for what it refuses, and failures of
/// reading and delivering.
pub(crate) fn decode_all<R: Read>(
    input: &mut UnitReader<R>,
    decoder: &mut Decoder,
    mut deliver: impl FnMut(&[u8]) -> Result<(), Failure>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut is_first = true;
    loop {
        let unit = match input.unit(decoder.wanted())? {
            Unit::Whole(unit) => unit,
            Unit::Cut([]) if decoder.may_end() => return Ok(()),
            Unit::Cut(rest) => return Err(cut(rest, is_first || decoder.may_end(), decoder)),
        };
        is_first = false;
        match decoder.step(unit) {
            Ok(Step::Raw(raw)) => {
                deliver(raw)?;
                tally.segments += 1;
            }
            Ok(Step::More | Step::End { .. }) => {}
            Err(error) => return Err(Failure::decoding(&error)),
        }
    }
}

/// The failure of an input that ends after these bytes of a unit: where a container should begin,
/// they may be none of ours.
fn cut(rest: &[u8], begins_container: bool, decoder: &mut Decoder) -> Failure {
    let mut unit = rest.to_vec();
    unit.resize(decoder.wanted(), 0);
    if begins_container
        && !rest.is_empty()
        && matches!(decoder.step(&unit), Err(Error::BadMagic(_)))
    {
        let message = format!("{} bytes stand where a container should begin", rest.len());
        return Failure::new(Status::Malformed, message);
    }
    Failure::new(Status::Truncated, "the compressed data ends too early")
}
