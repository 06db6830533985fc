//! Images of several scans within coded segments.
//!
//! A segment holds rows, which put out bytes of all scans, and releases, which hand on bytes in the
//! order of the file. Invariant: every segment hands on at least one byte, and its payload fits the
//! room that there is, for rows of any size: what does not fit is not coded as rows.

use super::SEGMENT_INPUT;
use super::models::Models;
use super::parts::Part;
use super::segment_encoder::SegmentEncoder;
use crate::Error;
use crate::NotModelled;
use crate::bytes::BLOCK;
use crate::entropy::{RangeDecoder, RangeEncoder};
use crate::jpeg::{NextRow, Original, Stretch};

/// Bytes of a list of parts and of a coder's last flush that room is kept for.
const SPARE: usize = 64;

/// Room that rows leave, so that something can be handed on behind them.
const BYTES_ROOM: usize = 2 * BLOCK;

/// Most bytes of a part in the list.
const PART_SIZE: usize = 8;

impl SegmentEncoder {
    /// Begins the image that has been announced, if it can be coded. `input` begins with it.
    pub(super) fn begin_image(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
    ) {
        let bytes = &mut models.bytes;
        let begun = models
            .jpeg
            .begin_image(coder, input, |coder, byte| bytes.code(coder, byte));
        match begun {
            Some(scans) => {
                self.parts.push((Part::Opening(scans as u32), 0));
                self.open = false;
                self.has_rows = true;
                self.has_opening = true;
            }
            None if models.jpeg.can_code_alone() => {}
            None => models.jpeg.leave_scan(),
        }
    }

    /// Codes rows of the image while there is room, and hands on what they put out, from
    /// `consumed` on; how much of the input is coded then. The image goes on in the next segment
    /// unless it is over.
    pub(super) fn encode_image(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        consumed: usize,
        room: usize,
    ) -> usize {
        self.encode_rows(models, coder, &input[consumed..], room);
        let mut end = self.encode_releases(models, coder, input, consumed, room);
        let stops_seeking = match models.jpeg.encoding() {
            Some(image) if end == 0 => image.stop_seeking(),
            _ => false,
        };
        if stops_seeking {
            end = self.encode_releases(models, coder, input, consumed, room);
        }
        if end == 0 {
            // Nothing can be handed on after as many rows as fit.
            if let Some(image) = models.jpeg.encoding() {
                image.stop();
                models.jpeg.add_reason(NotModelled::LargeRow);
            }
            end = self.encode_releases(models, coder, input, consumed, room);
        }
        if end == 0 {
            // The rows took more room than they may: the segment is stored.
            self.overflowed = true;
            end = input.len().min(SEGMENT_INPUT);
        }
        end
    }

    /// Bytes that the payload has so far, or may have.
    fn size(&self, coder: &RangeEncoder<'_>) -> usize {
        let raw = |&(part, _): &(Part, usize)| match part {
            Part::Raw(length) => length as usize + PART_SIZE,
            _ => PART_SIZE,
        };
        coder.size() + self.parts.iter().map(raw).sum::<usize>() + SPARE
    }

    fn encode_rows(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        rest: &[u8],
        room: usize,
    ) {
        // Bytes of the file that the rows of this segment stand for.
        let mut file_bytes = 0;
        loop {
            let Some(image) = models.jpeg.encoding() else {
                return;
            };
            match image.read_row(rest) {
                NextRow::Ready(bytes) => {
                    let fits = self.size(coder) + bytes + bytes / 16 + BYTES_ROOM <= room;
                    if !fits {
                        if file_bytes > 0 && coder.size() > file_bytes + file_bytes / 8 {
                            image.stop();
                            models.jpeg.add_reason(NotModelled::Unforeseen);
                        } else if self.parts.is_empty() {
                            // The next segment has no more room than this one.
                            image.stop();
                            models.jpeg.add_reason(NotModelled::LargeRow);
                        }
                        return;
                    }
                    file_bytes += bytes;
                }
                NextRow::Done => return,
                NextRow::GivenUp {
                    scan,
                    units,
                    reason,
                } => {
                    image.encode_loss(coder, units);
                    self.parts.push((Part::GivenUp(scan as u32 + 1), 0));
                    models.jpeg.add_reason(reason);
                    continue;
                }
                NextRow::Reentered { scan, reentry } => {
                    image.encode_reentry(coder, scan, &reentry);
                    self.parts.push((Part::ScanReentry(scan as u32 + 1), 0));
                    continue;
                }
            }
            models.jpeg.encode_row(coder);
            self.has_rows = true;
            match self.parts.last_mut() {
                Some((Part::Rows(total), _)) => *total += 1,
                _ => self.parts.push((Part::Rows(1), 0)),
            }
        }
    }

    fn encode_releases(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        consumed: usize,
        room: usize,
    ) -> usize {
        let mut end = consumed;
        while end < SEGMENT_INPUT {
            let Some(image) = models.jpeg.encoding() else {
                break;
            };
            if image.bytes_left() == 0 {
                models.jpeg.leave_image();
                break;
            }
            let most = SEGMENT_INPUT - end;
            match image.stretch() {
                Stretch::PutOut(length) => {
                    let length = length.min(most);
                    image.pass(length);
                    self.tally.image_bytes += length as u64;
                    match self.parts.last_mut() {
                        Some((Part::Release(total), _)) => *total += length as u32,
                        _ => self.parts.push((Part::Release(length as u32), end)),
                    }
                    self.open = false;
                    end += length;
                }
                Stretch::Missing(length) => {
                    let length = image.never_put_out(length).min(most).min(BLOCK);
                    let fits = self.size(coder) + length + length / 16 <= room;
                    if length == 0 || !fits {
                        break;
                    }
                    image.pass(length);
                    self.encode_block(models, coder, &input[end..end + length], end);
                    end += length;
                }
            }
        }
        if let Some(image) = models.jpeg.encoding()
            && image.bytes_left() == 0
        {
            models.jpeg.leave_image();
        }
        // What comes behind the image is not joined to its last part.
        if models.jpeg.encoding().is_none() {
            self.open = false;
        }
        end
    }
}

/// Decodes one of the parts that only images of several scans have. `raw` are the bytes of the
/// segment so far, which may grow to `raw_length`.
///
/// # Errors
/// The first rule that the part breaks.
pub(super) fn decode_part(
    models: &mut Models,
    coder: &mut RangeDecoder<'_>,
    part: Part,
    (raw, raw_length): (&mut Vec<u8>, usize),
    original: Original<'_>,
) -> Result<(), Error> {
    match part {
        Part::Opening(scans) => {
            let bytes = &mut models.bytes;
            let byte = |coder: &mut RangeDecoder<'_>, byte| bytes.code(coder, byte);
            models
                .jpeg
                .open_image(coder, scans as usize, raw, original, byte)
        }
        Part::Rows(rows) => {
            (0..rows).try_for_each(|_| models.jpeg.decode_row(coder, raw, original))
        }
        Part::GivenUp(scan) => {
            let image = models.jpeg.decoding().ok_or(Error::NotInScan)?;
            image.give_up(coder, scan as usize - 1)
        }
        Part::ScanReentry(scan) => {
            let image = models.jpeg.decoding().ok_or(Error::NotInScan)?;
            image.reenter(coder, scan as usize - 1)
        }
        Part::Release(count) if count as usize > raw_length - raw.len() => {
            Err(Error::PartLength(count))
        }
        Part::Release(count) => {
            let image = models.jpeg.decoding().ok_or(Error::NotInScan)?;
            image.release(count as usize, raw, original)?;
            if image.is_done() {
                models.jpeg.leave_image();
            }
            Ok(())
        }
        Part::Bytes(_)
        | Part::Raw(_)
        | Part::McuRun(_)
        | Part::StripRun(_)
        | Part::Reentry(_)
        | Part::Resumption(_) => Err(Error::NotInScan),
    }
}
