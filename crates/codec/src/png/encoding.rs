//! The encoder's side of image data: reads the file ahead of what is coded.
//!
//! Invariant: nothing of a strip reaches a model before all its bytes have been inflated, and the
//! last strip only together with what ends the zlib stream.

use super::correction_search::{find_correction, find_takeover};
use super::deflate::{
    Compressor, Handover, Inflater, Parameters, Progress, Replay, Search, Strategy, Trial,
};
use super::filter::{self, FilterType};
use super::filter_model::Prediction;
use super::framing::{ChunkWalk, Walked};
use super::header::ImageHeader;
use super::image_data::{ImageData, InFile, Models, StreamEnd};
use super::opening::Opening;
use super::pixels::STRIP_ROWS;
use super::reconstruction::reconstruct;
use super::replay_check::ReplayCheck;
use super::strips::{Strip, StripWalk};
use super::token_queue::TokenQueue;
use super::written_file::TokenWalk;
use super::{Png, RunEnd, STRIPS_MAX, StripRun};
use crate::NotModelled;
use crate::entropy::RangeEncoder;

/// Most bytes of a strip whose tokens are held: an image of 2,048 pixels of 32 bits a row has as many.
/// For wider ones there is no memory.
const HELD_STRIP: usize = (4 * 2048 + 1) * STRIP_ROWS;

/// Most tokens that are held: those of a strip, and of what is inflated with its end.
const HELD_TOKENS: usize = HELD_STRIP + 1024;

/// Bytes that may follow the zlib stream and are coded with it: a CRC and the chunk IEND.
const BEHIND: usize = 16;

/// Reads the zlib stream of a file.
pub(super) struct Reader {
    walk: ChunkWalk,
    inflater: Box<Inflater>,
    /// Inflated bytes that are not coded.
    scanlines: Vec<u8>,
    /// The tokens that stand for them, if they are wanted: given to the replay, or compared with what it
    /// chooses.
    tokens: TokenQueue,
    gives_tokens: bool,
    /// Whether the replay is right, and where it stood in front of the strip.
    check: ReplayCheck,
    handover: Handover,
    /// Where corrections are found from, if they are wanted.
    written: Option<TokenWalk>,
    /// What these cost, with the pixels.
    balance: Balance,
    ended: bool,
}

/// Bytes of a stream by whose cost corrections are judged.
const STRETCH: u64 = 48 << 10;

/// What a stretch of a stream cost so far.
#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    /// Bytes coded, and bytes of the stream that they stand for.
    coded: u64,
    stands_for: u64,
    /// Where these end.
    end: u64,
}

impl Balance {
    /// Counts the bytes `coded` for a strip whose stream ends at byte `end`, as far as it was read; whether the
    /// stretch, which ends here, cost more than its bytes would have. What is put out tells less: it comes by
    /// whole blocks.
    fn is_loss(&mut self, coded: usize, end: u64) -> bool {
        self.coded += coded as u64;
        self.stands_for += end - self.end;
        self.end = end;
        if self.stands_for < STRETCH {
            return false;
        }
        let is_loss = self.coded > self.stands_for;
        (self.coded, self.stands_for) = (0, 0);
        is_loss
    }
}

/// Why a strip is not there.
enum Missing {
    /// Its bytes are not all in sight.
    OutOfInput,
    /// There will be none.
    Odd,
}

impl Reader {
    fn new(walk: ChunkWalk, tokens: TokenQueue) -> Self {
        Self {
            walk,
            inflater: Box::new(Inflater::by_blocks()),
            scanlines: Vec::new(),
            tokens,
            gives_tokens: false,
            check: ReplayCheck::new(),
            handover: Handover::default(),
            written: None,
            balance: Balance::default(),
            ended: false,
        }
    }

    /// Follows the file's first `bytes` bytes having gone.
    fn forget(&mut self, bytes: usize) {
        self.walk.forget(bytes);
        if let Some(written) = &mut self.written {
            written.forget(bytes);
        }
    }

    /// Inflates until all of a strip is there.
    fn read(&mut self, file: &[u8], strip: &Strip, is_last: bool) -> Result<(), Missing> {
        let wanted = strip.scanline_bytes();
        while self.scanlines.len() < wanted || (is_last && !self.ended) {
            if self.ended || (is_last && self.scanlines.len() > wanted) {
                return Err(Missing::Odd);
            }
            self.inflate(file)?;
        }
        if is_last && self.scanlines.len() > wanted {
            return Err(Missing::Odd);
        }
        Ok(())
    }

    fn inflate(&mut self, file: &[u8]) -> Result<(), Missing> {
        let data = match self.walk.next(file, usize::MAX) {
            Walked::Data(data) => data,
            Walked::OutOfInput => return Err(Missing::OutOfInput),
            Walked::NoMoreChunks => return Err(Missing::Odd),
        };
        let mut input = data;
        let inflated = self.inflater.inflate(&mut input);
        self.walk.back(input.len());
        let inflated = inflated.map_err(|_| Missing::Odd)?;
        self.scanlines.extend_from_slice(inflated.bytes);
        self.tokens.add(inflated.tokens);
        self.ended = inflated.progress == Progress::Ended;
        let bytes = inflated.bytes.len();
        let stands = input.len() == data.len() && bytes == 0;
        let block = self.inflater.blocks();
        self.check.add(bytes, block, self.inflater.is_stored());
        if stands && !self.ended {
            return Err(Missing::Odd);
        }
        Ok(())
    }

    /// Codes what makes the zlib stream of a strip, which is in `file` from `place` on. Where the replay goes
    /// wrong, corrections go on from what was right, if they can.
    fn code_stream(
        &mut self,
        image: &mut ImageData,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        (strip, ends): (&Strip, bool),
        (file, place): (&[u8], usize),
    ) {
        let scanlines = &self.scanlines[..strip.scanline_bytes()];
        if self.written.is_none() {
            image.hand_over(&mut self.handover);
            let waiting = image.waiting();
            let mut in_file = match self.gives_tokens {
                true => InFile::Tokens(&mut self.tokens),
                false => InFile::Nothing,
            };
            image.replay_strip(models, coder, strip, scanlines, &mut in_file);
            if ends {
                image.finish_replay(self.inflater.flush_before_end());
            }
            let Some(standing) = image.standing() else {
                return;
            };
            let tokens = (!self.gives_tokens).then_some(&mut self.tokens);
            let is_right = self.check.agrees(&standing, tokens) && image.is_in_file(file, place);
            let mut taken_over = None;
            if !is_right {
                image.lose_replay();
                let walk = image.walk(place);
                taken_over = self.find_takeover(walk, waiting, (strip, ends), file);
            }
            let level = taken_over.as_ref().map(|(_, level)| *level);
            // What an encoder says is possible.
            let _ = image.code_takeover(models, coder, level);
            let Some((mut walk, level)) = taken_over else {
                return;
            };
            image.go_back(strip, waiting);
            let mut in_file = InFile::Stream(walk.of(file));
            // It was tried.
            let _ = image.take_over(models, coder, (&self.handover, level), &mut in_file);
            self.written = Some(walk);
            self.gives_tokens = false;
            self.tokens = TokenQueue::unused();
            self.handover = Handover::default();
        }
        let scanlines = &self.scanlines[..strip.scanline_bytes()];
        if let Some(walk) = &mut self.written {
            let mut in_file = InFile::Stream(walk.of(file));
            image.replay_strip(models, coder, strip, scanlines, &mut in_file);
        }
    }

    /// The tokens of the block in hand, and the level at which corrections of the strip cost least.
    fn find_takeover(
        &self,
        walk: ChunkWalk,
        skipped: usize,
        (strip, ends): (&Strip, bool),
        file: &[u8],
    ) -> Option<(TokenWalk, u8)> {
        let written = TokenWalk::within(walk, skipped, &self.handover, file)?;
        let rows = self.scanlines[..strip.scanline_bytes()].chunks_exact(1 + strip.pass.row_bytes);
        let level = find_takeover(&self.handover, &written, file, &rows, ends)?;
        Some((written, level))
    }

    /// Whether all that is coded behind the stream is in sight, or not to come.
    fn sees_end(&self, file: &[u8], ends: bool) -> Result<(), Missing> {
        let rest = file.len() - self.walk.place;
        match rest {
            _ if !self.walk.at_chunk_end() => Ok(()),
            BEHIND.. => Ok(()),
            4.. if ends => Ok(()),
            _ => Err(Missing::OutOfInput),
        }
    }
}

impl Png {
    /// Codes strips from the start of `window` until the image data end or turn odd, or the window
    /// is used up. `ends`: nothing comes after it.
    pub(crate) fn encode_strips(
        &mut self,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        ends: bool,
    ) -> StripRun {
        let mut models = self.take_models();
        let mut run = StripRun {
            strips: 0,
            consumed: 0,
            end: RunEnd::More,
        };
        match self.encode_by(&mut models, coder, window, ends, &mut run) {
            Ok(end) => run.end = end,
            Err(Missing::OutOfInput) if !ends => run.end = RunEnd::More,
            Err(Missing::OutOfInput) => {
                self.news.add_reason(NotModelled::TruncatedImageData);
                run.end = RunEnd::Odd;
            }
            Err(Missing::Odd) => {
                self.news.add_reason(NotModelled::OddImageData);
                run.end = RunEnd::Odd;
            }
        }
        self.models = Some(models);
        self.parser.pass_over(run.consumed);
        if let Some(reader) = &mut self.reader {
            reader.forget(run.consumed);
        }
        run
    }

    fn encode_by(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        ends: bool,
        run: &mut StripRun,
    ) -> Result<RunEnd, Missing> {
        if let Some((header, length)) = self.announced
            && !self.begin_image(models, coder, &header, length, window, ends)?
        {
            return Ok(RunEnd::Odd);
        }
        while let (Some(image), Some(reader)) = (&mut self.image, &mut self.reader) {
            let Some(strip) = image.strip() else { break };
            if run.strips == STRIPS_MAX {
                break;
            }
            let is_last = image.is_last(&strip);
            let size = coder.size();
            reader.read(window, &strip, is_last)?;
            if is_last {
                reader.sees_end(window, ends)?;
            }
            let pool = self.memory.pool();
            let scanlines = &mut reader.scanlines[..strip.scanline_bytes()];
            image.begin_strip(models, &strip);
            if !image.undo_filters(&strip, scanlines)
                || !image.code_strip(models, pool, coder, &strip, scanlines)
            {
                return Err(Missing::Odd);
            }
            self.news.takes_for_granted |= reader.gives_tokens;
            let place = (window, run.consumed);
            let sight = (&strip, is_last);
            reader.code_stream(image, models, coder, sight, place);
            image.end_strip(&strip);
            reader.scanlines.drain(..strip.scanline_bytes());
            run.strips += 1;
            if is_last {
                image.end_stream(models, coder, Some(StreamEnd::of(&reader.inflater)));
            }
            let (place, right) = image.encode_chunks(models, pool, coder, window, run.consumed);
            run.consumed = place;
            let coded = coder.size() - size;
            let is_loss = reader.balance.is_loss(coded, reader.inflater.consumed());
            let is_corrected = reader.written.is_some();
            if !right || (is_corrected && is_loss && !is_last) {
                self.news.add_reason(NotModelled::UnknownDeflate);
                return Ok(RunEnd::Odd);
            }
            if is_last {
                if !reader.gives_tokens && reader.written.is_none() {
                    self.proven = self.remembered;
                }
                return self.end_encoding(models, coder, window, run);
            }
        }
        Ok(RunEnd::More)
    }

    fn end_encoding(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        window: &[u8],
        run: &mut StripRun,
    ) -> Result<RunEnd, Missing> {
        let image = self.image.take().ok_or(Missing::Odd)?;
        let mut end = Vec::new();
        let file = &window[run.consumed..];
        self.end_image(models, coder, image, file, &mut end)
            .map_err(|_| Missing::Odd)?;
        run.consumed += end.len();
        Ok(RunEnd::Done)
    }

    /// Begins to code the image data that were announced; `false` if they are not coded.
    fn begin_image(
        &mut self,
        models: &mut Models,
        coder: &mut RangeEncoder<'_>,
        header: &ImageHeader,
        length: u32,
        window: &[u8],
        ends: bool,
    ) -> Result<bool, Missing> {
        if let Some((needed, budget)) = self.memory.lacks(header) {
            let reason = NotModelled::TooWide { needed, budget };
            self.news.add_reason(reason);
            return Ok(false);
        }
        let start = ChunkWalk::new(length);
        let walk = StripWalk::new(header);
        let Some(strip) = walk.current() else {
            return Ok(false);
        };
        let proven = self.proven.filter(|_| self.is_verified);
        let tokens = match strip.scanline_bytes() {
            ..=HELD_STRIP => TokenQueue::new(HELD_TOKENS),
            _ => TokenQueue::unused(),
        };
        let mut reader = Reader::new(start, tokens);
        reader.read(window, &strip, walk.is_last(&strip))?;
        if walk.is_last(&strip) {
            reader.sees_end(window, ends)?;
        }
        let row = strip.pass.row_bytes + 1;
        let remembered = self
            .remembered
            .or(self.proven)
            .map(|parameters| (parameters, enough_remembered(header)));
        let Some(parameters) = find_parameters(remembered, window, start, row) else {
            self.news.add_reason(NotModelled::UnknownDeflate);
            return Ok(false);
        };
        let (Some(zlib_header), Some(prediction)) = (
            reader.inflater.header(),
            predict_filters(header, &strip, &reader.scanlines),
        ) else {
            return Err(Missing::Odd);
        };
        let opening = Opening {
            zlib_header,
            parameters,
            prediction,
            has_reference: self.memory.has_reference(header),
            kept_blocks: self.memory.planned_blocks(header),
        };
        reader.gives_tokens = proven == Some(parameters)
            && Replay::writes_tokens(&parameters)
            && !reader.tokens.has_given_up();
        if !Replay::hands_over(&parameters) {
            reader.tokens = TokenQueue::unused();
        }
        if parameters.compressor == Compressor::Unknown {
            reader.written = Some(TokenWalk::new(start, window));
        }
        self.announced = None;
        let opening = opening
            .code(&mut models.opening, coder)
            .ok_or(Missing::Odd)?;
        let image = self.memory.begin(header, length, &opening);
        self.image = Some(Box::new(image.map_err(|_| Missing::Odd)?));
        if parameters.compressor != Compressor::Unknown {
            self.remembered = Some(parameters);
        }
        self.reader = Some(reader);
        Ok(true)
    }
}

/// Raw bytes that are compared for parameters that were right for the image before. Of a small image
/// all of them, since it takes little time.
const ENOUGH_REMEMBERED: u64 = 64 << 10;
const SMALL: u64 = 512 << 10;

fn enough_remembered(header: &ImageHeader) -> u64 {
    let passes = header.passes();
    let bytes = passes.map(|pass| u64::from(pass.height) * (1 + pass.row_bytes as u64));
    match bytes.fold(0, u64::saturating_add) {
        bytes @ ..=SMALL => bytes,
        _ => ENOUGH_REMEMBERED,
    }
}

/// Raw bytes that are compared for others.
const ENOUGH: u64 = 16 << 20;

/// The parameters that replay the zlib stream as far as it is in sight, or else those by which it is
/// corrected, if that is worth it. The stream was made from pieces of `row` bytes. `remembered`: those of
/// the image before, and how many bytes are enough to be sure of them.
fn find_parameters(
    remembered: Option<(Parameters, u64)>,
    file: &[u8],
    start: ChunkWalk,
    row: usize,
) -> Option<Parameters> {
    let mut stream = Vec::with_capacity(file.len());
    let mut walk = start;
    while let Walked::Data(data) = walk.next(file, usize::MAX) {
        stream.extend_from_slice(data);
    }
    let mut search = Box::new(Search::new());
    let any = Parameters::new(6, Strategy::Filtered);
    let mut replay = Replay::new(
        remembered
            .as_ref()
            .map_or(&any, |(parameters, _)| parameters),
    );
    // Others put out so little at first that trying them on as much would prove nothing.
    if let Some((parameters, enough)) =
        remembered.filter(|(parameters, _)| Replay::writes_tokens(parameters))
        && matches!(
            search.try_parameters(&mut replay, &parameters, &stream, row, enough),
            Trial::Whole | Trial::SoFar
        )
    {
        return Some(parameters);
    }
    let found = search.find(&mut replay, None, &stream, row, ENOUGH);
    drop((search, replay, stream));
    match found {
        Some((parameters, _)) => Some(parameters),
        None => find_correction(file, start),
    }
}

/// How the filter types of the first strip are predicted best; `None` if a row has none.
fn predict_filters(header: &ImageHeader, strip: &Strip, scanlines: &[u8]) -> Option<Prediction> {
    let row_bytes = strip.pass.row_bytes;
    let distance = header.filter_distance();
    let mut above = vec![0; row_bytes];
    let (mut by_sum, mut by_last) = (0, 0);
    let mut last = FilterType::None;
    let rows = &scanlines[..strip.scanline_bytes()];
    for scanline in rows.chunks_exact(1 + row_bytes) {
        let actual = FilterType::from_byte(scanline[0])?;
        let mut row = vec![0; row_bytes];
        reconstruct(actual, distance, &scanline[1..], &above, &mut row);
        let least = filter::least_sum(distance, &row, &above);
        by_sum += usize::from(actual == least);
        by_last += usize::from(actual == last);
        last = actual;
        above = row;
    }
    // libpng leaves low depths and palettes unfiltered.
    let is_direct = header.bit_depth >= 8 && header.colour_type != 3;
    Some(if by_sum > by_last || (by_sum == by_last && is_direct) {
        Prediction::LeastSum
    } else {
        Prediction::Last
    })
}
