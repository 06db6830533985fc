//! Damage to compressed files.
//!
//! Invariant: a damaged file differs from the whole one; a case that would leave
//! it unchanged is not made.

use fastrand::Rng;

/// Length of runs that are zeroed or swapped, in bytes: a disk sector.
pub const RUN: usize = 512;

/// How many cases of each kind there are.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Random single bits.
    pub bit_flips: u64,
    /// Random lengths.
    pub truncations: u64,
    /// Zeroed and swapped runs of [`RUN`] bytes.
    pub runs: u64,
    /// Every how many of the bits in the first and last 64 bytes is flipped.
    pub edge_step: usize,
}

/// Gives `check` every damaged copy of `whole`, with its description.
pub fn each(whole: &[u8], seed: u64, counts: Counts, mut check: impl FnMut(&str, &[u8])) {
    let mut random = Rng::with_seed(seed);
    let mut damaged = whole.to_vec();
    let bits = whole.len() * 8;
    let edges = (0..bits.min(512)).chain(bits.saturating_sub(512)..bits);
    let random_bits = (0..counts.bit_flips).map(|_| random.usize(..bits));
    for bit in edges.step_by(counts.edge_step).chain(random_bits) {
        damaged[bit / 8] ^= 1 << (bit % 8);
        check(&format!("bit {bit} flipped"), &damaged);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    for _ in 0..counts.truncations {
        let length = random.usize(..whole.len());
        check(&format!("cut to {length} bytes"), &whole[..length]);
    }
    for case in 0..counts.runs {
        let (name, damaged) = damage_run(whole, case % 2 == 0, &mut random);
        if damaged != whole {
            check(&name, &damaged);
        }
    }
}

/// Zeroes one run, or swaps two.
fn damage_run(whole: &[u8], zero: bool, random: &mut Rng) -> (String, Vec<u8>) {
    let mut damaged = whole.to_vec();
    let last = whole.len().saturating_sub(RUN);
    let (first, second) = (random.usize(..=last), random.usize(..=last));
    let end = (first + RUN).min(whole.len());
    if zero {
        damaged[first..end].fill(0);
        return (format!("zeros at {first}"), damaged);
    }
    // Copied from the whole file, so overlapping runs are no swap but still damage.
    damaged[first..end].copy_from_slice(&whole[second..second + (end - first)]);
    damaged[second..second + (end - first)].copy_from_slice(&whole[first..end]);
    (format!("runs at {first} and {second} swapped"), damaged)
}
