//! The committed seeds of the fuzz targets, replayed without a fuzzer.
//!
//! Invariant: every target has seeds; a folder without any is a failure.

use lepta_tests::fuzz_properties::{
    bytes_come_back, damaged_files_come_back, decoder_takes_anything, deflate_is_replayed,
    frames_come_back_by_pixels, generated_files_come_back, hostile_references_do_no_harm,
    png_files_come_back, restarted_files_come_back,
};
use std::fs;
use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/fuzz")
        .join(target);
    let seeds = fs::read_dir(&folder).expect("the seeds are in the repository");
    let mut count = 0;
    for seed in seeds {
        let path = seed.expect("a folder can be read").path();
        // Shown only if the property panics.
        println!("{}", path.display());
        property(&fs::read(&path).expect("a seed can be read"));
        count += 1;
    }
    assert!(count > 0, "{target} has no seeds");
}

#[test]
fn seeds_of_bytes_come_back() {
    replay("bytes_come_back", bytes_come_back);
}

#[test]
fn seeds_of_generated_files_come_back() {
    replay("generated_files_come_back", generated_files_come_back);
}

#[test]
fn seeds_of_damaged_files_come_back() {
    replay("damaged_files_come_back", damaged_files_come_back);
}

#[test]
fn seeds_of_restarted_files_come_back() {
    replay("restarted_files_come_back", restarted_files_come_back);
}

#[test]
fn seeds_of_decoder_takes_anything() {
    replay("decoder_takes_anything", decoder_takes_anything);
}

#[test]
fn seeds_of_deflate_is_replayed() {
    replay("deflate_is_replayed", deflate_is_replayed);
}

#[test]
fn seeds_of_png_files_come_back() {
    replay("png_files_come_back", png_files_come_back);
}

#[test]
fn seeds_of_frames_come_back_by_pixels() {
    replay("frames_come_back_by_pixels", frames_come_back_by_pixels);
}

#[test]
fn seeds_of_hostile_references_do_no_harm() {
    replay(
        "hostile_references_do_no_harm",
        hostile_references_do_no_harm,
    );
}
