//! Decoding segments for the sake of those behind them alone: of their PNGs only the pixels are made, not the
//! bytes.
//!
//! Invariant: the models are then as if the segments had been decoded in full, but for what is kept of
//! images; where that is not so, what follows is refused, and the decoder can go back and do it in full.

use super::decoder::{Decoder, State};
use super::progress::Progress;
use super::segment_header::{self, SegmentHeader, SegmentKind};
use super::varint;
use crate::Error;
use crate::png::News;

/// How many PNGs were decoded to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCount {
    /// All of their bytes.
    pub in_full: u64,
    /// Their pixels only.
    pub as_pixels: u64,
}

impl ImageCount {
    pub(super) fn add(&mut self, news: &News) {
        self.as_pixels += news.images_as_pixels;
        self.in_full += news.images_done - news.images_as_pixels;
    }
}

/// Where a decoder stood in front of a segment that starts anew.
#[derive(Clone, Debug)]
pub struct Start {
    progress: Progress,
    models_fit: bool,
    level_is_unknown: bool,
    segments_stored: u64,
    images: ImageCount,
}

impl Decoder {
    /// Takes the next unit as [`Decoder::step`] does, but for the sake of what follows alone: no bytes are
    /// handed out. Images that begin in it are decoded as pixels only, where this can be done, and where
    /// `pixel_bytes` suffice for those that are kept: one of W × H pixels of B bytes takes (W × B + 1) × H.
    /// They are part of [`DecoderOptions::state_bytes`](super::DecoderOptions::state_bytes), whose rest must
    /// suffice for all else. The rest of an image that was begun so can only be taken so.
    ///
    /// # Errors
    /// As [`Decoder::step`], and [`Error::OnlyPixels`] where the segment has to be decoded in full.
    pub fn step_for_pixels(&mut self, unit: &[u8], pixel_bytes: usize) -> Result<(), Error> {
        self.pixel_limit = pixel_bytes;
        let result = self.step(unit).map(drop);
        self.pixel_limit = 0;
        result
    }

    /// The place between two segments where the decoder stands, to go back to. The next segment must be one
    /// that starts anew. `None` in front of the first segment of a container with a reference.
    #[must_use]
    pub fn start(&self) -> Option<Start> {
        let (container, _) = self.models.as_ref()?;
        let has_reference = container.has_reference && self.progress.raw_length == 0;
        (self.state == State::SegmentHeader && !has_reference).then(|| Start {
            progress: self.progress.clone(),
            models_fit: self.models_fit,
            level_is_unknown: self.level_is_unknown,
            segments_stored: self.segments_stored,
            images: self.images,
        })
    }

    /// Goes back to a place in the same container, also after an error: the next unit is the header of the
    /// segment that followed there.
    pub fn go_back(&mut self, start: &Start) {
        if let Some((_, models)) = &mut self.models {
            models.reset();
        }
        self.progress = start.progress.clone();
        self.models_fit = start.models_fit;
        self.level_is_unknown = start.level_is_unknown;
        self.segments_stored = start.segments_stored;
        self.images = start.images;
        self.ended = false;
        self.state = State::SegmentHeader;
    }

    /// How many PNGs were decoded to their end so far.
    #[must_use]
    pub fn images(&self) -> ImageCount {
        self.images
    }
}

/// Whether a segment begins outside of the image data of a PNG, so that it can be decoded in full where those
/// before it were not. `payload` is at least the first eight bytes of its payload, or all of them.
#[must_use]
pub fn begins_outside_image_data(header: &[u8; segment_header::SIZE], payload: &[u8]) -> bool {
    let is_stored = |header: SegmentHeader| header.kind == SegmentKind::Stored;
    let mut rest = payload;
    let first_part = varint::read(&mut rest).and_then(|_count| varint::read(&mut rest));
    SegmentHeader::parse(header).is_ok_and(is_stored) || matches!(first_part, Ok(0 | 1))
}
