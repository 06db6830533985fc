//! The model of all bytes that are no pixels: headers, metadata, text, whatever follows an image.

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
