//! Photos that were cut off, or damaged within one of several scans, stay modelled as far as they go.
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

/// Of one scan of several what is behind the damage is lost at most, and of those that refine it.
#[test]
fn damage_in_one_scan_leaves_the_others_alone() {
    let photo = inputs::progressive_photo(1000, 800);
    let scans = scans(&photo);
    let of_scans: usize = scans.iter().map(Range::len).sum();
    for (number, scan) in scans
        .iter()
        .enumerate()
        .filter(|(_, scan)| scan.len() > 2000)
    {
        for part in 1..4 {
            let place = scan.start + scan.len() * part / 4;
            let mut damaged = photo.clone();
            // A code of ones only, and a marker that is none.
            damaged[place..place + 4].copy_from_slice(&[0xFF, 0, 0xFF, 0x37]);
            let name = format!("scan {number} at {place}");
            let lost = lost(&name, &damaged, of_scans);
            let behind = scan.end - place;
            let later: usize = scans[number + 1..].iter().map(Range::len).sum();
            assert!(lost <= behind + later + LEAST, "{name}: {lost}");
            assert!(lost < of_scans * 9 / 10, "{name}: {lost} of {of_scans}");
        }
    }
}
