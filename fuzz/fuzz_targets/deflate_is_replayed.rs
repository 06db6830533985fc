//! See `lepta_tests::fuzz_properties::deflate_is_replayed`; seeds: `tests/data/fuzz/deflate_is_replayed`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::deflate_is_replayed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| deflate_is_replayed(data));
