//! Decompression of a damaged stream: everything that can still be decoded, and what is missing.
//!
//! Behind damage the next place is looked for where a whole segment stands, its checksum right, and
//! what does not depend on the damaged segment is decoded from there on.
//!
//! Invariant: only segments are written whose checksums, over the coded and over the decoded bytes, were
//! right; and where anything is missing the job does not end with status 0.

use std::io::{Read, Write};

use lepta_codec::{
    CONTAINER_HEADER_SIZE, ContainerEnd, Decoder, SEGMENT_HEADER_SIZE, SegmentInfo, Step,
    begins_container, is_whole_segment,
};
use lepta_worker::status::Status;

use crate::decompress::{cut, update_report};
use crate::failure::Failure;
use crate::last_words::note_progress;
use crate::missing::{Missing, Recovered};
use crate::report::Report;
use crate::streams::{Output, UnitReader};

/// Bytes that the search for a segment looks at together.
const SIGHT: usize = 32 << 10;

/// Payloads that the search may compute checksums of: so many bytes, and for each byte of input so many
/// more. Only input that is made to hurt comes near it.
const CHECKED_AT_LEAST: u64 = 64 << 20;
const CHECKED_PER_BYTE: u64 = 64;

/// Where the search ended.
enum Next {
    /// A segment, so many bytes behind where it began.
    Segment(u64),
    Container,
    /// The end of the input.
    Nothing,
}

struct Salvage<'d, R, W> {
    input: UnitReader<R>,
    decoder: &'d mut Decoder,
    output: Option<Output<W>>,
    /// Bytes of the input before what is looked at.
    position: u64,
    container_start: u64,
    /// Whether a segment follows damage that may be the first of another container.
    may_be_first: bool,
    recovered: Recovered,
    missing: Missing,
    /// The first thing that was wrong.
    damage: Option<Failure>,
    checked: u64,
    report: &'d mut Report,
}

/// Decodes what can be decoded of the input and writes it; without an output, only looks for it. The report
/// tells what is missing.
///
/// # Errors
/// Status 51 if anything was wrong, but 50 if only the end is missing and 54 if nothing of the input is
/// ours; and failures of reading and writing.
pub(crate) fn salvage<R: Read, W: Write>(
    input: UnitReader<R>,
    decoder: &mut Decoder,
    output: Option<Output<W>>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut job = Salvage {
        input,
        decoder,
        output,
        position: 0,
        container_start: 0,
        may_be_first: false,
        recovered: Recovered::default(),
        missing: Missing::default(),
        damage: None,
        checked: 0,
        report,
    };
    let outcome = job.run();
    job.update_report();
    job.report.missing = job.missing.ranges();
    report.verified = outcome.is_ok();
    outcome
}

impl<R: Read, W: Write> Salvage<'_, R, W> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let shown = self.input.peek(CONTAINER_HEADER_SIZE)?;
            if shown.is_empty() && self.position > 0 {
                break;
            }
            self.container_start = self.position;
            if begins_container(shown) {
                self.decoder.step(shown).map_err(Failure::decoding)?;
                self.consume(CONTAINER_HEADER_SIZE);
                self.take_reference()?;
            } else {
                let failure = cut(shown, true);
                self.damage.get_or_insert(failure);
                self.decoder.enter_container(None);
                let is_over = shown.is_empty();
                if is_over {
                    break;
                }
            }
            let end = self.run_container()?;
            let recovered = std::mem::take(&mut self.recovered);
            self.missing.add_container(&recovered, end.as_ref());
        }
        self.outcome()
    }

    /// Takes what a container's header says of a reference, if there is one.
    fn take_reference(&mut self) -> Result<(), Failure> {
        let wanted = self.decoder.wanted();
        if wanted == SEGMENT_HEADER_SIZE {
            return Ok(());
        }
        let unit = self.input.peek(wanted)?;
        let given = unit.len();
        let taken = match given < wanted {
            true => Err(cut(unit, false)),
            false => self.decoder.step(unit).map(drop).map_err(Failure::decoding),
        };
        self.consume(given);
        match taken {
            Err(failure) if failure.status == Status::Reference => return Err(failure),
            Err(failure) => {
                self.damage.get_or_insert(failure);
                self.decoder.enter_container(None);
            }
            Ok(()) => {}
        }
        Ok(())
    }

    fn outcome(&mut self) -> Result<(), Failure> {
        let Some(first) = self.damage.take() else {
            return Ok(());
        };
        if self.report.tally.segments == 0 && first.status != Status::Checksum {
            return Err(first);
        }
        let status = match first.status {
            Status::Truncated => Status::Truncated,
            _ => Status::Checksum,
        };
        Err(Failure::new(status, self.missing.message()))
    }

    /// Goes through the segments of a container; what its end says, if that was there.
    fn run_container(&mut self) -> Result<Option<ContainerEnd>, Failure> {
        loop {
            let header = self.input.peek(SEGMENT_HEADER_SIZE)?;
            let info = header.first_chunk().and_then(SegmentInfo::parse);
            let Some(info) = info else {
                if !self.find_next(None)? {
                    return Ok(None);
                }
                continue;
            };
            let length = SEGMENT_HEADER_SIZE + info.coded_length;
            let segment = self.input.peek(length)?;
            if segment.len() < length || !is_whole_segment(segment) {
                let damaged = (info, segment.len() < length);
                if !self.find_next(Some(damaged))? {
                    return Ok(None);
                }
                continue;
            }
            if info.is_end {
                return self.take_end(length).map(Some);
            }
            self.take_segment(&info, length)?;
        }
    }

    /// Decodes a segment whose own checksum is right.
    fn take_segment(&mut self, info: &SegmentInfo, length: usize) -> Result<(), Failure> {
        let is_trial = std::mem::take(&mut self.may_be_first) && !info.starts_anew;
        if is_trial {
            self.decoder.enter_container(None);
        }
        let segment = self.input.peek(length)?;
        let (header, payload) = segment.split_at(SEGMENT_HEADER_SIZE);
        let raw_length = info.raw_length as u64;
        let stepped = match self.decoder.step(header) {
            Ok(_) => self.decoder.step(payload),
            Err(error) => Err(error),
        };
        match stepped {
            Ok(Step::Raw(raw)) => {
                if let Some(output) = &mut self.output {
                    output.write_all(raw)?;
                }
                self.report.tally.segments += 1;
                if is_trial {
                    let before = std::mem::take(&mut self.recovered);
                    self.missing.add_container(&before, None);
                    self.container_start =
                        self.position.saturating_sub(CONTAINER_HEADER_SIZE as u64);
                }
                let offset = self.position - self.container_start;
                self.recovered.found(offset, raw_length);
            }
            Ok(_) => self.recovered.lost(Some(raw_length)),
            Err(error) => {
                if !is_trial {
                    self.damage.get_or_insert(Failure::decoding(error));
                }
                self.decoder.lose_place();
                self.recovered.lost(Some(raw_length));
            }
        }
        self.consume(length);
        self.update_report();
        note_progress(self.report);
        Ok(())
    }

    /// Takes a whole end segment and the footer behind it.
    fn take_end(&mut self, length: usize) -> Result<ContainerEnd, Failure> {
        let segment = self.input.peek(length)?;
        let end = ContainerEnd::of_segment(segment)
            .ok_or_else(|| Failure::new(Status::Malformed, "the end segment has another form"))?;
        let (header, payload) = segment.split_at(SEGMENT_HEADER_SIZE);
        let stepped = self.decoder.step(header).map(drop);
        let stepped = stepped.and_then(|()| self.decoder.step(payload).map(drop));
        self.consume(length);
        let wanted = self.decoder.wanted();
        let footer = self.input.peek(wanted)?;
        let given = footer.len();
        let stepped = match stepped {
            Ok(()) if given < wanted => {
                self.damage.get_or_insert(cut(footer, false));
                Ok(())
            }
            Ok(()) => self.decoder.step(footer).map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = stepped {
            self.damage.get_or_insert(Failure::decoding(error));
        }
        self.consume(given);
        Ok(end)
    }

    /// Looks for the next segment or container behind damage; whether it is a segment of this
    /// container. `damaged`: what the header of the damaged segment says, if that can be, and whether
    /// the input ends before that segment does.
    fn find_next(&mut self, damaged: Option<(SegmentInfo, bool)>) -> Result<bool, Failure> {
        let start = self.position;
        let whole_header = self.input.peek(SEGMENT_HEADER_SIZE)?.len() == SEGMENT_HEADER_SIZE;
        let is_cut = damaged.map_or(!whole_header, |(_, is_cut)| is_cut);
        let next = self.search()?;
        let status = match next {
            Next::Nothing if is_cut => Status::Truncated,
            _ => Status::Checksum,
        };
        self.damage
            .get_or_insert(Failure::new(status, "the compressed data is damaged"));
        match next {
            // The container's header is damaged, and what follows it is not.
            Next::Segment(_)
                if start == self.container_start
                    && self.position == start + CONTAINER_HEADER_SIZE as u64 =>
            {
                self.decoder.enter_container(None);
                Ok(true)
            }
            Next::Segment(distance) => {
                let follows = |info: &SegmentInfo| {
                    distance == (SEGMENT_HEADER_SIZE + info.coded_length) as u64
                };
                let damaged = damaged.map(|(info, _)| info).filter(follows);
                self.recovered
                    .lost(damaged.map(|info| info.raw_length as u64));
                match damaged {
                    Some(info) if info.ends_anew => self.decoder.enter_container(None),
                    _ => {
                        self.decoder.lose_place();
                        self.may_be_first = true;
                    }
                }
                Ok(true)
            }
            Next::Container | Next::Nothing => {
                self.recovered.lost(None);
                Ok(false)
            }
        }
    }

    /// Moves on to the next whole segment or container's header, by a byte at least.
    fn search(&mut self) -> Result<Next, Failure> {
        let start = self.position;
        self.consume(1);
        loop {
            let shown = self.input.peek(SIGHT)?;
            let last = shown.len().checked_sub(CONTAINER_HEADER_SIZE);
            let Some(last) = last else {
                let rest = shown.len();
                self.consume(rest);
                return Ok(Next::Nothing);
            };
            let place = (0..=last).find_map(|place| Some((place, candidate(&shown[place..])?)));
            let Some((place, length)) = place else {
                self.consume(last + 1);
                continue;
            };
            self.consume(place);
            let Some(length) = length else {
                return Ok(Next::Container);
            };
            self.checked += length as u64;
            let affordable =
                self.checked <= CHECKED_AT_LEAST + CHECKED_PER_BYTE * self.input.taken();
            if affordable && is_whole_segment(self.input.peek(length)?) {
                return Ok(Next::Segment(self.position - start));
            }
            self.consume(1);
        }
    }

    fn consume(&mut self, count: usize) {
        self.input.skip(count);
        self.position += count as u64;
    }

    fn update_report(&mut self) {
        update_report(self.report, &self.input, self.decoder, self.output.as_ref());
    }
}

/// What may begin here: a segment of so many bytes, or a container (`None`).
fn candidate(bytes: &[u8]) -> Option<Option<usize>> {
    if begins_container(bytes) {
        return Some(None);
    }
    let info = SegmentInfo::parse(bytes.first_chunk()?)?;
    Some(Some(SEGMENT_HEADER_SIZE + info.coded_length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::damaged_streams::{Place, compressed, decoder, raw_bytes, reader, segments};
    use crate::missing::OpenRange;
    use lepta_codec::Level;

    fn salvaged(coded: &[u8]) -> (Vec<u8>, Vec<OpenRange>, Result<(), Failure>) {
        let mut report = Report::new();
        let mut out = Vec::new();
        let output = Some(Output::new(&mut out));
        let outcome = salvage(reader(coded), &mut decoder(), output, &mut report);
        (out, report.missing, outcome)
    }

    /// The bytes that damage to the segment `number` makes undecodable.
    fn lost(places: &[Place], number: usize) -> std::ops::Range<usize> {
        let next = places[number + 1..].iter().find(|place| place.starts_anew);
        let end = next.or(places.last()).map_or(0, |place| match next {
            Some(_) => place.raw_start,
            None => place.raw_end,
        });
        places[number].raw_start..end
    }

    fn without(raw: &[u8], lost: &std::ops::Range<usize>) -> Vec<u8> {
        [&raw[..lost.start], &raw[lost.end..]].concat()
    }

    /// Damages every `step`th bit: all that does not depend on it comes out, and nothing else.
    fn sweep(level: Level, step: usize) {
        let raw = raw_bytes(40_000);
        let coded = compressed(&raw, level, 8192);
        let places = segments(&coded);
        let last = places.last().expect("several").end;
        for bit in (0..8 * coded.len()).step_by(step).chain(0..8 * 30) {
            let mut damaged = coded.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (out, missing, outcome) = salvaged(&damaged);
            let status = outcome.expect_err("damaged").status;
            let hit = places
                .iter()
                .position(|place| (place.start..place.end).contains(&(bit / 8)));
            let Some(hit) = hit else {
                assert!(out == raw, "bit {bit}");
                assert!(missing.iter().all(|range| *range == (Some(40_000), None)));
                assert!(bit / 8 >= last || missing.is_empty());
                continue;
            };
            let lost = lost(&places, hit);
            assert!(out == without(&raw, &lost), "bit {bit}");
            assert_eq!(missing, [(Some(lost.start as u64), Some(lost.end as u64))]);
            assert_eq!(status, Status::Checksum, "bit {bit}");
        }
    }

    #[test]
    fn all_that_does_not_depend_on_damage_comes_out_at_the_fast_level() {
        sweep(Level::Fast, 4001);
    }

    #[test]
    fn all_that_does_not_depend_on_damage_comes_out_at_the_default_level() {
        sweep(Level::Default, 4003);
    }

    #[test]
    fn bytes_that_were_cut_out_or_put_in_cost_what_depends_on_them() {
        let raw = raw_bytes(40_000);
        let coded = compressed(&raw, Level::Default, 8192);
        let places = segments(&coded);
        for number in 0..places.len() {
            let lost = lost(&places, number);
            let (start, end) = (places[number].start, places[number].end);
            let middle = start.midpoint(end);
            let cut = [&coded[..middle - 7], &coded[middle..]].concat();
            let put = [&coded[..middle], &[0; 300], &coded[middle..]].concat();
            let gone = [&coded[..start], &coded[end..]].concat();
            for damaged in [cut, put] {
                let (out, missing, outcome) = salvaged(&damaged);
                assert!(out == without(&raw, &lost), "segment {number}");
                assert_eq!(outcome.expect_err("damaged").status, Status::Checksum);
                assert_eq!(missing, [(Some(lost.start as u64), Some(lost.end as u64))]);
            }
            // A segment that is gone as a whole leaves no trace but in what follows.
            let (out, _, outcome) = salvaged(&gone);
            assert!(
                outcome.is_err() && out == without(&raw, &lost),
                "segment {number}"
            );
        }
    }

    #[test]
    fn what_is_whole_comes_out_whole() {
        let raw = raw_bytes(20_000);
        let coded = compressed(&raw, Level::Default, 8192).repeat(2);
        let (out, missing, outcome) = salvaged(&coded);
        assert!(out == raw.repeat(2) && missing.is_empty());
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_cut_stream_is_truncated_and_what_is_none_malformed() {
        let raw = raw_bytes(20_000);
        let coded = compressed(&raw, Level::Default, 8192);
        for length in (1..coded.len()).step_by(577) {
            let (out, _, outcome) = salvaged(&coded[..length]);
            assert!(raw.starts_with(&out));
            assert_eq!(
                outcome.expect_err("cut").status,
                Status::Truncated,
                "{length}"
            );
        }
        let (out, _, outcome) = salvaged(&raw);
        assert!(out.is_empty());
        assert_eq!(outcome.expect_err("no stream").status, Status::Malformed);
    }

    #[test]
    fn containers_behind_a_damaged_one_come_out() {
        let raw = raw_bytes(20_000);
        let coded = compressed(&raw, Level::Fast, 0);
        let mut damaged = coded.repeat(3);
        damaged[coded.len() + 100..2 * coded.len() + 5].fill(0);
        let (out, missing, _) = salvaged(&damaged);
        assert!(out == raw.repeat(2));
        assert_eq!(missing, [(Some(20_000), None)]);
    }
}
