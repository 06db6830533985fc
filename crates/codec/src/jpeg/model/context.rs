//! Context numbers: several small values combined into one.

/// Combines (value, how many values there are) pairs into one number, the first most significant.
///
/// Every value must be below its count; the product of the counts is the number of contexts.
#[inline(always)]
pub(crate) fn combine<const N: usize>(parts: [(usize, usize); N]) -> usize {
    let mut number = 0usize;
    for (value, count) in parts {
        debug_assert!(value < count, "{value} is not below {count}");
        number = number.wrapping_mul(count).wrapping_add(value);
    }
    number
}
