//! The model of all bytes that are no pixels: headers, metadata, text, whatever follows an image.
//!
//! A byte is the one that followed the last time (where that held for long, sixteen of them at once), or
//! two half bytes, each one symbol of a weighted mean of four adaptive distributions, or at the fast
//! level of one (FORMAT.md, chapter 9). Invariant: the state depends on the bytes alone, not on the
//! direction, and takes less than 512 KiB.

mod contexts;
mod dictionary;
mod listener;
mod matcher;
mod model;
mod nibble_table;
mod weights;

pub(crate) use model::{BLOCK, BytesModel};
