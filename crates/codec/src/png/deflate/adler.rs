//! The checksum of the zlib format (RFC 1950, clause 8).

use crate::simd::{VectorInstructions, Vectorized, vectorized};

const MODULUS: u32 = 65_521;
/// Bytes that are summed side by side.
const LANES: usize = 32;
/// The most bytes in each lane for which sums of sums fit 16 bits: 255 · 22 · 21 / 2 < 2^16.
const ROWS: usize = 22;

/// Adler-32 of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Adler32 {
    sum: u32,
    sum_of_sums: u32,
}

impl Adler32 {
    pub(crate) const fn new() -> Self {
        Self {
            sum: 1,
            sum_of_sums: 0,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (rows, rest) = bytes.as_chunks::<LANES>();
        *self = vectorized(Update { adler: *self, rows });
        for byte in rest {
            self.sum += u32::from(*byte);
            self.sum_of_sums += self.sum;
        }
        self.sum %= MODULUS;
        self.sum_of_sums %= MODULUS;
    }

    /// Takes at most 22 rows. Both sums are reduced before and after.
    #[inline(always)]
    fn update_rows(&mut self, rows: &[[u8; LANES]]) {
        let mut sums = [0u16; LANES];
        // Of each lane's sum before each row.
        let mut sums_before = [0u16; LANES];
        for row in rows {
            for ((sum, before), byte) in sums.iter_mut().zip(&mut sums_before).zip(row) {
                *before = before.wrapping_add(*sum);
                *sum = sum.wrapping_add(u16::from(*byte));
            }
        }
        // A byte counts in the sum of sums once for each byte from it to the end.
        let lanes = LANES as u32;
        let before: u32 = sums_before.iter().copied().map(u32::from).sum();
        let within: u32 = sums
            .iter()
            .zip((1..=lanes).rev())
            .map(|(sum, weight)| u32::from(*sum) * weight)
            .sum();
        let bytes = rows.len() as u32 * lanes;
        self.sum_of_sums =
            (self.sum_of_sums + bytes * self.sum + lanes * before + within) % MODULUS;
        self.sum = (self.sum + sums.iter().copied().map(u32::from).sum::<u32>()) % MODULUS;
    }

    pub(crate) const fn value(self) -> u32 {
        self.sum_of_sums << 16 | self.sum
    }
}

/// The sums behind whole rows of lanes.
struct Update<'b> {
    adler: Adler32,
    rows: &'b [[u8; LANES]],
}

impl Vectorized for Update<'_> {
    type Output = Adler32;

    #[inline(always)]
    fn run<S: VectorInstructions>(mut self, _simd: S) -> Adler32 {
        for rows in self.rows.chunks(ROWS) {
            self.adler.update_rows(rows);
        }
        self.adler
    }
}
