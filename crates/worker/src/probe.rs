//! What a file is, from its first bytes.
//!
//! Invariant: nothing is decoded, and no more is read than [`PROBED`] bytes.

use std::io::Read;

use lepta_codec::probe as probe_bytes;
use lepta_worker::job::PROBED;

use crate::failure::Failure;
use crate::report::Report;
use crate::streams::Input;

/// Bytes that are enough for nearly all files.
const FIRST: usize = 32 << 10;

/// Reads the start of a file and notes kind and size of the image that it begins with.
///
/// # Errors
/// Those of reading.
pub(crate) fn probe<R: Read>(mut input: Input<R>, report: &mut Report) -> Result<(), Failure> {
    let mut bytes = vec![0; FIRST];
    let mut length = input.fill(&mut bytes)?;
    let mut image = probe_bytes(&bytes[..length]);
    if length == FIRST && image.is_some_and(|image| image.dimensions.is_none()) {
        bytes.resize(PROBED, 0);
        length += input.fill(&mut bytes[length..])?;
        image = probe_bytes(&bytes[..length]);
    }
    report.bytes_in = length as u64;
    report.contents.kind = image.map(|image| image.kind);
    report.contents.dimensions = image.and_then(|image| image.dimensions);
    Ok(())
}
