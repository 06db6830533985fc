//! Writing tokens as blocks, coded as zlib's `trees.c` decides.

use super::bit_writer::{BitRun, BitWriter};
use super::code_tables::{
    CODE_LENGTH_CODES, CODE_LENGTH_EXTRA_BITS, CODE_LENGTH_ORDER, DISTANCE_BASES, DISTANCE_CODES,
    DISTANCE_EXTRA_BITS, END_OF_BLOCK, FIRST_LENGTH_CODE, LENGTH_BASES, LENGTH_CODE_OF,
    LENGTH_EXTRA_BITS, LITERAL_LENGTH_CODES, LONGEST_CODE, LONGEST_CODE_LENGTH_CODE, distance_code,
};
use super::description::{Description, Run, push_runs};
use super::prefix_code::{CodeBuilder, PrefixCode};
use super::token::Token;

/// Block types (RFC 1951, 3.2.3).
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The fixed code's lengths; two more literal codes are numbered but never used.
const FIXED_CODES: usize = 288;

/// Writes blocks of tokens.
#[derive(Clone)]
pub(super) struct BlockWriter {
    bits: BitWriter,
    builder: CodeBuilder,
    literal_frequencies: [u32; LITERAL_LENGTH_CODES],
    distance_frequencies: [u32; DISTANCE_CODES],
    literals: PrefixCode<LITERAL_LENGTH_CODES>,
    distances: PrefixCode<DISTANCE_CODES>,
    code_lengths: PrefixCode<CODE_LENGTH_CODES>,
    fixed_literals: PrefixCode<FIXED_CODES>,
    fixed_distances: PrefixCode<DISTANCE_CODES>,
    /// The code lengths of both codes, run-length coded.
    runs: Vec<Run>,
}

/// What a block stands for.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) tokens: &'a [Token],
    /// How many bytes.
    pub(super) length: usize,
    /// The bytes, if the window still holds them.
    pub(super) bytes: Option<&'a [u8]>,
    pub(super) last: bool,
    /// Whether to use the fixed codes whatever they cost.
    pub(super) fixed: bool,
}

impl BlockWriter {
    pub(super) fn new() -> Self {
        let fixed = super::code_tables::FIXED_LITERAL_LENGTHS;
        Self {
            bits: BitWriter::default(),
            builder: CodeBuilder::new(),
            literal_frequencies: [0; LITERAL_LENGTH_CODES],
            distance_frequencies: [0; DISTANCE_CODES],
            literals: PrefixCode::new(),
            distances: PrefixCode::new(),
            code_lengths: PrefixCode::new(),
            fixed_literals: PrefixCode::from_lengths(fixed),
            fixed_distances: PrefixCode::from_lengths([5; DISTANCE_CODES]),
            runs: Vec::with_capacity(LITERAL_LENGTH_CODES + DISTANCE_CODES),
        }
    }

    pub(super) fn reset(&mut self) {
        self.bits = BitWriter::default();
    }

    /// The bits that are held back.
    pub(super) fn bits(&self) -> BitWriter {
        self.bits
    }

    /// Goes on behind bits that were held back.
    pub(super) fn take_over(&mut self, bits: BitWriter) {
        self.bits = bits;
    }

    /// Bits that are held back, at most 7.
    pub(super) fn pending_bits(&self) -> u32 {
        self.bits.pending()
    }

    /// Writes a block in the way that takes the fewest bytes; the last one ends at a byte.
    pub(super) fn write(&mut self, block: &Block<'_>, out: &mut Vec<u8>) {
        self.count(block.tokens);
        let literals = &self.literal_frequencies;
        let distances = &self.distance_frequencies;
        self.builder
            .build(literals, LONGEST_CODE, &mut self.literals);
        self.builder
            .build(distances, LONGEST_CODE, &mut self.distances);
        self.collect_runs();
        let code_length_count = self.build_code_length_code();
        let extra_bits = self.extra_bits();
        let dynamic = self.description_cost(code_length_count)
            + self.literals.cost(&self.literal_frequencies, &[], 0)
            + self.distances.cost(&self.distance_frequencies, &[], 0)
            + extra_bits;
        let fixed = self.fixed_cost() + extra_bits;
        let fixed_bytes = (fixed + 3).div_ceil(8);
        let mut best_bytes = (dynamic + 3).div_ceil(8);
        if fixed_bytes <= best_bytes || block.fixed {
            best_bytes = fixed_bytes;
        }
        match block.bytes {
            Some(bytes) if block.length as u64 + 4 <= best_bytes => {
                self.write_stored(bytes, block.last, out);
            }
            _ if best_bytes == fixed_bytes => {
                self.write_fixed(block, fixed, out);
            }
            _ => {
                self.write_dynamic(block, dynamic, code_length_count, out);
            }
        }
        if block.last {
            self.bits.align(out);
        }
    }

    /// Writes bytes, at most 65,535, as they are.
    pub(super) fn write_stored(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        self.write_stored_header(bytes.len(), last, out);
        out.extend_from_slice(bytes);
    }

    /// Writes what stands before `length` bytes, at most 65,535, that are stored.
    pub(super) fn write_stored_header(&mut self, length: usize, last: bool, out: &mut Vec<u8>) {
        self.bits.put(u32::from(last) | STORED << 1, 3, out);
        self.bits.align(out);
        let length = length as u16;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
    }

    /// Writes an empty block of the fixed codes, as a partial flush does.
    pub(super) fn write_empty_fixed(&mut self, out: &mut Vec<u8>) {
        self.bits.put(FIXED << 1, 3 + 7, out);
    }

    /// Counts how often each code occurs.
    fn count(&mut self, tokens: &[Token]) {
        self.literal_frequencies.fill(0);
        self.distance_frequencies.fill(0);
        for token in tokens {
            let distance = token.distance();
            let low = usize::from(token.low_byte());
            if distance == 0 {
                let frequency = &mut self.literal_frequencies[low];
                *frequency = frequency.wrapping_add(1);
            } else {
                let code = usize::from(LENGTH_CODE_OF[low]).wrapping_add(FIRST_LENGTH_CODE);
                let frequency = &mut self.literal_frequencies[code];
                *frequency = frequency.wrapping_add(1);
                let frequency = &mut self.distance_frequencies[distance_code(distance)];
                *frequency = frequency.wrapping_add(1);
            }
        }
        self.literal_frequencies[END_OF_BLOCK] = 1;
    }

    /// Extra bits of all lengths and distances.
    fn extra_bits(&self) -> u64 {
        let lengths = self.literal_frequencies[FIRST_LENGTH_CODE..]
            .iter()
            .zip(&LENGTH_EXTRA_BITS);
        let distances = self.distance_frequencies.iter().zip(&DISTANCE_EXTRA_BITS);
        lengths
            .chain(distances)
            .map(|(frequency, bits)| u64::from(*frequency) * u64::from(*bits))
            .sum()
    }

    fn fixed_cost(&self) -> u64 {
        let literals: u64 = self
            .literal_frequencies
            .iter()
            .zip(&self.fixed_literals.lengths)
            .map(|(frequency, length)| u64::from(*frequency) * u64::from(*length))
            .sum();
        literals
            + self
                .fixed_distances
                .cost(&self.distance_frequencies, &[], 0)
    }

    /// Run-length codes the code lengths (RFC 1951, 3.2.7), each code's on its own, as zlib does.
    fn collect_runs(&mut self) {
        self.runs.clear();
        push_runs(&self.literals.lengths[..self.literals.used], &mut self.runs);
        push_runs(
            &self.distances.lengths[..self.distances.used],
            &mut self.runs,
        );
    }

    /// Builds the code of code lengths; gives how many of its lengths are written.
    fn build_code_length_code(&mut self) -> usize {
        let mut frequencies = [0; CODE_LENGTH_CODES];
        for run in &self.runs {
            frequencies[usize::from(run.symbol)] += 1;
        }
        self.builder.build(
            &frequencies,
            LONGEST_CODE_LENGTH_CODE,
            &mut self.code_lengths,
        );
        count_code_lengths(&self.code_lengths.lengths)
    }

    /// Bits of a dynamic block's description of its codes.
    fn description_cost(&self, code_length_count: usize) -> u64 {
        let runs: u64 = self
            .runs
            .iter()
            .map(|run| {
                let symbol = usize::from(run.symbol);
                let extra_bits = CODE_LENGTH_EXTRA_BITS[symbol];
                u64::from(self.code_lengths.lengths[symbol]) + u64::from(extra_bits)
            })
            .sum();
        5 + 5 + 4 + 3 * code_length_count as u64 + runs
    }

    /// The codes that zlib would use for a block of these tokens alone: bits of each symbol's code.
    pub(super) fn predict(
        &mut self,
        tokens: &[Token],
    ) -> ([u8; LITERAL_LENGTH_CODES], [u8; DISTANCE_CODES]) {
        self.count(tokens);
        self.builder
            .build(&self.literal_frequencies, LONGEST_CODE, &mut self.literals);
        self.builder.build(
            &self.distance_frequencies,
            LONGEST_CODE,
            &mut self.distances,
        );
        (self.literals.lengths, self.distances.lengths)
    }

    /// The code that zlib would use for these runs: bits of each symbol's code.
    pub(super) fn predict_code_lengths(&mut self, runs: &[Run]) -> [u8; CODE_LENGTH_CODES] {
        self.runs.clear();
        self.runs.extend_from_slice(runs);
        self.build_code_length_code();
        self.code_lengths.lengths
    }

    /// Begins a block of the fixed codes, to be gone on with by [`write_tokens`](Self::write_tokens).
    pub(super) fn begin_fixed(&mut self, last: bool, out: &mut Vec<u8>) {
        self.bits.put(u32::from(last) | FIXED << 1, 3, out);
    }

    /// Begins a block of codes described like this, to be gone on with in the same way.
    pub(super) fn begin_described(
        &mut self,
        description: &Description,
        last: bool,
        out: &mut Vec<u8>,
    ) {
        self.literals = PrefixCode::from_lengths(description.literal_lengths);
        self.literals.used = description.literal_count;
        self.distances = PrefixCode::from_lengths(description.distance_lengths);
        self.distances.used = description.distance_count;
        self.code_lengths = PrefixCode::from_lengths(description.code_length_lengths);
        self.runs.clear();
        self.runs.extend_from_slice(&description.runs);
        let count = description.code_length_count;
        let mut run = self.bits.open(self.description_cost(count) + 3 + 64, out);
        run.put(u64::from(u32::from(last) | DYNAMIC << 1), 3);
        self.put_description(count, &mut run);
        run.close(&mut self.bits);
    }

    /// Writes tokens of a block that was begun, by the fixed codes if that is said, and its end if it
    /// ends behind them.
    pub(super) fn write_tokens(
        &mut self,
        tokens: &[Token],
        fixed: bool,
        ends: bool,
        out: &mut Vec<u8>,
    ) {
        let codes = self.token_codes(fixed);
        // No token has more than 15 + 5 + 15 + 13 bits, and the end no more than 15.
        let mut run = self.bits.open(48 * tokens.len() as u64 + 15, out);
        codes.write_tokens(tokens, &mut run);
        if ends {
            codes.write_end(&mut run);
        }
        run.close(&mut self.bits);
    }

    /// Fills the last byte of a stream.
    pub(super) fn align(&mut self, out: &mut Vec<u8>) {
        self.bits.align(out);
    }

    fn token_codes(&self, fixed: bool) -> TokenCodes {
        if fixed {
            let literals = &self.fixed_literals;
            return TokenCodes::new(&literals.lengths, &literals.codes, &self.fixed_distances);
        }
        let literals = &self.literals;
        TokenCodes::new(&literals.lengths, &literals.codes, &self.distances)
    }

    fn write_fixed(&mut self, block: &Block<'_>, cost: u64, out: &mut Vec<u8>) {
        let mut run = self.bits.open(cost + 3 + 64, out);
        run.put(u64::from(u32::from(block.last) | FIXED << 1), 3);
        self.token_codes(true).write(block.tokens, &mut run);
        run.close(&mut self.bits);
    }

    fn write_dynamic(
        &mut self,
        block: &Block<'_>,
        cost: u64,
        code_length_count: usize,
        out: &mut Vec<u8>,
    ) {
        let mut run = self.bits.open(cost + 3 + 64, out);
        run.put(u64::from(u32::from(block.last) | DYNAMIC << 1), 3);
        self.put_description(code_length_count, &mut run);
        self.token_codes(false).write(block.tokens, &mut run);
        run.close(&mut self.bits);
    }

    /// Writes the description of a dynamic block's codes.
    fn put_description(&self, code_length_count: usize, run: &mut BitRun<'_>) {
        run.put((self.literals.used - 257) as u64, 5);
        run.put((self.distances.used - 1) as u64, 5);
        run.put((code_length_count - 4) as u64, 4);
        for symbol in &CODE_LENGTH_ORDER[..code_length_count] {
            let length = self.code_lengths.lengths[usize::from(*symbol)];
            run.put(u64::from(length), 3);
        }
        for item in &self.runs {
            let symbol = usize::from(item.symbol);
            let length = u32::from(self.code_lengths.lengths[symbol]);
            run.put(u64::from(self.code_lengths.codes[symbol]), length);
            let extra_bits = u32::from(CODE_LENGTH_EXTRA_BITS[symbol]);
            run.put(u64::from(item.extra), extra_bits);
        }
    }
}

/// How many lengths of the code of code lengths are written.
pub(super) fn count_code_lengths(lengths: &[u8; CODE_LENGTH_CODES]) -> usize {
    let last = CODE_LENGTH_ORDER
        .iter()
        .rposition(|symbol| lengths[usize::from(*symbol)] > 0);
    last.map_or(4, |last| (last + 1).max(4))
}

/// Codes with their extra bits, ready to be written: bits in 0 to 23, their number from 24 on.
struct TokenCodes {
    literals: [u32; 256],
    /// By length less 3.
    lengths: [u32; 256],
    distances: [DistanceCode; 32],
    end_of_block: u32,
}

/// A code that distances begin with.
#[derive(Clone, Copy, Default)]
struct DistanceCode {
    /// Lowest bit first.
    code: u16,
    /// How many bits.
    code_bits: u8,
    /// How many come with its extra bits.
    bits: u8,
    /// The least distance of this code.
    least: u16,
}

impl TokenCodes {
    fn new(lengths: &[u8], codes: &[u16], distance_code: &PrefixCode<DISTANCE_CODES>) -> Self {
        let code = |symbol: usize| u32::from(codes[symbol]) | u32::from(lengths[symbol]) << 24;
        let mut distances = [DistanceCode::default(); 32];
        for (symbol, distance) in distances[..DISTANCE_CODES].iter_mut().enumerate() {
            let code_bits = distance_code.lengths[symbol];
            *distance = DistanceCode {
                code: distance_code.codes[symbol],
                code_bits,
                bits: code_bits + DISTANCE_EXTRA_BITS[symbol],
                least: DISTANCE_BASES[symbol] + 1,
            };
        }
        Self {
            literals: std::array::from_fn(code),
            lengths: std::array::from_fn(|length| {
                let index = usize::from(LENGTH_CODE_OF[length]);
                let symbol = index + FIRST_LENGTH_CODE;
                let bits = u32::from(lengths[symbol]);
                let extra = length as u32 - u32::from(LENGTH_BASES[index]);
                let extra_bits = u32::from(LENGTH_EXTRA_BITS[index]);
                u32::from(codes[symbol]) | extra << bits | (bits + extra_bits) << 24
            }),
            distances,
            end_of_block: code(END_OF_BLOCK),
        }
    }

    fn write(&self, tokens: &[Token], run: &mut BitRun<'_>) {
        self.write_tokens(tokens, run);
        self.write_end(run);
    }

    fn write_tokens(&self, tokens: &[Token], run: &mut BitRun<'_>) {
        for token in tokens {
            let distance = token.distance();
            let low = usize::from(token.low_byte());
            if distance == 0 {
                let code = self.literals[low];
                run.put(u64::from(code & 0xff_ffff), code >> 24);
                continue;
            }
            let length = self.lengths[low];
            let length_bits = length >> 24;
            let code = &self.distances[distance_code(distance) & 31];
            let extra = distance.wrapping_sub(usize::from(code.least)) as u64;
            let bits = u64::from(code.code) | extra << (code.code_bits & 63);
            run.put(
                u64::from(length & 0xff_ffff) | bits << (length_bits & 63),
                length_bits.wrapping_add(u32::from(code.bits)),
            );
        }
    }

    fn write_end(&self, run: &mut BitRun<'_>) {
        run.put(
            u64::from(self.end_of_block & 0xff_ffff),
            self.end_of_block >> 24,
        );
    }
}
