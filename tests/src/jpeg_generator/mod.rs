//! A structure-aware generator of JPEG files, legal and nearly legal.
//!
//! Invariant: a file is a pure function of its [`JpegParameters`] (or of a
//! [`Kind`] and a seed), and it is produced piece by piece: memory does not grow
//! with the image, so that files far larger than memory can be streamed.
//!
//! Coefficients are computed, not stored ([`Content`]): every block can be asked
//! for at any time, which is what several scans and the optimal Huffman tables
//! need. Clause numbers refer to ITU-T T.81 (ISO/IEC 10918-1).

mod bit_writer;
mod content;
mod frame;
mod hash;
mod hostile;
mod huffman;
mod kinds;
mod layout;
mod parameters;
mod progressive;
mod quantization;
mod scan;
mod scene;
mod segments;
mod sequential;
mod stream;

pub use bit_writer::PadBits;
pub use content::Content;
pub use frame::{Component, Frame, Process};
pub use huffman::HuffmanChoice;
pub use kinds::{Kind, generate};
pub use parameters::{Defects, JpegParameters, ScanLayout};
pub use stream::JpegStream;
