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
//! That is an alarm, because something is at fault, the codec or the machine. It is none where the encoder
//! took for granted that a PNG was written like the one before, which only the verifying decoder finds
//! out: then the report gives as the reason that the image's deflate stream is of an unknown encoder, and
//! from there on the encoder takes nothing for granted.
//!
//! # Images of several scans
//! Their bytes must all be there before the first of their rows can be coded. The encoder says so
//! ([`Encoder::wanted`]); then they are read into a [`Lookahead`], which takes the place of the slots'
//! own raw bytes until what is left of it fits a slot again. The verifying side compares with the same
//! bytes what its decoder would have to hold otherwise. There is one lookahead at a time: before
//! another one is made, the slot that may still show the last one is waited for.
//!
//! # Ends
//! A failure on this side (say, of a read) waits for the slot that is with the verifier, so that the
//! segments before it are written as with one thread and only one report appears.

use std::io::Read;
use std::sync::Arc;

use lepta_codec::{Encoded, Encoder};
use lepta_worker::status::Status;

use crate::failure::Failure;
use crate::fault::Injection;
use crate::last_words::note_progress;
use crate::report::{Contents, Report};
use crate::slot::{Lookahead, Part, RAW_LENGTH, Slot};
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
    /// Bytes read that no segment handed over has consumed, unless there is a lookahead.
    tail: Vec<u8>,
    /// The same, where they are more than a slot holds.
    lookahead: Option<Lookahead>,
    input_ended: bool,
    /// Segments are stored unseen.
    stores: bool,
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
            lookahead: None,
            input_ended: false,
            stores: false,
            segments: 0,
            report,
            injection,
        }
    }

    /// With `true`, has every segment stored as it is: no model looks at it.
    pub(crate) fn storing(mut self, stores: bool) -> Self {
        self.stores = stores;
        self
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
            let ahead = filled.is_ok() && !slot.input.shown().is_empty();
            if ahead {
                self.code(&mut slot);
            }
            let was_right = self.settle(ahead)?;
            filled?;
            if !(ahead && was_right) {
                self.code(&mut slot);
            }
            let is_end = slot.part == Part::End;
            let was_ahead = slot.input.lookahead.is_some();
            self.hand_over(slot);
            // The memory of a lookahead goes before other models take any, which would lie around it for
            // good.
            let lookahead_ends = was_ahead && self.lookahead.is_none();
            if is_end || lookahead_ends {
                self.settle(false)?;
            }
            if is_end {
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

    /// Takes over what the segment before left and reads until the slot is full, or until an image of
    /// several scans is held whole.
    fn fill(&mut self, slot: &mut Slot) -> Result<(), Failure> {
        slot.number = self.segments;
        slot.input.lookahead.clone_from(&self.lookahead);
        if self.lookahead.is_none() {
            let (own, tail) = (&mut slot.input.own, &self.tail);
            own[..tail.len()].copy_from_slice(tail);
            slot.input.filled = tail.len();
            if !self.input_ended {
                slot.input.filled += self.input.fill(&mut own[tail.len()..])?;
                self.input_ended = slot.input.filled < own.len();
            }
        }
        let shown = slot.input.shown();
        if self.stores || self.input_ended || self.encoder.wanted(shown, false).bytes <= shown.len()
        {
            return Ok(());
        }
        if self.lookahead.is_some() {
            self.encoder.decline_image();
            return Ok(());
        }
        // The lookahead of a slot that is with the checker must go first. If its segment was wrong,
        // the encoder has forgotten the image.
        self.settle(false)?;
        self.look_ahead(slot)
    }

    /// Reads as far as the encoder wants to see.
    fn look_ahead(&mut self, slot: &mut Slot) -> Result<(), Failure> {
        let wanted = self.encoder.wanted(slot.input.shown(), false);
        if wanted.bytes <= slot.input.filled {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(wanted.at_most);
        bytes.extend_from_slice(slot.input.shown());
        while !self.input_ended && self.encoder.wanted(&bytes, false).bytes > bytes.len() {
            let start = bytes.len();
            bytes.resize(wanted.at_most.min(start + RAW_LENGTH), 0);
            let end = start + self.input.fill(&mut bytes[start..])?;
            self.input_ended = end < bytes.len();
            bytes.truncate(end);
        }
        bytes.shrink_to_fit();
        slot.input.lookahead = Some(Lookahead {
            bytes: Arc::new(bytes),
            start: 0,
        });
        Ok(())
    }

    /// Codes a segment of what the slot holds, or the end segment if it holds nothing.
    fn code(&mut self, slot: &mut Slot) {
        let coded = slot.coded.writable();
        if slot.input.shown().is_empty() {
            slot.part = Part::End;
            slot.takes_for_granted = false;
            slot.consumed = 0;
            slot.written = self.encoder.encode_end(coded);
            return;
        }
        if let Some(injection) = self.injection {
            injection.damage_encoder(&mut self.encoder, self.segments);
        }
        let raw = slot.input.shown();
        let Encoded {
            consumed,
            written,
            takes_for_granted,
        } = match self.stores {
            true => Encoded {
                consumed: raw.len(),
                written: self.encoder.store_segment(raw, coded),
                takes_for_granted: false,
            },
            false => self.encoder.encode_segment(raw, self.input_ended, coded),
        };
        slot.part = Part::Coded;
        slot.consumed = consumed;
        slot.written = written;
        slot.takes_for_granted = takes_for_granted;
        slot.segments_stored = self.encoder.summary().segments_stored;
        slot.restarts = self.encoder.summary().restarts;
        slot.restart_cost = self.encoder.summary().restart_cost;
    }

    fn hand_over(&mut self, slot: Slot) {
        let rest = &slot.input.shown()[slot.consumed..];
        self.tail.clear();
        self.lookahead = None;
        if rest.len() <= RAW_LENGTH {
            self.tail.extend_from_slice(rest);
        } else if let Some(lookahead) = &slot.input.lookahead {
            self.lookahead = Some(Lookahead {
                bytes: Arc::clone(&lookahead.bytes),
                start: lookahead.start + slot.consumed,
            });
        }
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
        if let Verdict::Differs { is_fault } = verdict {
            if slot.part == Part::End {
                return Err(verification_failed("the end segment is not right"));
            }
            if coded_since {
                self.encoder.forget_segment();
            }
            if !is_fault {
                self.encoder.add_wrong_guess();
            }
            slot.part = Part::StoredInstead;
            slot.takes_for_granted = false;
            let raw = &slot.input.shown()[..slot.consumed];
            slot.written = self.encoder.encode_stored(raw, slot.coded.writable());
            slot.segments_stored = self.encoder.summary().segments_stored;
            slot.restarts = self.encoder.summary().restarts;
            slot.restart_cost = self.encoder.summary().restart_cost;
            self.submit(slot);
            let (stored, verdict) = self.collect()?;
            if verdict != Verdict::Written {
                let message = "a segment did not decode to the input, even stored";
                return Err(verification_failed(message));
            }
            slot = stored;
        }
        slot.input.lookahead = None;
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
