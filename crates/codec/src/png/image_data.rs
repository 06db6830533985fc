//! The image data of one PNG, in either direction: strips of pixels, the filters and the zlib
//! stream that they become.
//!
//! Invariant: both directions make the same calls with the same pixels, and each ends up with the
//! bytes that the replayed zlib stream has so far; the encoder compares them with the file, the
//! decoder puts them out. A decoder that wants no more than the pixels reads the same decisions, and makes
//! no stream.

mod takeover;

use super::deflate::{
    Adler32, Compressor, CorrectedReplay, Correcting, CorrectionModels, Flush, Inflater,
    Parameters, Replay,
};
use super::filter::{self, FilterType};
use super::filter_model::{Basis, FilterModel, Prediction, RowFilter};
use super::framing::{ChunksEnd, Framing, FramingModels, Stretch, code_number};
use super::header::ImageHeader;
use super::held_pixels::HeldPixels;
use super::kept_stream::{BlockPool, KeptStream};
use super::opening::{Opening, OpeningModels};
use super::pixels::{PixelFormat, PixelModel, STRIP_ROWS};
use super::reconstruction::reconstruct;
use super::reference::{Reference, Source};
use super::strips::{Strip, StripWalk};
use super::token_queue::TokenQueue;
use super::workspace::{self, Workspace};
use super::written_file::WrittenFile;
use crate::Level;
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;
use std::mem;

/// The slowest rate of all slots here.
const SLOWEST: u32 = 1000;

/// What is learned about image data, from image to image.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) pixels: PixelModel,
    filters: FilterModel,
    framing: FramingModels,
    pub(super) opening: OpeningModels,
    /// Whether the replay goes wrong within a strip.
    wrong: Slot,
    /// Whether corrections go on from a replay.
    taken_over: Slot,
    wrong_adler: Slot,
    flush_changed: Slot,
    /// What the last stream was flushed by before its end.
    last_flush: Flush,
    kept: Slot,
    /// Made for the first image that has need of them.
    corrections: Option<Box<CorrectionModels>>,
}

/// What may come before the end of a stream, in the order of their numbers in the format.
const FLUSHES: [Flush; 4] = [Flush::None, Flush::Partial, Flush::Sync, Flush::Full];

/// How a zlib stream ends in a file.
pub(super) struct StreamEnd {
    pub(super) flush: Flush,
    /// The Adler-32 of the scanlines, and the one in the file.
    pub(super) checksum: u32,
    pub(super) adler: u32,
}

impl StreamEnd {
    /// Of a stream that was inflated.
    pub(super) fn of(inflater: &Inflater) -> Self {
        Self {
            flush: inflater.flush_before_end(),
            checksum: inflater.checksum(),
            adler: inflater.stored_checksum().unwrap_or_default(),
        }
    }
}

impl Models {
    pub(super) fn new(level: Level) -> Self {
        Self {
            pixels: PixelModel::new(level),
            filters: FilterModel::new(),
            framing: FramingModels::new(),
            opening: OpeningModels::new(),
            wrong: Slot::expecting(500),
            taken_over: Slot::expecting(100),
            wrong_adler: Slot::expecting(500),
            flush_changed: Slot::expecting(500),
            last_flush: Flush::None,
            kept: Slot::expecting(60_000),
            corrections: None,
        }
    }

    /// Codes what is flushed before the end of a stream.
    fn code_flush<C: Coder>(&mut self, coder: &mut C, flush: Flush) {
        let changed = flush != self.last_flush;
        if self.flush_changed.code(coder, changed, SLOWEST) {
            let number = FLUSHES.iter().position(|&other| other == flush);
            let number = code_number(coder, 2, number.unwrap_or(0) as u32);
            self.last_flush = FLUSHES[number as usize & 3];
        }
    }
}

/// What makes a zlib stream again.
enum Remaking {
    /// The writer's choices are all known.
    Replay(Box<Replay>),
    /// Corrections of choices that are likely; whether all were such as lead to a stream.
    Corrected(Box<CorrectedReplay>, bool),
    /// The replay went wrong; whether it gave up.
    Lost(bool),
    /// Pixels suffice, and are held.
    Omitted,
}

impl Remaking {
    fn new(parameters: &Parameters) -> Self {
        match parameters.compressor {
            Compressor::Unknown => {
                Self::Corrected(Box::new(CorrectedReplay::new(parameters.level)), true)
            }
            _ => Self::Replay(Box::new(Replay::new(parameters))),
        }
    }

    /// Whether the stream may be another one.
    fn gave_up(&self) -> bool {
        match self {
            Self::Replay(replay) => replay.gave_up(),
            Self::Corrected(_, is_right) => !is_right,
            Self::Lost(gave_up) => *gave_up,
            Self::Omitted => false,
        }
    }
}

/// What of a file makes remaking its stream possible, or easier.
pub(super) enum InFile<'f> {
    /// Nothing is known: a decoder.
    Nothing,
    /// The tokens of the strip, which the replay would choose.
    Tokens(&'f mut TokenQueue),
    /// The whole stream, whose corrections are to be coded.
    Stream(WrittenFile<'f>),
}

impl<'f> InFile<'f> {
    fn stream(&mut self) -> Option<&mut WrittenFile<'f>> {
        match self {
            Self::Stream(written) => Some(written),
            _ => None,
        }
    }
}

/// Image data that are being coded.
pub(super) struct ImageData {
    pub(super) header: ImageHeader,
    walk: StripWalk,
    /// The row above the strip, then its rows.
    pixels: Vec<u8>,
    last_filter: FilterType,
    prediction: Prediction,
    pub(super) parameters: Parameters,
    remaking: Remaking,
    /// Bytes of scanlines given to it.
    replayed: u64,
    /// Of the scanlines; the encoder has it from its inflater.
    adler: Adler32,
    /// Bytes of the zlib stream that are not in the file yet.
    stream: Vec<u8>,
    framing: Framing,
    reference: Option<Reference>,
    /// Which rows of the strip are the reference's, filtered alike.
    is_row_same: [bool; STRIP_ROWS],
    /// The filter types of the strip.
    filters: [RowFilter; STRIP_ROWS],
    /// What is kept of this image for the next one, while there is room for it.
    recording: Option<KeptStream>,
    /// Its pixels, if they suffice and do not take the place of the reference's.
    held: Option<HeldPixels>,
    /// What of it is not in use.
    workspace: Workspace,
}

impl ImageData {
    pub(super) fn new(
        header: &ImageHeader,
        chunk_length: u32,
        opening: &Opening,
        reference: Option<Reference>,
        mut workspace: Workspace,
    ) -> Self {
        Self {
            header: *header,
            walk: StripWalk::new(header),
            pixels: mem::take(&mut workspace.rows),
            last_filter: FilterType::None,
            prediction: opening.prediction,
            parameters: opening.parameters,
            remaking: Remaking::new(&opening.parameters),
            replayed: 0,
            adler: Adler32::new(),
            stream: opening.zlib_header.to_be_bytes().to_vec(),
            framing: Framing::new(chunk_length),
            reference,
            is_row_same: [false; STRIP_ROWS],
            filters: [RowFilter::Known(FilterType::None); STRIP_ROWS],
            recording: Some(KeptStream::default()),
            held: None,
            workspace,
        }
    }

    /// Has the pixels of the image held, instead of making its zlib stream again. To be called before the
    /// first strip.
    pub(super) fn hold_pixels(&mut self) {
        self.remaking = Remaking::Omitted;
        self.recording = None;
        let takes_place = self
            .reference
            .as_mut()
            .is_some_and(|r| r.held_pixels().is_some());
        self.held = (!takes_place).then(|| HeldPixels::new(&self.header));
    }

    /// Whether only its pixels are decoded.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.remaking, Remaking::Omitted)
    }

    /// The strip that comes next; `None` behind the last one.
    pub(super) fn strip(&self) -> Option<Strip> {
        self.walk.current()
    }

    /// Whether no strip comes behind `strip`, which is the current one.
    pub(super) fn is_last(&self, strip: &Strip) -> bool {
        self.walk.is_last(strip)
    }

    /// Makes room for the pixels of a strip.
    pub(super) fn begin_strip(&mut self, models: &mut Models, strip: &Strip) {
        let row_bytes = strip.pass.row_bytes;
        let bytes = (1 + strip.rows) * row_bytes;
        if strip.first_row == 0 {
            workspace::resize(&mut self.pixels, bytes);
            self.pixels[..row_bytes].fill(0);
            let header = &self.header;
            let format = PixelFormat::new(strip.pass.width, header.colour_type, header.bit_depth);
            if let Some(format) = format {
                models.pixels.begin_image(format, self.reference.is_some());
            }
        }
        self.pixels.truncate(bytes);
    }

    /// Undoes the filters of a strip; `false` if a row has none of the known types.
    #[must_use]
    pub(super) fn undo_filters(&mut self, strip: &Strip, scanlines: &[u8]) -> bool {
        let row_bytes = strip.pass.row_bytes;
        let distance = self.header.filter_distance();
        for (row, scanline) in scanlines.chunks_exact(1 + row_bytes).enumerate() {
            let Some(filter) = FilterType::from_byte(scanline[0]) else {
                return false;
            };
            let (before, rows) = self.pixels.split_at_mut((1 + row) * row_bytes);
            let above = &before[row * row_bytes..];
            reconstruct(
                filter,
                distance,
                &scanline[1..],
                above,
                &mut rows[..row_bytes],
            );
        }
        true
    }

    /// Codes the pixels and filters of a strip, which a decoder puts into `scanlines`; `false` if the
    /// reference turns out to be no image.
    #[must_use]
    pub(super) fn code_strip<C: Coder>(
        &mut self,
        models: &mut Models,
        pool: &mut BlockPool,
        coder: &mut C,
        strip: &Strip,
        scanlines: &mut [u8],
    ) -> bool {
        let row_bytes = strip.pass.row_bytes;
        if let Some(reference) = &mut self.reference
            && !reference.advance(pool, strip)
        {
            return false;
        }
        let window = self.reference.as_ref().map(|r| r.window(strip));
        models
            .pixels
            .code_strip(coder, &mut self.pixels[row_bytes..], window);
        for (row, scanline) in scanlines.chunks_exact_mut(1 + row_bytes).enumerate() {
            self.code_filter(models, coder, strip, row, scanline);
        }
        if !C::ENCODES && !self.is_held() {
            self.adler.update(scanlines);
        }
        self.walk.advance(strip);
        true
    }

    /// Holds the rows of a strip that was decoded.
    pub(super) fn hold_strip(&mut self, strip: &Strip) {
        let row_bytes = strip.pass.row_bytes;
        let takes_place = self.held.is_none();
        let before = self.reference.as_mut().and_then(Reference::held_pixels);
        if let Some(held) = self.held.as_mut().or(before) {
            let rows = self.pixels[row_bytes..].chunks_exact(row_bytes);
            for ((row, filter), is_same) in rows.zip(self.filters).zip(self.is_row_same) {
                if takes_place && is_same {
                    held.leave_row(row_bytes);
                } else {
                    held.write_row(row, filter);
                }
            }
        }
        // The last row is the one above the next strip.
        self.pixels.copy_within(strip.rows * row_bytes.., 0);
    }

    /// Makes the zlib stream of a strip again that was coded.
    pub(super) fn replay_strip<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        strip: &Strip,
        scanlines: &[u8],
        in_file: &mut InFile<'_>,
    ) {
        let row_bytes = strip.pass.row_bytes;
        // libpng compresses row by row, which tells in where the window slides.
        for (row, scanline) in scanlines.chunks_exact(1 + row_bytes).enumerate() {
            self.replayed += scanline.len() as u64;
            let ends = self.is_complete() && row + 1 == strip.rows;
            match (&mut self.remaking, &mut *in_file) {
                (Remaking::Corrected(..), in_file) => {
                    self.correct_scanline(models, coder, in_file, scanline, ends);
                }
                (Remaking::Replay(replay), InFile::Tokens(queue)) => {
                    let tokens = queue.take_before(self.replayed);
                    replay.push_to_tokens(scanline, tokens, &mut self.stream);
                }
                _ => self.replay_scanline(strip, row, scanline),
            }
        }
    }

    /// Makes what follows a strip possible whose stream was made.
    pub(super) fn end_strip(&mut self, strip: &Strip) {
        if let (Remaking::Replay(_), Some(reference)) = (&self.remaking, &mut self.reference)
            && reference.is_corrected()
        {
            // They are of use only to corrections, which may go on from here.
            reference.take_tokens(self.replayed);
        }
        // The last row is the one above the next strip.
        self.pixels
            .copy_within(strip.rows * strip.pass.row_bytes.., 0);
    }

    /// Codes the corrections of a scanline.
    fn correct_scanline<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        in_file: &mut InFile<'_>,
        scanline: &[u8],
        ends: bool,
    ) {
        let Remaking::Corrected(replay, is_right) = &mut self.remaking else {
            return;
        };
        if !*is_right {
            return;
        }
        if let Some(reference) = &mut self.reference
            && reference.is_corrected()
        {
            replay.add_reference(reference.take_tokens(self.replayed));
        }
        let models = models
            .corrections
            .get_or_insert_with(|| Box::new(CorrectionModels::new()));
        let written = in_file.stream();
        let mut by = Correcting {
            models,
            coder,
            written,
        };
        let pushed = replay.push(&mut by, scanline, ends, &mut self.stream);
        *is_right = pushed.is_some();
    }

    /// Replays the compression of a scanline, with the reference's tokens if they are of use.
    fn replay_scanline(&mut self, strip: &Strip, row: usize, scanline: &[u8]) {
        let Remaking::Replay(replay) = &mut self.remaking else {
            return;
        };
        let Some(reference) = &mut self.reference else {
            replay.push(scanline, &mut self.stream);
            return;
        };
        if reference.parameters != Some(self.parameters) {
            replay.push(scanline, &mut self.stream);
            return;
        }
        let (start, end) = match self.is_row_same[row] {
            true => (scanline.len(), 0),
            false => {
                let row_bytes = strip.pass.row_bytes;
                let rows = &self.pixels[row * row_bytes..(row + 2) * row_bytes];
                let filter = FilterType::from_byte(scanline[0]).unwrap_or(FilterType::None);
                reference.count_same(strip, row, rows.split_at(row_bytes), filter)
            }
        };
        replay.add_reference(reference.take_tokens(self.replayed));
        replay.push_compared(scanline, start, end, &mut self.stream);
    }

    fn code_filter<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        strip: &Strip,
        row: usize,
        scanline: &mut [u8],
    ) {
        let row_bytes = strip.pass.row_bytes;
        let distance = self.header.filter_distance();
        let start = row * row_bytes;
        let (above, pixels) = self.pixels[start..start + 2 * row_bytes].split_at(row_bytes);
        let same = self.reference.as_ref().and_then(|reference| {
            let (row_before, above_before, filter) = reference.row(strip, row);
            (row_before == pixels && above_before.is_none_or(|before| before == above))
                .then_some(filter)
        });
        let (basis, expected) = match (same, self.prediction) {
            (Some(filter), _) => (Basis::Reference, filter),
            (None, Prediction::Last) => (
                Basis::Last(self.last_filter),
                RowFilter::Known(self.last_filter),
            ),
            (None, Prediction::LeastSum) => (Basis::LeastSum, RowFilter::LeastSum),
        };
        let actual = FilterType::from_byte(scanline[0]).unwrap_or(FilterType::None);
        let other =
            (C::ENCODES && actual != expected.work_out(distance, pixels, above)).then_some(actual);
        let other = models.filters.code(coder, basis, other);
        self.is_row_same[row] = same.is_some() && other.is_none();
        let filter = other.map_or(expected, RowFilter::Known);
        self.filters[row] = filter;
        if C::ENCODES {
            self.last_filter = actual;
        } else if !self.is_held() {
            self.last_filter = filter.work_out(distance, pixels, above);
            scanline[0] = self.last_filter as u8;
            filter::apply(
                self.last_filter,
                distance,
                pixels,
                above,
                &mut scanline[1..],
            );
        } else if self.prediction == Prediction::Last {
            self.last_filter = filter.work_out(distance, pixels, above);
        }
    }

    /// Whether the last strip is coded.
    pub(super) fn is_complete(&self) -> bool {
        self.walk.current().is_none()
    }

    /// Ends the zlib stream behind the last strip. The encoder says how it ends in the file, and has ended the
    /// replay before.
    pub(super) fn end_stream<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        in_file: Option<StreamEnd>,
    ) {
        let end = in_file.unwrap_or(StreamEnd {
            flush: models.last_flush,
            checksum: self.adler.value(),
            adler: 0,
        });
        match &mut self.remaking {
            Remaking::Replay(replay) => {
                models.code_flush(coder, end.flush);
                if !C::ENCODES {
                    replay.finish(models.last_flush, &mut self.stream);
                }
            }
            Remaking::Lost(_) | Remaking::Omitted => models.code_flush(coder, end.flush),
            Remaking::Corrected(..) => {}
        }
        let (right, actual) = (end.checksum, end.adler);
        let wrong = models.wrong_adler.code(coder, actual != right, SLOWEST);
        let adler = match wrong {
            true => code_number(coder, 32, actual),
            false => right,
        };
        self.stream.extend_from_slice(&adler.to_be_bytes());
    }

    /// Codes the chunks around the bytes that the last strip led to, which are in the file from
    /// `place` on. Returns the place behind those that are right, and whether that is all of them.
    pub(super) fn encode_chunks<C: Coder>(
        &mut self,
        models: &mut Models,
        pool: &mut BlockPool,
        coder: &mut C,
        file: &[u8],
        place: usize,
    ) -> (usize, bool) {
        let gave_up = self.remaking.gave_up();
        if gave_up {
            self.stream.clear();
        }
        let equal = self.framing.walk(place).count_equal(file, &self.stream);
        let is_lost = matches!(self.remaking, Remaking::Lost(_));
        let right = equal == self.stream.len() && !gave_up && !is_lost;
        if models.wrong.code(coder, !right, SLOWEST) {
            code_number(coder, 32, equal as u32);
        }
        let models = &mut models.framing;
        let (stretch, file) = (self.stretch(right), (file, place));
        let place = self.framing.encode(models, coder, file, equal, stretch);
        self.record(pool);
        self.stream.clear();
        (place, right)
    }

    fn stretch(&self, right: bool) -> Stretch {
        let is_last = self.is_complete();
        Stretch {
            is_last,
            ends: is_last && right,
        }
    }

    /// Appends the bytes that the last strip led to, and the chunks around them, to `file`, which
    /// may grow to about `limit` bytes; whether all of them are right. `None` where no encoder goes on: the
    /// replay gave up, or an exception is none.
    pub(super) fn decode_chunks<C: Coder>(
        &mut self,
        models: &mut Models,
        pool: &mut BlockPool,
        coder: &mut C,
        file: &mut Vec<u8>,
        limit: usize,
    ) -> Option<bool> {
        let wrong = models.wrong.code(coder, false, SLOWEST);
        if wrong {
            self.stream.truncate(code_number(coder, 32, 0) as usize);
        } else if self.remaking.gave_up() {
            return None;
        }
        let stretch = self.stretch(!wrong);
        let models = &mut models.framing;
        if self.is_held() {
            Framing::pass_over(models, coder, stretch, limit)?;
        } else {
            let room = (file, limit);
            self.framing
                .decode(models, coder, room, &self.stream, stretch)?;
        }
        self.record(pool);
        self.stream.clear();
        Some(!wrong)
    }

    /// Codes what follows the last byte of the stream; see [`Framing::code_end`].
    pub(super) fn code_chunks_end<C: Coder>(
        &self,
        models: &mut Models,
        coder: &mut C,
        file: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let models = &mut models.framing;
        if self.is_held() {
            ChunksEnd::code(models, coder, None);
            return Some(());
        }
        self.framing.code_end(models, coder, file, out)
    }

    fn record(&mut self, pool: &mut BlockPool) {
        if let Some(recording) = &mut self.recording
            && !recording.append(pool, &self.stream)
            && let Some(dropped) = self.recording.take()
        {
            pool.recycle(dropped);
        }
    }

    /// Codes whether the image is kept, behind its last byte; `None` if it is to be, but there is no
    /// room. Otherwise what is kept, and what can be used again.
    pub(super) fn finish<C: Coder>(
        mut self,
        models: &mut Models,
        pool: &mut BlockPool,
        coder: &mut C,
    ) -> Option<(Option<Source>, Workspace)> {
        let is_kept = models.kept.code(coder, self.recording.is_some(), SLOWEST);
        let is_held = self.is_held();
        let mut workspace = self.workspace;
        workspace.rows = self.pixels;
        let reference = self.reference.map(|r| r.end(&mut workspace));
        let (image, reference) = match (is_held, self.held, reference) {
            // Its pixels have taken the place of the reference's.
            (true, None, reference) => (reference, None),
            (true, held, reference) => (held.map(Source::Pixels), reference),
            (false, _, reference) => (self.recording.take().map(Source::Kept), reference),
        };
        let (kept, spent) = match is_kept {
            true => (Some(image?), None),
            false => (None, image),
        };
        for source in [reference, spent].into_iter().flatten() {
            source.recycle(pool);
        }
        Some((kept, workspace))
    }

    /// Gives all blocks of memory back, and what can be used again.
    pub(super) fn give_up(self, pool: &mut BlockPool) -> Workspace {
        let mut workspace = self.workspace;
        workspace.rows = self.pixels;
        pool.recycle(self.recording.unwrap_or_default());
        if let Some(reference) = self.reference {
            reference.end(&mut workspace).recycle(pool);
        }
        workspace
    }
}
