//! The image before, inflated again alongside the one that is coded.
//!
//! Only rows around the strip in hand are held. Invariant: what a window shows depends on the kept
//! stream and the place of the strip alone.

use super::deflate::{Inflater, Parameters, Progress, Replay, Token};
use super::filter::{self, FilterType};
use super::given_reference::GivenImage;
use super::header::ImageHeader;
use super::kept_stream::{BlockPool, KeptStream};
use super::pixels::{REFERENCE_MARGIN, ReferenceWindow, STRIP_ROWS};
use super::strips::Strip;

/// Rows that a window may hold.
const WINDOW_ROWS: usize = 2 * REFERENCE_MARGIN + STRIP_ROWS;

/// Most tokens that are held; those of an image that has more are not used.
pub(super) const TOKENS_MAX: usize = 128 << 10;

/// Where the zlib stream of a reference comes from.
pub(super) enum Source {
    /// It was kept when the image was coded.
    Kept(KeptStream),
    /// It is in a file.
    Given(GivenImage),
}

impl Source {
    fn peek(&self) -> &[u8] {
        match self {
            Self::Kept(stream) => stream.peek(),
            Self::Given(image) => image.peek(),
        }
    }

    fn consume(&mut self, pool: &mut BlockPool, count: usize) {
        match self {
            Self::Kept(stream) => stream.consume(pool, count),
            Self::Given(image) => image.consume(count),
        }
    }

    /// Gives the memory back.
    pub(super) fn recycle(self, pool: &mut BlockPool) {
        if let Self::Kept(stream) = self {
            pool.recycle(stream);
        }
    }
}

/// The tokens of a reference's zlib stream that were read and not yet used.
#[derive(Default)]
struct Tokens {
    held: Vec<Token>,
    /// Where the first of them starts, in bytes of scanlines.
    start: u64,
    /// There were too many.
    given_up: bool,
}

impl Tokens {
    fn add(&mut self, tokens: &[Token]) {
        self.given_up |= self.held.len() + tokens.len() > TOKENS_MAX;
        if self.given_up {
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(tokens);
        }
    }

    /// How many of them start before `end`.
    fn count_before(&mut self, end: u64) -> usize {
        let starts_before = |token: &&Token| {
            let before = self.start < end;
            self.start += if before { token.length() as u64 } else { 0 };
            before
        };
        self.held.iter().take_while(starts_before).count()
    }
}

/// Reads a reference image from its kept stream.
pub(super) struct Reference {
    source: Source,
    inflater: Box<Inflater>,
    /// The parameters that its stream was made with, if they are known.
    pub(super) parameters: Option<Parameters>,
    filter_distance: usize,
    tokens: Tokens,
    /// Bytes inflated that no row has been made of.
    scanlines: Vec<u8>,
    /// Whole unfiltered rows of the current pass.
    rows: Vec<u8>,
    /// The filter type of each of these rows.
    filters: Vec<FilterType>,
    /// The row of the pass that `rows` begins with.
    first: usize,
    /// How many there are.
    count: usize,
}

impl Reference {
    /// The start of the image with this header that `source` holds.
    pub(super) fn new(
        header: &ImageHeader,
        parameters: Option<Parameters>,
        source: Source,
        inflater: Box<Inflater>,
    ) -> Self {
        Self {
            source,
            inflater,
            parameters,
            filter_distance: header.filter_distance(),
            tokens: Tokens {
                given_up: parameters.is_none(),
                ..Tokens::default()
            },
            scanlines: Vec::new(),
            rows: Vec::new(),
            filters: Vec::new(),
            first: 0,
            count: 0,
        }
    }

    /// Goes to a strip behind all those before; `false` if the stream turns out to be none.
    #[must_use]
    pub(super) fn advance(&mut self, pool: &mut BlockPool, strip: &Strip) -> bool {
        let row_bytes = strip.pass.row_bytes;
        if strip.first_row == 0 {
            self.rows.resize(WINDOW_ROWS * row_bytes, 0);
            self.filters.clear();
            self.first = 0;
            self.count = 0;
        }
        let first = strip.first_row.saturating_sub(REFERENCE_MARGIN);
        let gone = first - self.first;
        if gone > 0 {
            let kept = gone * row_bytes..self.count * row_bytes;
            self.rows.copy_within(kept, 0);
            self.filters.drain(..gone);
            self.first = first;
            self.count -= gone;
        }
        let end = (strip.first_row + strip.rows + REFERENCE_MARGIN).min(strip.pass.height as usize);
        self.read_rows(pool, row_bytes, end - first)
    }

    /// The rows around the strip that was last gone to.
    pub(super) fn window(&self, strip: &Strip) -> ReferenceWindow<'_> {
        ReferenceWindow {
            rows: &self.rows[..self.count * strip.pass.row_bytes],
            above: strip.first_row - self.first,
        }
    }

    /// The row of the strip with this number, the one above it if there is one, and its filter.
    pub(super) fn row(&self, strip: &Strip, row: usize) -> (&[u8], Option<&[u8]>, FilterType) {
        let row_bytes = strip.pass.row_bytes;
        let place = strip.first_row + row - self.first;
        let start = place * row_bytes;
        let above = start.checked_sub(row_bytes).map(|s| &self.rows[s..start]);
        (
            &self.rows[start..start + row_bytes],
            above,
            self.filters[place],
        )
    }

    /// Hands over the tokens that start before byte `end` of all scanlines.
    pub(super) fn hand_over_tokens(&mut self, end: u64, replay: &mut Replay) {
        let count = self.tokens.count_before(end);
        replay.add_reference(&self.tokens.held[..count]);
        self.tokens.held.drain(..count);
    }

    /// How many bytes at the start and at the end of a scanline of the strip are those of the
    /// reference's; `above` and `pixels` are its rows without filters.
    pub(super) fn count_same(
        &self,
        strip: &Strip,
        row: usize,
        (above, pixels): (&[u8], &[u8]),
        filter: FilterType,
    ) -> (usize, usize) {
        let (row_before, above_before, filter_before) = self.row(strip, row);
        if filter != filter_before {
            return (0, 0);
        }
        let start = common_start(row_before, pixels)
            .min(above_before.map_or(pixels.len(), |before| common_start(before, above)));
        if start == pixels.len() {
            return (1 + start, 0);
        }
        let end = common_end(row_before, pixels)
            .min(above_before.map_or(pixels.len(), |before| common_end(before, above)));
        // The bytes behind a difference are filtered by it.
        let end = end.saturating_sub(self.filter_distance);
        (1 + start, end.min(pixels.len() - start))
    }

    /// Gives up the source and the inflater.
    pub(super) fn into_parts(self) -> (Source, Box<Inflater>) {
        (self.source, self.inflater)
    }

    fn read_rows(&mut self, pool: &mut BlockPool, row_bytes: usize, wanted: usize) -> bool {
        let size = 1 + row_bytes;
        let mut used = 0;
        while self.count < wanted {
            while self.scanlines.len() - used < size {
                self.scanlines.drain(..used);
                used = 0;
                if !self.inflate(pool) {
                    return false;
                }
            }
            let (&number, scanline) = match self.scanlines[used..used + size].split_first() {
                Some(parts) => parts,
                None => return false,
            };
            let Some(filter) = FilterType::from_byte(number) else {
                return false;
            };
            let (before, row) = self.rows.split_at_mut(self.count * row_bytes);
            let row = &mut row[..row_bytes];
            row.copy_from_slice(scanline);
            let zeros;
            let above = match before.len().checked_sub(row_bytes) {
                Some(start) => &before[start..],
                None => {
                    zeros = vec![0; row_bytes];
                    &zeros[..]
                }
            };
            filter::undo(filter, self.filter_distance, row, above);
            self.filters.push(filter);
            self.count += 1;
            used += size;
        }
        self.scanlines.drain(..used);
        true
    }

    /// Inflates some bytes; `false` where there are none.
    fn inflate(&mut self, pool: &mut BlockPool) -> bool {
        loop {
            let mut input = self.source.peek();
            let available = input.len();
            let Ok(inflated) = self.inflater.inflate(&mut input) else {
                return false;
            };
            let consumed = available - input.len();
            let some = !inflated.bytes.is_empty();
            self.scanlines.extend_from_slice(inflated.bytes);
            self.tokens.add(inflated.tokens);
            let ended = inflated.progress == Progress::Ended;
            self.source.consume(pool, consumed);
            if some {
                return true;
            }
            if ended || consumed == 0 {
                return false;
            }
        }
    }
}

/// How many bytes are the same from the start.
fn common_start(left: &[u8], right: &[u8]) -> usize {
    const RUN: usize = 64;
    let runs = left.chunks_exact(RUN).zip(right.chunks_exact(RUN));
    let same = RUN * runs.take_while(|(left, right)| left == right).count();
    let rest = left[same..].iter().zip(&right[same..]);
    same + rest.take_while(|(left, right)| left == right).count()
}

/// How many bytes are the same from the end; both are as long.
fn common_end(left: &[u8], right: &[u8]) -> usize {
    const RUN: usize = 64;
    let runs = left.rchunks_exact(RUN).zip(right.rchunks_exact(RUN));
    let same = RUN * runs.take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[..left.len() - same], &right[..right.len() - same]);
    let rest = left.iter().rev().zip(right.iter().rev());
    same + rest.take_while(|(left, right)| left == right).count()
}
