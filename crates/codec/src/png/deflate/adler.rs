//! The checksum of the zlib format (RFC 1950, clause 8).

const MODULUS: u32 = 65_521;
/// The most bytes after which the second sum still fits 32 bits without a division.
const LONGEST_RUN: usize = 5552;

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
        for run in bytes.chunks(LONGEST_RUN) {
            let mut sum = self.sum;
            let mut sum_of_sums = self.sum_of_sums;
            let (blocks, rest) = run.as_chunks::<32>();
            for block in blocks {
                let mut plain = 0u32;
                let mut weighted = 0u32;
                for (byte, weight) in block.iter().zip((1..=32u32).rev()) {
                    plain = plain.wrapping_add(u32::from(*byte));
                    weighted = weighted.wrapping_add(u32::from(*byte).wrapping_mul(weight));
                }
                sum_of_sums = sum_of_sums
                    .wrapping_add(sum.wrapping_mul(32))
                    .wrapping_add(weighted);
                sum = sum.wrapping_add(plain);
            }
            for byte in rest {
                sum = sum.wrapping_add(u32::from(*byte));
                sum_of_sums = sum_of_sums.wrapping_add(sum);
            }
            self.sum = sum % MODULUS;
            self.sum_of_sums = sum_of_sums % MODULUS;
        }
    }

    pub(crate) const fn value(self) -> u32 {
        self.sum_of_sums << 16 | self.sum
    }
}
