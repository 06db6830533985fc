//! See `lepta_tests::fuzz_properties::restarted_files_come_back`; seeds: `tests/data/fuzz/restarted_files_come_back`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::restarted_files_come_back;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| restarted_files_come_back(data));
