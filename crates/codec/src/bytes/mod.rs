//! The model of all bytes that are no pixels: headers, metadata, text, whatever follows an image.
//!
//! Six hashed contexts, one without context and the last repetition predict every bit; two mixers
//! weigh them, two refiners correct the result (FORMAT.md, chapter 9). Invariant: the state depends
//! on the bytes alone, not on the direction, and takes less than 400 KiB.

mod contexts;
mod dictionary;
mod hash_table;
mod history;
mod history_map;
mod matcher;
mod mixer;
mod model;
mod node;
mod refiner;

pub(crate) use model::BytesModel;
