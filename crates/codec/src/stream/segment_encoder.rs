//! From raw bytes to the payload of a coded segment.

use super::key_schedule::signatures;
use super::models::Models;
use super::parts::{self, Part};
use super::summary::RestartCost;
use super::uniformity;
use super::{CODED_SLACK, SEGMENT_INPUT, USUAL_INPUT, segment_header};
use crate::bytes::BLOCK;
use crate::entropy::RangeEncoder;
use crate::{jpeg, png};

/// What became of the bytes of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) image_bytes: u64,
    pub(super) model_bytes: u64,
    pub(super) noise_bytes: u64,
    pub(super) restart_cost: RestartCost,
}

/// Bytes of a segment of one run of MCUs beside those: header, list of parts, end of the coder's stream.
const FRAMING: usize = segment_header::SIZE + 5 + 2;

/// Bytes of a resumption in the list of parts.
const LISTED: usize = 3;

/// The outcome of coding one segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodedSegment {
    /// Bytes of the window that are coded.
    pub(super) consumed: usize,
    /// Size of the payload, or `None` if it is larger than the format allows.
    pub(super) payload: Option<usize>,
    pub(super) tally: Tally,
}

/// How the coding of an image's data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// They are coded to their end.
    Done,
    /// More input is needed to go on.
    More,
    /// They are to be left.
    Odd,
}

/// The search for the place in a segment where a scan that was left goes on: at the segment's start,
/// and wherever one is left.
struct Search {
    /// Where a scan was left, in front of which nothing has been looked for.
    left_at: Option<usize>,
    /// Whether nothing has been looked for yet.
    is_new: bool,
    /// Scans are not taken up in front of this.
    least: usize,
    found: Option<jpeg::FoundReentry>,
    budget: jpeg::SearchBudget,
}

impl Search {
    fn new() -> Self {
        Self {
            left_at: None,
            is_new: true,
            least: 0,
            found: None,
            budget: jpeg::SearchBudget::of_segment(),
        }
    }

    /// Where in the window the scan that was left goes on, at `consumed` or behind it.
    fn find(
        &mut self,
        models: &mut Models,
        window: &[u8],
        consumed: usize,
    ) -> Option<jpeg::FoundReentry> {
        if !models.jpeg.may_reenter() {
            self.found = None;
            return None;
        }
        let left_at = self.left_at.take();
        if left_at.is_none() && !self.is_new {
            return self.found;
        }
        self.is_new = false;
        let start = consumed.max(self.least);
        let at_end = left_at == Some(start);
        let (rest, budget) = (window.get(start..)?, &mut self.budget);
        self.found = models.jpeg.find_reentry(rest, at_end, budget);
        if let Some(found) = &mut self.found {
            found.offset += start;
            // Every search moves on, so that there is an end to it.
            self.least = found.offset + 1;
        }
        self.found
    }
}

/// Bytes by which a scan that was taken up again is judged.
const TRIAL_BYTES: usize = 4096;

/// Working memory, kept from segment to segment.
#[derive(Debug, Default)]
pub(super) struct SegmentEncoder {
    /// Each with the offset of its first byte in the window.
    pub(super) parts: Vec<(Part, usize)>,
    /// Whether further bytes may join the last part.
    pub(super) open: bool,
    /// Whether further MCUs may join it.
    in_run: bool,
    /// Whether rows stand for bytes of later segments.
    pub(super) has_rows: bool,
    /// The coded list of parts, then the raw parts.
    front: Vec<u8>,
    /// Whether an image of several scans begins here.
    pub(super) has_opening: bool,
    /// Whether an image behind it needs what this segment tells the models.
    is_needed: bool,
    /// Whether the payload is of no use.
    pub(super) overflowed: bool,
    pub(super) tally: Tally,
    /// Damage to the next segment.
    #[cfg(feature = "fault-injection")]
    pub(super) damage: Option<crate::Damage>,
}

/// What part of its size a segment may grow by if an image behind it needs what it tells: stored, the
/// models would know nothing, and that image would be lost to them, which costs more.
const WORTH_OF_IMAGE: usize = 4;

impl SegmentEncoder {
    /// Codes a prefix of `input`, no more than [`SEGMENT_INPUT`] bytes, into the start of `room`.
    /// `ends`: nothing comes after those. `resumption`: the models have seen nothing, and go on with this.
    pub(super) fn encode(
        &mut self,
        models: &mut Models,
        input: &[u8],
        ends: bool,
        resumption: Option<&jpeg::Resumption>,
        room: &mut [u8],
    ) -> CodedSegment {
        let mut window = &input[..input.len().min(SEGMENT_INPUT)];
        let mut ends = ends;
        let begins_in_image_data = models.png.in_image_data();
        let room_size = room.len();
        self.has_rows = false;
        self.has_opening = false;
        self.is_needed = false;
        self.overflowed = false;
        self.parts.clear();
        self.open = false;
        self.in_run = false;
        self.tally = Tally::default();
        if models.jpeg.goes_on_beside() {
            self.tally.restart_cost.add(FRAMING, 0);
        }
        let mut coder = RangeEncoder::new(room);
        #[cfg(feature = "fault-injection")]
        if let Some(damage) = self.damage.take() {
            coder.inject(damage);
            models.jpeg.inject(damage);
        }
        if let Some(resumption) = resumption {
            self.resume(models, &mut coder, resumption);
        }
        let mut consumed = 0;
        let mut search = Search::new();
        while consumed < window.len() {
            if models.jpeg.image_is_announced() {
                // The caller brings the rest again, with the whole image behind it.
                if consumed > 0 {
                    break;
                }
                self.begin_image(models, &mut coder, input);
            }
            if models.jpeg.encoding().is_some() {
                consumed = self.encode_image(models, &mut coder, input, consumed, room_size);
                if models.jpeg.encoding().is_some() {
                    break;
                }
                continue;
            }
            if !models.in_image() {
                let found = search.find(models, window, consumed);
                match found {
                    Some(found) if found.offset == consumed => {
                        self.reenter(models, &mut coder, &found);
                        search.found = None;
                    }
                    _ => {
                        let end = found.map_or(window.len(), |found| found.offset);
                        consumed += self.encode_bytes(models, &mut coder, &window[..end], consumed);
                    }
                }
                continue;
            }
            let start = consumed;
            let outcome = if models.jpeg.in_scan() {
                self.encode_scan(models, &mut coder, window, &mut consumed, ends)
            } else {
                self.encode_image_data(models, &mut coder, window, &mut consumed, ends)
            };
            self.tally.image_bytes += (consumed - start) as u64;
            match outcome {
                Outcome::Done if begins_in_image_data => {
                    // So the next PNG, which may need this one, can be decoded in full where only the
                    // pixels of this one were.
                    if let Some(next) = signatures(&window[consumed..]).next() {
                        self.is_needed = true;
                        window = &window[..consumed + next];
                        ends = false;
                    }
                }
                Outcome::Done => {}
                // The caller brings the rest again, with more behind it.
                Outcome::More if consumed > 0 && !ends => break,
                Outcome::More | Outcome::Odd => {
                    models.leave_image();
                    search.left_at = Some(consumed);
                }
            }
        }
        if self.has_opening && models.jpeg.encoding().is_none() {
            // All that the rows stand for is here.
            self.has_rows = false;
        }
        self.is_needed |= models.is_in_front_of_image_data();
        let entropy = coder.finish();
        CodedSegment {
            consumed,
            payload: entropy.and_then(|entropy| self.assemble(window, consumed, entropy, room)),
            tally: self.tally,
        }
    }

    /// Codes what there is of a scan from `consumed` on, and moves that.
    fn encode_scan(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        consumed: &mut usize,
        ends: bool,
    ) -> Outcome {
        if !models.jpeg.is_on_trial() {
            return self.encode_mcus(models, coder, &window[*consumed..], consumed, ends);
        }
        // What was taken for a scan again may be something else, and cost more than as bytes.
        loop {
            let rest = &window[*consumed..];
            let (before, size) = (*consumed, coder.size());
            let outcome = if rest.len() > TRIAL_BYTES {
                self.encode_mcus(models, coder, &rest[..TRIAL_BYTES], consumed, false)
            } else {
                self.encode_mcus(models, coder, rest, consumed, ends)
            };
            if outcome != Outcome::More || rest.len() <= TRIAL_BYTES || *consumed == before {
                return outcome;
            }
            if coder.size() - size > *consumed - before {
                return Outcome::Odd;
            }
        }
    }

    /// Codes MCUs from the start of `rest`, which stands at `consumed`.
    fn encode_mcus(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        rest: &[u8],
        consumed: &mut usize,
        ends: bool,
    ) -> Outcome {
        let before = coder.size();
        let run = models.jpeg.encode_mcus(coder, rest, rest.len(), ends);
        if let Some(unbroken) = run.unbroken_size {
            // In segments of the usual length the MCUs would take part of one's framing too.
            let otherwise = unbroken + FRAMING * run.consumed / USUAL_INPUT;
            let taken = coder.size() - before;
            self.tally.restart_cost.add(taken, otherwise);
        }
        if run.mcus > 0 {
            match self.parts.last_mut() {
                Some((Part::McuRun(total), _)) if self.in_run => *total += run.mcus,
                _ => self.parts.push((Part::McuRun(run.mcus), *consumed)),
            }
            self.in_run = run.end == jpeg::RunEnd::More;
            self.open = false;
        }
        *consumed += run.consumed;
        match run.end {
            jpeg::RunEnd::ScanDone => Outcome::Done,
            jpeg::RunEnd::More => Outcome::More,
            jpeg::RunEnd::Odd(_) => Outcome::Odd,
        }
    }

    /// Goes on with a scan in new models.
    fn resume(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        resumption: &jpeg::Resumption,
    ) {
        let length = resumption.header_length();
        let before = coder.size();
        match models.resume(coder, length, Some(resumption)) {
            Ok(()) => self.parts.push((Part::Resumption(length as u32), 0)),
            Err(_) => self.overflowed = true,
        }
        if models.jpeg.goes_on_beside() {
            let cost = &mut self.tally.restart_cost;
            cost.restarts += 1;
            cost.add(coder.size() - before + LISTED, 0);
        }
    }

    /// Takes up the scan that was left.
    fn reenter(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        found: &jpeg::FoundReentry,
    ) {
        let mcu = found.reentry.mcu;
        if models.jpeg.reenter(coder, mcu, Some(found)).is_ok() {
            self.parts.push((Part::Reentry(mcu + 1), found.offset));
            self.open = false;
            self.in_run = false;
        }
    }

    /// The same for the image data of a PNG.
    fn encode_image_data(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        consumed: &mut usize,
        ends: bool,
    ) -> Outcome {
        let rest = &window[*consumed..];
        if *consumed > 0 && !ends && rest.len() < png::SIGHT && models.png.is_announced() {
            return Outcome::More;
        }
        let run = models.png.encode_strips(coder, rest, ends);
        if run.strips > 0 {
            self.parts.push((Part::StripRun(run.strips), *consumed));
            self.open = false;
        }
        *consumed += run.consumed;
        models.jpeg.pass_over(run.consumed);
        match run.end {
            png::RunEnd::Done => Outcome::Done,
            png::RunEnd::More => Outcome::More,
            png::RunEnd::Odd => Outcome::Odd,
        }
    }

    /// Codes bytes outside of images up to the next image, or a block of them; how many.
    fn encode_bytes(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        start: usize,
    ) -> usize {
        let end = window.len().min(start + BLOCK);
        let count = models.push_bytes(&window[start..end]);
        self.encode_block(models, coder, &window[start..start + count], start);
        // A part ends where an image begins, even if nothing of it can be coded.
        self.open &= !models.in_image();
        count
    }

    /// Codes a block of bytes, which stands at `start`.
    pub(super) fn encode_block(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        block: &[u8],
        start: usize,
    ) {
        let length = block.len() as u32;
        if uniformity::looks_random(block) {
            models.bytes.skip(block);
            self.tally.noise_bytes += u64::from(length);
            match self.parts.last_mut() {
                Some((Part::Raw(total), _)) if self.open => *total += length,
                _ => self.parts.push((Part::Raw(length), start)),
            }
        } else {
            models.bytes.encode(coder, block);
            self.tally.model_bytes += u64::from(length);
            match self.parts.last_mut() {
                Some((Part::Bytes(total), _)) if self.open => *total += length,
                _ => self.parts.push((Part::Bytes(length), start)),
            }
        }
        // A decoder sees where a part's blocks end by their size.
        self.open = block.len() == BLOCK;
    }

    /// Puts the list of parts and the raw parts in front of the entropy-coded stream.
    fn assemble(
        &mut self,
        window: &[u8],
        consumed: usize,
        entropy: usize,
        room: &mut [u8],
    ) -> Option<usize> {
        self.front.clear();
        parts::write(self.parts.iter().map(|&(part, _)| part), &mut self.front);
        for &(part, start) in &self.parts {
            if let Part::Raw(length) = part {
                self.front
                    .extend_from_slice(&window[start..start + length as usize]);
            }
        }
        let front = self.front.len();
        let size = front + entropy;
        let most = if self.has_rows {
            room.len()
        } else if self.is_needed {
            room.len()
                .min(consumed + CODED_SLACK + consumed / WORTH_OF_IMAGE)
        } else {
            consumed + CODED_SLACK
        };
        if size > most || self.overflowed {
            return None;
        }
        room.copy_within(..entropy, front);
        room[..front].copy_from_slice(&self.front);
        Some(size)
    }
}
