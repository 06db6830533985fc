//! See `lepta_tests::fuzz_properties::damaged_files_come_back`; seeds: `tests/data/fuzz/damaged_files_come_back`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::damaged_files_come_back;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| damaged_files_come_back(data));
