//! The models of each level, and the work that is done with them, compiled for each level and each
//! set of vector instructions.
//!
//! Invariant: a coder is a local variable while it codes, so that it can stay in registers.

use super::McuRun;
use super::block_coder::Models;
use super::model::{Decisions, Mixing, Symbolic, Thorough};
use super::multi_scan::{ImageDecoder, ImageEncoder, Original};
use super::scan::Scan;
#[cfg(feature = "training")]
use crate::entropy::learned::Notes;
use crate::entropy::learned::{LearnedStates, Recall};
use crate::entropy::{RangeDecoder, RangeEncoder, VectorCoder};
use crate::simd::{VectorInstructions, Vectorized, vectorized};
use crate::{Error, Level};
use std::fmt;

/// What models of a level start with: made by `scripts/start-states/make`.
fn start_states(level: Level) -> &'static [u8] {
    match level {
        Level::Fast => include_bytes!("start_states/fast.bin"),
        Level::Default => include_bytes!("start_states/default.bin"),
        Level::Max => include_bytes!("start_states/max.bin"),
    }
}

/// The models of one level.
pub(super) enum AnyModels {
    Fast(Box<Models<Symbolic>>),
    Default(Box<Models<Mixing<2>>>),
    Max(Box<Models<Thorough>>),
}

/// Does something with the models of whichever level.
macro_rules! with_models {
    ($any:expr, $models:ident => $work:expr) => {
        match $any {
            AnyModels::Fast($models) => $work,
            AnyModels::Default($models) => $work,
            AnyModels::Max($models) => $work,
        }
    };
}

impl AnyModels {
    pub(super) fn new(level: Level) -> Self {
        let mut models = match level {
            Level::Fast => Self::Fast(Box::new(Models::new())),
            Level::Default => Self::Default(Box::new(Models::new())),
            Level::Max => Self::Max(Box::new(Models::new())),
        };
        // Training begins with models that know nothing.
        if cfg!(not(feature = "training")) {
            models.visit(&mut Recall::new(start_states(level)));
        }
        models
    }

    /// Shows everything that the models of coefficients learn.
    fn visit<V: LearnedStates>(&mut self, visitor: &mut V) {
        with_models!(self, models => models.visit(visitor));
    }

    /// What has been learned so far, as [`start_states`] holds it.
    #[cfg(feature = "training")]
    pub(super) fn learned(&mut self) -> Vec<u8> {
        let mut notes = Notes::default();
        self.visit(&mut notes);
        notes.bytes
    }

    pub(super) fn encode(
        &mut self,
        scan: &mut Scan,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        limit: usize,
        end_of_input: bool,
    ) -> McuRun {
        with_models!(self, models => vectorized(EncodeScan {
            scan,
            models,
            coder,
            input,
            limit,
            end_of_input,
        }))
    }

    pub(super) fn encode_row(
        &mut self,
        image: &mut ImageEncoder,
        coder: &mut RangeEncoder<'_>,
        damage: Option<u64>,
    ) {
        with_models!(self, models => vectorized(EncodeRow {
            image,
            models,
            coder,
            damage,
        }));
    }

    pub(super) fn decode_row(
        &mut self,
        image: &mut ImageDecoder,
        coder: &mut RangeDecoder<'_>,
        raw: &[u8],
        original: Original<'_>,
    ) -> Result<(), Error> {
        with_models!(self, models => vectorized(DecodeRow {
            image,
            models,
            coder,
            raw,
            original,
        }))
    }

    pub(super) fn decode(
        &mut self,
        scan: &mut Scan,
        coder: &mut RangeDecoder<'_>,
        mcus: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        with_models!(self, models => vectorized(DecodeScan {
            scan,
            models,
            coder,
            mcus,
            out,
            limit,
        }))
    }
}

/// Codes a row of an image; see [`Jpeg::encode_row`].
struct EncodeRow<'w, 'o, D: Decisions> {
    image: &'w mut ImageEncoder,
    models: &'w mut Models<D>,
    coder: &'w mut RangeEncoder<'o>,
    damage: Option<u64>,
}

impl<D: Decisions> Vectorized for EncodeRow<'_, '_, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) {
        let mut local = VectorCoder {
            coder: self.coder.take(),
            simd,
        };
        self.image.encode_row(self.models, &mut local, self.damage);
        *self.coder = local.coder;
    }
}

/// Decodes a row of an image; see [`Jpeg::decode_row`].
struct DecodeRow<'w, 'i, D: Decisions> {
    image: &'w mut ImageDecoder,
    models: &'w mut Models<D>,
    coder: &'w mut RangeDecoder<'i>,
    raw: &'w [u8],
    original: Original<'w>,
}

impl<D: Decisions> Vectorized for DecodeRow<'_, '_, D> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn run<S: VectorInstructions>(self, simd: S) -> Result<(), Error> {
        let mut local = VectorCoder {
            coder: *self.coder,
            simd,
        };
        let result = self
            .image
            .decode_row(self.models, &mut local, self.raw, self.original);
        *self.coder = local.coder;
        result
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
    fn run<S: VectorInstructions>(self, simd: S) -> McuRun {
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
    fn run<S: VectorInstructions>(self, simd: S) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_states_are_those_of_these_models() {
        for level in Level::ALL {
            let mut recall = Recall::new(start_states(level));
            AnyModels::new(level).visit(&mut recall);
            assert!(recall.is_over(), "{level:?}: make them anew");
        }
    }
}
