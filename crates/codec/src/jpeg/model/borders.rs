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

/// The running sums of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Borders {
    left: [i32; 8],
    right: [i32; 8],
    top: [i32; 8],
    bottom: [i32; 8],
}

impl Borders {
    /// Adds an AC coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, position: usize, dequantized: i32) {
        let (row, column) = (position >> 3 & 7, position & 7);
        let value = dequantized.clamp(-LIMIT, LIMIT);
        let across = value.wrapping_mul(if column == 0 { FLAT } else { WAVE });
        let down = value.wrapping_mul(if row == 0 { FLAT } else { WAVE });
        self.left[row] = self.left[row].wrapping_add(across);
        self.right[row] = self.right[row].wrapping_add(if column % 2 == 0 {
            across
        } else {
            across.wrapping_neg()
        });
        self.top[column] = self.top[column].wrapping_add(down);
        self.bottom[column] = self.bottom[column].wrapping_add(if row % 2 == 0 {
            down
        } else {
            down.wrapping_neg()
        });
    }

    /// Adds the DC coefficient.
    #[inline(always)]
    pub(crate) fn add_dc(&mut self, dequantized: i32) {
        self.add(0, dequantized);
    }

    /// Sum so far on the left border, by row frequency, in kept units.
    #[inline(always)]
    pub(crate) fn left(&self, row: usize) -> i32 {
        self.left[row & 7] >> SHIFT
    }

    /// Sum so far on the top border, by column frequency, in kept units.
    #[inline(always)]
    pub(crate) fn top(&self, column: usize) -> i32 {
        self.top[column & 7] >> SHIFT
    }

    /// Towards the right neighbour, in kept units.
    #[inline(always)]
    pub(crate) fn right(&self) -> [i16; 8] {
        self.right.map(kept)
    }

    /// Towards the lower neighbour, in kept units.
    #[inline(always)]
    pub(crate) fn bottom(&self) -> [i16; 8] {
        self.bottom.map(kept)
    }
}

#[inline(always)]
fn kept(sum: i32) -> i16 {
    (sum >> SHIFT).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
