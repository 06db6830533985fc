//! Tells bytes that look like noise from bytes worth modelling.
//!
//! Invariant: the answer depends on the block alone, in integers, before anything of it is coded.

/// Fewer bytes than this are always modelled: too few to judge.
const LEAST: usize = 512;

/// Pearson's chi-square of 256 equally likely values has mean 255 and standard deviation 22.6: true
/// noise stays within these bounds but for one block in many thousands. Compressed data of most
/// kinds (Huffman-coded scans among them) lies above, tables and ramps below.
const NOISE: std::ops::Range<u64> = 150..384;

/// Whether neither the bytes of `block` nor their differences favour any value.
pub(super) fn looks_random(block: &[u8]) -> bool {
    if block.len() < LEAST {
        return false;
    }
    let mut values = [0u32; 256];
    let mut differences = [0u32; 256];
    let mut previous = 0u8;
    for &byte in block {
        values[usize::from(byte)] += 1;
        differences[usize::from(byte.wrapping_sub(previous))] += 1;
        previous = byte;
    }
    let length = block.len() as u64;
    [values, differences].iter().all(|counts| {
        let squares: u64 = counts.iter().map(|&c| u64::from(c) * u64::from(c)).sum();
        // The sum of squares is least, length² / 256, where all counts are the same.
        NOISE.contains(&(256 * squares / length).saturating_sub(length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::BLOCK;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn noise_is_told_from_structure() {
        let bytes = noise(64 * BLOCK);
        assert!(bytes.chunks(BLOCK).all(looks_random));
        assert!(!looks_random(&noise(LEAST - 1)));
        let ramp: Vec<u8> = (0..BLOCK).map(|i| i as u8).collect();
        let steps: Vec<u8> = (0..BLOCK).map(|i| ((i * 7) >> 4) as u8).collect();
        let text = b"There is structure in what people write. ".repeat(100);
        for structured in [&ramp, &steps, &text] {
            assert!(!looks_random(structured));
        }
        let mostly: Vec<u8> = bytes[..BLOCK].iter().map(|&b| b.max(16)).collect();
        assert!(!looks_random(&mostly));
    }
}
