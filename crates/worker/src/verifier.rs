//! Verification: nothing leaves the process that was not sealed, decoded and compared.
//!
//! Invariant: bytes reach the output only from a buffer that the kernel keeps read-only since
//! before they were decoded, and only after a decoder that shares nothing with the encoder but
//! these bytes gave back the raw bytes; or, with `--no-verify`, nobody says that it was so.

use std::io::Write;

use lepta_codec::{
    Decoder, DecoderOptions, Error, ReferenceFile, Step, container_header_length, is_whole_segment,
};

use crate::failure::Failure;
use crate::fault::Injection;
use crate::report::Tally;
use crate::slot::{Part, Slot};
use crate::streams::Output;

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was right and is written.
    Written,
    /// It does not decode to the raw bytes; nothing of it is written. `is_fault`: not for what the encoder
    /// took for granted, as far as can be seen.
    Differs { is_fault: bool },
}

/// How a verifier works.
#[derive(Clone, Debug)]
pub(crate) struct VerifierOptions {
    /// What the decoder may use; `None`: do not verify.
    pub(crate) decoder: Option<DecoderOptions>,
    pub(crate) reference: Option<ReferenceFile>,
    pub(crate) injection: Option<Injection>,
}

/// The decoding half of a compression, with the output.
pub(crate) struct Verifier<W> {
    decoder: Option<Decoder>,
    output: Output<W>,
    injection: Option<Injection>,
    /// Raw bytes of all segments written.
    raw_length: u64,
    tally: Tally,
}

impl<W: Write> Verifier<W> {
    /// Allocates the decoder's state: to be called when the jail is up.
    pub(crate) fn new(options: &VerifierOptions, output: Output<W>) -> Self {
        let mut decoder = options.decoder.as_ref().map(Decoder::new);
        if let (Some(decoder), Some(reference)) = (&mut decoder, &options.reference) {
            decoder.set_reference(reference.clone());
        }
        Self {
            decoder,
            output,
            injection: options.injection,
            raw_length: 0,
            tally: Tally::default(),
        }
    }

    /// Seals, decodes and compares the slot's coded bytes, and writes them out if they are right.
    /// After [`Verdict::Differs`] the next slot must be the same segment, stored instead.
    /// The slot's report tells afterwards what was written.
    pub(crate) fn judge(&mut self, slot: &mut Slot) -> Result<Verdict, Failure> {
        if let Some(injection) = self.injection {
            let coded = &mut slot.coded.writable()[..slot.written];
            injection.damage_result(coded, slot.number, slot.part == Part::StoredInstead);
        }
        slot.coded.seal();
        let verdict = self.judge_sealed(slot);
        slot.coded.unseal();
        slot.report.tally = self.tally;
        verdict
    }

    fn judge_sealed(&mut self, slot: &Slot) -> Result<Verdict, Failure> {
        let coded = &slot.coded[..slot.written];
        let shown = slot.input.shown();
        if let Some(decoder) = &mut self.decoder {
            if slot.part == Part::StoredInstead {
                decoder.forget_segment();
            }
            let end = (slot.part == Part::End).then_some(self.raw_length);
            if decodes_to(decoder, coded, (shown, slot.consumed), end) != Ok(true) {
                let has_changed = !is_whole_segment(&coded[container_header_length(coded)..]);
                let is_fault = has_changed || !slot.takes_for_granted;
                self.tally.alarms += u64::from(is_fault);
                return Ok(Verdict::Differs { is_fault });
            }
        }
        let outcome = self.output.write_all(coded);
        self.tally.bytes_out = self.output.given();
        outcome?;
        self.raw_length += slot.consumed as u64;
        if slot.part != Part::End {
            self.tally.segments += 1;
            self.tally.segments_stored = slot.segments_stored;
            self.tally.restarts = slot.restarts;
            self.tally.restart_cost = slot.restart_cost;
        }
        Ok(Verdict::Written)
    }
}

/// Whether `coded`, all of it, decodes to the first `consumed` bytes of `shown`, and then to the end of
/// a container of `end` bytes if and only if an end is expected.
///
/// # Errors
/// Those of the decoder.
fn decodes_to(
    decoder: &mut Decoder,
    coded: &[u8],
    (shown, consumed): (&[u8], usize),
    end: Option<u64>,
) -> Result<bool, Error> {
    let (mut coded, mut raw) = (coded, &shown[..consumed]);
    let mut ended = None;
    while !coded.is_empty() {
        let Some((unit, rest)) = coded.split_at_checked(decoder.wanted()) else {
            return Ok(false);
        };
        coded = rest;
        match decoder.step_beside(unit, shown)? {
            Step::Lost { .. } => return Ok(false),
            Step::More => {}
            Step::Raw(decoded) => match raw.strip_prefix(decoded) {
                Some(rest) => raw = rest,
                None => return Ok(false),
            },
            Step::End { raw_length } => ended = Some(raw_length),
        }
    }
    Ok(raw.is_empty() && ended == end && decoder.may_end() == end.is_some())
}
