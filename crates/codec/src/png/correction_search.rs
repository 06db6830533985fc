//! Finding out how a zlib stream is best corrected that no replay makes again.
//!
//! Invariant: every level is tried on no more than the first [`TRIAL`] raw bytes in sight, or the few
//! more that are inflated with them, so that all trials together take no more than three times the
//! work of coding these.

use super::deflate::{
    BitCount, Compressor, CorrectedReplay, Correcting, CorrectionModels, Handover, Inflater,
    Parameters, Progress, Strategy,
};
use super::framing::{ChunkWalk, Walked};
use super::written_file::TokenWalk;

/// Levels whose searches are tried: for encoders that hardly search, that search like zlib does by
/// default, and that search for the best.
const LEVELS: [u8; 3] = [1, 6, 9];

/// Raw bytes on which they are tried.
const TRIAL: u64 = 512 << 10;

/// What a trial found.
struct Cost {
    /// Of the corrections.
    bits: u64,
    /// Bytes of the stream that they are for.
    stream: u64,
}

/// The level at which corrections of the stream that begins at `start` cost least, if they cost less
/// than the stream itself.
pub(super) fn find_correction(file: &[u8], start: ChunkWalk) -> Option<Parameters> {
    let costs = LEVELS
        .iter()
        .filter_map(|&level| Some((correction_cost(file, start, level)?, level)));
    let (cost, level) = costs.min_by_key(|(cost, _)| cost.bits)?;
    (cost.bits < 8 * cost.stream).then_some(Parameters {
        compressor: Compressor::Unknown,
        ..Parameters::new(level, Strategy::Default)
    })
}

/// The level at which corrections of a strip cost least, which go on where `from` stands, its scanlines being
/// those given; `None` if it cannot be corrected. `written`: at the block in hand. `ends`: nothing comes
/// behind the strip.
pub(super) fn find_takeover(
    from: &Handover,
    written: &TokenWalk,
    file: &[u8],
    scanlines: &std::slice::ChunksExact<'_, u8>,
    ends: bool,
) -> Option<u8> {
    let cost = |level| {
        let mut walk = written.clone();
        let (mut models, mut count) = (CorrectionModels::new(), BitCount::default());
        let mut by = Correcting {
            models: &mut models,
            coder: &mut count,
            written: Some(&mut walk.of(file)),
        };
        let mut stream = Vec::new();
        let mut replay = CorrectedReplay::take_over(&mut by, from, level, &mut stream)?;
        let mut rows = scanlines.clone();
        while let Some(scanline) = rows.next() {
            replay.push(&mut by, scanline, ends && rows.len() == 0, &mut stream)?;
        }
        Some((count.bits(), level))
    };
    let (_, level) = LEVELS.into_iter().filter_map(cost).min()?;
    Some(level)
}

/// What corrections of the stream's start cost at a level; `None` if it cannot be corrected.
fn correction_cost(file: &[u8], start: ChunkWalk, level: u8) -> Option<Cost> {
    let mut walk = start;
    let mut tokens = TokenWalk::new(start, file);
    let mut written = tokens.of(file);
    let mut inflater = Box::new(Inflater::without_checksum());
    let mut replay = CorrectedReplay::new(level);
    let (mut models, mut count) = (CorrectionModels::new(), BitCount::default());
    let mut stream = Vec::new();
    while inflater.produced() < TRIAL {
        let Walked::Data(data) = walk.next(file, usize::MAX) else {
            break;
        };
        let mut input = data;
        let inflated = inflater.inflate(&mut input).ok()?;
        walk.back(input.len());
        let ended = inflated.progress == Progress::Ended;
        let mut by = Correcting {
            models: &mut models,
            coder: &mut count,
            written: Some(&mut written),
        };
        replay.push(&mut by, inflated.bytes, ended, &mut stream)?;
        stream.clear();
        if ended || (input.len() == data.len() && inflated.bytes.is_empty()) {
            break;
        }
    }
    Some(Cost {
        bits: count.bits(),
        stream: inflater.consumed(),
    })
}
