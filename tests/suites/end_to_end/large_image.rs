//! Images whose coefficients would never fit the memory limit.
//!
//! Invariant: the original is generated, compressed, decompressed and compared as
//! a stream, twice from the same seed; it is never held.

use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Process};
use lepta_tests::worker_run::{AsBytes, Run};
use std::io::{self, Cursor, Read, Write};

/// Sampling factors of the components: no chroma subsampling, and half both ways.
const FULL: [(u8, u8); 3] = [(1, 1); 3];
const HALF: [(u8, u8); 3] = [(2, 2), (1, 1), (1, 1)];

fn image(width: u16, height: u16, sampling: &[(u8, u8)]) -> JpegStream {
    let mut parameters = JpegParameters::new(7, Process::Baseline, width, height, sampling);
    parameters.content = Content::Natural { detail: 1.2 };
    JpegStream::new(&parameters)
}

/// A sink that compares what it is given with a stream.
struct Comparison {
    expected: JpegStream,
    length: u64,
    equal: bool,
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut expected = vec![0; bytes.len()];
        let complete = self.expected.read_exact(&mut expected).is_ok();
        self.equal &= complete && expected == bytes;
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsBytes for Comparison {
    fn as_bytes(&self) -> &[u8] {
        &[]
    }
}

/// Compresses and decompresses an image; the most memory that a worker took, in bytes.
fn stream_through(width: u16, height: u16, sampling: &[(u8, u8)], level: &str) -> u64 {
    let name = format!("{width}x{height} at {level}");
    let compress = Run::new(&["compress", "--level", level]);
    let (outcome, compressed) = compress.stream(image(width, height, sampling), Vec::new());
    let report = outcome.assert_done(&name);
    assert_eq!(report.reasons, Vec::<String>::new(), "{name}: {report:?}");
    assert_eq!(report.width, Some(width.into()), "{name}");
    assert_eq!(report.segments_stored, 0, "{name}: {report:?}");

    let comparison = Comparison {
        expected: image(width, height, sampling),
        length: 0,
        equal: true,
    };
    let decompress = Run::new(&["decompress"]);
    let (outcome, comparison) = decompress.stream(Cursor::new(compressed), comparison);
    let restored = outcome.assert_done(&name);
    assert!(comparison.equal, "{name}: other bytes come back");
    assert_eq!(comparison.length, report.bytes_in, "{name}");
    let peaks = [report, restored].map(|report| report.peak_rss_bytes);
    peaks.into_iter().flatten().max().expect("both are known")
}

#[test]
fn a_photo_of_13_megapixels_takes_at_most_14_megabytes() {
    for (sampling, level) in [(HALF, "fast"), (HALF, "default"), (FULL, "default")] {
        let peak = stream_through(4160, 3120, &sampling, level);
        assert!(peak <= 14_000_000, "{level}: {peak} bytes");
    }
}

#[test]
fn a_wide_image_streams_through_at_the_fast_level() {
    stream_through(30_000, 1_000, &FULL, "fast");
}

#[test]
fn a_wide_image_streams_through_at_the_default_level() {
    stream_through(30_000, 1_000, &FULL, "default");
}

/// 900 megapixels: minutes of processor time.
#[test]
#[ignore = "takes minutes: cargo test --release -p lepta-tests --test end_to_end -- --ignored"]
fn a_huge_image_streams_through() {
    stream_through(30_000, 30_000, &FULL, "fast");
}
