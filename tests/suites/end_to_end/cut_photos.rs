//! Photos that were cut off stay modelled as far as they go, and keep their saving.
//!
//! Invariant: what is lost is counted in bytes of scans that no image model coded, or in the saving of a
//! complete photo of the MCUs that are left.

use crate::inputs;
use fastrand::Rng;
use lepta_codec::Level;
use lepta_tests::in_process::{compress, compress_summed, decompress};
use lepta_tests::jpeg_generator::Kind;
use lepta_tests::whole_mcus::WholeMcus;
use lepta_tests::{cases, corpus};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// Where the data of each scan lie.
fn scans(file: &[u8]) -> Vec<Range<usize>> {
    let mut scans = Vec::new();
    let mut place = 2;
    while let Some([0xFF, code, high, low]) = file.get(place..place + 4) {
        let start = place + 2 + usize::from(u16::from_be_bytes([*high, *low]));
        place = start;
        if *code == 0xDA {
            let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7);
            let length = file[start..].windows(2).position(is_marker);
            place = start + length.expect("the file ends with a marker");
            scans.push(start..place);
        }
    }
    scans
}

/// How many bytes of scans no image model codes; all come back.
fn lost(name: &str, input: &[u8], of_scans: usize) -> usize {
    let (compressed, summary) = compress_summed(input, Level::Fast);
    assert!(
        decompress(&compressed).as_deref() == Ok(input),
        "{name}: other bytes come back"
    );
    of_scans.saturating_sub(summary.image_bytes as usize)
}

/// Bytes that no cut leaves modelled: an MCU and a run of blocks that are not whole.
const LEAST: usize = 250;

/// Bytes of scans from which on it pays to model them.
const ENOUGH: usize = 40_000;

fn assert_cuts_lose_little(name: &str, photo: &[u8]) {
    let scans = scans(photo);
    assert_eq!(lost(name, photo, scans.iter().map(Range::len).sum()), 0);
    let mut random = Rng::with_seed(11);
    for _ in 0..200 {
        let cut = random.usize(..photo.len());
        let before = |scan: &Range<usize>| cut.clamp(scan.start, scan.end) - scan.start;
        let of_scans = scans.iter().map(before).sum();
        let name = format!("{name} cut at {cut} of {}", photo.len());
        let lost = lost(&name, &photo[..cut], of_scans);
        assert!(
            of_scans < ENOUGH || lost <= of_scans / 100 + LEAST,
            "{name}: {lost} of {of_scans}"
        );
    }
}

#[test]
fn a_cut_baseline_photo_loses_no_more_than_an_mcu() {
    assert_cuts_lose_little("baseline", &inputs::several_segments());
}

#[test]
fn a_cut_progressive_photo_loses_no_more_than_an_mcu() {
    assert_cuts_lose_little("progressive", &inputs::progressive_photo(1000, 800));
}

/// What part of its bytes a file saves.
fn saving(file: &[u8]) -> f64 {
    1.0 - compress(file, Level::Default).len() as f64 / file.len() as f64
}

/// Bytes of a file from which on a part of an MCU is a small part of it.
const LONG: usize = 8000;

/// Asserts that a photo cut at so many random places saves, of what is left, at least 99 % of what the
/// photo of the MCUs before the cut does, if [`LONG`] bytes are left. Where its last row lacks MCUs, that photo has an end of its
/// own that costs a few bytes, less than eight. Elsewhere than in the scan a cut interrupts no MCU, and
/// what is left is compared with nothing.
fn assert_cuts_keep_the_saving(name: &str, photo: &[u8], places: u64) {
    let mcus = WholeMcus::new(photo).expect("one scan of all components");
    let mut random = Rng::with_seed(11);
    let cuts = (0..places).map(|_| random.usize(..photo.len()));
    for cut in cuts.filter(|cut| *cut >= LONG && mcus.data().contains(cut)) {
        let whole = saving(&mcus.before(cut));
        let left = saving(&photo[..cut]);
        assert!(
            left >= 0.99 * whole,
            "{name} cut at {cut}: {left} where {whole} are saved"
        );
    }
}

/// The photos of the corpus with one sequential scan, and their names.
fn sequential_photos(longest: u64) -> Vec<(String, Vec<u8>)> {
    let is_short = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.len() <= longest);
    let paths = corpus::jpeg_files().into_iter().filter(is_short);
    let photos = paths.filter(|path| {
        path.parent()
            .is_some_and(|folder| folder.ends_with("jpeg-photos"))
    });
    let photos = photos.map(|path| {
        let photo = fs::read(&path).expect("the corpus can be read");
        (path.display().to_string(), photo)
    });
    photos
        .filter(|(_, photo)| WholeMcus::new(photo).is_some())
        .collect()
}

#[test]
fn a_complete_photo_is_the_photo_of_its_mcus() {
    let photo = inputs::several_segments();
    let mcus = WholeMcus::new(&photo).expect("a baseline photo");
    assert_eq!(mcus.data().end + 2, photo.len());
    assert!(mcus.before(mcus.data().end) == photo);
    let part = mcus.before(photo.len() / 2);
    let (_, summary) = compress_summed(&part, Level::Fast);
    assert!(part.len() - summary.image_bytes as usize - mcus.data().start <= 4);
}

#[test]
fn a_cut_photo_keeps_its_saving() {
    let places = cases(200);
    for seed in 1..3 {
        let photo = inputs::file(Kind::Photo, seed);
        assert_cuts_keep_the_saving(&format!("photo {seed}"), &photo, places);
    }
    for (name, photo) in sequential_photos(90_000) {
        assert_cuts_keep_the_saving(&name, &photo, places);
    }
}

#[test]
#[ignore = "takes long, also in release builds"]
fn every_cut_photo_keeps_its_saving() {
    for (name, photo) in sequential_photos(u64::MAX) {
        assert_cuts_keep_the_saving(&name, &photo, 200);
    }
}
