//! Decompression of a part of the original.
//!
//! Segments in front of the part are held, compressed, until it is known whether they are needed: when
//! one that starts anew comes before the part does, they are skipped without being decoded. Of those that
//! are needed, the PNGs before the one in which the part begins are decoded as pixels only; where that fails,
//! all are decoded in full. If they become too many for the memory they are decoded in full in passing.
//!
//! Invariant: exactly the bytes asked for are written, each from a segment whose checksums were right.

use std::io::{Read, Write};

use lepta_codec::{
    CONTAINER_HEADER_SIZE, Decoder, Error, SEGMENT_HEADER_SIZE, SegmentInfo, Step,
    begins_outside_image_data,
};
use lepta_worker::job::ByteRange;
use lepta_worker::status::Status;

use crate::decompress::{cut, update_report};
use crate::failure::Failure;
use crate::last_words::note_progress;
use crate::report::Report;
use crate::streams::{Output, Unit, UnitReader};

/// What part, and where the input begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: ByteRange,
    /// The input begins with the header of a segment that starts anew, in front of which the original
    /// has so many bytes; `None`: with a container.
    pub(crate) input_at: Option<u64>,
    /// Most bytes of segments that are held.
    pub(crate) held_bytes: usize,
    /// Most bytes of images that are decoded as pixels only.
    pub(crate) pixel_bytes: usize,
}

/// Bytes of a payload that show whether its segment begins within image data.
const PAYLOAD_START: usize = 8;

/// A segment that has not been shown to the decoder.
type Segment = ([u8; SEGMENT_HEADER_SIZE], Vec<u8>);

struct RangeDecoder<'d, R, W> {
    input: UnitReader<R>,
    decoder: &'d mut Decoder,
    output: Option<Output<W>>,
    part: Part,
    /// Bytes of the original before the next segment.
    position: u64,
    held: Vec<Segment>,
    held_bytes: usize,
    /// Whether the first segment that is held, or comes next, starts anew.
    held_start_anew: bool,
    report: &'d mut Report,
}

/// Decodes the part and writes it; without an output, only checks it. The report tells how far it came.
///
/// # Errors
/// As [`crate::decompress::decode`]; status 2 where the original ends before the part does.
pub(crate) fn decode_range<R: Read, W: Write>(
    input: UnitReader<R>,
    decoder: &mut Decoder,
    output: Option<Output<W>>,
    part: Part,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut job = RangeDecoder {
        input,
        decoder,
        output,
        part,
        position: part.input_at.unwrap_or(0),
        held: Vec::new(),
        held_bytes: 0,
        held_start_anew: false,
        report,
    };
    let outcome = job.run();
    job.update_report();
    report.verified = outcome.is_ok();
    outcome
}

impl<R: Read, W: Write> RangeDecoder<'_, R, W> {
    fn run(&mut self) -> Result<(), Failure> {
        if self.part.input_at.is_some() {
            if self.position > self.part.range.start() {
                let message = "the input begins behind the start of the range";
                return Err(Failure::new(Status::Usage, message));
            }
            self.decoder.enter_container(None);
            if self.run_container()? {
                return Ok(());
            }
        }
        let mut is_first = self.part.input_at.is_none();
        loop {
            match self.input.unit(CONTAINER_HEADER_SIZE)? {
                Unit::Whole(unit) => self
                    .decoder
                    .step(unit)
                    .map(drop)
                    .map_err(Failure::decoding)?,
                Unit::Cut([]) if !is_first => {
                    let length = self.position;
                    let message = format!("the original has {length} bytes only");
                    return Err(Failure::new(Status::Usage, message));
                }
                Unit::Cut(rest) => return Err(cut(rest, true)),
            }
            is_first = false;
            let wanted = self.decoder.wanted();
            if wanted != SEGMENT_HEADER_SIZE {
                // What the header says of a reference.
                self.step_unit(wanted)?;
            }
            if self.run_container()? {
                return Ok(());
            }
        }
    }

    /// Goes through the segments of a container; whether the part is complete.
    fn run_container(&mut self) -> Result<bool, Failure> {
        let mut starts_anew = true;
        loop {
            let header = self.header()?;
            let Some(info) = SegmentInfo::parse(&header) else {
                self.decode_held()?;
                self.step(&header)?;
                return Err(Failure::new(Status::Malformed, "no segment begins so"));
            };
            if info.is_end {
                self.skip_held()?;
                self.step(&header)?;
                self.step_unit(info.coded_length)?;
                self.step_unit(self.decoder.wanted())?;
                return Ok(false);
            }
            starts_anew |= info.starts_anew;
            if starts_anew {
                self.skip_held()?;
                self.held_start_anew = true;
            }
            let end = self.position + info.raw_length as u64;
            if end <= self.part.range.start() && self.has_room_for(info.coded_length) {
                let payload = whole(&self.input.unit(info.coded_length)?)?.to_vec();
                self.held_bytes += payload.len() + SEGMENT_HEADER_SIZE;
                self.held.push((header, payload));
                self.position = end;
            } else {
                if end > self.part.range.start() {
                    self.approach(&header, info.coded_length)?;
                } else {
                    self.decode_held()?;
                }
                self.held_start_anew = false;
                self.step(&header)?;
                self.step_unit(info.coded_length)?;
            }
            if self.position >= self.part.range.end() {
                return Ok(true);
            }
            starts_anew = info.ends_anew;
        }
    }

    fn header(&mut self) -> Result<[u8; SEGMENT_HEADER_SIZE], Failure> {
        let unit = whole(&self.input.unit(SEGMENT_HEADER_SIZE)?)?;
        Ok(std::array::from_fn(|index| unit[index]))
    }

    fn has_room_for(&self, coded_length: usize) -> bool {
        self.held_bytes + coded_length + SEGMENT_HEADER_SIZE <= self.part.held_bytes
    }

    /// Passes the segments held over, which nothing that follows depends on.
    fn skip_held(&mut self) -> Result<(), Failure> {
        for (header, payload) in std::mem::take(&mut self.held) {
            self.decoder.step(&header).map_err(Failure::decoding)?;
            self.decoder.skip(&payload).map_err(Failure::decoding)?;
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// Decodes the segments held for the next one, in which the part begins, and whose header this is: those
    /// before the image that goes on there for the sake of its pixels alone.
    fn approach(
        &mut self,
        header: &[u8; SEGMENT_HEADER_SIZE],
        coded_length: usize,
    ) -> Result<(), Failure> {
        let payload = self.input.peek(coded_length.min(PAYLOAD_START))?;
        let for_pixels = if begins_outside_image_data(header, payload) {
            self.held.len()
        } else {
            let begins = |segment: &Segment| begins_outside_image_data(&segment.0, &segment.1);
            self.held.iter().rposition(begins).unwrap_or(0)
        };
        let start = self.decoder.start().filter(|_| self.held_start_anew);
        if let (Some(start), 1..) = (start, for_pixels) {
            if self.decode_for_pixels(for_pixels).is_ok() {
                self.report.tally.segments += for_pixels as u64;
                self.held.drain(..for_pixels);
            } else {
                self.decoder.go_back(&start);
            }
        }
        self.decode_held()
    }

    /// Decodes the first `count` of the segments held for the sake of what follows.
    fn decode_for_pixels(&mut self, count: usize) -> Result<(), Error> {
        for (header, payload) in &self.held[..count] {
            self.decoder.step(header)?;
            self.decoder
                .step_for_pixels(payload, self.part.pixel_bytes)?;
        }
        Ok(())
    }

    /// Decodes the segments held, for what follows.
    fn decode_held(&mut self) -> Result<(), Failure> {
        for (header, payload) in std::mem::take(&mut self.held) {
            self.decoder.step(&header).map_err(Failure::decoding)?;
            match self.decoder.step(&payload).map_err(Failure::decoding)? {
                Step::Lost { .. } => return Err(not_alone()),
                _ => self.report.tally.segments += 1,
            }
        }
        self.held_bytes = 0;
        Ok(())
    }

    fn step_unit(&mut self, length: usize) -> Result<(), Failure> {
        let unit = whole(&self.input.unit(length)?)?;
        match self.decoder.step(unit).map_err(Failure::decoding)? {
            Step::Raw(raw) => {
                let (first, last) = (self.position, self.position + raw.len() as u64);
                let from = self.part.range.start().clamp(first, last) - first;
                let to = self.part.range.end().clamp(first, last) - first;
                self.position = last;
                if let Some(output) = &mut self.output {
                    // Both are at most the length of a segment.
                    output.write_all(&raw[from as usize..to as usize])?;
                }
                self.report.tally.segments += 1;
                self.update_report();
                note_progress(self.report);
                Ok(())
            }
            Step::Lost { .. } => Err(not_alone()),
            Step::More | Step::End { .. } => Ok(()),
        }
    }

    /// Steps with a unit that no bytes come of.
    fn step(&mut self, unit: &[u8]) -> Result<(), Failure> {
        self.decoder.step(unit).map(drop).map_err(Failure::decoding)
    }

    fn update_report(&mut self) {
        update_report(self.report, &self.input, self.decoder, self.output.as_ref());
    }
}

fn not_alone() -> Failure {
    let message = "the segment that the input begins with does not start anew";
    Failure::new(Status::Malformed, message)
}

fn whole<'a>(unit: &Unit<'a>) -> Result<&'a [u8], Failure> {
    match *unit {
        Unit::Whole(unit) => Ok(unit),
        Unit::Cut(rest) => Err(cut(rest, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damaged_streams::{compressed, decoder, raw_bytes, reader, segments};
    use lepta_codec::{ContainerEnd, Level, SEGMENT_INPUT};

    /// What comes out, and how many segments were decoded for it.
    fn decode(coded: &[u8], part: Part) -> Result<(Vec<u8>, u64), Failure> {
        let mut report = Report::new();
        let mut out = Vec::new();
        let output = Some(Output::new(&mut out));
        decode_range(reader(coded), &mut decoder(), output, part, &mut report)?;
        Ok((out, report.tally.segments))
    }

    fn part(range: std::ops::Range<usize>, held_bytes: usize) -> Part {
        Part {
            range: ByteRange::new(range.start as u64, range.end as u64).expect("not empty"),
            input_at: None,
            held_bytes,
            pixel_bytes: 0,
        }
    }

    #[test]
    fn exactly_the_part_comes_out_and_no_more_is_decoded_than_must_be() {
        let raw = raw_bytes(100_000);
        let coded = compressed(&raw, Level::Default, 8192);
        let places = segments(&coded);
        assert!(places.iter().filter(|place| place.starts_anew).count() > 8);
        for (start, length) in [(0, 1), (0, 100_000), (8191, 2), (50_000, 1), (77_777, 9999)] {
            let range = start..start + length;
            let first = places
                .iter()
                .rposition(|place| place.starts_anew && place.raw_start <= start);
            let last = places.iter().position(|place| place.raw_end >= range.end);
            let needed = last.expect("within") - first.expect("the first starts anew") + 1;
            let (out, decoded) = decode(&coded, part(range.clone(), 1 << 20)).expect("whole");
            assert!(out == raw[range.clone()], "{range:?}");
            assert_eq!(decoded, needed as u64, "{range:?}");
            let (out, decoded) = decode(&coded, part(range.clone(), 0)).expect("whole");
            assert!(out == raw[range.clone()] && decoded >= needed as u64);
        }
    }

    #[test]
    fn decoding_begins_at_every_place_of_the_index() {
        let raw = raw_bytes(60_000);
        for level in Level::ALL {
            let coded = compressed(&raw, level, 8192);
            let end = ContainerEnd::find(&coded).expect("a container ends here");
            assert_eq!(end.raw_length, 60_000);
            assert!(end.places.len() > 5);
            for place in &end.places {
                let from = usize::try_from(place.container_offset).expect("small");
                let start = usize::try_from(place.raw_offset).expect("small");
                let range = start + 5..raw.len().min(start + 6000);
                let mut wanted = part(range.clone(), 0);
                wanted.input_at = Some(place.raw_offset);
                let (out, _) = decode(&coded[from..], wanted).expect("whole");
                assert!(out == raw[range], "{place:?}");
            }
        }
    }

    #[test]
    fn a_part_may_lie_in_a_later_container_or_in_two() {
        let raw = raw_bytes(30_000);
        let coded = compressed(&raw, Level::Fast, 8192).repeat(3);
        let thrice = raw.repeat(3);
        for range in [35_000..36_000, 29_999..60_001, 89_999..90_000] {
            let (out, _) = decode(&coded, part(range.clone(), 1 << 20)).expect("whole");
            assert!(out == thrice[range]);
        }
        let failure = decode(&coded, part(89_999..90_001, 1 << 20)).expect_err("too far");
        assert_eq!(failure.status, Status::Usage);
    }

    #[test]
    fn damage_in_the_part_is_seen_and_damage_behind_it_is_not_looked_for() {
        let raw = raw_bytes(60_000);
        let coded = compressed(&raw, Level::Default, 8192);
        let places = segments(&coded);
        let middle = places[places.len() / 2];
        let range = middle.raw_start..middle.raw_end;
        for (place, is_seen) in places
            .iter()
            .map(|place| (place, place.start == middle.start))
        {
            let mut damaged = coded.clone();
            damaged[place.end - 1] ^= 0x10;
            let outcome = decode(&damaged, part(range.clone(), 1 << 20));
            if is_seen {
                assert!(outcome.is_err());
            } else if place.start > middle.start {
                assert!(outcome.expect("not read").0 == raw[range.clone()]);
            } else if let Ok((out, _)) = outcome {
                assert!(out == raw[range.clone()]);
            }
        }
    }

    /// A PNG of 400 × 450 pixels, longer than a segment. Some rows depend on `frame`.
    fn png(frame: u8) -> Vec<u8> {
        png_of(450, frame)
    }

    /// A PNG of 400 × `height` pixels, a gradient with a little noise.
    fn png_of(height: u32, frame: u8) -> Vec<u8> {
        let mut state = 1u32;
        let mut scanlines = Vec::new();
        for row in 0..height {
            scanlines.push(0);
            let added = row + if row / 10 == 7 { u32::from(frame) } else { 0 };
            scanlines.extend((0..1200).map(|sample| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (added + sample / 6 + (state >> 29)) as u8
            }));
        }
        let stream = miniz_oxide::deflate::compress_to_vec_zlib(&scanlines, 6);
        let mut header = [0, 0, 1, 144, 0, 0, 0, 0, 8, 2, 0, 0, 0];
        header[4..8].copy_from_slice(&height.to_be_bytes());
        let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
        for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &stream), (b"IEND", &[])] {
            let covered = [&kind[..], data].concat();
            file.extend((data.len() as u32).to_be_bytes());
            file.extend(&covered);
            file.extend(crc32fast::hash(&covered).to_be_bytes());
        }
        file
    }

    #[test]
    fn images_in_front_of_the_part_are_decoded_as_pixels() {
        let frames: Vec<Vec<u8>> = (0..4).map(png).collect();
        let raw = frames.concat();
        let coded = compressed(&raw, Level::Default, 0);
        assert!(frames.iter().all(|frame| frame.len() > SEGMENT_INPUT));
        // Bytes for pixels, the frame that the part begins in, and how many are decoded as pixels.
        for (pixel_bytes, frame, as_pixels) in [(1 << 20, 3, 3), (1 << 20, 1, 1), (1000, 3, 0)] {
            let start: usize = frames[..frame].iter().map(Vec::len).sum();
            for offset in [0, SEGMENT_INPUT / 2] {
                let range = start + offset..start + frames[frame].len();
                let mut wanted = part(range.clone(), 1 << 20);
                wanted.pixel_bytes = pixel_bytes;
                let (mut decoder, mut report, mut out) = (decoder(), Report::new(), Vec::new());
                let output = Some(Output::new(&mut out));
                decode_range(reader(&coded), &mut decoder, output, wanted, &mut report)
                    .expect("whole");
                assert!(out == raw[range], "frame {frame}");
                assert_eq!(decoder.images().as_pixels, as_pixels, "frame {frame}");
            }
        }
    }

    /// A preview within a JPEG is not decoded as pixels, and so nothing in front of the part is.
    #[test]
    fn what_cannot_be_decoded_as_pixels_is_decoded_in_full() {
        let preview = png_of(40, 0);
        let length = (preview.len() as u16 + 2).to_be_bytes();
        let jpeg = [&[0xFF, 0xD8, 0xFF, 0xEB], &length[..], &preview].concat();
        let raw = [png(0), jpeg, png(1), png(2)].concat();
        let coded = compressed(&raw, Level::Default, 0);
        let mut wanted = part(raw.len() - 1000..raw.len(), 1 << 20);
        wanted.pixel_bytes = 1 << 20;
        let (mut decoder, mut report, mut out) = (decoder(), Report::new(), Vec::new());
        let output = Some(Output::new(&mut out));
        decode_range(reader(&coded), &mut decoder, output, wanted, &mut report).expect("whole");
        assert!(out == raw[raw.len() - 1000..]);
        assert_eq!(decoder.images().as_pixels, 0);
        assert_eq!(decoder.images().in_full, 4);
    }

    #[test]
    fn an_input_that_begins_in_the_wrong_place_is_refused() {
        let coded = compressed(&raw_bytes(30_000), Level::Default, 8192);
        let mut wanted = part(10..20, 0);
        wanted.input_at = Some(11);
        assert_eq!(
            decode(&coded, wanted).expect_err("behind").status,
            Status::Usage
        );
        wanted.input_at = Some(0);
        let failure = decode(&coded, wanted).expect_err("a container's header");
        assert!(matches!(
            failure.status,
            Status::Malformed | Status::Checksum | Status::UnknownVersion
        ));
    }
}
