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

    /// Moves towards `bit` by a part of 1 / (count + 1.5), rounded down.
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        let count = self.0 & COUNT_MAX;
        let probability = self.0 >> COUNT_BITS;
        let part = |of: u16| (u32::from(of).wrapping_mul(RATES[usize::from(count)]) >> 16) as u16;
        let moved = match bit {
            true => probability.wrapping_add(part(4095 - probability)),
            false => probability.wrapping_sub(part(probability)),
        };
        self.0 = moved << COUNT_BITS | (count + 1).min(COUNT_MAX);
    }
}

/// By count: how far a node moves towards an outcome, in units of 1/65536.
const RATES: [u32; 1 << COUNT_BITS] = rates();

const fn rates() -> [u32; 1 << COUNT_BITS] {
    let mut rates = [0; 1 << COUNT_BITS];
    let mut count = 0;
    while count < 1 << COUNT_BITS {
        rates[count as usize] = 131_072 / (2 * count + 3);
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
