//! Inputs that several suites share.
//!
//! Invariant: none of them is larger than a megabyte.

use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Kind, Process, generate};
use std::fs;

/// The sample photo of the repository.
pub(crate) fn sample() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample.jpg");
    fs::read(path).expect("the sample is in the repository")
}

/// A baseline photo of several segments: about 450 kB.
pub(crate) fn several_segments() -> Vec<u8> {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(1, Process::Baseline, 1600, 1200, &sampling);
    parameters.content = Content::Natural { detail: 6.0 };
    JpegStream::new(&parameters).into_bytes()
}

/// A baseline photo that fits a marker segment.
pub(crate) fn preview() -> Vec<u8> {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(2, Process::Baseline, 480, 320, &sampling);
    parameters.content = Content::Natural { detail: 6.0 };
    JpegStream::new(&parameters).into_bytes()
}

/// A progressive photo, 4:2:0, of some 2 bits a pixel.
pub(crate) fn progressive_photo(width: u16, height: u16) -> Vec<u8> {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(3, Process::Progressive, width, height, &sampling);
    parameters.content = Content::Natural { detail: 5.0 };
    JpegStream::new(&parameters).into_bytes()
}

/// A generated file.
pub(crate) fn file(kind: Kind, seed: u64) -> Vec<u8> {
    generate(kind, seed).into_bytes()
}

/// One of each: modelled, not modelled, odd in the middle, no image, nothing.
pub(crate) fn assorted() -> Vec<(&'static str, Vec<u8>)> {
    let middle = [file(Kind::NoImage, 3), sample(), b"tail ".repeat(900)].concat();
    vec![
        ("sample photo", sample()),
        ("restarts 5", file(Kind::Restarts, 5)),
        ("cmyk 2", file(Kind::Cmyk, 2)),
        ("progressive 1", file(Kind::Progressive, 1)),
        ("garbage-in-scan 4", file(Kind::GarbageInScan, 4)),
        ("photo amid other data", middle),
        ("no-image 1", file(Kind::NoImage, 1)),
        ("nothing", vec![]),
    ]
}
