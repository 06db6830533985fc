//! The byte budget: what the memory of the process goes to, and what that leaves for image rows.
//!
//! | part | bytes | what |
//! |---|---:|---|
//! | base | 3,000,000 | program, constants, stacks, the C library, the allocator's records |
//! | slots | 1,056,768 | two segments: 262,144 raw bytes and 65 pages of coded bytes each |
//! | tail | 262,144 | raw bytes between two segments |
//! | models | 7,600,000 | two model states of 3,800,000: encoder and verifying decoder |
//! | work | 1,200,000 | two times 600,000: parts, decoded segment, reports |
//! | rows | the rest | image rows and reference images, one half for each of the two |
//!
//! With the default limit of 24,000,000 bytes, 5,440,544 are left for the rows of each state.
//! Decompression has one state and buffers for the largest segments of the format:
//!
//! | part | bytes | what |
//! |---|---:|---|
//! | base | 3,000,000 | as above |
//! | unit | 1,114,176 | a segment of the format's largest size, read ahead included |
//! | models | 3,800,000 | one model state |
//! | work | 1,648,576 | as above, with a decoded segment of the format's largest size |
//! | rows | the rest | image rows and reference images |
//!
//! The decompression of a range leaves as many bytes for rows as compression has, and uses the others for what
//! comes before the range: 700,000 for segments, still compressed, and 8,296,704 for the pixels of PNGs
//! whose bytes are not wanted (one of 1920 × 1080 pixels with alpha takes 8,295,480).
//!
//! An image of several scans (progressive JPEG) is held as its file while it is coded, beside the rows of
//! all states. No other models are in use then, so base, models and work count less: 2,550,000 and
//! 2,740,000 for each state. With the default limit 14,651,088 bytes are left for file and rows; a state's
//! rows take about 78 bytes a pixel of width.
//!
//! The max level's model of JPEGs is larger, though not than that of PNGs: an image of several scans has 300,000
//! bytes less for each state then.
//!
//! Behind a restart within a JPEG scan the encoder has the models of JPEG and the rows of the image twice, to see
//! what the restart costs: the models where those of PNG would be, the rows only if they fit twice.
//!
//! A reference file that is given beside the input (`--patch-from-fd`) is held once, in whole pages, for all
//! states; so much less is left for rows and images.
//!
//! Invariant: what compression may use for rows depends on the memory limit alone, not on the number
//! of threads nor on whether it verifies, so that the output does not either.

use lepta_codec::{ENCODED_SEGMENT_MAX, FORMAT_SEGMENT_MAX, Level, UNIT_MAX};
use lepta_sandbox::arena;
use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use crate::arguments::Threads;
use crate::failure::Failure;
use crate::slot::RAW_LENGTH;
use crate::streams::READ_AHEAD;

/// The limit for the whole process when none is given, in bytes.
pub(crate) const DEFAULT_MEMORY_LIMIT: u64 = 24_000_000;

pub(crate) const PAGE: usize = 4096;

/// Resident bytes that are in no arena, and records of the arenas.
const BASE: usize = 3_000_000;

/// Coded bytes of a slot: whole pages, since they are sealed.
pub(crate) const CODED_LENGTH: usize = ENCODED_SEGMENT_MAX.next_multiple_of(PAGE);

const SLOTS: usize = 2 * (RAW_LENGTH + CODED_LENGTH);

const TAIL: usize = RAW_LENGTH;

/// Model state of one direction.
const MODEL: usize = 3_800_000;

/// What one direction needs besides models and rows.
const WORK: usize = 600_000;

/// What may lie unused between allocations of the second thread where images of several sizes take turns.
/// It is not counted: none was seen to need it, and [`BASE`] is more than what is resident.
const DIVIDED: usize = 500_000;

/// As [`BASE`], and as [`MODEL`] and [`WORK`] together, while an image of several scans is coded: what
/// the JPEG model and the bytes model take, and no other.
const SCANS_BASE: usize = 2_550_000;
const SCANS_STATE: usize = 2_740_000;

/// What each state takes more at the max level, beside an image of several scans.
const MAX_SCANS_STATE: usize = 300_000;

const UNIT: usize = UNIT_MAX + READ_AHEAD;

const DECODED: usize = FORMAT_SEGMENT_MAX;

/// Most compressed segments that the decompression of a range holds.
const HELD: usize = 700_000;

/// What compression needs before it has a single row.
const COMPRESS_FIXED: usize = BASE + SLOTS + TAIL + 2 * (MODEL + WORK);

/// What decompression needs before it has a single row.
const DECOMPRESS_FIXED: usize = BASE + UNIT + MODEL + WORK + DECODED;

/// The most that a limit can make use of: each thread's arena has this many bytes of addresses.
const USABLE: u64 = arena::RESERVATION as u64;

/// What is left of `limit` after `fixed` bytes; both are of the whole process.
fn remainder(limit: u64, fixed: usize) -> Result<usize, Failure> {
    usize::try_from(limit.min(USABLE))
        .ok()
        .and_then(|usable| usable.checked_sub(fixed))
        .ok_or_else(|| {
            let message = format!("the memory limit is {limit} bytes, at least {fixed} are needed");
            Failure::new(Status::Memory, message)
        })
}

/// What images may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageBytes {
    /// The rows of one image, in each state, in bytes.
    pub(crate) rows: usize,
    /// An image of several scans, in bytes: its file and the rows of all states.
    pub(crate) whole: usize,
}

/// What images may take within `limit` bytes for the whole process, of which a reference file takes
/// `reference`.
///
/// # Errors
/// Status 30 with the least limit that would do.
pub(crate) fn image_bytes(
    operation: Operation,
    limit: u64,
    reference: usize,
) -> Result<ImageBytes, Failure> {
    let rows = row_bytes(operation, limit, reference)?;
    let spared = BASE - SCANS_BASE;
    let state_spared = MODEL + WORK - SCANS_STATE;
    let whole = match operation {
        Operation::Compress | Operation::Store => 2 * rows + spared + 2 * state_spared,
        Operation::Decompress | Operation::Verify | Operation::Inspect | Operation::Probe => {
            rows + spared + state_spared
        }
    };
    Ok(ImageBytes { rows, whole })
}

/// What of `images` is left for compression at a level.
pub(crate) fn at_level(images: ImageBytes, level: Level) -> ImageBytes {
    let taken = match level {
        Level::Max => 2 * MAX_SCANS_STATE,
        Level::Fast | Level::Default => 0,
    };
    ImageBytes {
        whole: images.whole.saturating_sub(taken),
        ..images
    }
}

/// Bytes that each state of an operation may use for image rows within `limit` bytes for the whole
/// process, of which a reference file takes `reference`.
///
/// # Errors
/// Status 30 with the least limit that would do.
pub(crate) fn row_bytes(
    operation: Operation,
    limit: u64,
    reference: usize,
) -> Result<usize, Failure> {
    match operation {
        Operation::Compress | Operation::Store => {
            Ok(remainder(limit, COMPRESS_FIXED + reference)? / 2)
        }
        Operation::Decompress | Operation::Verify | Operation::Inspect | Operation::Probe => {
            remainder(limit, DECOMPRESS_FIXED + reference)
        }
    }
}

/// What the decompression of a range may take for what comes before the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RangeBytes {
    /// Compressed segments, in bytes.
    pub(crate) held: usize,
    /// Images of which only the pixels are decoded, in bytes.
    pub(crate) pixels: usize,
}

/// What the decompression of a range may take within `limit`: what decompression has more for images than
/// compression. Zero, where compression could not work within `limit`.
///
/// # Errors
/// Status 30 with the least limit that would do.
pub(crate) fn range_bytes(limit: u64, reference: usize) -> Result<RangeBytes, Failure> {
    let decompress = image_bytes(Operation::Decompress, limit, reference)?;
    let more = image_bytes(Operation::Compress, limit, reference).map(|compress| {
        let rows = decompress.rows.saturating_sub(compress.rows);
        let whole = decompress.whole.saturating_sub(compress.whole);
        let held = HELD.min(rows).min(whole);
        let pixels = rows - held;
        RangeBytes { held, pixels }
    });
    Ok(more.unwrap_or(RangeBytes { held: 0, pixels: 0 }))
}

/// Most bytes for the arenas of the main and of the second thread, within `limit` bytes for the whole
/// process, of which sealed buffers for results and a reference file of `reference` bytes take some. Each has
/// what it needs for images of one scan and for images of several, which need it in different places: together
/// they would be more than the limit, but no image uses both.
///
/// # Errors
/// Status 30 with the least limit that would do.
pub(crate) fn arena_bytes(
    limit: u64,
    threads: Threads,
    sealed_buffers: usize,
    reference: usize,
) -> Result<(usize, usize), Failure> {
    let sealed = sealed_buffers * CODED_LENGTH + reference;
    let whole = remainder(limit, BASE + sealed)? + BASE - SCANS_BASE;
    match threads {
        Threads::One => Ok((whole, 0)),
        Threads::Two => {
            let rows = row_bytes(Operation::Compress, limit, reference)?;
            Ok((whole - SCANS_STATE, MODEL + WORK + DIVIDED + rows))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1234567` as `1,234,567`.
    fn grouped(number: usize) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }

    #[test]
    fn the_published_table_has_the_numbers_in_use() {
        let documentation: Vec<&str> = include_str!("budget.rs")
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        let row = |part: &str, bytes: usize| {
            let start = format!("//! | {part} | {} |", grouped(bytes));
            let rows = documentation.iter().filter(|line| line.starts_with(&start));
            assert!(rows.count() > 0, "no row starts with {start}");
        };
        row("base", BASE);
        row("slots", SLOTS);
        row("tail", TAIL);
        row("models", 2 * MODEL);
        row("models", MODEL);
        row("work", 2 * WORK);
        row("unit", UNIT);
        row("work", WORK + DECODED);
        let rows = row_bytes(Operation::Compress, DEFAULT_MEMORY_LIMIT, 0).expect("enough");
        let sentence = format!("{} are left for the rows", grouped(rows));
        assert!(
            documentation.iter().any(|line| line.contains(&sentence)),
            "{sentence}"
        );
    }

    #[test]
    fn a_limit_that_is_too_small_says_what_is_needed() {
        for operation in Operation::ALL {
            let failure = row_bytes(operation, 1_000_000, 0).expect_err("too small");
            assert_eq!(failure.status, Status::Memory);
            let words = failure
                .message
                .split(' ')
                .filter_map(|word| word.parse().ok());
            let needed: u64 = words.max().expect("a number");
            assert_eq!(row_bytes(operation, needed, 0), Ok(0));
            assert!(row_bytes(operation, needed - 1, 0).is_err());
        }
    }

    #[test]
    fn all_parts_together_are_the_limit() {
        let limits = [COMPRESS_FIXED as u64, DEFAULT_MEMORY_LIMIT, 50_000_001];
        for (limit, reference) in limits.into_iter().zip([0, 3 << 20, PAGE]) {
            let rows = row_bytes(Operation::Compress, limit, reference).expect("enough");
            let (main, second) = arena_bytes(limit, Threads::Two, 2, reference).expect("enough");
            let buffers = 2 * CODED_LENGTH + reference;
            let state = MODEL + WORK + rows;
            assert_eq!(second, state + DIVIDED);
            assert!(main >= 2 * RAW_LENGTH + TAIL + state);
            let one_scan = BASE + buffers + 2 * RAW_LENGTH + TAIL + 2 * state;
            assert!(limit - 1 <= one_scan as u64 && one_scan as u64 <= limit);
            let images = image_bytes(Operation::Compress, limit, reference).expect("enough");
            let in_main = 2 * RAW_LENGTH + TAIL + SCANS_STATE + images.whole;
            assert!(main - 1 <= in_main && in_main <= main);
            assert_eq!((SCANS_BASE + buffers + main + SCANS_STATE) as u64, limit);
        }
    }

    #[test]
    fn the_published_memory_for_images_of_several_scans_is_in_use() {
        let documentation = include_str!("budget.rs");
        let images = image_bytes(Operation::Compress, DEFAULT_MEMORY_LIMIT, 0).expect("enough");
        for number in [SCANS_BASE, SCANS_STATE, MAX_SCANS_STATE, images.whole] {
            assert!(documentation.contains(&grouped(number)), "{number}");
        }
    }

    #[test]
    fn the_max_level_leaves_less_for_images_of_several_scans() {
        let images = image_bytes(Operation::Compress, DEFAULT_MEMORY_LIMIT, 0).expect("enough");
        let max = at_level(images, Level::Max);
        assert_eq!(max.rows, images.rows);
        assert_eq!(max.whole, images.whole - 2 * MAX_SCANS_STATE);
        assert_eq!(at_level(images, Level::Default), images);
    }

    #[test]
    fn a_range_takes_memory_for_what_comes_before_it_that_no_image_needs() {
        for limit in [
            DECOMPRESS_FIXED as u64,
            15_000_000,
            DEFAULT_MEMORY_LIMIT,
            u64::MAX,
        ] {
            let bytes = range_bytes(limit, 0).expect("enough");
            let decompress = image_bytes(Operation::Decompress, limit, 0).expect("enough");
            if let Ok(compress) = image_bytes(Operation::Compress, limit, 0) {
                assert!(decompress.rows - bytes.held - bytes.pixels >= compress.rows);
                assert!(decompress.whole - bytes.held >= compress.whole);
            } else {
                assert_eq!((bytes.held, bytes.pixels), (0, 0));
            }
        }
        let documentation = include_str!("budget.rs");
        let bytes = range_bytes(DEFAULT_MEMORY_LIMIT, 0).expect("enough");
        let frame = (4 * 1920 + 1) * 1080;
        assert!(bytes.pixels >= frame);
        for number in [bytes.held, bytes.pixels, frame] {
            assert!(documentation.contains(&grouped(number)), "{number}");
        }
    }

    #[test]
    fn what_was_compressed_can_be_decompressed_with_the_same_limit() {
        let limits = [COMPRESS_FIXED as u64, DEFAULT_MEMORY_LIMIT, u64::MAX];
        for (limit, reference) in limits.into_iter().zip([0, 3 << 20, 3 << 20]) {
            let images = |operation| image_bytes(operation, limit, reference).expect("enough");
            let compress = images(Operation::Compress);
            let decompress = images(Operation::Decompress);
            assert!(decompress.rows >= compress.rows);
            // Decompression has no lookahead, but larger buffers, and the rows of one state only.
            assert!(decompress.whole >= compress.whole);
        }
    }
}
