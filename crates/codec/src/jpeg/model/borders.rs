//! Border sums: what the coefficients of a block say about its four borders.
//!
//! At the border between two samples every cosine of the DCT is ±1, so the profile of a border,
//! frequency by frequency, is a plain sum of coefficients, and continuity across the border
//! predicts a coefficient that is still missing. Units: 1/256 of a dequantised coefficient while
//! summing, halves of it when kept.

/// Weights of frequency 0 and of the others: 1/√2 and 1.
const FLAT: i32 = 181;
const WAVE: i32 = 256;
/// From summing to keeping.
const SHIFT: u32 = 7;
/// Dequantised coefficients beyond this, which no encoder writes, are cut to it.
const LIMIT: i32 = 1 << 15;

/// The running sums of one block, apart for even and odd frequencies across the border: their sum
/// is the near border, their difference the far one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Borders {
    /// By row frequency, then parity of the column frequency.
    across: [[i32; 2]; 8],
    /// By column frequency, then parity of the row frequency.
    down: [[i32; 2]; 8],
}

/// By frequency.
const WEIGHTS: [i32; 8] = [FLAT, WAVE, WAVE, WAVE, WAVE, WAVE, WAVE, WAVE];

impl Borders {
    /// Adds an AC coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, dequantized: i32) {
        let (row, column) = (position >> 3 & 7, position & 7);
        let value = dequantized.clamp(-LIMIT, LIMIT);
        let across = &mut self.across[row][column & 1];
        *across = across.wrapping_add(value.wrapping_mul(WEIGHTS[column]));
        let down = &mut self.down[column][row & 1];
        *down = down.wrapping_add(value.wrapping_mul(WEIGHTS[row]));
    }

    /// Adds an AC coefficient both of whose frequencies differ from 0.
    #[inline(always)]
    pub(crate) fn add_interior(&mut self, position: usize, dequantized: i32) {
        let (row, column) = (position >> 3 & 7, position & 7);
        let value = dequantized.clamp(-LIMIT, LIMIT).wrapping_mul(WAVE);
        let across = &mut self.across[row][column & 1];
        *across = across.wrapping_add(value);
        let down = &mut self.down[column][row & 1];
        *down = down.wrapping_add(value);
    }

    /// Adds the DC coefficient.
    #[inline(always)]
    pub(crate) fn add_dc(&mut self, dequantized: i32) {
        self.add(0, dequantized);
    }

    /// Sum so far on the left border, by row frequency, in kept units.
    #[inline(always)]
    pub(crate) fn left(&self, row: usize) -> i32 {
        near(self.across[row & 7])
    }

    /// Sum so far on the top border, by column frequency, in kept units.
    #[inline(always)]
    pub(crate) fn top(&self, column: usize) -> i32 {
        near(self.down[column & 7])
    }

    /// Towards the right neighbour, in kept units.
    #[inline(always)]
    pub(crate) fn right(&self) -> [i16; 8] {
        self.across.map(far)
    }

    /// Towards the lower neighbour, in kept units.
    #[inline(always)]
    pub(crate) fn bottom(&self) -> [i16; 8] {
        self.down.map(far)
    }
}

#[inline(always)]
fn near([even, odd]: [i32; 2]) -> i32 {
    even.wrapping_add(odd) >> SHIFT
}

#[inline(always)]
fn far([even, odd]: [i32; 2]) -> i16 {
    (even.wrapping_sub(odd) >> SHIFT).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
