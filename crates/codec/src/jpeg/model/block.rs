//! Blocks of quantised coefficients, and what the model remembers of the blocks around one.

use crate::jpeg::zigzag::ZIGZAG;

/// A block's coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// In natural order: row frequency × 8 + column frequency.
    values: [i16; 64],
    /// Which AC coefficients differ from zero: bit z for place z of the zigzag sequence.
    nonzero: u64,
}

impl Block {
    pub(crate) const ZERO: Self = Self {
        values: [0; 64],
        nonzero: 0,
    };

    /// The coefficient at a natural position.
    #[inline(always)]
    pub(crate) fn at(&self, position: usize) -> i16 {
        self.values[position & 63]
    }

    /// The coefficient at a place of the zigzag sequence.
    #[inline(always)]
    pub(crate) fn in_place(&self, place: usize) -> i16 {
        self.values[usize::from(ZIGZAG[place & 63]) & 63]
    }

    #[inline(always)]
    pub(crate) fn values(&self) -> &[i16; 64] {
        &self.values
    }

    #[inline(always)]
    pub(crate) fn dc(&self) -> i16 {
        self.values[0]
    }

    #[inline(always)]
    pub(crate) fn set_dc(&mut self, value: i16) {
        self.values[0] = value;
    }

    /// Sets a nonzero AC coefficient, given by its place in the zigzag sequence.
    #[inline(always)]
    pub(crate) fn set(&mut self, place: usize, value: i16) {
        self.set_at(usize::from(ZIGZAG[place & 63]), place, value);
    }

    /// The same, where its natural position is known too.
    #[inline(always)]
    pub(crate) fn set_at(&mut self, position: usize, place: usize, value: i16) {
        self.values[position & 63] = value;
        self.nonzero |= 1 << (place & 63);
    }

    /// The block without the lowest bits of each coefficient, as point transforms leave them out
    /// (T.81, G.1.2.1): `missing` tells how many, by place of the zigzag sequence.
    pub(crate) fn lowered(&self, missing: &[u8; 64]) -> Self {
        self.changed(self.dc() >> missing[0], |place, value| {
            let size = value.unsigned_abs() >> missing[place];
            signed(size.into(), value < 0)
        })
    }

    /// The reverse of [`Block::lowered`], with zeros for the bits left out.
    pub(crate) fn raised(&self, missing: &[u8; 64]) -> Self {
        self.changed(self.dc() << missing[0], |place, value| {
            value.wrapping_shl(missing[place].into())
        })
    }

    fn changed(&self, dc: i16, change: impl Fn(usize, i16) -> i16) -> Self {
        let mut block = Self::ZERO;
        block.set_dc(dc);
        for place in (1..64).filter(|place| self.nonzero >> place & 1 != 0) {
            match change(place, self.in_place(place)) {
                0 => {}
                value => block.set(place, value),
            }
        }
        block
    }

    /// Makes the coefficient at a place of the zigzag sequence another one that is not zero.
    pub(crate) fn change(&mut self, place: usize) {
        let value = self.at(usize::from(ZIGZAG[place & 63]));
        self.set(place, if value == 1 { 2 } else { 1 });
    }

    /// Bit z tells whether place z > 0 of the zigzag sequence holds anything but zero.
    #[inline(always)]
    pub(crate) fn nonzero(&self) -> u64 {
        self.nonzero
    }
}

/// What is kept of a coded block for the blocks to its right and below.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered {
    /// Quantised coefficients, saturated to ±127; natural order.
    pub(crate) values: [i8; 64],
    /// Border sums towards the lower neighbour, by column frequency; see [`super::borders`].
    pub(crate) bottom: [i16; 8],
    /// What the prediction of the DC coefficient missed, saturated.
    pub(crate) dc_residual: u8,
    /// One past the last nonzero interior coefficient in zigzag order, 0..=49.
    pub(crate) interior_end: u8,
    /// Last nonzero coefficient of the first row and of the first column, 0..=7.
    pub(crate) edge_ends: [u8; 2],
}

impl Remembered {
    /// Stands for a block that is not there.
    pub(crate) const ABSENT: Self = Self {
        values: [0; 64],
        bottom: [0; 8],
        dc_residual: 0,
        interior_end: 0,
        edge_ends: [0; 2],
    };
}

/// The coded blocks around the one to be coded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neighbours<'a> {
    pub(crate) above: &'a Remembered,
    pub(crate) left: &'a Remembered,
    pub(crate) above_left: &'a Remembered,
    pub(crate) above_right: &'a Remembered,
    /// The block of another component at the same place.
    pub(crate) other: &'a Remembered,
    /// Border sums of the left neighbour towards this block, by row frequency.
    pub(crate) left_border: &'a [i16; 8],
    pub(crate) has_above: bool,
    pub(crate) has_left: bool,
}

/// A coefficient from its size and sign.
#[inline(always)]
pub(crate) fn signed(size: u32, negative: bool) -> i16 {
    let mask = i16::from(negative).wrapping_neg();
    ((size as u16).cast_signed() ^ mask).wrapping_sub(mask)
}
