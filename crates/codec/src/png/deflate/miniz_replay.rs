//! Compressing as the crate `miniz_oxide` does, which Chromium and Rust's `png` crate use.
//!
//! Invariant: the crate itself does it, in one version for ever, because other versions may choose
//! other bytes.

use super::parameters::Flush;
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

/// Window bits that ask for a raw stream.
const RAW: i32 = -15;

/// A compressor of `miniz_oxide` that writes a raw DEFLATE stream.
pub(super) struct MinizReplay(CompressorOxide);

impl MinizReplay {
    pub(super) fn boxed() -> Box<Self> {
        let flags = create_comp_flags_from_zip_params(6, RAW, 0);
        Box::new(Self(CompressorOxide::new(flags)))
    }

    /// Begins another stream at a level from 0 to 10, without allocating.
    pub(super) fn reset(&mut self, level: u8) {
        self.0.reset();
        self.0.set_format_and_level(DataFormat::Raw, level);
    }

    pub(super) fn flush(&mut self, input: &[u8], flush: Flush, out: &mut Vec<u8>) {
        let flush = match flush {
            Flush::None => TDEFLFlush::None,
            Flush::Partial | Flush::Sync => TDEFLFlush::Sync,
            Flush::Full => TDEFLFlush::Full,
            Flush::Finish => TDEFLFlush::Finish,
        };
        // All input is taken, because the output is.
        compress_to_output(&mut self.0, input, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
    }
}
