//! DEFLATE streams of every legal kind (RFC 1951), which no particular encoder would write.
//!
//! Invariant: a stream depends on its bytes and its options alone, and zlib's `inflate` takes it.

use std::collections::HashMap;

/// What a stream is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyDeflate {
    /// Of all choices.
    pub seed: u64,
    /// How far back copies may go, in bytes: 1 to 32,768.
    pub reach: usize,
    /// Whether copies of 258 bytes may be written by the code of 227 to 257 too, with all extra bits set.
    pub long_form: bool,
}

/// A literal, or a copy: length and distance.
#[derive(Clone, Copy)]
enum Token {
    Literal(u8),
    Copy(usize, usize),
}

const LITERAL_CODES: usize = 286;
const DISTANCE_CODES: usize = 30;
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

impl AnyDeflate {
    /// A raw stream for these bytes.
    #[must_use]
    pub fn write(self, bytes: &[u8]) -> Vec<u8> {
        let mut writer = Writer {
            options: self,
            random: Random(self.seed | 1),
            bytes,
            place: 0,
            seen: HashMap::new(),
            bits: Bits::default(),
        };
        loop {
            let is_over = writer.place == bytes.len();
            let last = is_over && writer.random.below(3) > 0;
            writer.write_block(last);
            if last {
                writer.bits.align();
                return writer.bits.bytes;
            }
        }
    }
}

/// Numbers that look random (G. Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end.max(1)
    }
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are used, 0 for all.
    used: u32,
}

impl Bits {
    fn put(&mut self, value: usize, count: usize) {
        for place in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> place & 1) as u8) << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    fn align(&mut self) {
        self.used = 0;
    }
}

/// A prefix code: bits and code of each symbol.
struct Code(Vec<(usize, usize)>);

impl Code {
    /// The code with these code lengths (RFC 1951, 3.2.2).
    fn from_lengths(lengths: &[usize]) -> Self {
        let mut codes = vec![(0, 0); lengths.len()];
        let mut next = 0;
        for bits in 1..=15 {
            next <<= 1;
            for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, l)| **l == bits) {
                *code = (bits, next);
                next += 1;
            }
        }
        Self(codes)
    }

    fn put(&self, symbol: usize, bits: &mut Bits) {
        let (length, code) = self.0[symbol];
        for place in (0..length).rev() {
            bits.put(code >> place & 1, 1);
        }
    }
}

struct Writer<'b> {
    options: AnyDeflate,
    random: Random,
    bytes: &'b [u8],
    place: usize,
    /// Where three bytes were seen.
    seen: HashMap<[u8; 3], Vec<usize>>,
    bits: Bits,
}

impl Writer<'_> {
    fn write_block(&mut self, last: bool) {
        let kind = [0, 1, 2, 2, 2, 2][self.random.below(6)];
        self.bits.put(usize::from(last), 1);
        self.bits.put(kind, 2);
        // One block in eight is empty.
        let most = [0, 1, 5, 70, 500, 4000, 40_000, 40_000][self.random.below(8)];
        if kind == 0 {
            return self.write_stored(most);
        }
        let tokens = self.choose_tokens(most);
        if kind == 1 {
            let literals: Vec<usize> = (0..288)
                .map(|symbol| match symbol {
                    144..256 => 9,
                    256..280 => 7,
                    _ => 8,
                })
                .collect();
            let codes = [Code::from_lengths(&literals), Code::from_lengths(&[5; 32])];
            return self.write_tokens(&tokens, &codes);
        }
        let (mut literals, mut distances) =
            (vec![false; LITERAL_CODES], vec![false; DISTANCE_CODES]);
        literals[256] = true;
        for token in &tokens {
            match *token {
                Token::Literal(byte) => literals[usize::from(byte)] = true,
                Token::Copy(length, distance) => {
                    literals[257 + length_code(length).0] = true;
                    // A copy of the greatest length may get either code.
                    literals[284] |= self.options.long_form && length == 258;
                    distances[distance_code(distance).0] = true;
                }
            }
        }
        let literals = self.choose_lengths(&mut literals, 15);
        let distances = self.choose_lengths(&mut distances, 15);
        self.describe(&literals, &distances);
        let codes = [
            Code::from_lengths(&literals),
            Code::from_lengths(&distances),
        ];
        self.write_tokens(&tokens, &codes);
    }

    fn write_stored(&mut self, most: usize) {
        let length = (self.bytes.len() - self.place).min(most * 2).min(65_535);
        self.bits.align();
        self.bits.put(length, 16);
        self.bits.put(!length & 0xFFFF, 16);
        for _ in 0..length {
            self.bits.put(usize::from(self.bytes[self.place]), 8);
            self.pass(1);
        }
    }

    fn choose_tokens(&mut self, most: usize) -> Vec<Token> {
        let mut tokens = Vec::new();
        while tokens.len() < most && self.place < self.bytes.len() {
            let token = self.choose_token();
            self.pass(match token {
                Token::Literal(_) => 1,
                Token::Copy(length, _) => length,
            });
            tokens.push(token);
        }
        tokens
    }

    fn choose_token(&mut self) -> Token {
        let rest = &self.bytes[self.place..];
        let literal = Token::Literal(rest[0]);
        let places = rest
            .first_chunk::<3>()
            .and_then(|three| self.seen.get(three));
        let Some(places) = places.filter(|_| self.random.below(10) > 0) else {
            return literal;
        };
        // The newest place or any of those before.
        let back = match self.random.below(4) {
            0 => self.random.below(places.len()),
            _ => 0,
        };
        let start = places[places.len() - 1 - back];
        let distance = self.place - start;
        if distance > self.options.reach {
            return literal;
        }
        let same = (0..rest.len().min(258)).take_while(|&at| self.bytes[start + at] == rest[at]);
        let longest = same.count();
        let length = match self.random.below(4) {
            0 => 3 + self.random.below(longest - 2),
            _ => longest,
        };
        Token::Copy(length, distance)
    }

    fn pass(&mut self, count: usize) {
        for place in self.place..self.place + count {
            if let Some(three) = self.bytes[place..].first_chunk::<3>() {
                self.seen.entry(*three).or_default().push(place);
            }
        }
        self.place += count;
    }

    /// Any code that has all these symbols, and perhaps others: complete, or one symbol of one bit, or
    /// none at all.
    fn choose_lengths(&mut self, used: &mut [bool], longest: usize) -> Vec<usize> {
        if self.random.below(4) == 0 {
            for _ in 0..self.random.below(5) {
                let place = self.random.below(used.len());
                used[place] = true;
            }
        }
        let mut symbols: Vec<usize> = (0..used.len()).filter(|&symbol| used[symbol]).collect();
        let mut lengths = vec![0; used.len()];
        if symbols.len() < 2 {
            for symbol in symbols {
                lengths[symbol] = 1;
            }
            return lengths;
        }
        let mut leaves = vec![1, 1];
        while leaves.len() < symbols.len() {
            let place = self.random.below(leaves.len());
            let leaf = leaves[place];
            if leaf < longest {
                leaves[place] = leaf + 1;
                leaves.push(leaf + 1);
            }
        }
        for leaf in leaves {
            let symbol = symbols.swap_remove(self.random.below(symbols.len()));
            lengths[symbol] = leaf;
        }
        lengths
    }

    /// Writes the header of a dynamic block.
    fn describe(&mut self, literals: &[usize], distances: &[usize]) {
        let literal_count = self.choose_count(literals, 257);
        let distance_count = self.choose_count(distances, 1);
        let all = [&literals[..literal_count], &distances[..distance_count]].concat();
        let mut runs = Vec::new();
        let mut place = 0;
        while place < all.len() {
            let length = all[place];
            let same = all[place..].iter().take_while(|other| **other == length);
            let same = same.count();
            let repeats = place > 0 && all[place - 1] == length;
            let (symbol, count) = match self.random.below(5) {
                1 if repeats && same >= 3 => (16, 3 + self.random.below(same.min(6) - 2)),
                2 if length == 0 && same >= 3 => (17, 3 + self.random.below(same.min(10) - 2)),
                3 if length == 0 && same >= 11 => (18, 11 + self.random.below(same.min(138) - 10)),
                4 if length == 0 && same >= 11 => (18, same.min(138)),
                _ => (length, 1),
            };
            runs.push((symbol, count));
            place += count;
        }
        let mut used = [false; 19];
        for (symbol, _) in &runs {
            used[*symbol] = true;
        }
        // This code has to be complete.
        for symbol in 0..2 {
            used[symbol] |= used.iter().filter(|used| **used).count() < 2;
        }
        let lengths = self.choose_lengths(&mut used, 7);
        let last = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0);
        let least = last.map_or(4, |last| last + 1).max(4);
        let count = least + self.random.below(20 - least);
        self.bits.put(literal_count - 257, 5);
        self.bits.put(distance_count - 1, 5);
        self.bits.put(count - 4, 4);
        for symbol in &ORDER[..count] {
            self.bits.put(lengths[*symbol], 3);
        }
        let code = Code::from_lengths(&lengths);
        for (symbol, count) in runs {
            code.put(symbol, &mut self.bits);
            match symbol {
                16 => self.bits.put(count - 3, 2),
                17 => self.bits.put(count - 3, 3),
                18 => self.bits.put(count - 11, 7),
                _ => {}
            }
        }
    }

    /// How many of these lengths are written, at least `least`.
    fn choose_count(&mut self, lengths: &[usize], least: usize) -> usize {
        let last = lengths.iter().rposition(|length| *length > 0);
        let least = last.map_or(0, |last| last + 1).max(least);
        match self.random.below(3) {
            0 => least + self.random.below(lengths.len() + 1 - least),
            _ => least,
        }
    }

    fn write_tokens(&mut self, tokens: &[Token], [literals, distances]: &[Code; 2]) {
        for token in tokens {
            match *token {
                Token::Literal(byte) => literals.put(usize::from(byte), &mut self.bits),
                Token::Copy(length, distance) => {
                    let (code, extra, bits) = match self.options.long_form && length == 258 {
                        true if self.random.below(2) == 0 => (27, 31, 5),
                        _ => length_code(length),
                    };
                    literals.put(257 + code, &mut self.bits);
                    self.bits.put(extra, bits);
                    let (code, extra, bits) = distance_code(distance);
                    distances.put(code, &mut self.bits);
                    self.bits.put(extra, bits);
                }
            }
        }
        literals.put(256, &mut self.bits);
    }
}

/// Number from 257 on, extra bits and their count, of a length's usual code (RFC 1951, 3.2.5).
fn length_code(length: usize) -> (usize, usize, usize) {
    match length {
        3..=10 => (length - 3, 0, 0),
        258 => (28, 0, 0),
        _ => {
            let bits = (length - 3).ilog2() as usize - 2;
            let within = length - 3 - (4 << bits);
            (
                4 * bits + 4 + (within >> bits),
                within & ((1 << bits) - 1),
                bits,
            )
        }
    }
}

/// The same of a distance.
fn distance_code(distance: usize) -> (usize, usize, usize) {
    match distance {
        1..=4 => (distance - 1, 0, 0),
        _ => {
            let bits = (distance - 1).ilog2() as usize - 1;
            let within = distance - 1 - (2 << bits);
            (
                2 * bits + 2 + (within >> bits),
                within & ((1 << bits) - 1),
                bits,
            )
        }
    }
}
