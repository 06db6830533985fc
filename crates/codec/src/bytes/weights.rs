//! How much each of four distributions counts, learned from which of them was right.
//!
//! The weights are those of a mixture and follow the share that each distribution has in the
//! probability of what came: expectation maximisation, a symbol at a time (after A. P. Dempster,
//! N. M. Laird, D. B. Rubin, 1977). Invariant: no weight is ever below 256 or so, and their sum
//! never above 65535, because each moves towards targets of such a sum.

/// Number of distributions in a mean.
pub(super) const INPUTS: usize = 4;

/// What the targets share, and what each is given beforehand; in units of 1/65536.
const SHARED: u64 = 64_000;
const LEAST: u32 = 380;

/// A weight moves by one part in this power of two.
const SLOWNESS: u32 = 5;

/// Weights of a mean, in units of 1/65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weights(pub(super) [u16; INPUTS]);

impl Weights {
    /// All the same.
    pub(super) const EVEN: Self = Self([16_000; INPUTS]);

    /// Learns from the probabilities that the distributions gave to what came, in units of
    /// 1/65536.
    #[inline(always)]
    pub(super) fn update(&mut self, probabilities: [u32; INPUTS]) {
        let mut shares = [0u32; INPUTS];
        let mut total = 1u32;
        for ((share, &weight), probability) in shares.iter_mut().zip(&self.0).zip(probabilities) {
            // Below 2^24 each.
            *share = u32::from(weight).wrapping_mul(probability) >> 8;
            total = total.wrapping_add(*share);
        }
        let scale = (SHARED << 32) / u64::from(total);
        for (weight, share) in self.0.iter_mut().zip(shares) {
            let target = ((u64::from(share).wrapping_mul(scale) >> 32) as u32).wrapping_add(LEAST);
            let distance = target.wrapping_sub(u32::from(*weight)).cast_signed();
            *weight = weight.wrapping_add((distance >> SLOWNESS).cast_unsigned() as u16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounds_hold(rounds in proptest::collection::vec(any::<[u16; INPUTS]>(), 1..400)) {
            let mut weights = Weights::EVEN;
            for probabilities in rounds {
                weights.update(probabilities.map(u32::from));
                let sum: u32 = weights.0.iter().map(|&weight| u32::from(weight)).sum();
                prop_assert!(sum <= 65_535);
                prop_assert!(weights.0.iter().all(|&weight| weight > 256));
            }
        }
    }

    #[test]
    fn the_one_that_is_right_gains() {
        let mut weights = Weights::EVEN;
        for _ in 0..200 {
            weights.update([100, 40_000, 100, 100]);
        }
        assert!(weights.0[1] > 60_000, "{weights:?}");
    }
}
