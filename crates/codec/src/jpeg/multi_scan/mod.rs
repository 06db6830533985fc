//! Images whose coefficients come in several scans: progressive ones (SOF2), and sequential ones
//! that do not interleave all components.
//!
//! No image of coefficients is ever held. The encoder has the file's bytes and a cursor into each
//! scan ([`reader`]); all cursors advance together, MCU row by MCU row ([`grid`]), so that the
//! coefficients of one MCU row are whole for a moment, in which the model codes them as those of a
//! sequential scan ([`row_coder`]). The decoder appends each row to the output of every scan
//! ([`writer`]). The first scan can be handed on at once; those behind it wait as bytes, in the
//! place that they have in the file.
//!
//! # Order of the coded data
//! 1. *The opening*: the length of each scan's data, and all bytes between scans. The decoder knows
//!    then where everything will stand, and has all tables.
//! 2. *MCU rows*: the coefficients, then for each scan what its bits say beyond them ([`events`]).
//! 3. *Releases*, at any time: bytes that the decoder has put out, in the order of the file.
//! 4. *Losses*, in front of a row: a scan that cannot be read on is given up, with those that refine it. The
//!    rows go on with what the others carry.
//! 5. Bytes coded otherwise, in the place of those that no row has put out: what follows a scan's last MCU,
//!    or the row from which on a scan was given up.
//!
//! # What is held
//! The encoder's caller holds the file from the first scan's first byte on and shows all of it
//! ([`survey`] says how much that is), so that its verifying decoder needs to hold nothing: it
//! compares what it puts out with the bytes shown. A decoder of its own holds the image's bytes.
//! With F bytes of file and R for the rows of one direction ([`state_bytes`]), compression takes
//! F + 2 R, decompression F + R. Both are known from headers and lengths before the first row. Behind damage, an
//! encoder that has some hundred kilobytes more looks for places where refinements go on ([`realignment`]).

mod end_of_band;
mod events;
mod grid;
mod header;
mod image_decoder;
mod image_encoder;
mod losses;
mod opening;
mod reader;
mod realignment;
mod recovery;
mod refined_blocks;
mod regions;
mod row_coder;
mod row_reentry;
mod survey;
#[cfg(test)]
mod tests;
mod writer;

use super::huffman::HuffmanTable;
use super::model::Block;
use super::rows;
pub(crate) use events::RunModel;
use events::{EVENT_SIZE, Events};
use grid::Grid;
pub(crate) use header::ScanHeader;
pub(crate) use image_decoder::{ImageDecoder, ImageSource, Original};
pub(crate) use image_encoder::{ImageEncoder, NextRow};
pub(crate) use regions::Stretch;
pub(crate) use survey::Survey;

/// Most scans that are coded together.
pub(crate) const SCANS_MAX: usize = 100;

/// Most MCU rows that an image can have.
pub(crate) const MCU_ROWS_MAX: usize = 8192;

/// What one scan takes beside its tables and the rows: corrections that wait, counters.
const SCAN_BYTES: usize = 2 << 10;

/// Bytes that one direction takes, beside the models, for images of these blocks and scans.
fn state_bytes(grid: &Grid, headers: &[ScanHeader]) -> usize {
    let remembered = rows::bytes_needed(grid.components.iter().map(|component| component.shape));
    let of_scan = |header: &ScanHeader| {
        SCAN_BYTES
            + header.tables() * size_of::<HuffmanTable>()
            + Events::most(header, grid.units_in_row(header)) * EVENT_SIZE
    };
    remembered
        + losses::GAP_BYTES
        + grid.blocks_in_row() * size_of::<Block>()
        + headers.iter().map(of_scan).sum::<usize>()
}
