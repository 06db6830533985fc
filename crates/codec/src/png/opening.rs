//! What is said about image data before their first strip.

use super::deflate::{Compressor, Parameters, Strategy};
use super::filter_model::Prediction;
use super::framing::code_number;
use crate::entropy::Coder;
use crate::entropy::adaptive::Slot;

/// The slowest rate of all slots here.
const SLOWEST: u32 = 2000;

/// All strategies, in the order of their numbers in the format.
const STRATEGIES: [Strategy; 5] = [
    Strategy::Default,
    Strategy::Filtered,
    Strategy::HuffmanOnly,
    Strategy::RunLength,
    Strategy::Fixed,
];

/// All compressors, in the order of their numbers in the format.
const COMPRESSORS: [Compressor; 3] = [
    Compressor::Zlib,
    Compressor::MinizOxide,
    Compressor::Unknown,
];

/// The fields' sizes in bits: zlib header, compressor, level, strategy, memory level, window bits,
/// output buffer.
const FIELDS: [u32; 7] = [16, 2, 4, 3, 4, 4, 32];

/// Size in bits of the number of blocks for what is kept.
const KEPT_BLOCKS_BITS: u32 = 7;

/// What is said before the first strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// The first two bytes of the zlib stream, as a big-endian number.
    pub(super) zlib_header: u16,
    /// How the stream was made.
    pub(super) parameters: Parameters,
    pub(super) prediction: Prediction,
    /// Whether there is a reference image.
    pub(super) has_reference: bool,
    /// Blocks of memory for what is kept of images.
    pub(super) kept_blocks: u32,
}

/// What is learned about openings.
#[derive(Debug)]
pub(super) struct OpeningModels {
    changed: Slot,
    /// The fields of the last opening.
    fields: [u32; FIELDS.len()],
    by_sum: [Slot; 2],
    last_by_sum: bool,
    reference: Slot,
    kept_blocks_changed: Slot,
    /// Those of the last opening.
    kept_blocks: u32,
}

impl OpeningModels {
    pub(super) fn new() -> Self {
        Self {
            changed: Slot::EVEN,
            // What libpng writes at its default level.
            fields: [0x789C, 0, 6, 1, 8, 15, 8192],
            by_sum: [Slot::EVEN; 2],
            last_by_sum: true,
            reference: Slot::EVEN,
            kept_blocks_changed: Slot::expecting(500),
            kept_blocks: 0,
        }
    }
}

impl Opening {
    /// What a decoder gives to [`Opening::code`].
    pub(super) const UNKNOWN: Self = Self {
        zlib_header: 0,
        parameters: Parameters::new(0, Strategy::Default),
        prediction: Prediction::Last,
        has_reference: false,
        kept_blocks: 0,
    };

    /// Codes the opening; `None` if what is decoded cannot be.
    pub(super) fn code<C: Coder>(self, models: &mut OpeningModels, coder: &mut C) -> Option<Self> {
        let fields = self.to_fields();
        if models.changed.code(coder, fields != models.fields, SLOWEST) {
            for ((known, field), bits) in models.fields.iter_mut().zip(fields).zip(FIELDS) {
                *known = code_number(coder, bits, field);
            }
        }
        let slot = &mut models.by_sum[usize::from(models.last_by_sum)];
        models.last_by_sum = slot.code(coder, self.prediction == Prediction::LeastSum, SLOWEST);
        let has_reference = models.reference.code(coder, self.has_reference, SLOWEST);
        let changed = self.kept_blocks != models.kept_blocks;
        if models.kept_blocks_changed.code(coder, changed, SLOWEST) {
            models.kept_blocks = code_number(coder, KEPT_BLOCKS_BITS, self.kept_blocks);
        }
        let [
            zlib_header,
            compressor,
            level,
            strategy,
            memory_level,
            window_bits,
            output_buffer,
        ] = models.fields;
        let compressor = *COMPRESSORS.get(compressor as usize)?;
        let highest = match compressor {
            Compressor::MinizOxide => 10,
            Compressor::Zlib | Compressor::Unknown => 9,
        };
        let legal =
            level <= highest && (1..=9).contains(&memory_level) && (8..=15).contains(&window_bits);
        let strategy = *STRATEGIES.get(strategy as usize)?;
        (legal && output_buffer > 0).then_some(Self {
            zlib_header: zlib_header as u16,
            parameters: Parameters {
                compressor,
                level: level as u8,
                strategy,
                memory_level: memory_level as u8,
                window_bits: window_bits as u8,
                output_buffer,
            },
            prediction: match models.last_by_sum {
                true => Prediction::LeastSum,
                false => Prediction::Last,
            },
            has_reference,
            kept_blocks: models.kept_blocks,
        })
    }

    fn to_fields(self) -> [u32; FIELDS.len()] {
        let parameters = self.parameters;
        let strategy = STRATEGIES.iter().position(|&s| s == parameters.strategy);
        let compressor = COMPRESSORS
            .iter()
            .position(|&other| other == parameters.compressor);
        [
            u32::from(self.zlib_header),
            compressor.unwrap_or(0) as u32,
            u32::from(parameters.level),
            strategy.unwrap_or(0) as u32,
            u32::from(parameters.memory_level),
            u32::from(parameters.window_bits),
            parameters.output_buffer,
        ]
    }
}
