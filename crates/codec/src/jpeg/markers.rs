//! Follows the marker segments of JPEG files through a byte stream (T.81, annex B).
//!
//! The parser sees every byte that is not part of a coded scan, one after another, in both
//! directions of the codec. Invariant: its state depends on those bytes alone, so that encoder and
//! decoder agree on where a scan begins and on all tables without any side information.
//!
//! An image may stand inside a marker segment of another one, as thumbnails and previews do. The
//! parser then follows the inner image, and goes back to the outer one where the segment ends.

use super::experience::Origin;
use super::frame::{Frame, ScanLayout, Tables, scan_layout};
use super::huffman::HuffmanTable;
use super::multi_scan::ScanHeader;
use super::reason::NotModelled;
use super::resumption::HeaderRecord;
use super::zigzag::ZIGZAG;
use std::sync::Arc;

/// What the parser found at the byte it was given.
#[derive(Debug)]
pub(crate) enum Found {
    /// A frame header was read, of an image that is not inside another one.
    Frame { width: u16, height: u16 },
    /// The next byte is the first of this scan.
    Scan(FoundScan),
    /// An image stands here that cannot be modelled.
    Refused(NotModelled),
}

/// A scan, in the forms in which it can be coded: one at least.
#[derive(Debug)]
pub(crate) struct FoundScan {
    /// By itself.
    pub(crate) alone: Option<Box<ScanLayout>>,
    /// Together with the others of its image.
    pub(crate) together: Option<Box<ScanHeader>>,
    /// Whether it is the first scan of its image.
    pub(crate) is_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Looking for FF D8 FF; how many of its bytes have been seen.
    Hunt(u8),
    /// Expecting FF.
    MarkerPrefix,
    /// Expecting a marker code, or another fill byte FF.
    MarkerCode,
    /// Expecting the length of the marker segment with this code.
    LengthHigh(u8),
    LengthLow(u8, u8),
    /// Bytes of the segment that are still to come, at least one.
    Payload(u8, u16),
    /// In a segment of no use here, looking for FF D8 FF: how many of its bytes have been seen.
    Opaque(u8),
}

/// What the marker segments of an image said so far.
#[derive(Clone, Debug, Default)]
struct Image {
    tables: Tables,
    /// The frame header, or why the image's scans are not coded.
    frame: Option<Result<Frame, NotModelled>>,
    /// Whether a scan was found.
    scan_seen: bool,
    /// All of it that its next scan depends on.
    record: HeaderRecord,
}

/// An image in one of whose marker segments the parser is.
#[derive(Clone, Debug)]
struct Outer {
    /// Bytes of the segment that are still to come.
    remaining: u16,
    /// What the image has, while another one inside it is followed.
    suspended: Option<Image>,
}

/// The incremental parser.
#[derive(Clone, Debug)]
pub(crate) struct HeaderParser {
    state: State,
    /// Payload of the current segment, where it is of use.
    payload: Vec<u8>,
    image: Image,
    /// Within a segment of no use here: the image that it belongs to.
    outer: Option<Outer>,
}

/// What the hunt for an image looks for: SOI, and the start of the next marker.
pub(crate) const START_OF_IMAGE: [u8; 3] = [0xFF, SOI, 0xFF];

const SOF_BASELINE: u8 = 0xC0;
const SOF_EXTENDED: u8 = 0xC1;
const SOF_PROGRESSIVE: u8 = 0xC2;
const SOF_LOSSLESS: u8 = 0xC3;
const DHT: u8 = 0xC4;
const DAC: u8 = 0xCC;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;

impl HeaderParser {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Hunt(0),
            payload: Vec::new(),
            image: Image::default(),
            outer: None,
        }
    }

    /// The frame of the current image, if its scans may be coded.
    pub(crate) fn frame(&self) -> Option<&Frame> {
        self.image.frame.as_ref()?.as_ref().ok()
    }

    /// What tells the current image from those of others, if its scans may be coded.
    pub(super) fn origin(&self) -> Option<Origin> {
        let frame = self.frame()?;
        Some(Origin::new(frame, &self.image.tables))
    }

    /// Whether the parser looks for the start of another image.
    pub(crate) fn is_outside(&self) -> bool {
        matches!(self.state, State::Hunt(_))
    }

    /// The same, and nothing of one has come.
    pub(crate) fn is_between_images(&self) -> bool {
        self.state == State::Hunt(0) && self.outer.is_none()
    }

    /// Whether the image is inside of a marker segment of another one.
    pub(crate) fn is_inside_segment(&self) -> bool {
        self.outer.is_some()
    }

    /// The start of a file in which the scan that was found last stands, and nothing that it does not
    /// depend on; `None` if that is too long, or the image is inside of another one.
    pub(crate) fn scan_dependencies(&self) -> Option<Vec<u8>> {
        match self.outer {
            None => self.image.record.header(),
            Some(_) => None,
        }
    }

    /// Gives memory back that is of no use before another image begins: left where it is, it would
    /// break up what others can take.
    pub(crate) fn free(&mut self) {
        if self.is_between_images() {
            self.payload = Vec::new();
            self.image = Image::default();
        }
    }

    /// Takes one byte.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Found> {
        self.leave_segment_at_its_end();
        self.count(1);
        self.step(byte)
    }

    fn step(&mut self, byte: u8) -> Option<Found> {
        match self.state {
            State::Hunt(seen) | State::Opaque(seen) => self.hunt(seen, byte),
            State::MarkerPrefix if byte == 0xFF => self.state = State::MarkerCode,
            State::MarkerCode if byte == 0xFF => {}
            State::MarkerPrefix => self.give_up(byte),
            State::MarkerCode => self.marker(byte),
            State::LengthHigh(code) => self.state = State::LengthLow(code, byte),
            State::LengthLow(code, high) => match u16::from_be_bytes([high, byte]) {
                0 | 1 => self.give_up(byte),
                2 => return self.segment(code),
                length => self.enter_segment(code, length - 2),
            },
            State::Payload(code, remaining) => {
                if is_kept(code) {
                    self.payload.push(byte);
                }
                self.state = State::Payload(code, remaining - 1);
                if remaining == 1 {
                    return self.segment(code);
                }
            }
        }
        None
    }

    /// Skips as many bytes as cannot change the state; how many.
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> usize {
        self.leave_segment_at_its_end();
        let quiet = |bytes: &[u8]| {
            let next = bytes.iter().position(|&byte| byte == 0xFF);
            next.unwrap_or(bytes.len())
        };
        // The last byte of a segment is never skipped: it changes the state.
        let within = |remaining: u16| &bytes[..bytes.len().min(usize::from(remaining) - 1)];
        let count = match (self.state, &self.outer) {
            (State::Hunt(0), _) => quiet(bytes),
            (State::Opaque(0), Some(outer)) => quiet(within(outer.remaining)),
            (State::Payload(code, remaining), outer) if !is_kept(code) => {
                let remaining = outer
                    .as_ref()
                    .map_or(remaining, |outer| outer.remaining.min(remaining));
                within(remaining).len()
            }
            _ => 0,
        };
        if let State::Payload(_, remaining) = &mut self.state {
            *remaining -= count as u16;
        }
        self.count(count);
        count
    }

    /// Takes note that so many bytes of a scan came by.
    pub(crate) fn scan_bytes(&mut self, count: usize) {
        self.count(count);
    }

    /// Expects marker segments next: a scan has been coded to its end.
    pub(crate) fn scan_ended(&mut self) {
        self.state = State::MarkerPrefix;
    }

    /// Looks for the next image: what comes next cannot be understood.
    pub(crate) fn scan_abandoned(&mut self) {
        self.look_on();
    }

    /// Counts bytes of the segment around, if there is one. If it is shorter than that, an image
    /// inside went beyond it: then that image counts as the outer one from here.
    fn count(&mut self, bytes: usize) {
        if let Some(outer) = &mut self.outer {
            match u16::try_from(bytes).map(|bytes| outer.remaining.checked_sub(bytes)) {
                Ok(Some(remaining)) => outer.remaining = remaining,
                Ok(None) | Err(_) => self.outer = None,
            }
        }
    }

    /// Begins a segment with at least one byte of payload.
    fn enter_segment(&mut self, code: u8, length: u16) {
        self.state = if is_kept(code) || self.outer.is_some() {
            State::Payload(code, length)
        } else {
            self.outer = Some(Outer {
                remaining: length,
                suspended: None,
            });
            State::Opaque(0)
        };
    }

    /// Goes back to the outer image if the segment that the inner one is in is over.
    fn leave_segment_at_its_end(&mut self) {
        if let Some(outer) = self.outer.take_if(|outer| outer.remaining == 0) {
            self.state = State::MarkerPrefix;
            if let Some(image) = outer.suspended {
                self.image = image;
            }
        }
    }

    /// Looks for another image, in the segment around or, without one, anywhere.
    fn look_on(&mut self) {
        self.state = match &mut self.outer {
            None => State::Hunt(0),
            Some(outer) => {
                if let Some(image) = outer.suspended.take() {
                    self.image = image;
                }
                State::Opaque(0)
            }
        };
    }

    fn hunt(&mut self, seen: u8, byte: u8) {
        let seen = match (seen, byte) {
            (0, 0xFF) => 1,
            (1, SOI) => 2,
            (1, 0xFF) => 1,
            (2, 0xFF) => return self.begin_image(),
            _ => 0,
        };
        self.state = match self.state {
            State::Opaque(_) => State::Opaque(seen),
            _ => State::Hunt(seen),
        };
    }

    fn begin_image(&mut self) {
        let image = std::mem::take(&mut self.image);
        if let Some(outer) = &mut self.outer {
            outer.suspended = Some(image);
        }
        self.state = State::MarkerCode;
    }

    fn give_up(&mut self, byte: u8) {
        self.look_on();
        self.hunt(0, byte);
    }

    fn marker(&mut self, code: u8) {
        self.payload.clear();
        match code {
            // TEM and RSTn stand alone; a repeated SOI too, in files that begin with two.
            0x01 | 0xD0..=0xD7 | SOI => self.state = State::MarkerPrefix,
            0x00 | EOI => self.look_on(),
            _ => self.state = State::LengthHigh(code),
        }
    }

    fn segment(&mut self, code: u8) -> Option<Found> {
        self.state = State::MarkerPrefix;
        if is_kept(code) {
            self.image.record.add(code, &self.payload, code == SOS);
        }
        match code {
            DQT => self.quantizers(),
            DHT => self.huffman_tables(),
            DRI => {
                if let [high, low] = self.payload[..] {
                    self.image.tables.restart_interval = u32::from(u16::from_be_bytes([high, low]));
                }
            }
            SOS => return self.scan(),
            _ if is_frame_header(code) => return self.frame_header(code),
            _ => {}
        }
        None
    }

    fn frame_header(&mut self, code: u8) -> Option<Found> {
        let precision = self.payload.first().copied().unwrap_or(0);
        let frame = match (code, precision) {
            _ if self.image.frame.is_some() => Err(NotModelled::Hierarchical),
            (SOF_BASELINE | SOF_EXTENDED | SOF_PROGRESSIVE, 8) => {
                Frame::parse(&self.payload, code == SOF_PROGRESSIVE)
                    .ok_or(NotModelled::UnsupportedFrame)
            }
            (SOF_EXTENDED | SOF_PROGRESSIVE, 12) => Err(NotModelled::SamplePrecision(precision)),
            (SOF_BASELINE | SOF_EXTENDED | SOF_PROGRESSIVE, _) => {
                Err(NotModelled::UnsupportedFrame)
            }
            (SOF_LOSSLESS, _) => Err(NotModelled::Lossless),
            (0xC5..=0xC7, _) => Err(NotModelled::Hierarchical),
            _ => Err(NotModelled::Arithmetic),
        };
        let inside = self.outer.is_some();
        let found = match &frame {
            Ok(_) if inside => None,
            Ok(frame) => Some(Found::Frame {
                width: frame.width,
                height: frame.height,
            }),
            Err(reason) => Some(Found::Refused(*reason)),
        };
        self.image.frame = Some(frame);
        found
    }

    fn scan(&mut self) -> Option<Found> {
        let frame = match &self.image.frame {
            Some(Ok(frame)) => frame,
            // What is wrong with the frame has been said.
            Some(Err(_)) => {
                self.look_on();
                return None;
            }
            None => return self.refuse_scan(),
        };
        let alone = scan_layout(frame, &self.image.tables, &self.payload).map(Box::new);
        // What is coded together may be of any length, and would have to count for the segment.
        let together = match self.outer {
            None => ScanHeader::parse(frame, &self.image.tables, &self.payload).map(Box::new),
            Some(_) => None,
        };
        if alone.is_none() && together.is_none() {
            return self.refuse_scan();
        }
        let is_first = !std::mem::replace(&mut self.image.scan_seen, true);
        Some(Found::Scan(FoundScan {
            alone,
            together,
            is_first,
        }))
    }

    fn refuse_scan(&mut self) -> Option<Found> {
        self.look_on();
        Some(Found::Refused(NotModelled::UnsupportedScan))
    }

    /// Reads a DQT payload (B.2.4.1), as far as it is legal.
    fn quantizers(&mut self) {
        let mut rest = &self.payload[..];
        while let Some((&head, values)) = rest.split_first() {
            let size = if head >> 4 == 0 { 64 } else { 128 };
            let Some((values, after)) = values.split_at_checked(size) else {
                return;
            };
            let Some(slot) = self.image.tables.quantizers.get_mut(usize::from(head & 15)) else {
                return;
            };
            let mut table = [0; 64];
            for (index, &place) in ZIGZAG.iter().enumerate() {
                let value = match size {
                    64 => u16::from(values[index]),
                    _ => u16::from_be_bytes([values[2 * index], values[2 * index + 1]]),
                };
                // Zero is illegal but written by some encoders; it only guides the model.
                table[usize::from(place)] = value.max(1);
            }
            *slot = Some(table);
            rest = after;
        }
    }

    /// Reads a DHT payload (B.2.4.2), as far as it is legal.
    fn huffman_tables(&mut self) {
        let mut rest = &self.payload[..];
        while let [head, tail @ ..] = rest {
            let Some((counts, tail)) = tail.split_first_chunk::<16>() else {
                return;
            };
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let Some((symbols, after)) = tail.split_at_checked(length) else {
                return;
            };
            let class = match head >> 4 {
                0 => &mut self.image.tables.dc,
                _ => &mut self.image.tables.ac,
            };
            let Some(slot) = class.get_mut(usize::from(head & 15)) else {
                return;
            };
            *slot = HuffmanTable::new(counts, symbols).map(Arc::new);
            rest = after;
        }
    }
}

fn is_frame_header(code: u8) -> bool {
    (0xC0..=0xCF).contains(&code) && !matches!(code, DHT | DAC | 0xC8)
}

fn is_kept(code: u8) -> bool {
    is_frame_header(code) || matches!(code, DHT | SOS | DQT | DRI)
}
