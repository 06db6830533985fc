//! What a container says about itself, from its last bytes alone.
//!
//! Invariant: what is reported stands behind checksums that were right. Nothing is decoded, so nothing
//! is said of what comes before the end.

use std::io::Read;

use lepta_codec::ContainerEnd;
use lepta_worker::job::INSPECTED;
use lepta_worker::status::Status;

use crate::failure::Failure;
use crate::report::Report;
use crate::streams::Input;

/// Reads the end of a container and notes its length, its original's, and where decoding can start.
///
/// # Errors
/// Status 54 if no container ends where the input does.
pub(crate) fn inspect<R: Read>(mut input: Input<R>, report: &mut Report) -> Result<(), Failure> {
    let mut bytes = vec![0; INSPECTED];
    let length = input.fill(&mut bytes)?;
    let end = ContainerEnd::find(&bytes[..length]);
    let Some((end, container_length)) = end.and_then(|end| {
        let length = end.container_length?;
        Some((end, length))
    }) else {
        return Err(Failure::new(
            Status::Malformed,
            "no container ends here: the file is cut, or not in Lepta's format",
        ));
    };
    report.bytes_in = container_length;
    report.tally.bytes_out = end.raw_length;
    report.tally.restarts = end.places.len() as u64;
    report.verified = true;
    Ok(())
}
