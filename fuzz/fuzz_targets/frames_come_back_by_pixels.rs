//! See `lepta_tests::fuzz_properties::frames_come_back_by_pixels`; seeds: `tests/data/fuzz/frames_come_back_by_pixels`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::frames_come_back_by_pixels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| frames_come_back_by_pixels(data));
