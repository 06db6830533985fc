//! See `lepta_tests::fuzz_properties::decoder_takes_anything`; seeds: `tests/data/fuzz/decoder_takes_anything`.
#![no_main]
#![forbid(unsafe_code)]

use lepta_tests::fuzz_properties::decoder_takes_anything;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| decoder_takes_anything(data));
