//! The probability of one decision in one small context.

/// A probability of one, 12 bits, above the number of decisions seen, 4 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node(u16);

const COUNT_BITS: u32 = 4;
const COUNT_MAX: u16 = (1 << COUNT_BITS) - 1;

impl Node {
    /// A node that has seen nothing and expects both outcomes alike.
    pub(super) const NEW: Self = Self(2048 << COUNT_BITS);

    /// The probability of one in units of 1/4096.
    #[inline(always)]
    pub(super) fn probability(self) -> usize {
        usize::from(self.0 >> COUNT_BITS)
    }

    /// Moves towards `bit` by a part of 1 / (count + 1.5).
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        let count = self.0 & COUNT_MAX;
        let probability = i32::from(self.0 >> COUNT_BITS);
        let target = if bit { 4095 } else { 0 };
        let step = (target - probability).wrapping_mul(RATES[usize::from(count)]) >> 16;
        let moved = probability.wrapping_add(step) as u16;
        self.0 = moved << COUNT_BITS | (count + 1).min(COUNT_MAX);
    }
}

/// By count: how far a node moves towards an outcome, in units of 1/65536.
const RATES: [i32; 1 << COUNT_BITS] = rates();

const fn rates() -> [i32; 1 << COUNT_BITS] {
    let mut rates = [0; 1 << COUNT_BITS];
    let mut count = 0;
    while count < rates.len() {
        rates[count] = 131_072 / (2 * count as i32 + 3);
        count += 1;
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_learns_and_stays_in_bounds() {
        for bit in [false, true] {
            let mut node = Node::NEW;
            for _ in 0..100 {
                node.update(bit);
            }
            let expected = if bit { 4000..4096 } else { 0..96 };
            assert!(expected.contains(&node.probability()));
        }
    }
}
