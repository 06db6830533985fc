//! Compression: reads, codes, has verified and written, segment by segment.
//!
//! # Slots
//! A [`Slot`] has one owner at any time: this side, which fills it and codes into it, or the
//! verifying side ([`Checker`]), which seals it, decodes it, compares it and **writes it to the
//! output itself**, as soon as it is right. With one thread there is one slot and the verifying side
//! works within `submit`. With two threads there are two slots: while the verifier has segment *k*,
//! this side fills the other slot with *k* + 1 and codes it. At most one slot is with the verifier,
//! so segments are judged and written in their order, and only ever by one thread.
//!
//! # A failed verification
//! Segment *k* comes back as [`Verdict::Differs`]; nothing of it was written. This side may already
//! have coded *k* + 1 from an encoder state that followed the wrong one, so that is void too. The
//! encoder takes *k* + 1 and *k* back; *k*'s raw bytes are stored instead, which resets all models,
//! and verified by a decoder that took *k* back as well; then *k* + 1 is coded again from its raw
//! bytes, which are all still in its slot (its tail is only passed on when the slot is handed over).
//! That is the order of events with one thread, so the output is the same. If the stored segment is
//! not right either, the job ends with status 60 before a byte of it is written; so it does if the
//! end segment is not right, which cannot be stored and is therefore never coded ahead.
//!
//! # Ends
//! A failure on this side (say, of a read) waits for the slot that is with the verifier, so that the
//! segments before it are written as with one thread and only one report appears.

use std::io::Read;

use lepta_codec::{Encoded, Encoder};
use lepta_worker::status::Status;

use crate::failure::Failure;
use crate::fault::Injection;
use crate::last_words::note_progress;
use crate::report::{Contents, Report};
use crate::slot::{Part, RAW_LENGTH, Slot};
use crate::streams::Input;
use crate::verifier::Verdict;

/// The verifying side of a compression.
pub(crate) trait Checker {
    /// Hands over a slot. At most one may be there at a time.
    fn submit(&mut self, slot: Slot);

    /// Waits for that slot and takes it back, with what became of it.
    fn collect(&mut self) -> (Slot, Result<Verdict, Failure>);
}

/// A compression under way.
pub(crate) struct Compression<R, C> {
    input: Input<R>,
    encoder: Encoder,
    checker: C,
    /// Slots that hold nothing.
    spare: Vec<Slot>,
    /// Whether a slot is with the checker.
    submitted: bool,
    /// Bytes read that no segment handed over has consumed.
    tail: Vec<u8>,
    input_ended: bool,
    segments: u64,
    report: Report,
    injection: Option<Injection>,
}

impl<R: Read, C: Checker> Compression<R, C> {
    /// `slots`: one, or two for a checker with a thread of its own.
    pub(crate) fn new(
        input: Input<R>,
        encoder: Encoder,
        checker: C,
        slots: Vec<Slot>,
        report: Report,
        injection: Option<Injection>,
    ) -> Self {
        Self {
            input,
            encoder,
            checker,
            spare: slots,
            submitted: false,
            tail: Vec::with_capacity(RAW_LENGTH),
            input_ended: false,
            segments: 0,
            report,
            injection,
        }
    }

    /// Compresses all of the input. The report tells how far it came.
    pub(crate) fn run(mut self) -> (Report, Result<(), Failure>) {
        let outcome = self.run_to_end();
        self.update_report();
        (self.report, outcome)
    }

    fn run_to_end(&mut self) -> Result<(), Failure> {
        loop {
            let mut slot = self.free_slot()?;
            let filled = self.fill(&mut slot);
            // The encoder cannot take the end segment back, so that one is not coded ahead.
            let ahead = filled.is_ok() && slot.filled > 0;
            if ahead {
                self.code(&mut slot);
            }
            let was_right = self.settle(ahead)?;
            filled?;
            if !(ahead && was_right) {
                self.code(&mut slot);
            }
            let is_end = slot.part == Part::End;
            self.hand_over(slot);
            if is_end {
                self.settle(false)?;
                return Ok(());
            }
        }
    }

    fn free_slot(&mut self) -> Result<Slot, Failure> {
        if self.spare.is_empty() {
            self.settle(false)?;
        }
        self.spare
            .pop()
            .ok_or_else(|| Failure::new(Status::Internal, "there is no slot"))
    }

    /// Takes over the tail of the segment before and reads until the slot is full.
    fn fill(&mut self, slot: &mut Slot) -> Result<(), Failure> {
        slot.raw[..self.tail.len()].copy_from_slice(&self.tail);
        slot.filled = self.tail.len();
        slot.number = self.segments;
        if !self.input_ended {
            slot.filled += self.input.fill(&mut slot.raw[slot.filled..])?;
            self.input_ended = slot.filled < slot.raw.len();
        }
        Ok(())
    }

    /// Codes a segment of what the slot holds, or the end segment if it holds nothing.
    fn code(&mut self, slot: &mut Slot) {
        let coded = slot.coded.writable();
        if slot.filled == 0 {
            slot.part = Part::End;
            slot.consumed = 0;
            slot.written = self.encoder.encode_end(coded);
            return;
        }
        if let Some(injection) = self.injection {
            injection.damage_encoder(&mut self.encoder, self.segments);
        }
        let raw = &slot.raw[..slot.filled];
        let Encoded { consumed, written } =
            self.encoder.encode_segment(raw, self.input_ended, coded);
        slot.part = Part::Coded;
        slot.consumed = consumed;
        slot.written = written;
        slot.segments_stored = self.encoder.summary().segments_stored;
    }

    fn hand_over(&mut self, slot: Slot) {
        self.tail.clear();
        self.tail
            .extend_from_slice(&slot.raw[slot.consumed..slot.filled]);
        self.segments += 1;
        self.submit(slot);
    }

    fn submit(&mut self, mut slot: Slot) {
        self.update_report();
        slot.report.clone_from(&self.report);
        self.submitted = true;
        self.checker.submit(slot);
    }

    fn collect(&mut self) -> Result<(Slot, Verdict), Failure> {
        self.submitted = false;
        let (slot, verdict) = self.checker.collect();
        self.report.tally = slot.report.tally;
        note_progress(&self.report);
        Ok((slot, verdict?))
    }

    /// Waits for the slot that is with the checker, if there is one. If its segment was wrong, has it
    /// stored and verified again, and returns false; then what was coded since (`coded_since`: one
    /// segment) is void.
    fn settle(&mut self, coded_since: bool) -> Result<bool, Failure> {
        if !self.submitted {
            return Ok(true);
        }
        let (mut slot, verdict) = self.collect()?;
        let was_right = verdict == Verdict::Written;
        if !was_right {
            if slot.part == Part::End {
                return Err(verification_failed("the end segment is not right"));
            }
            if coded_since {
                self.encoder.forget_segment();
            }
            slot.part = Part::StoredInstead;
            let raw = &slot.raw[..slot.consumed];
            slot.written = self.encoder.encode_stored(raw, slot.coded.writable());
            slot.segments_stored = self.encoder.summary().segments_stored;
            self.submit(slot);
            let (stored, verdict) = self.collect()?;
            if verdict == Verdict::Differs {
                let message = "a segment did not decode to the input, even stored";
                return Err(verification_failed(message));
            }
            slot = stored;
        }
        self.spare.push(slot);
        Ok(was_right)
    }

    fn update_report(&mut self) {
        self.report.bytes_in = self.input.taken();
        self.report.contents = Contents::from(self.encoder.summary());
    }
}

fn verification_failed(message: &str) -> Failure {
    Failure::new(Status::VerificationFailed, message)
}
