//! Decompression, and verification as decompression that writes nothing.
//!
//! Invariant: only segments whose checksums were right are written, and success is said only after
//! the lengths and checksums of every whole container were right and nothing else followed.

use std::io::{Read, Write};

use lepta_codec::{Decoder, MAGIC, Step};
use lepta_worker::status::Status;

use crate::failure::Failure;
use crate::last_words::note_progress;
use crate::report::Report;
use crate::streams::{Output, Unit, UnitReader};

/// Decodes all of the input and writes the raw bytes segment by segment; without an output, only
/// checks them. The report tells how far it came.
///
/// # Errors
/// Status 50 where the input ends early, the codec's status for what it refuses, and failures of
/// reading and writing.
pub(crate) fn decode<R: Read, W: Write>(
    mut input: UnitReader<R>,
    decoder: &mut Decoder,
    mut output: Option<Output<W>>,
    report: &mut Report,
) -> Result<(), Failure> {
    let outcome = decode_all(&mut input, decoder, &mut output, report);
    update_report(report, &input, decoder, output.as_ref());
    report.verified = outcome.is_ok();
    outcome
}

fn decode_all<R: Read, W: Write>(
    input: &mut UnitReader<R>,
    decoder: &mut Decoder,
    output: &mut Option<Output<W>>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut is_first = true;
    loop {
        let unit = match input.unit(decoder.wanted())? {
            Unit::Whole(unit) => unit,
            Unit::Cut([]) if decoder.may_end() => return Ok(()),
            Unit::Cut(rest) => return Err(cut(rest, is_first || decoder.may_end())),
        };
        is_first = false;
        match decoder.step(unit) {
            Ok(Step::Raw(raw)) => {
                if let Some(output) = output {
                    output.write_all(raw)?;
                }
                report.tally.segments += 1;
                update_report(report, input, decoder, output.as_ref());
                note_progress(report);
            }
            // Nothing is skipped here, so nothing is lost.
            Ok(Step::More | Step::Lost { .. } | Step::End { .. }) => {}
            Err(error) => return Err(Failure::decoding(error)),
        }
    }
}

/// Has the report tell how far a decompression has come.
pub(crate) fn update_report<R: Read, W: Write>(
    report: &mut Report,
    input: &UnitReader<R>,
    decoder: &Decoder,
    output: Option<&Output<W>>,
) {
    report.bytes_in = input.taken();
    report.tally.segments_stored = decoder.segments_stored();
    report.tally.bytes_out = output.map_or(0, Output::given);
}

/// The failure of an input that ends after these bytes of a unit. Where a container should begin,
/// they may be none of ours.
pub(crate) fn cut(rest: &[u8], begins_container: bool) -> Failure {
    if begins_container && rest.iter().zip(&MAGIC).any(|(byte, magic)| byte != magic) {
        let message = format!("{} bytes stand where a container should begin", rest.len());
        return Failure::new(Status::Malformed, message);
    }
    Failure::new(Status::Truncated, "the compressed data ends too early")
}
