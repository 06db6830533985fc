//! What is odd or damaged in a scan costs about its own size: what is before and behind it stays coded.
//!
//! Invariant: every bound is relative to the same image without damage, at the same level.

use lepta_codec::Level;
use lepta_tests::in_process::{LEVELS, compress_summed, decompress};
use lepta_tests::jpeg_generator::{
    Content, Defects, JpegParameters, JpegStream, Process, ScanLayout,
};
use std::ops::Range;

fn photo(restart_interval: u16) -> JpegParameters {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut file = JpegParameters::new(7, Process::Baseline, 800, 640, &sampling);
    file.content = Content::Scene;
    file.quality = 88;
    file.restart_interval = restart_interval;
    file
}

/// The same in several scans.
fn photo_of_scans(process: Process, scans: ScanLayout, restart_interval: u16) -> JpegParameters {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut file = JpegParameters::new(7, process, 800, 640, &sampling);
    file.content = Content::Scene;
    file.quality = 92;
    file.scans = scans;
    file.restart_interval = restart_interval;
    file
}

const PROGRESSIVE: ScanLayout = ScanLayout::SpectralSelection {
    split: 5,
    approximation: 2,
};

fn written(parameters: &JpegParameters) -> Vec<u8> {
    JpegStream::new(parameters).into_bytes()
}

/// The size that `input` is compressed to; it comes back.
fn size(name: &str, input: &[u8], level: Level) -> usize {
    let (compressed, summary) = compress_summed(input, level);
    assert!(
        decompress(&compressed).as_deref() == Ok(input),
        "{name}: other bytes come back"
    );
    assert!(summary.image_bytes > 0, "{name}: {summary:?}");
    compressed.len()
}

/// Asserts that `damaged` takes at most `extra` bytes more than `sound`.
#[track_caller]
fn assert_costs(name: &str, sound: &[u8], damaged: &[u8], extra: usize) {
    for level in LEVELS {
        let (sound, damaged) = (size(name, sound, level), size(name, damaged, level));
        assert!(
            damaged <= sound + extra,
            "{name} at {level:?}: {damaged} bytes instead of {sound}"
        );
    }
}

/// Where the scan's data begin.
fn data_start(file: &[u8]) -> usize {
    let header = file.windows(2).position(|bytes| bytes == [0xFF, 0xDA]);
    header.expect("a scan") + 14
}

/// Where restart markers stand.
fn restarts(file: &[u8]) -> Vec<usize> {
    let is_restart = |bytes: &[u8]| bytes[0] == 0xFF && (0xD0..=0xD7).contains(&bytes[1]);
    (data_start(file)..file.len() - 1)
        .filter(|&place| is_restart(&file[place..place + 2]))
        .collect()
}

fn overwrite(file: &[u8], start: usize, length: usize) -> Vec<u8> {
    let mut damaged = file.to_vec();
    let mut state = 0x9E37_79B9_u32;
    for byte in &mut damaged[start..start + length] {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    damaged
}

#[test]
fn damage_ends_at_the_next_restart_marker() {
    let sound = written(&photo(50));
    let start = data_start(&sound);
    for part in 1..6 {
        let place = start + (sound.len() - start) * part / 6;
        for length in [1, 40, 3000] {
            let damaged = overwrite(&sound, place, length.min(sound.len() - place - 100));
            // The interval that is hit, and the row that lacks its neighbours.
            assert_costs(
                &format!("{length} at {place}"),
                &sound,
                &damaged,
                length + 2500,
            );
        }
    }
}

#[test]
fn without_restart_markers_it_ends_where_huffman_decoding_is_in_step_again() {
    let sound = written(&photo(0));
    let start = data_start(&sound);
    for part in 1..6 {
        let place = start + (sound.len() - start) * part / 6;
        for length in [2, 40, 3000] {
            let damaged = overwrite(&sound, place, length);
            // Neighbours may be others than before, all the way down.
            let extra = length + 1500 + sound.len() / 12;
            assert_costs(&format!("{length} at {place}"), &sound, &damaged, extra);
        }
    }
}

/// The data of each scan.
fn all_data(file: &[u8]) -> Vec<Range<usize>> {
    let is_header = |&place: &usize| file[place..].starts_with(&[0xFF, 0xDA, 0]);
    let starts = (0..file.len()).filter(is_header);
    let data = |header: usize| {
        let start = header + 2 + usize::from(file[header + 3]);
        let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7);
        let length = file[start..].windows(2).position(ends);
        start..start + length.expect("a marker behind the scan")
    };
    starts.map(data).collect()
}

/// Asserts that damage in the middle of each scan costs at most a fortieth of the file, at one of the levels.
fn assert_each_scan_goes_on(parameters: &JpegParameters, length: usize) {
    let sound = written(parameters);
    let sound_sizes = LEVELS.map(|level| size("sound", &sound, level));
    for (scan, data) in all_data(&sound).into_iter().enumerate() {
        let place = data.start + data.len() / 2;
        let damaged = overwrite(&sound, place, length.min(data.end - place));
        let (level, sound_size) = (LEVELS[scan % 3], sound_sizes[scan % 3]);
        let name = format!("scan {scan} at {level:?}");
        let damaged = size(&name, &damaged, level);
        assert!(
            damaged <= sound_size + length + sound.len() / 40,
            "{name}: {damaged} bytes instead of {sound_size}"
        );
    }
}

#[test]
fn damage_to_any_scan_of_a_progressive_image_ends_at_its_next_restart_marker() {
    assert_each_scan_goes_on(&photo_of_scans(Process::Progressive, PROGRESSIVE, 50), 40);
}

#[test]
fn sequential_scans_of_one_component_go_on_where_their_ends_say() {
    let scans = ScanLayout::ComponentByComponent;
    assert_each_scan_goes_on(&photo_of_scans(Process::Baseline, scans, 0), 10);
}

/// The headers of scans and their data.
fn scan_headers(file: &[u8]) -> Vec<&[u8]> {
    let header = |data: &Range<usize>| {
        let start = file[..data.start]
            .windows(2)
            .rposition(|pair| pair == [0xFF, 0xDA]);
        &file[start.expect("a header")..data.start]
    };
    all_data(file).iter().map(header).collect()
}

#[test]
fn refinements_without_restart_markers_go_on_where_bits_and_blocks_fit_again() {
    let sound = written(&photo_of_scans(Process::Progressive, PROGRESSIVE, 0));
    let sound_size = size("sound", &sound, Level::Fast);
    let mut refinements = 0;
    for (data, header) in all_data(&sound).into_iter().zip(scan_headers(&sound)) {
        let &[.., first, _, approximation] = header else {
            continue;
        };
        if first == 0 || approximation >> 4 == 0 || data.len() < 4000 {
            continue;
        }
        refinements += 1;
        let place = data.start + data.len() / 4;
        let damaged = overwrite(&sound, place, 2);
        let damaged = size("damaged", &damaged, Level::Fast);
        assert!(
            damaged <= sound_size + 700,
            "damage at {place}: {damaged} bytes instead of {sound_size}"
        );
    }
    assert!(refinements >= 2, "{refinements}");
}

#[test]
fn odd_restart_markers_in_progressive_scans_cost_some_intervals() {
    let mut parameters = photo_of_scans(Process::Progressive, PROGRESSIVE, 100);
    let sound = size("sound", &written(&parameters), Level::Fast);
    parameters.defects.missing_restarts = true;
    let missing = size("missing ones", &written(&parameters), Level::Fast);
    assert!(missing < sound + sound / 5, "{missing} {sound}");
}

#[test]
fn bytes_that_were_put_in_or_cut_out_cost_little_more_than_themselves() {
    let sound = written(&photo(50));
    let places = restarts(&sound);
    let (first, second) = (places[places.len() / 2], places[places.len() / 2 + 1]);
    let garbage = overwrite(&vec![0; 5000], 0, 5000);
    let put = [&sound[..first], &garbage, &sound[first..]].concat();
    assert_costs("garbage", &sound, &put, 5000 + 1500);
    let cut = [&sound[..first], &sound[second..]].concat();
    assert_costs("a missing interval", &sound, &cut, 1000);
}

#[test]
fn odd_restart_markers_cost_a_few_bytes_each() {
    let sound = written(&photo(50));
    let count = restarts(&sound).len();
    assert!(count > 30);
    let with = |defects: Defects, fill_bytes: u8| {
        let mut parameters = photo(50);
        parameters.defects = defects;
        parameters.fill_bytes = fill_bytes;
        written(&parameters)
    };
    let wrong_numbers = Defects {
        wrong_restart_numbers: true,
        ..Defects::default()
    };
    assert_costs("other numbers", &sound, &with(wrong_numbers, 0), 25 * count);
    let missing = Defects {
        missing_restarts: true,
        ..Defects::default()
    };
    assert_costs("missing ones", &sound, &with(missing, 0), 25 * count);
    let no_defects = Defects::default();
    assert_costs("fill bytes", &sound, &with(no_defects, 3), 40 * count);
    let mut constant = sound.clone();
    for place in restarts(&sound) {
        constant[place + 1] = 0xD0;
    }
    assert_costs("always the same number", &sound, &constant, 25 * count);
}

#[test]
fn a_restart_interval_that_no_marker_follows_costs_nothing() {
    let sound = written(&photo(0));
    let header = sound.windows(2).position(|bytes| bytes == [0xFF, 0xDA]);
    let (before, after) = sound.split_at(header.expect("a scan"));
    let interval = [before, &[0xFF, 0xDD, 0, 4, 0, 50], after].concat();
    assert_costs("no markers", &sound, &interval, 60);
}

#[test]
fn the_height_may_come_behind_the_scan() {
    let sound = written(&photo(0));
    for scans in [ScanLayout::Interleaved, ScanLayout::ComponentByComponent] {
        let mut parameters = photo(0);
        parameters.define_number_of_lines = true;
        parameters.scans = scans;
        let late = written(&parameters);
        let name = format!("{scans:?}");
        for level in LEVELS {
            let late_size = size(&name, &late, level);
            if scans == ScanLayout::Interleaved {
                assert!(
                    late_size < size("sound", &sound, level) + 100,
                    "{late_size}"
                );
            }
        }
    }
}

#[test]
fn scans_that_go_on_do_so_over_segments_and_whatever_is_in_sight() {
    let mut parameters = photo(20);
    (parameters.frame.width, parameters.frame.height) = (2400, 1800);
    parameters.quality = 98;
    let sound = written(&parameters);
    assert!(sound.len() > 2 * lepta_codec::SEGMENT_INPUT);
    let start = data_start(&sound);
    let mut damaged = sound.clone();
    for part in 1..40 {
        let place = start + (sound.len() - start) * part / 40;
        damaged = overwrite(&damaged, place, 30);
    }
    let whole = compress_summed(&damaged, Level::Fast).0;
    assert!(decompress(&whole).as_deref() == Ok(&damaged));
    let visible = lepta_codec::SEGMENT_INPUT + 12_345;
    let seen = lepta_tests::in_process::compress_seeing(&damaged, Level::Fast, visible);
    assert!(seen == whole);
    let sound_size = size("sound", &sound, Level::Fast);
    assert!(
        whole.len() < sound_size + 39 * 1200,
        "{} {sound_size}",
        whole.len()
    );
}
