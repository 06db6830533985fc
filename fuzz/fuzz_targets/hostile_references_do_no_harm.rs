//! See `lepta_tests::fuzz_properties::hostile_references_do_no_harm`; seeds: `tests/data/fuzz/hostile_references_do_no_harm`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::hostile_references_do_no_harm;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| hostile_references_do_no_harm(data));
