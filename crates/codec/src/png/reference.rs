//! The image before, inflated again alongside the one that is coded, or copied from where its pixels are.
//!
//! Only rows around the strip in hand are held here. Invariant: what a window shows depends on the image
//! and the place of the strip alone.

use super::deflate::{Compressor, Inflater, Parameters, Progress, Token};
use super::filter::FilterType;
use super::filter_model::RowFilter;
use super::given_reference::GivenImage;
use super::header::ImageHeader;
use super::held_pixels::HeldPixels;
use super::kept_stream::{BlockPool, KeptStream};
use super::pixels::{REFERENCE_MARGIN, ReferenceWindow, STRIP_ROWS};
use super::reconstruction::reconstruct;
use super::strips::Strip;
use super::token_queue::TokenQueue;
use super::workspace::{self, Workspace};
use std::mem;

/// Rows that a window may hold: a ring, in which a row has the place of its number, so that the rows at
/// the place of a strip lie together, in a slab.
pub(super) const WINDOW_ROWS: usize = 2 * REFERENCE_MARGIN + STRIP_ROWS;
const _: () = assert!(WINDOW_ROWS.is_multiple_of(STRIP_ROWS));
pub(super) const SLABS: usize = WINDOW_ROWS / STRIP_ROWS;

/// Most tokens that are held; those of an image that has more are not used.
pub(super) const TOKENS_MAX: usize = 128 << 10;

/// Where a reference comes from.
pub(super) enum Source {
    /// Its zlib stream was kept when the image was coded.
    Kept(KeptStream),
    /// Its zlib stream is in a file.
    Given(GivenImage),
    /// Its pixels are held. An image of which pixels suffice takes their place.
    Pixels(HeldPixels),
}

impl Source {
    fn peek<'s>(&'s self, pool: &'s BlockPool) -> &'s [u8] {
        match self {
            Self::Kept(stream) => stream.peek(pool),
            Self::Given(image) => image.peek(),
            Self::Pixels(_) => &[],
        }
    }

    fn consume(&mut self, pool: &mut BlockPool, count: usize) {
        match self {
            Self::Kept(stream) => stream.consume(pool, count),
            Self::Given(image) => image.consume(count),
            Self::Pixels(_) => {}
        }
    }

    /// Gives the memory back.
    pub(super) fn recycle(self, pool: &mut BlockPool) {
        if let Self::Kept(stream) = self {
            pool.recycle(stream);
        }
    }
}

/// Reads a reference image row by row.
pub(super) struct Reference {
    source: Source,
    inflater: Box<Inflater>,
    /// The parameters that its stream was made with, if it was kept.
    pub(super) parameters: Option<Parameters>,
    tokens: TokenQueue,
    /// Bytes inflated that no row has been made of.
    scanlines: Vec<u8>,
    rows: Rows,
}

/// Whole unfiltered rows of the current pass.
struct Rows {
    /// A ring.
    slabs: [Vec<u8>; SLABS],
    row_bytes: usize,
    /// The filter type of each of these rows.
    filters: [RowFilter; WINDOW_ROWS],
    filter_distance: usize,
    /// The first row of the pass that is held.
    first: usize,
    /// How many are.
    count: usize,
}

impl Reference {
    /// The start of the image with this header that `source` holds.
    pub(super) fn new(
        header: &ImageHeader,
        parameters: Option<Parameters>,
        mut source: Source,
        workspace: &mut Workspace,
    ) -> Self {
        if let Source::Pixels(pixels) = &mut source {
            pixels.rewind();
        }
        // Tokens are only there where a stream is inflated.
        let parameters = parameters.filter(|_| matches!(source, Source::Kept(_)));
        let spare = workspace.inflater.take();
        let mut inflater = spare.unwrap_or_else(|| Box::new(Inflater::without_checksum()));
        inflater.reset();
        Self {
            source,
            inflater,
            parameters,
            tokens: match parameters {
                Some(_) => TokenQueue::new(TOKENS_MAX),
                None => TokenQueue::unused(),
            },
            scanlines: Vec::new(),
            rows: Rows {
                slabs: mem::take(&mut workspace.reference_slabs),
                row_bytes: 0,
                filters: [RowFilter::Known(FilterType::None); WINDOW_ROWS],
                filter_distance: header.filter_distance(),
                first: 0,
                count: 0,
            },
        }
    }

    /// Goes to a strip behind all those before; `false` if the stream turns out to be none.
    #[must_use]
    pub(super) fn advance(&mut self, pool: &mut BlockPool, strip: &Strip) -> bool {
        let rows = &mut self.rows;
        if strip.first_row == 0 {
            rows.row_bytes = strip.pass.row_bytes;
            for slab in &mut rows.slabs {
                workspace::resize(slab, STRIP_ROWS * rows.row_bytes);
            }
            rows.first = 0;
            rows.count = 0;
        }
        let first = strip.first_row.saturating_sub(REFERENCE_MARGIN);
        rows.count -= first - rows.first;
        rows.first = first;
        let end = (strip.first_row + strip.rows + REFERENCE_MARGIN).min(strip.pass.height as usize);
        match &mut self.source {
            Source::Pixels(pixels) => rows.copy(pixels, end - first),
            Source::Kept(_) | Source::Given(_) => self.read_rows(pool, end - first),
        }
        .is_some()
    }

    /// The pixels that rows are read from, if they are.
    pub(super) fn held_pixels(&mut self) -> Option<&mut HeldPixels> {
        match &mut self.source {
            Source::Pixels(pixels) => Some(pixels),
            Source::Kept(_) | Source::Given(_) => None,
        }
    }

    /// The rows around the strip that was last gone to.
    pub(super) fn window(&self, strip: &Strip) -> ReferenceWindow<'_> {
        ReferenceWindow {
            ring: &self.rows.slabs,
            first: self.rows.first % WINDOW_ROWS,
            count: self.rows.count,
            above: strip.first_row - self.rows.first,
        }
    }

    /// The row of the strip with this number, the one above it if there is one, and its filter.
    pub(super) fn row(&self, strip: &Strip, row: usize) -> (&[u8], Option<&[u8]>, RowFilter) {
        let number = strip.first_row + row;
        let rows = &self.rows;
        let at = |number: usize| rows.row(number % WINDOW_ROWS);
        let above = (number > rows.first).then(|| at(number - 1));
        (at(number), above, rows.filters[number % WINDOW_ROWS])
    }

    /// Whether its stream is one whose compressor is not known, and was kept.
    pub(super) fn is_corrected(&self) -> bool {
        self.parameters
            .is_some_and(|parameters| parameters.compressor == Compressor::Unknown)
    }

    /// The tokens that start before byte `end` of all scanlines, and were not taken before.
    pub(super) fn take_tokens(&mut self, end: u64) -> &[Token] {
        self.tokens.take_before(end)
    }

    /// Where the first token starts that was not taken, in bytes of scanlines.
    pub(super) fn next_token(&self) -> u64 {
        self.tokens.next_start()
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
        if RowFilter::Known(filter) != filter_before {
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
        let end = end.saturating_sub(self.rows.filter_distance);
        (1 + start, end.min(pixels.len() - start))
    }

    /// Gives up the source, and what can be used again.
    pub(super) fn end(self, workspace: &mut Workspace) -> Source {
        workspace.inflater = Some(self.inflater);
        workspace.reference_slabs = self.rows.slabs;
        self.source
    }

    /// Inflates until there are so many rows; `None` where the stream turns out to be none.
    fn read_rows(&mut self, pool: &mut BlockPool, wanted: usize) -> Option<()> {
        let used = self.rows.extend(&self.scanlines, wanted)?;
        self.scanlines.drain(..used);
        while self.rows.count < wanted {
            self.inflate(pool, wanted)?;
        }
        Some(())
    }

    /// Makes rows of some more bytes, where less than a row is left of those before; keeps what is too
    /// much for `wanted` rows.
    fn inflate(&mut self, pool: &mut BlockPool, wanted: usize) -> Option<()> {
        let mut input = self.source.peek(pool);
        let available = input.len();
        let inflated = self.inflater.inflate(&mut input).ok()?;
        let consumed = available - input.len();
        let stands = consumed == 0 || inflated.progress == Progress::Ended;
        let mut bytes = inflated.bytes;
        if bytes.is_empty() && stands {
            return None;
        }
        self.tokens.add(inflated.tokens);
        if !self.scanlines.is_empty() {
            let missing = 1 + self.rows.row_bytes - self.scanlines.len();
            let (more, rest) = bytes.split_at(missing.min(bytes.len()));
            self.scanlines.extend_from_slice(more);
            bytes = rest;
            if self.rows.extend(&self.scanlines, wanted)? > 0 {
                self.scanlines.clear();
            }
        }
        let used = self.rows.extend(bytes, wanted)?;
        self.scanlines.extend_from_slice(&bytes[used..]);
        self.source.consume(pool, consumed);
        Some(())
    }
}

impl Rows {
    /// The row at a place of the ring.
    fn row(&self, place: usize) -> &[u8] {
        &self.slabs[place / STRIP_ROWS][place % STRIP_ROWS * self.row_bytes..][..self.row_bytes]
    }

    /// Adds rows that are held, until there are so many; `None` where the image has fewer.
    fn copy(&mut self, pixels: &mut HeldPixels, wanted: usize) -> Option<()> {
        while self.count < wanted {
            let (row, filter) = pixels.read_row(self.row_bytes)?;
            let number = self.first + self.count;
            let (place, _) = row_and_above(&mut self.slabs, self.row_bytes, number);
            place.copy_from_slice(row);
            self.filters[number % WINDOW_ROWS] = filter;
            self.count += 1;
        }
        Some(())
    }

    /// Adds the whole rows that these scanlines begin with, up to `wanted` in all, and gives the number
    /// of bytes they took; `None` if one has no known filter type.
    fn extend(&mut self, scanlines: &[u8], wanted: usize) -> Option<usize> {
        let size = 1 + self.row_bytes;
        let missing = wanted.saturating_sub(self.count);
        let mut used = 0;
        for scanline in scanlines.chunks_exact(size).take(missing) {
            let filter = FilterType::from_byte(scanline[0])?;
            let number = self.first + self.count;
            let (row, above) = row_and_above(&mut self.slabs, self.row_bytes, number);
            reconstruct(filter, self.filter_distance, &scanline[1..], above, row);
            self.filters[number % WINDOW_ROWS] = RowFilter::Known(filter);
            self.count += 1;
            used += size;
        }
        Some(used)
    }
}

/// A row of the ring to be filled in, by its number, and the one above it: for the first one zeros, which
/// are written for it.
fn row_and_above(
    slabs: &mut [Vec<u8>; SLABS],
    row_bytes: usize,
    number: usize,
) -> (&mut [u8], &[u8]) {
    let place = number % WINDOW_ROWS;
    let (slab, row) = (place / STRIP_ROWS, place % STRIP_ROWS);
    if row > 0 {
        let (before, rest) = slabs[slab].split_at_mut(row * row_bytes);
        return (&mut rest[..row_bytes], &before[(row - 1) * row_bytes..]);
    }
    let last_row = (STRIP_ROWS - 1) * row_bytes;
    if slab > 0 {
        let (before, rest) = slabs.split_at_mut(slab);
        return (
            &mut rest[0][..row_bytes],
            &before[slab - 1][last_row..][..row_bytes],
        );
    }
    let [first, .., last] = slabs;
    let above = &mut last[last_row..][..row_bytes];
    if number == 0 {
        above.fill(0);
    }
    (&mut first[..row_bytes], above)
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
