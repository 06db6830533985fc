//! PNG images within a byte stream (W3C Portable Network Graphics, third edition): chunks, the
//! exact replay of the zlib streams within them, and the model of their pixels.
//!
//! Invariant: encoder and decoder drive one [`Png`] each with the same calls over the same bytes,
//! and so agree, without side information, on where image data begin and end and on every model
//! state; what is decoded are the very bytes that were encoded, whatever the image holds.

mod chunk_parser;
mod correction_search;
#[allow(dead_code, unused_imports, reason = "tests use all of it")]
mod deflate;
mod encoding;
mod filter;
mod filter_model;
mod framing;
mod given_reference;
mod header;
mod held_pixels;
mod image_data;
mod kept_stream;
mod memory;
mod opening;
#[allow(dead_code, reason = "tests use all of it")]
mod pixels;
mod reconstruction;
mod reference;
mod replay_check;
mod strips;
mod token_queue;
mod workspace;
mod written_file;

use crate::entropy::RangeDecoder;
use crate::{Error, Level, NotModelled, ReferenceFile};
pub(crate) use chunk_parser::{ChunkParser, Found, SIGNATURE};
use deflate::Parameters;
use encoding::Reader;
use given_reference::GivenImage;
use header::ImageHeader;
use image_data::{ImageData, InFile, Models};
use memory::Memory;
use opening::Opening;
use std::fmt;

/// Bytes of a file that the encoder should see to begin an image: enough to find out how its zlib
/// stream was made.
pub(crate) const SIGHT: usize = 128 << 10;

/// Most strips in a run.
pub(crate) const STRIPS_MAX: u32 = 1 << 20;

/// Most bytes that a byte of a zlib stream may stand for (a copy of 258 bytes in two bits).
const RATIO_MAX: usize = 1032;

/// Bytes of a zlib stream that the encoder may have ahead of what is put out.
const AHEAD_MAX: usize = 512 << 10;

/// How a run of strips of the encoder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The input is used up; the image data go on.
    More,
    /// The image data have been coded to their end, and have been left.
    Done,
    /// What follows cannot be coded; the caller leaves the image data.
    Odd,
}

/// A run of strips that was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StripRun {
    /// Number of strips coded.
    pub(crate) strips: u32,
    /// Bytes of the file that they complete.
    pub(crate) consumed: usize,
    /// Why it ended.
    pub(crate) end: RunEnd,
}

/// What was found since the last time it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// Images whose last strip was coded.
    pub(crate) images_done: u64,
    /// How many of these were only decoded as pixels.
    pub(crate) images_as_pixels: u64,
    /// Width and height, in pixels, of the first header understood.
    pub(crate) header: Option<(u32, u32)>,
    /// Why something was not modelled; bounded, see [`News::REASONS`].
    pub(crate) reasons: Vec<NotModelled>,
    /// Whether the encoder left it to a decoder to find out if a zlib stream comes back.
    pub(crate) takes_for_granted: bool,
}

impl News {
    /// Most reasons kept.
    pub(crate) const REASONS: usize = 64;

    fn add_reason(&mut self, reason: NotModelled) {
        if self.reasons.len() < Self::REASONS {
            self.reasons.push(reason);
        }
    }
}

/// All PNG state of one direction.
pub(crate) struct Png {
    level: Level,
    /// Bytes that an image's rows and what is kept of others may take.
    state_bytes: usize,
    parser: ChunkParser,
    /// Image data that begin with the next byte, while nothing of them has been coded: the header,
    /// and the bytes of the first chunk.
    announced: Option<(ImageHeader, u32)>,
    image: Option<Box<ImageData>>,
    /// Where the encoder reads.
    reader: Option<Reader>,
    /// Made when the first image begins.
    models: Option<Box<Models>>,
    memory: Memory,
    /// What the encoder found to be right for the image before.
    remembered: Option<Parameters>,
    /// What it found to be right for the whole of an image.
    proven: Option<Parameters>,
    /// Whether all that the encoder codes is decoded and compared before use.
    is_verified: bool,
    news: News,
}

impl fmt::Debug for Png {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Png")
    }
}

impl Png {
    /// A state that has seen nothing. `state_bytes` bounds what images take beside the models.
    pub(crate) fn new(level: Level, state_bytes: usize) -> Self {
        Self {
            level,
            state_bytes,
            parser: ChunkParser::new(),
            announced: None,
            image: None,
            reader: None,
            models: None,
            memory: Memory::new(state_bytes),
            remembered: None,
            proven: None,
            is_verified: false,
            news: News::default(),
        }
    }

    /// Goes back to the state of [`Png::new`], but for the news and what the encoder knows of how it
    /// may work.
    pub(crate) fn reset(&mut self) {
        let news = std::mem::take(&mut self.news);
        *self = Self {
            news,
            proven: self.proven,
            is_verified: self.is_verified,
            ..Self::new(self.level, self.state_bytes)
        };
    }

    /// Says whether all that the encoder codes is decoded and compared before use. Then it leaves
    /// replaying a zlib stream to the decoder where the writer of the stream is known.
    pub(crate) fn set_verified(&mut self, is_verified: bool) {
        self.is_verified = is_verified;
        self.proven = None;
    }

    /// Has images that begin from here on decoded as pixels only, where `limit` bytes suffice for those that
    /// are kept: nothing of their bytes is put out then. With 0 all are decoded in full.
    pub(crate) fn limit_pixels(&mut self, limit: usize) {
        self.memory.pixel_limit = limit;
    }

    /// Whether there may be images that are only decoded as pixels.
    pub(crate) fn pixels_suffice(&self) -> bool {
        self.memory.pixel_limit > 0
    }

    /// Gives all memory back, and what was learned with it. The parser forgets a chunk that it would go back
    /// to: an encoder may have shown it bytes of the JPEG that begins.
    pub(crate) fn free(&mut self) {
        self.parser = ChunkParser::new();
        self.image = None;
        self.reader = None;
        self.models = None;
        let limit = self.memory.pixel_limit;
        self.memory = Memory::new(self.state_bytes);
        self.limit_pixels(limit);
    }

    /// Whether a file is of use as a reference: its first PNG is whole, and there is memory for it.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn check_reference(&self, file: &ReferenceFile) -> Result<(), NotModelled> {
        let image = GivenImage::find(file.clone()).ok_or(NotModelled::OddReference)?;
        self.memory.check_given(image.header())?;
        match image.is_whole() {
            true => Ok(()),
            false => Err(NotModelled::OddReference),
        }
    }

    /// Keeps the first PNG of a file for an image like it, beside what is kept of the stream. To be
    /// called on a new state.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn give_reference(&mut self, file: ReferenceFile) -> Result<(), NotModelled> {
        let image = GivenImage::find(file).ok_or(NotModelled::OddReference)?;
        self.memory.give(image);
        Ok(())
    }

    /// Feeds bytes outside of image data; how many were taken: all, or up to the start of image data
    /// that can be coded, and then [`Png::in_image_data`] holds.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.parser.skip(&bytes[taken..]);
            let Some(&byte) = bytes.get(taken) else { break };
            taken += 1;
            match self.parser.push(byte) {
                None => {}
                Some(Found::Header(header)) => {
                    self.news
                        .header
                        .get_or_insert((header.width, header.height));
                }
                Some(Found::BadHeader) => self.news.add_reason(NotModelled::UnsupportedHeader),
                Some(Found::ImageData { header, length }) => {
                    self.announced = Some((header, length));
                    break;
                }
            }
        }
        taken
    }

    /// Whether the next byte belongs to image data that can be coded.
    pub(crate) fn in_image_data(&self) -> bool {
        self.image.is_some() || self.announced.is_some()
    }

    /// Whether it does, and nothing of them has been coded.
    pub(crate) fn is_announced(&self) -> bool {
        self.announced.is_some()
    }

    /// Whether the next byte belongs to no image, as far as is known.
    pub(crate) fn is_between_images(&self) -> bool {
        !self.in_image_data() && self.parser.is_outside()
    }

    /// Whether the image data may be a picture within a chunk of another, which counts their bytes.
    pub(crate) fn is_within_chunk(&self) -> bool {
        self.parser.is_within_chunk()
    }

    /// Gives the image data up; bytes that are pending are dropped.
    pub(crate) fn leave_image_data(&mut self) {
        self.announced = None;
        self.reader = None;
        if let Some(image) = self.image.take() {
            self.memory.give_up(*image);
        }
    }

    /// Appends the bytes of `strips` strips to `out`, which may grow to `limit` bytes in all.
    ///
    /// # Errors
    /// [`Error::BadImageData`] where no encoder could have written this.
    pub(crate) fn decode_strips(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        strips: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        let mut models = self.take_models();
        let start = out.len();
        let result = self.decode_by(&mut models, coder, strips, out, limit);
        self.models = Some(models);
        self.parser.pass_over(out.len() - start);
        result
    }

    fn decode_by(
        &mut self,
        models: &mut Models,
        coder: &mut RangeDecoder<'_>,
        strips: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        if let Some((header, length)) = self.announced.take() {
            let opening = Opening::UNKNOWN
                .code(&mut models.opening, coder)
                .ok_or(Error::BadImageData)?;
            let image = self.memory.begin(&header, length, &opening)?;
            self.image = Some(Box::new(image));
        }
        let mut image = self.image.take().ok_or(Error::NotInImageData)?;
        if image.is_held() && !self.pixels_suffice() {
            return Err(Error::OnlyPixels);
        }
        let mut scanlines = Vec::new();
        let mut work = (limit + AHEAD_MAX) * RATIO_MAX;
        for left in (0..strips).rev() {
            let strip = image.strip().ok_or(Error::BadImageData)?;
            work = work
                .checked_sub(strip.scanline_bytes())
                .ok_or(Error::BadImageData)?;
            scanlines.resize(strip.scanline_bytes(), 0);
            image.begin_strip(models, &strip);
            let pool = self.memory.pool();
            if !image.code_strip(models, pool, coder, &strip, &mut scanlines) {
                return Err(Error::BadImageData);
            }
            image
                .decode_takeover(models, coder)
                .ok_or(Error::BadImageData)?;
            if image.is_held() {
                image.hold_strip(&strip);
            } else {
                image.replay_strip(models, coder, &strip, &scanlines, &mut InFile::Nothing);
                image.end_strip(&strip);
            }
            let complete = image.is_complete();
            if complete {
                image.end_stream(models, coder, None);
            }
            let right = image
                .decode_chunks(models, pool, coder, out, limit)
                .ok_or(Error::BadImageData)?;
            if out.len() > limit || (left > 0 && (complete || !right)) {
                return Err(Error::BadImageData);
            }
            if !right {
                self.image = Some(image);
                self.leave_image_data();
                return Ok(());
            }
            if complete {
                return self.end_image(models, coder, image, &[], out);
            }
        }
        self.image = Some(image);
        Ok(())
    }

    /// Takes the models out, so that they and the rest can be changed at the same time.
    fn take_models(&mut self) -> Box<Models> {
        let level = self.level;
        self.models
            .take()
            .unwrap_or_else(|| Box::new(Models::new(level)))
    }

    /// What both directions do behind the last strip.
    fn end_image<C: crate::entropy::Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        image: Box<ImageData>,
        file: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        image
            .code_chunks_end(models, coder, file, out)
            .ok_or(Error::BadImageData)?;
        self.news.images_as_pixels += u64::from(image.is_held());
        self.memory.finish(models, coder, *image)?;
        self.news.images_done += 1;
        self.leave_image_data();
        Ok(())
    }

    /// What was found since the last call.
    pub(crate) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }
}
