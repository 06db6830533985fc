//! JPEG images within a byte stream: headers, scans, and the model of their coefficients.
//!
//! Invariant: encoder and decoder drive one [`Jpeg`] each with the same calls over the same bytes,
//! and so agree, without side information, on where scans begin and end and on every model state.

mod reason;

use crate::entropy::{RangeDecoder, RangeEncoder};
use crate::{Error, Level};
pub use reason::NotModelled;

/// How an MCU run of the encoder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The input or the limit is used up; the scan goes on.
    More,
    /// The last MCU of the scan is coded; the scan has been left.
    ScanDone,
    /// What follows cannot be coded; the caller leaves the scan.
    Odd(NotModelled),
}

/// A run of MCUs that was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct McuRun {
    /// Number of MCUs coded.
    pub(crate) mcus: u32,
    /// Bytes that are wholly coded; the bits of a byte begun stay pending.
    pub(crate) consumed: usize,
    /// Why it ended.
    pub(crate) end: RunEnd,
}

/// What was found since the last time it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// Scans whose last MCU was coded.
    pub(crate) scans_done: u64,
    /// Width and height, in pixels, of the first frame header understood.
    pub(crate) frame: Option<(u16, u16)>,
    /// Why something was not modelled; bounded, see [`News::REASONS`].
    pub(crate) reasons: Vec<NotModelled>,
}

impl News {
    /// Most reasons kept.
    #[expect(dead_code, reason = "nothing is refused yet")]
    pub(crate) const REASONS: usize = 64;
}

/// All JPEG state of one direction: header parser, tables, rows of coefficients, model.
#[derive(Debug)]
pub(crate) struct Jpeg;

impl Jpeg {
    /// A state that has seen nothing. `state_bytes` bounds the rows of an image.
    pub(crate) fn new(_level: Level, _state_bytes: usize) -> Self {
        Self
    }

    /// Goes back to the state of [`Jpeg::new`].
    pub(crate) fn reset(&mut self) {}

    /// Feeds bytes outside of scans; how many were taken: all, or up to the end of the header of
    /// a scan that can be coded, and then [`Jpeg::in_scan`] holds.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    /// Whether the next byte belongs to a scan that can be coded.
    pub(crate) fn in_scan(&self) -> bool {
        false
    }

    /// Codes MCUs from the start of `input`, whose first byte may be partly used already, until
    /// the scan ends or turns odd, or `input` or `limit` bytes of it are used up.
    pub(crate) fn encode_mcus(
        &mut self,
        _coder: &mut RangeEncoder<'_>,
        _input: &[u8],
        _limit: usize,
        _end_of_input: bool,
    ) -> McuRun {
        McuRun {
            mcus: 0,
            consumed: 0,
            end: RunEnd::Odd(NotModelled::UnsupportedScan),
        }
    }

    /// Appends the bytes of `mcus` MCUs to `out`, which may grow to `limit` bytes in all.
    ///
    /// # Errors
    /// [`Error::BadScan`] where no encoder could have written this.
    pub(crate) fn decode_mcus(
        &mut self,
        _coder: &mut RangeDecoder<'_>,
        _mcus: u32,
        _out: &mut Vec<u8>,
        _limit: usize,
    ) -> Result<(), Error> {
        Err(Error::BadScan)
    }

    /// Gives the scan up: pending bits, the start of the first byte not consumed, are dropped.
    pub(crate) fn leave_scan(&mut self) {}

    /// What was found since the last call.
    pub(crate) fn take_news(&mut self) -> News {
        News::default()
    }
}
