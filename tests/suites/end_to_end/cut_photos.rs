//! Photos that were cut off stay modelled as far as they go.
//!
//! Invariant: what is lost is counted in bytes of scans that no image model coded.

use crate::inputs;
use fastrand::Rng;
use lepta_codec::Level;
use lepta_tests::in_process::{compress_summed, decompress};
use std::ops::Range;

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
