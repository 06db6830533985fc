//! Orders of coefficients that the model uses, derived from the zigzag sequence.

use crate::jpeg::zigzag::ZIGZAG;

/// The 49 interior positions (both frequencies nonzero) in zigzag order.
pub(crate) const INTERIOR: [u8; 49] = interior();

/// By index into [`INTERIOR`]: the sum of both frequencies less 2, 0..=12.
pub(crate) const INTERIOR_ZONE: [u8; 49] = interior_zone();

const fn interior() -> [u8; 49] {
    let mut order = [0; 49];
    let mut count = 0;
    let mut index = 0;
    while index < 64 {
        let position = ZIGZAG[index];
        if position >= 8 && position % 8 != 0 {
            order[count] = position;
            count += 1;
        }
        index += 1;
    }
    order
}

const fn interior_zone() -> [u8; 49] {
    let mut zones = [0; 49];
    let mut z = 0;
    while z < 49 {
        zones[z] = INTERIOR[z] / 8 + INTERIOR[z] % 8 - 2;
        z += 1;
    }
    zones
}
