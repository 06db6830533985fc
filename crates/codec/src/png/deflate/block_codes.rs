//! The prefix codes of a block: the fixed ones, or those that its header describes (RFC 1951,
//! 3.2.6 and 3.2.7).

use super::bit_reader::{BitReader, Needed, Starved};
use super::code_tables::{
    CODE_LENGTH_CODES, CODE_LENGTH_ORDER, DISTANCE_CODES, END_OF_BLOCK, FIXED_DISTANCE_LENGTHS,
    FIXED_LITERAL_LENGTHS, LITERAL_LENGTH_CODES, LONGEST_CODE_LENGTH_CODE,
};
use super::decoding_table::{
    Completeness, DecodingTable, code_length_entry, distance_entry, literal_length_entry,
};
use super::description::{Description, Run};
use super::error::InflateError;

/// What is read next of a block's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Counts,
    CodeLengthCode,
    CodeLengths,
}

/// The codes in use, or their description as far as it is read.
#[derive(Clone)]
pub(super) struct BlockCodes {
    pub(super) literals: DecodingTable<11, 2342>,
    pub(super) distances: DecodingTable<8, 402>,
    code_lengths: DecodingTable<LONGEST_CODE_LENGTH_CODE, 128>,
    stage: Stage,
    literal_count: usize,
    distance_count: usize,
    code_length_count: usize,
    /// How many of `lengths` are known.
    known: usize,
    lengths: [u8; LITERAL_LENGTH_CODES + DISTANCE_CODES],
    code_length_lengths: [u8; CODE_LENGTH_CODES],
    /// Those as they are written.
    runs: Vec<Run>,
}

impl BlockCodes {
    pub(super) const fn new() -> Self {
        Self {
            literals: DecodingTable::new(),
            distances: DecodingTable::new(),
            code_lengths: DecodingTable::new(),
            stage: Stage::Counts,
            literal_count: 0,
            distance_count: 0,
            code_length_count: 0,
            known: 0,
            lengths: [0; LITERAL_LENGTH_CODES + DISTANCE_CODES],
            code_length_lengths: [0; CODE_LENGTH_CODES],
            runs: Vec::new(),
        }
    }

    /// The description that was read last.
    pub(super) fn description(&self) -> Description {
        let (literals, distances) = self.lengths[..self.known].split_at(self.literal_count);
        let mut description = Description {
            literal_lengths: [0; LITERAL_LENGTH_CODES],
            distance_lengths: [0; DISTANCE_CODES],
            literal_count: self.literal_count,
            distance_count: self.distance_count,
            runs: self.runs.clone(),
            code_length_lengths: self.code_length_lengths,
            code_length_count: self.code_length_count,
        };
        description.literal_lengths[..literals.len()].copy_from_slice(literals);
        description.distance_lengths[..distances.len()].copy_from_slice(distances);
        description
    }

    pub(super) fn use_fixed(&mut self) {
        self.literals
            .build(&FIXED_LITERAL_LENGTHS, literal_length_entry);
        self.distances
            .build(&FIXED_DISTANCE_LENGTHS, distance_entry);
    }

    /// Begins another description.
    pub(super) fn begin(&mut self) {
        self.stage = Stage::Counts;
    }

    /// Reads a description, or goes on where input ran out.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader,
        input: &mut &[u8],
    ) -> Result<Needed<()>, InflateError> {
        if self.stage == Stage::Counts && self.read_counts(bits, input)?.is_err() {
            return Ok(Err(Starved));
        }
        if self.stage == Stage::CodeLengthCode && self.read_code_length_code(bits, input)?.is_err()
        {
            return Ok(Err(Starved));
        }
        while self.known < self.literal_count + self.distance_count {
            if self.read_code_length(bits, input)?.is_err() {
                return Ok(Err(Starved));
            }
        }
        self.build()?;
        Ok(Ok(()))
    }

    fn read_counts(
        &mut self,
        bits: &mut BitReader,
        input: &mut &[u8],
    ) -> Result<Needed<()>, InflateError> {
        if bits.need(input, 14).is_err() {
            return Ok(Err(Starved));
        }
        self.literal_count = bits.take(5) as usize + 257;
        self.distance_count = bits.take(5) as usize + 1;
        self.code_length_count = bits.take(4) as usize + 4;
        if self.literal_count > LITERAL_LENGTH_CODES {
            return Err(InflateError::LiteralLengthCodes(self.literal_count as u16));
        }
        if self.distance_count > DISTANCE_CODES {
            return Err(InflateError::DistanceCodes(self.distance_count as u16));
        }
        self.lengths[..CODE_LENGTH_CODES].fill(0);
        self.known = 0;
        self.stage = Stage::CodeLengthCode;
        Ok(Ok(()))
    }

    fn read_code_length_code(
        &mut self,
        bits: &mut BitReader,
        input: &mut &[u8],
    ) -> Result<Needed<()>, InflateError> {
        while self.known < self.code_length_count {
            if bits.need(input, 3).is_err() {
                return Ok(Err(Starved));
            }
            let symbol = CODE_LENGTH_ORDER[self.known];
            self.lengths[usize::from(symbol)] = bits.take(3) as u8;
            self.known += 1;
        }
        let lengths = &self.lengths[..CODE_LENGTH_CODES];
        if self.code_lengths.build(lengths, code_length_entry) != Completeness::Complete {
            return Err(InflateError::CodeLengthCode);
        }
        self.code_length_lengths.copy_from_slice(lengths);
        self.runs.clear();
        self.known = 0;
        self.stage = Stage::CodeLengths;
        Ok(Ok(()))
    }

    /// Reads one code length, or a repetition.
    fn read_code_length(
        &mut self,
        bits: &mut BitReader,
        input: &mut &[u8],
    ) -> Result<Needed<()>, InflateError> {
        let (symbol, repeat) = loop {
            let entry = self.code_lengths.look_up(bits.bits);
            let symbol = entry.value();
            let (extra_bits, base) = match symbol {
                16 => (2, 3),
                17 => (3, 3),
                18 => (7, 11),
                _ => (0, 1),
            };
            if entry.bits() + extra_bits <= bits.count {
                bits.consume(entry.bits());
                let extra = bits.take(extra_bits);
                self.runs.push(Run {
                    symbol: symbol as u8,
                    extra: extra as u8,
                });
                break (symbol, extra as usize + base);
            }
            if bits.load_byte(input).is_err() {
                return Ok(Err(Starved));
            }
        };
        let length = match symbol {
            16 if self.known == 0 => return Err(InflateError::NothingToRepeat),
            16 => self.lengths[self.known - 1],
            17 | 18 => 0,
            length => length as u8,
        };
        let end = self.known + repeat;
        if end > self.literal_count + self.distance_count {
            return Err(InflateError::RepeatTooLong);
        }
        self.lengths[self.known..end].fill(length);
        self.known = end;
        Ok(Ok(()))
    }

    fn build(&mut self) -> Result<(), InflateError> {
        let (literals, distances) = self.lengths[..self.known].split_at(self.literal_count);
        if literals[END_OF_BLOCK] == 0 {
            return Err(InflateError::NoEndOfBlock);
        }
        if self.literals.build(literals, literal_length_entry) == Completeness::Broken {
            return Err(InflateError::LiteralLengthCode);
        }
        if self.distances.build(distances, distance_entry) == Completeness::Broken {
            return Err(InflateError::DistanceCode);
        }
        Ok(())
    }
}
