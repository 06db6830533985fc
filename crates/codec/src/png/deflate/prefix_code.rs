//! Prefix codes as zlib chooses them for given frequencies.
//!
//! Huffman's algorithm leaves open which of several nodes of equal frequency are joined; zlib's
//! choice (a binary heap, the shallower tree first) and its way of shortening codes that are too
//! long decide bytes, so both are followed exactly.

use super::code_tables::{LITERAL_LENGTH_CODES, LONGEST_CODE};

const NODES: usize = 2 * LITERAL_LENGTH_CODES + 1;

/// A code of up to `N` symbols.
#[derive(Clone)]
pub(super) struct PrefixCode<const N: usize> {
    /// Bits of each symbol's code, 0 where it has none.
    pub(super) lengths: [u8; N],
    /// The codes, reversed: to be written lowest bit first.
    pub(super) codes: [u16; N],
    /// One more than the last symbol that has a code.
    pub(super) used: usize,
}

impl<const N: usize> PrefixCode<N> {
    pub(super) const fn new() -> Self {
        Self {
            lengths: [0; N],
            codes: [0; N],
            used: 0,
        }
    }

    /// The code with these code lengths.
    pub(super) fn from_lengths(lengths: [u8; N]) -> Self {
        let mut code = Self {
            lengths,
            codes: [0; N],
            used: N,
        };
        code.assign();
        code
    }

    /// Numbers the codes by length, then by symbol (RFC 1951, 3.2.2).
    fn assign(&mut self) {
        let mut counts = [0u16; LONGEST_CODE + 1];
        for length in &self.lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut next = [0u16; LONGEST_CODE + 1];
        for bits in 1..=LONGEST_CODE {
            next[bits] = next[bits - 1].wrapping_add(counts[bits - 1]) << 1;
        }
        for (length, code) in self.lengths.iter().zip(&mut self.codes) {
            if *length > 0 {
                let next = &mut next[usize::from(*length)];
                *code = next.reverse_bits() >> (16 - u32::from(*length));
                *next = next.wrapping_add(1);
            }
        }
    }

    /// The bits that symbols of these frequencies take, with `extra_bits` from symbol `first` on.
    pub(super) fn cost(&self, frequencies: &[u32; N], extra_bits: &[u8], first: usize) -> u64 {
        let codes: u64 = frequencies
            .iter()
            .zip(&self.lengths)
            .map(|(frequency, length)| u64::from(*frequency) * u64::from(*length))
            .sum();
        let extra: u64 = frequencies[first..]
            .iter()
            .zip(extra_bits)
            .map(|(frequency, bits)| u64::from(*frequency) * u64::from(*bits))
            .sum();
        codes + extra
    }
}

/// Room for building a code.
#[derive(Clone)]
pub(super) struct CodeBuilder {
    frequencies: [u32; NODES],
    parents: [u16; NODES],
    depths: [u8; NODES],
    /// Node by place from 1 on, the least first; behind it, from the end, nodes taken out.
    heap: [u16; NODES],
    heap_length: usize,
    /// The nodes taken out stand from here on, the most frequent first.
    taken: usize,
}

impl CodeBuilder {
    pub(super) const fn new() -> Self {
        Self {
            frequencies: [0; NODES],
            parents: [0; NODES],
            depths: [0; NODES],
            heap: [0; NODES],
            heap_length: 0,
            taken: NODES,
        }
    }

    /// Builds the code for these frequencies, with no code longer than `longest` bits.
    ///
    /// At least two symbols get a code: the first ones, if need be.
    pub(super) fn build<const N: usize>(
        &mut self,
        frequencies: &[u32; N],
        longest: usize,
        code: &mut PrefixCode<N>,
    ) {
        self.collect(frequencies, &mut code.used);
        self.join(N);
        self.measure(longest, &mut code.lengths);
        code.assign();
    }

    /// Puts the symbols that occur on the heap.
    fn collect<const N: usize>(&mut self, frequencies: &[u32; N], used: &mut usize) {
        self.heap_length = 0;
        *used = 0;
        for (symbol, frequency) in frequencies.iter().enumerate() {
            if *frequency > 0 {
                self.push(symbol, *frequency);
                *used = symbol + 1;
            }
        }
        while self.heap_length < 2 {
            let symbol = if *used < 3 { *used } else { 0 };
            *used = (*used).max(symbol + 1);
            self.push(symbol, 1);
        }
        for place in (1..=self.heap_length / 2).rev() {
            self.sink(place);
        }
    }

    fn push(&mut self, symbol: usize, frequency: u32) {
        self.heap_length += 1;
        self.heap[self.heap_length] = symbol as u16;
        self.frequencies[symbol] = frequency;
        self.depths[symbol] = 0;
    }

    /// Joins the two least frequent nodes until one is left.
    fn join(&mut self, symbols: usize) {
        self.taken = NODES;
        let mut node = symbols;
        loop {
            let first = self.heap[1];
            self.heap[1] = self.heap[self.heap_length];
            self.heap_length -= 1;
            self.sink(1);
            let second = self.heap[1];
            self.take_out(first);
            self.take_out(second);
            let (first, second) = (usize::from(first), usize::from(second));
            self.frequencies[node] = self.frequencies[first] + self.frequencies[second];
            self.depths[node] = self.depths[first].max(self.depths[second]) + 1;
            self.parents[first] = node as u16;
            self.parents[second] = node as u16;
            self.heap[1] = node as u16;
            node += 1;
            self.sink(1);
            if self.heap_length < 2 {
                break;
            }
        }
        self.take_out(self.heap[1]);
    }

    fn take_out(&mut self, node: u16) {
        self.taken -= 1;
        self.heap[self.taken] = node;
    }

    /// Moves the node at `place` down until no node below it is less.
    fn sink(&mut self, mut place: usize) {
        let node = self.heap[place];
        let mut child = place * 2;
        while child <= self.heap_length {
            if child < self.heap_length && self.is_less(self.heap[child + 1], self.heap[child]) {
                child += 1;
            }
            if self.is_less(node, self.heap[child]) {
                break;
            }
            self.heap[place] = self.heap[child];
            place = child;
            child *= 2;
        }
        self.heap[place] = node;
    }

    /// Whether `one` is less frequent than `other`, or as frequent and no deeper.
    #[inline(always)]
    fn is_less(&self, one: u16, other: u16) -> bool {
        let key = |node: u16| {
            let node = usize::from(node);
            (self.frequencies[node], self.depths[node])
        };
        key(one) <= key(other)
    }

    /// Finds the code lengths from the joined nodes.
    fn measure<const N: usize>(&mut self, longest: usize, lengths: &mut [u8; N]) {
        // A node's length takes its depth's place; a parent stands before its children.
        let root = usize::from(self.heap[self.taken]);
        self.depths[root] = 0;
        lengths.fill(0);
        let mut counts = [0u16; LONGEST_CODE + 1];
        let mut too_long = 0i32;
        for place in self.taken + 1..NODES {
            let node = usize::from(self.heap[place]);
            let mut bits = self.depths[usize::from(self.parents[node])] + 1;
            if usize::from(bits) > longest {
                bits = longest as u8;
                too_long += 1;
            }
            self.depths[node] = bits;
            if let Some(length) = lengths.get_mut(node) {
                *length = bits;
                counts[usize::from(bits)] += 1;
            }
        }
        if too_long > 0 {
            shorten(&mut counts, longest, too_long);
            self.deal_out(&counts, longest, lengths);
        }
    }

    /// Gives the longest codes to the least frequent symbols.
    fn deal_out<const N: usize>(
        &self,
        counts: &[u16; LONGEST_CODE + 1],
        longest: usize,
        lengths: &mut [u8; N],
    ) {
        let mut symbols = self.heap[self.taken..]
            .iter()
            .rev()
            .filter(|node| usize::from(**node) < N);
        for bits in (1..=longest).rev() {
            for node in symbols.by_ref().take(usize::from(counts[bits])) {
                lengths[usize::from(*node)] = bits as u8;
            }
        }
    }
}

/// Changes how many codes have which length so that those cut to `longest` bits fit.
fn shorten(counts: &mut [u16; LONGEST_CODE + 1], longest: usize, mut too_long: i32) {
    while too_long > 0 {
        let mut bits = longest - 1;
        while counts[bits] == 0 {
            bits -= 1;
        }
        counts[bits] -= 1;
        counts[bits + 1] += 2;
        counts[longest] -= 1;
        too_long -= 2;
    }
}
