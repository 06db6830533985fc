//! Run-time choice of vector instructions.
//!
//! Nothing here changes results: the same integer code is compiled twice, for the baseline of the
//! target and for x86-64-v3 (AVX2, BMI), and the compiler vectorises it as it can. Invariant: both
//! give the same bytes, because the code itself is the same.

#[cfg(target_arch = "x86_64")]
use fearless_simd::x86::{Avx2, Sse2};
use fearless_simd::{Level, Simd, mask16x16, prelude::*, u16x16};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, __m256i, _mm_mulhi_epu16, _mm256_movemask_epi8, _mm256_mulhi_epu16,
};

/// Work that is worth compiling for more than one set of vector instructions.
///
/// `run` must be `#[inline(always)]`, and so must all that matters in it.
pub(crate) trait Vectorized {
    type Output;
    /// Does the work; `simd` stands for the instructions in use.
    fn run<S: VectorInstructions>(self, simd: S) -> Self::Output;

    /// Does the work without vector instructions beyond the target's baseline.
    ///
    /// A method, so that the compiler puts it with the type and not all of them into one unit, which
    /// would take as long to compile as all others.
    fn run_on_baseline(self) -> Self::Output
    where
        Self: Sized,
    {
        let level = Level::baseline();
        #[cfg(target_arch = "x86_64")]
        if let Some(sse2) = level.as_sse2() {
            return self.run(sse2);
        }
        #[cfg(not(target_arch = "x86_64"))]
        return fearless_simd::dispatch!(level, simd => self.run(simd));
        #[cfg(target_arch = "x86_64")]
        unreachable!("x86-64 has SSE2")
    }
}

/// Does the work with the best instructions that this machine has; with the feature `force-scalar`,
/// with the target's baseline.
pub(crate) fn vectorized<W: Vectorized>(work: W) -> W::Output {
    #[cfg(all(target_arch = "x86_64", not(feature = "force-scalar")))]
    if let Some(avx2) = Level::new().as_avx2() {
        return avx2.vectorize(
            #[inline(always)]
            || work.run(avx2),
        );
    }
    work.run_on_baseline()
}

/// Vector instructions, with those that their portable set lacks.
pub(crate) trait VectorInstructions: Simd {
    /// The upper halves of 16 products of 16-bit numbers.
    fn high_product(self, left: u16x16<Self>, right: u16x16<Self>) -> u16x16<Self>;

    /// How many of the first 15 elements are true.
    fn count_of_first_15(self, elements: mask16x16<Self>) -> u32;
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn high_product_avx2(avx2: Avx2, left: __m256i, right: __m256i) -> __m256i {
        _mm256_mulhi_epu16(left, right)
    }
);

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn byte_signs_avx2(avx2: Avx2, elements: __m256i) -> i32 {
        _mm256_movemask_epi8(elements)
    }
);

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn high_product_sse2(sse2: Sse2, left: __m128i, right: __m128i) -> __m128i {
        _mm_mulhi_epu16(left, right)
    }
);

#[cfg(target_arch = "x86_64")]
impl VectorInstructions for Avx2 {
    #[inline(always)]
    fn high_product(self, left: u16x16<Self>, right: u16x16<Self>) -> u16x16<Self> {
        high_product_avx2(self, left.into(), right.into()).simd_into(self)
    }

    /// By the signs of bytes: the mask need not be packed first.
    #[inline(always)]
    fn count_of_first_15(self, elements: mask16x16<Self>) -> u32 {
        (byte_signs_avx2(self, elements.into()) & 0x3FFF_FFFF).count_ones() / 2
    }
}

#[cfg(target_arch = "x86_64")]
impl VectorInstructions for Sse2 {
    #[inline(always)]
    fn high_product(self, left: u16x16<Self>, right: u16x16<Self>) -> u16x16<Self> {
        let (left_low, left_high) = left.split();
        let (right_low, right_high) = right.split();
        let low = high_product_sse2(self, left_low.into(), right_low.into());
        let high = high_product_sse2(self, left_high.into(), right_high.into());
        self.combine_u16x8(low.simd_into(self), high.simd_into(self))
    }

    #[inline(always)]
    fn count_of_first_15(self, elements: mask16x16<Self>) -> u32 {
        (elements.to_bitmask() & 0x7FFF).count_ones()
    }
}
