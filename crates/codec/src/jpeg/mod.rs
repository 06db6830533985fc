//! JPEG images within a byte stream: headers, scans, and the model of their coefficients.
//!
//! Invariant: encoder and decoder drive one [`Jpeg`] each with the same calls over the same bytes,
//! and so agree, without side information, on where scans begin and end and on every model state.

mod bit_reader;
mod bit_writer;
mod frame;
mod huffman;
mod markers;
mod model;
mod reason;
mod rows;
mod scan;
mod zigzag;

use crate::entropy::{RangeDecoder, RangeEncoder, VectorCoder};
#[cfg(feature = "fault-injection")]
use crate::fault::Damage;
use crate::fault::PendingDamage;
use crate::simd::{VectorMultiply, Vectorized, vectorized};
use crate::{Error, Level};
use frame::ScanLayout;
use markers::{Found, HeaderParser};
use model::{Decisions, Mixing, Symbolic};
pub use reason::NotModelled;
use scan::{Models, Scan};
use std::fmt;

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
    pub(crate) const REASONS: usize = 64;

    fn add_reason(&mut self, reason: NotModelled) {
        if self.reasons.len() < Self::REASONS {
            self.reasons.push(reason);
        }
    }
}

/// The models of one level.
enum AnyModels {
    Fast(Box<Models<Symbolic>>),
    Default(Box<Models<Mixing<2>>>),
}

impl AnyModels {
    fn new(level: Level) -> Self {
        match level {
            Level::Fast => Self::Fast(Box::new(Models::new())),
            Level::Default => Self::Default(Box::new(Models::new())),
        }
    }

    fn encode(
        &mut self,
        scan: &mut Scan,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        limit: usize,
        end_of_input: bool,
    ) -> McuRun {
        match self {
            Self::Fast(models) => vectorized(EncodeScan {
                scan,
                models,
                coder,
                input,
                limit,
                end_of_input,
            }),
            Self::Default(models) => vectorized(EncodeScan {
                scan,
                models,
                coder,
                input,
                limit,
                end_of_input,
            }),
        }
    }

    fn decode(
        &mut self,
        scan: &mut Scan,
        coder: &mut RangeDecoder<'_>,
        mcus: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        match self {
            Self::Fast(models) => vectorized(DecodeScan {
                scan,
                models,
                coder,
                mcus,
                out,
                limit,
            }),
            Self::Default(models) => vectorized(DecodeScan {
                scan,
                models,
                coder,
                mcus,
                out,
                limit,
            }),
        }
    }
}

/// Codes MCUs; see [`Jpeg::encode_mcus`].
struct EncodeScan<'w, 'o, D: Decisions> {
    scan: &'w mut Scan,
    models: &'w mut Models<D>,
    coder: &'w mut RangeEncoder<'o>,
    input: &'w [u8],
    limit: usize,
    end_of_input: bool,
}

impl<D: Decisions> Vectorized for EncodeScan<'_, '_, D> {
    type Output = McuRun;

    #[inline(always)]
    fn run<S: VectorMultiply>(self, simd: S) -> McuRun {
        let Self {
            scan,
            models,
            coder,
            input,
            limit,
            end_of_input,
        } = self;
        let mut local = VectorCoder {
            coder: coder.take(),
            simd,
        };
        let run = scan.encode(models, &mut local, input, limit, end_of_input);
        *coder = local.coder;
        run
    }
}

/// Decodes MCUs; see [`Jpeg::decode_mcus`].
struct DecodeScan<'w, 'i, D: Decisions> {
    scan: &'w mut Scan,
    models: &'w mut Models<D>,
    coder: &'w mut RangeDecoder<'i>,
    mcus: u32,
    out: &'w mut Vec<u8>,
    limit: usize,
}

impl<D: Decisions> Vectorized for DecodeScan<'_, '_, D> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<S: VectorMultiply>(self, simd: S) -> Result<(), Error> {
        let mut local = VectorCoder {
            coder: *self.coder,
            simd,
        };
        let result = self
            .scan
            .decode(self.models, &mut local, self.mcus, self.out, self.limit);
        *self.coder = local.coder;
        result
    }
}

impl fmt::Debug for AnyModels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AnyModels")
    }
}

/// All JPEG state of one direction: header parser, tables, rows of coefficients, model.
#[derive(Debug)]
pub(crate) struct Jpeg {
    level: Level,
    /// Bytes that the rows of an image may take.
    state_bytes: usize,
    parser: HeaderParser,
    /// A scan that begins with the next byte, while nothing of it has been coded.
    announced: Option<Box<ScanLayout>>,
    scan: Option<Scan>,
    /// Made when the first scan begins.
    models: Option<AnyModels>,
    news: News,
    damage: PendingDamage,
}

impl Jpeg {
    /// A state that has seen nothing. `state_bytes` bounds the rows of an image.
    pub(crate) fn new(level: Level, state_bytes: usize) -> Self {
        Self {
            level,
            state_bytes,
            parser: HeaderParser::new(),
            announced: None,
            scan: None,
            models: None,
            news: News::default(),
            damage: PendingDamage::default(),
        }
    }

    /// Damages one of the coming coefficients.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn inject(&mut self, damage: Damage) {
        self.damage.set(damage);
    }

    /// Goes back to the state of [`Jpeg::new`].
    pub(crate) fn reset(&mut self) {
        self.parser = HeaderParser::new();
        self.announced = None;
        self.scan = None;
        self.models = None;
    }

    /// Feeds bytes outside of scans; how many were taken: all, or up to the end of the header of
    /// a scan that can be coded, and then [`Jpeg::in_scan`] holds.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.parser.skip(&bytes[taken..]);
            let Some(&byte) = bytes.get(taken) else { break };
            taken += 1;
            match self.parser.push(byte) {
                None => {}
                Some(Found::Frame { width, height }) => {
                    self.news.frame.get_or_insert((width, height));
                }
                Some(Found::Refused(reason)) => self.news.add_reason(reason),
                Some(Found::Scan(layout)) => {
                    self.announced = Some(layout);
                    break;
                }
            }
        }
        taken
    }

    /// Whether the next byte belongs to a scan that can be coded.
    pub(crate) fn in_scan(&self) -> bool {
        self.scan.is_some() || self.announced.is_some()
    }

    /// Codes MCUs from the start of `input`, whose first byte may be partly used already, until
    /// the scan ends or turns odd, or `input` or `limit` bytes of it are used up.
    pub(crate) fn encode_mcus(
        &mut self,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        limit: usize,
        end_of_input: bool,
    ) -> McuRun {
        if let Err(reason) = self.begin_scan() {
            self.news.add_reason(reason);
            return McuRun {
                mcus: 0,
                consumed: 0,
                end: RunEnd::Odd(reason),
            };
        }
        let Some(scan) = &mut self.scan else {
            return McuRun {
                mcus: 0,
                consumed: 0,
                end: RunEnd::Odd(NotModelled::UnsupportedScan),
            };
        };
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        scan.damage_next(self.damage.take_coefficient());
        let run = models.encode(scan, coder, input, limit, end_of_input);
        self.parser.scan_bytes(run.consumed);
        match run.end {
            RunEnd::ScanDone => self.end_scan(),
            RunEnd::Odd(reason) => self.news.add_reason(reason),
            RunEnd::More => {}
        }
        run
    }

    /// Appends the bytes of `mcus` MCUs to `out`, which may grow to `limit` bytes in all.
    ///
    /// # Errors
    /// [`Error::BadScan`] where no encoder could have written this.
    pub(crate) fn decode_mcus(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        mcus: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        if let Err(NotModelled::TooWide { needed, budget }) = self.begin_scan() {
            return Err(Error::RowsTooWide { needed, budget });
        }
        let scan = self.scan.as_mut().ok_or(Error::NotInScan)?;
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        let before = out.len();
        models.decode(scan, coder, mcus, out, limit)?;
        self.parser.scan_bytes(out.len() - before);
        if scan.is_done() {
            self.end_scan();
        }
        Ok(())
    }

    /// Makes room for the rows of a scan that has been announced.
    fn begin_scan(&mut self) -> Result<(), NotModelled> {
        if let Some(layout) = self.announced.take() {
            let (needed, budget) = (rows::bytes_needed(&layout), self.state_bytes);
            if needed > budget {
                self.announced = Some(layout);
                return Err(NotModelled::TooWide { needed, budget });
            }
            self.scan = Some(Scan::new(*layout));
        }
        Ok(())
    }

    fn end_scan(&mut self) {
        self.scan = None;
        self.parser.scan_ended();
        self.news.scans_done += 1;
    }

    /// Gives the scan up: pending bits, the start of the first byte not consumed, are dropped.
    pub(crate) fn leave_scan(&mut self) {
        if self.announced.take().is_some() || self.scan.take().is_some() {
            self.parser.scan_abandoned();
        }
    }

    /// Looks for the next image: an image of another kind begins.
    pub(crate) fn look_on(&mut self) {
        self.parser.scan_abandoned();
    }

    /// Takes note that so many bytes of such an image came by.
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        self.parser.scan_bytes(bytes);
    }

    /// Gives the memory of rows and models back, and what was learned with it.
    pub(crate) fn free(&mut self) {
        self.scan = None;
        self.models = None;
    }

    /// What was found since the last call.
    pub(crate) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }
}
