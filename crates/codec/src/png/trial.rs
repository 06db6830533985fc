//! Finds the parameters that a zlib stream was made with, by making it again from its start and
//! comparing.
//!
//! Invariant: the work is bounded by a multiple of the image's size, and the answer depends on the
//! bytes shown and on the parameters that were right before.

use super::deflate::{Inflater, Parameters, Progress, Replay, Strategy};
use super::framing::{ChunkWalk, Walked};
use super::header::ImageHeader;

/// All trials together may replay this many times the bytes of the image.
const WORK: u64 = 3;

/// And at least this many bytes, so that small images get their trials too.
const LEAST_WORK: u64 = 4 << 20;

/// Compressed bytes that settle it for parameters that were right before.
const ENOUGH_REMEMBERED: usize = 1 << 10;

/// Compressed bytes that settle it for others.
const ENOUGH: usize = 64 << 10;

/// What a trial showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Wrong,
    /// So many bytes of the stream were made and are right.
    Right(usize),
}

/// The search for parameters.
pub(super) struct Trials<'w> {
    file: &'w [u8],
    header: ImageHeader,
    walk: ChunkWalk,
    inflater: Box<Inflater>,
    replay: Option<Replay>,
    /// Bytes that may still be replayed.
    work: u64,
}

impl<'w> Trials<'w> {
    /// `walk` is at the start of the stream.
    pub(super) fn new(header: &ImageHeader, file: &'w [u8], walk: ChunkWalk) -> Self {
        let pixels = u64::from(header.width).saturating_mul(u64::from(header.height));
        let bytes = pixels.saturating_mul(header.pixel_bits() as u64) / 8;
        Self {
            file,
            header: *header,
            walk,
            inflater: Box::new(Inflater::new()),
            replay: None,
            work: bytes.saturating_mul(WORK).max(LEAST_WORK),
        }
    }

    /// The parameters, if some are found; `remembered` are tried first.
    pub(super) fn find(&mut self, remembered: Option<Parameters>) -> Option<Parameters> {
        let Walked::Data(start) = self.walk.clone().next(self.file, 2) else {
            return None;
        };
        let &[method, flags] = start else { return None };
        if let Some(parameters) = remembered
            && let Verdict::Right(_) = self.attempt(parameters, ENOUGH_REMEMBERED)
        {
            return Some(parameters);
        }
        // Where nothing was made, nothing is known.
        candidates(method, flags).into_iter().find(|&parameters| {
            self.work > 0
                && Some(parameters) != remembered
                && matches!(self.attempt(parameters, ENOUGH), Verdict::Right(1..))
        })
    }

    fn attempt(&mut self, parameters: Parameters, enough: usize) -> Verdict {
        let mut reading = self.walk;
        let mut comparing = self.walk;
        self.inflater.reset();
        let replay = self.replay.get_or_insert_with(|| Replay::new(&parameters));
        replay.reset(&parameters);
        let mut stream = Vec::new();
        // The replay makes no header.
        if !matches!(comparing.next(self.file, 2), Walked::Data([_, _])) {
            return Verdict::Right(0);
        }
        let mut right = 0;
        let mut input: &[u8] = &[];
        let mut rows = self
            .header
            .passes()
            .flat_map(|pass| std::iter::repeat_n(1 + pass.row_bytes, pass.height as usize));
        let mut row = rows.next().unwrap_or(0);
        let mut scanlines = Vec::new();
        loop {
            if input.is_empty() {
                match reading.next(self.file, usize::MAX) {
                    Walked::Data(data) => input = data,
                    Walked::OutOfInput | Walked::NoMoreChunks => return Verdict::Right(right),
                }
            }
            let Ok(inflated) = self.inflater.inflate(&mut input) else {
                return Verdict::Right(right);
            };
            self.work = self.work.saturating_sub(inflated.bytes.len() as u64);
            scanlines.extend_from_slice(inflated.bytes);
            let mut used = 0;
            while row > 0 && scanlines.len() - used >= row {
                replay.push(&scanlines[used..used + row], &mut stream);
                used += row;
                row = rows.next().unwrap_or(0);
            }
            scanlines.drain(..used);
            let ended = inflated.progress == Progress::Ended;
            if ended {
                replay.finish(&mut stream);
            }
            let equal = comparing.count_equal(self.file, &stream);
            right += equal;
            if equal < stream.len() {
                return Verdict::Wrong;
            }
            if ended || right >= enough {
                return Verdict::Right(right);
            }
            stream.clear();
        }
    }
}

const COMMON_STRATEGIES: &[Strategy] = &[Strategy::Filtered, Strategy::Default];
const RARE_STRATEGIES: &[Strategy] = &[Strategy::RunLength, Strategy::HuffmanOnly, Strategy::Fixed];
const COMMON_MEMORY: &[u8] = &[8, 9];
const RARE_MEMORY: &[u8] = &[1, 7, 6, 5, 4, 3, 2];

/// Parameters in the order in which they are tried, given the first two bytes of the stream.
fn candidates(method: u8, flags: u8) -> Vec<Parameters> {
    // The levels that zlib writes these flags for, the most common first.
    let (likely, others): (&[u8], &[u8]) = match flags >> 6 {
        0 => (&[1, 0], &[6, 9, 3, 2, 4, 5, 7, 8]),
        1 => (&[3, 5, 2, 4], &[6, 9, 1, 7, 8, 0]),
        2 => (&[6], &[9, 1, 3, 7, 5, 2, 4, 8, 0]),
        _ => (&[9, 7, 8], &[6, 1, 3, 5, 2, 4, 0]),
    };
    // libpng may state a smaller window than it uses.
    let stated = (method >> 4).min(7) + 8;
    let windows: &[u8] = if stated == 15 { &[15] } else { &[stated, 15] };
    let mut all = Vec::new();
    for (levels, strategies, memory) in [
        (likely, COMMON_STRATEGIES, COMMON_MEMORY),
        (&[1], RARE_STRATEGIES, COMMON_MEMORY),
        (others, COMMON_STRATEGIES, COMMON_MEMORY),
        (likely, COMMON_STRATEGIES, RARE_MEMORY),
        (&[1], RARE_STRATEGIES, RARE_MEMORY),
    ] {
        for &memory_level in memory {
            for &window_bits in windows {
                for &level in levels {
                    all.extend(strategies.iter().map(|&strategy| Parameters {
                        memory_level,
                        window_bits,
                        ..Parameters::new(level, strategy)
                    }));
                }
            }
        }
    }
    all
}
