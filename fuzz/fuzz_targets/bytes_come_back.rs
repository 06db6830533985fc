//! See `lepta_tests::fuzz_properties::bytes_come_back`; seeds: `tests/data/fuzz/bytes_come_back`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::bytes_come_back;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| bytes_come_back(data));
