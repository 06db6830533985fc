//! Images of several scans: modelled, whatever their scans, or coded as bytes with a reason.
//!
//! Invariant: every file comes back through the worker, within the memory limit.

use crate::inputs::{self, progressive_photo as photo};
use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Kind, Process};
use lepta_tests::png_generator::{self, PngParameters};
use lepta_tests::report::Report;
use lepta_tests::worker_run::Run;

/// Asserts that `input` comes back; the report of its compression.
fn assert_comes_back(name: &str, input: &[u8], arguments: &[&str]) -> Report {
    let run = Run::new(&[&["compress"], arguments].concat()).on(input);
    let report = run.assert_done(name);
    assert_eq!(report.alarms, 0, "{name}: {report:?}");
    let back = Run::new(&["decompress"]).on(&run.output);
    back.assert_done(name);
    assert!(back.output == input, "{name}: other bytes come back");
    report
}

/// Where the data of each scan begin.
fn scan_starts(file: &[u8]) -> Vec<usize> {
    let header = |&at: &usize| file[at..].starts_with(&[0xFF, 0xDA, 0]);
    (0..file.len()).filter(header).collect()
}

#[test]
fn legal_files_of_several_scans_are_modelled() {
    for kind in [Kind::Progressive, Kind::MultiScan] {
        for seed in 0..12 {
            let name = format!("{} {seed}", kind.name());
            let input = inputs::file(kind, seed);
            let report = assert_comes_back(&name, &input, &["--level", "fast"]);
            assert_eq!(report.reasons, Vec::<String>::new(), "{name}: {report:?}");
            assert!(report.width.is_some(), "{name}: {report:?}");
        }
    }
}

#[test]
fn a_large_progressive_image_is_modelled_within_the_limit() {
    let input = photo(4000, 2400);
    for arguments in [&["--threads", "1"][..], &["--threads", "2"]] {
        let report = assert_comes_back("a large photo", &input, arguments);
        assert_eq!(report.reasons, Vec::<String>::new(), "{report:?}");
        assert_eq!(report.segments_stored, 0, "{report:?}");
        assert!(report.saving_percent > Some(8.0), "{report:?}");
    }
}

/// A colour profile's curves, which the fast level makes larger, do not cost the image behind them.
#[test]
fn headers_that_do_not_shrink_leave_the_image_modelled() {
    let photo = photo(640, 480);
    let curve = |power: u32| {
        (0..2048).flat_map(move |x: u64| ((x.pow(power) >> (11 * power - 16)) as u16).to_be_bytes())
    };
    let curves: Vec<u8> = (2..6).flat_map(curve).collect();
    let length = (curves.len() as u16 + 2).to_be_bytes();
    let input = [&photo[..2], &[0xFF, 0xE2], &length, &curves, &photo[2..]].concat();
    for level in ["fast", "default"] {
        let report = assert_comes_back(level, &input, &["--level", level]);
        assert_eq!(report.reasons, Vec::<String>::new(), "{report:?}");
        assert_eq!(report.segments_stored, 0, "{report:?}");
    }
}

/// What PNGs took is not there for an image of several scans behind them; the other way round it is.
#[test]
fn images_of_all_kinds_share_the_memory() {
    let large = photo(4000, 2400);
    let small = photo(640, 480);
    let frame = |number| png_generator::write(&PngParameters::screenshot(1920, 1080, number));
    let input = [&large[..], &frame(0), &frame(1), &large, &small, &frame(2)].concat();
    for arguments in [&["--threads", "1"][..], &["--threads", "2"]] {
        let report = assert_comes_back("all kinds", &input, arguments);
        let [reason] = &report.reasons[..] else {
            panic!("{report:?}");
        };
        assert!(reason.contains("several scans need"), "{report:?}");
    }
}

#[test]
fn an_image_too_large_for_the_limit_is_coded_as_bytes() {
    let sampling = [(1, 1), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(5, Process::Progressive, 2000, 1500, &sampling);
    parameters.content = Content::Noise { magnitude: 8 };
    let input = JpegStream::new(&parameters).into_bytes();
    let limit = ["--memory-limit", "13200000", "--level", "fast"];
    assert!(input.len() > 4_000_000, "{} bytes", input.len());
    let report = assert_comes_back("too large a photo", &input, &limit);
    assert!(
        report
            .reasons
            .iter()
            .any(|reason| reason.contains("several scans need")),
        "{report:?}"
    );
}

#[test]
fn the_scans_that_are_there_are_modelled() {
    let input = photo(640, 480);
    let starts = scan_starts(&input);
    assert!(starts.len() > 6, "{} scans", starts.len());
    for &end in &starts[1..] {
        let name = format!("{end} of {} bytes", input.len());
        let whole = [&input[..end], &[0xFF, 0xD9]].concat();
        let report = assert_comes_back(&name, &whole, &[]);
        assert_eq!(report.reasons, Vec::<String>::new(), "{name}: {report:?}");
        // The same file cut within its last scan.
        let report = assert_comes_back(&name, &input[..end - 9], &[]);
        assert_eq!(report.reasons, ["truncated scan"], "{name}: {report:?}");
    }
}

#[test]
fn several_images_in_one_stream_are_modelled() {
    let images = [
        photo(700, 300),
        photo(300, 700),
        inputs::sample(),
        photo(900, 900),
    ];
    let mut input = Vec::new();
    for image in &images {
        input.extend_from_slice(image);
        input.extend_from_slice(b"something in between");
    }
    for arguments in [&["--threads", "1"][..], &["--threads", "2"]] {
        let report = assert_comes_back("several", &input, arguments);
        assert_eq!(report.reasons, Vec::<String>::new(), "{report:?}");
    }
}

/// Asserts that a progressive image, 4:2:0, of so many bytes at least is modelled within the limit.
fn assert_fits(width: u16, height: u16, detail: f32, least: usize) {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(9, Process::Progressive, width, height, &sampling);
    parameters.content = Content::Natural { detail };
    let input = JpegStream::new(&parameters).into_bytes();
    assert!(input.len() >= least, "{} bytes", input.len());
    for arguments in [&["--threads", "1"][..], &["--threads", "2"]] {
        let report = assert_comes_back("a large image", &input, arguments);
        assert_eq!(report.reasons, Vec::<String>::new(), "{report:?}");
        assert_eq!(report.segments_stored, 0, "{report:?}");
    }
}

#[test]
#[ignore = "takes minutes, with the static worker: LEPTA_WORKER=... cargo test --release -p lepta-tests --test end_to_end -- --ignored"]
fn an_image_of_16384_pixels_and_12_megabytes_fits_the_memory() {
    assert_fits(16_384, 2976, 5.0, 12_000_000);
}

#[test]
#[ignore = "takes minutes, with the static worker: LEPTA_WORKER=... cargo test --release -p lepta-tests --test end_to_end -- --ignored"]
fn an_image_of_100_megapixels_fits_the_memory() {
    assert_fits(12_000, 8400, 1.8, 11_000_000);
}

#[test]
#[ignore = "takes minutes, with the static worker: LEPTA_WORKER=... cargo test --release -p lepta-tests --test end_to_end -- --ignored"]
fn an_image_just_too_large_to_be_coded_fits_the_memory() {
    let sampling = [(1, 1), (1, 1), (1, 1)];
    let mut parameters = JpegParameters::new(9, Process::Progressive, 4000, 3000, &sampling);
    parameters.content = Content::Noise { magnitude: 8 };
    let input = JpegStream::new(&parameters).into_bytes();
    assert!(input.len() > 14_700_000, "{} bytes", input.len());
    for level in ["default", "max"] {
        let arguments = ["--level", level, "--threads", "2"];
        let report = assert_comes_back("too large an image", &input, &arguments);
        assert_eq!(report.reasons.len(), 1, "{report:?}");
    }
}
