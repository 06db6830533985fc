//! The logistic function and its inverse as integer tables.
//!
//! Log-odds are in units of 1/256, within ±2047. The tables are computed by the compiler in
//! integer arithmetic, so they are the same on every machine.

const ENTRIES: usize = 4096;

/// By log-odds + 2048: probability in units of 1/65536.
static SQUASH: [u16; ENTRIES] = squash_table();

/// By probability in units of 1/4096: log-odds.
static STRETCH: [i16; ENTRIES] = stretch_table();

/// The probability, in units of 1/65536, that belongs to log-odds of any size.
#[inline(always)]
pub(crate) fn squash(log_odds: i32) -> u32 {
    let index = log_odds.wrapping_add(2048).cast_unsigned();
    let index = if index < 4096 {
        index
    } else {
        saturated(log_odds)
    };
    u32::from(SQUASH[(index & 4095) as usize])
}

#[cold]
fn saturated(log_odds: i32) -> u32 {
    if log_odds < 0 { 0 } else { 4095 }
}

/// The log-odds of a probability given in units of 1/4096 (below 4096).
#[inline(always)]
pub(crate) fn stretch(probability: usize) -> i32 {
    i32::from(STRETCH[probability & 4095])
}

const fn squash_table() -> [u16; ENTRIES] {
    // Fixed point with 56 fractional bits; e^(1/256) and e^-8 to that precision.
    const ONE: u128 = 1 << 56;
    const STEP: u128 = 1_157_433_911_791_679_357 >> 4;
    let mut power: u128 = 386_762_077_700_731 >> 4;
    let mut table = [0; ENTRIES];
    let mut index = 0;
    while index < ENTRIES {
        table[index] = (((power << 16) + (ONE + power) / 2) / (ONE + power)) as u16;
        power = (power * STEP) >> 56;
        index += 1;
    }
    table
}

const fn stretch_table() -> [i16; ENTRIES] {
    let squash = squash_table();
    let mut table = [0; ENTRIES];
    let mut index = 1;
    let mut probability = 0;
    while probability < ENTRIES {
        let middle = probability as u32 * 16 + 8;
        while index < ENTRIES - 1 && (squash[index] as u32) < middle {
            index += 1;
        }
        table[probability] = (index as u16).cast_signed() - 2048;
        probability += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_is_symmetric_and_monotone() {
        assert_eq!(squash(0), 32768);
        assert_eq!(squash(-1 << 30), squash(-2048));
        assert_eq!(squash(i32::MAX - 2048), squash(2047));
        for log_odds in -2047..=2047 {
            let sum = squash(log_odds) + squash(-log_odds);
            assert!((65535..=65537).contains(&sum), "{log_odds}: {sum}");
            assert!(squash(log_odds) >= squash(log_odds - 1));
        }
    }

    #[test]
    fn stretch_inverts_squash() {
        for probability in 4..4092 {
            let back = squash(stretch(probability)) >> 4;
            assert!(
                back.abs_diff(probability as u32) <= 4,
                "{probability} became {back}"
            );
        }
    }
}
