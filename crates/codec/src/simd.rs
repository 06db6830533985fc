//! Run-time choice of vector instructions.
//!
//! Nothing here changes results: the same integer code is compiled twice, for the baseline of the
//! target and for x86-64-v3 (AVX2, BMI), and the compiler vectorises it as it can. Invariant: both
//! give the same bytes, because the code itself is the same.

/// Runs `work` compiled for the best instructions that this machine has.
///
/// `work` must be `#[inline(always)]`, and so must all that matters in it.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(all(target_arch = "x86_64", not(feature = "force-scalar")))]
    {
        use fearless_simd::Simd;
        if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
            return avx2.vectorize(work);
        }
    }
    work()
}
