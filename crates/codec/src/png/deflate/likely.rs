//! The parameters that writers of PNG files use.

use super::parameters::{Compressor, Flush, Parameters, Strategy};

use Strategy::{Default, Filtered, Fixed, HuffmanOnly, RunLength};

/// Level and strategy by what the zlib header says of the level, the most common first.
///
/// libpng asks for filtered data wherever it filters: maim, GdkPixbuf, cairo, Qt and PIL at level
/// 6; ImageMagick at 7, GIMP at 9. Without filters: ffmpeg at level 6, imlib2 (scrot) at 2,
/// Firefox at 3, Java at 4.
const FASTEST: [(u8, Strategy); 13] = [
    (1, Filtered),
    (1, Default),
    (6, RunLength),
    (6, HuffmanOnly),
    (6, Fixed),
    (9, Fixed),
    (1, Fixed),
    (2, Fixed),
    (3, Fixed),
    (4, Fixed),
    (5, Fixed),
    (7, Fixed),
    (8, Fixed),
];
const FAST: [(u8, Strategy); 8] = [
    (2, Default),
    (3, Default),
    (4, Default),
    (3, Filtered),
    (2, Filtered),
    (5, Filtered),
    (5, Default),
    (4, Filtered),
];
const NORMAL: [(u8, Strategy); 2] = [(6, Filtered), (6, Default)];
const BEST: [(u8, Strategy); 6] = [
    (9, Filtered),
    (9, Default),
    (7, Filtered),
    (8, Filtered),
    (7, Default),
    (8, Default),
];

/// Room for output at a time, for level 0: libpng's, ffmpeg's, PIL's, and all.
const OUTPUT_BUFFERS: [u32; 4] = [8192, 4096, 65_536, u32::MAX];

/// The parameters that may have made a stream with this zlib header and so many tokens in its
/// first block, if that is known; the most common first, at most 60.
pub(crate) fn likely_parameters(
    header: u16,
    first_block_tokens: Option<u64>,
) -> impl Iterator<Item = Parameters> {
    let choices: &'static [(u8, Strategy)] = match header >> 6 & 3 {
        0 => &FASTEST,
        1 => &FAST,
        2 => &NORMAL,
        _ => &BEST,
    };
    // The header names the window, but libpng understates it for small images, for which any larger
    // one gives the same bytes.
    let named = (header >> 12) as u8 + 8;
    let windows = std::iter::once(15).chain((named < 15).then_some(named));
    let compressed = windows.flat_map(move |window_bits| {
        memory_levels(first_block_tokens).flat_map(move |memory_level| {
            choices.iter().map(move |(level, strategy)| Parameters {
                memory_level,
                window_bits,
                ..Parameters::new(*level, *strategy)
            })
        })
    });
    // Other tools change the header, so it does not exclude level 0.
    let stored = OUTPUT_BUFFERS.into_iter().map(|output_buffer| Parameters {
        output_buffer,
        ..Parameters::new(0, Default)
    });
    // Chromium and the crate `png` use level 6.
    let level = match header >> 6 & 3 {
        0 => 1,
        1 => 4,
        2 => 6,
        _ => 9,
    };
    let other = Parameters {
        compressor: Compressor::MinizOxide,
        ..Parameters::new(level, Default)
    };
    compressed.chain([other]).chain(stored)
}

/// The memory levels whose blocks have so many tokens, or the common ones.
fn memory_levels(first_block_tokens: Option<u64>) -> impl Iterator<Item = u8> {
    let known = first_block_tokens
        .filter(|tokens| (127..1 << 15).contains(tokens) && (tokens + 1).is_power_of_two())
        .map(|tokens| (tokens + 1).ilog2() as u8 - 6);
    let others = [8, 9]
        .into_iter()
        .filter(move |level| known.is_none_or(|known| known == *level));
    let unusual = known.filter(|level| *level < 8);
    unusual.into_iter().chain(others)
}
