//! Corrects a probability by what became of similar ones in a small context (secondary symbol
//! estimation).

use crate::entropy::logistic::squash;

/// Steps of log-odds between which is interpolated.
const STEPS: usize = 33;

/// Log-odds between two steps, in units of 1/256.
const STEP: usize = 128;

/// Adaptive corrections, by context and log-odds.
#[derive(Debug)]
pub(super) struct Refiner {
    /// Probabilities of one in units of 1/65536.
    table: Box<[[u16; STEPS]]>,
    context: usize,
    step: usize,
}

impl Refiner {
    pub(super) fn new(contexts: usize) -> Self {
        Self {
            table: vec![initial(); contexts].into_boxed_slice(),
            context: 0,
            step: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.table.fill(initial());
    }

    /// The probability, in units of 1/65536, for log-odds within ±2047.
    #[inline(always)]
    pub(super) fn refine(&mut self, log_odds: i32, context: usize) -> u32 {
        let place = log_odds.wrapping_add(2048).cast_unsigned() as usize;
        let (low, part) = (place / STEP, (place % STEP) as u32);
        let row = &self.table[context];
        self.context = context;
        self.step = low + usize::from(part >= STEP as u32 / 2);
        (u32::from(row[low]) * (STEP as u32 - part) + u32::from(row[low + 1]) * part) / STEP as u32
    }

    /// Moves the nearest step used last towards `bit`.
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        let value = &mut self.table[self.context][self.step];
        if bit {
            *value = value.wrapping_add((65535 - *value) >> 6);
        } else {
            *value = value.wrapping_sub(*value >> 6);
        }
    }
}

fn initial() -> [u16; STEPS] {
    std::array::from_fn(|index| {
        let log_odds = i32::try_from(index * STEP).unwrap_or(0) - 2048;
        squash(log_odds).min(65535) as u16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_refiner_changes_little() {
        let mut refiner = Refiner::new(2);
        for log_odds in -2047..=2047 {
            let refined = refiner.refine(log_odds, 1);
            assert!(refined.abs_diff(squash(log_odds)) < 600, "{log_odds}");
        }
    }

    #[test]
    fn what_is_always_wrong_is_corrected_in_its_context_only() {
        let mut refiner = Refiner::new(2);
        for _ in 0..1000 {
            refiner.refine(640, 0);
            refiner.update(false);
        }
        assert!(refiner.refine(640, 0) < 20_000);
        assert!(refiner.refine(640, 1) > 50_000);
    }
}
