//! Orders of coefficients that the model uses, derived from the zigzag sequence.

use crate::jpeg::zigzag::ZIGZAG;

/// The 49 interior positions (both frequencies nonzero) in zigzag order.
pub(crate) const INTERIOR: [u8; 49] = interior();

/// By index into [`INTERIOR`]: place in the zigzag sequence.
pub(crate) const INTERIOR_PLACE: [u8; 49] = interior_places();

/// The places of the zigzag sequence that are in the interior.
pub(crate) const INTERIOR_PLACES: u64 = interior_mask();

/// By frequency: place in the zigzag sequence of the first row's and the first column's
/// coefficients.
pub(crate) const EDGE_PLACE: [[u8; 8]; 2] = edge_places();

/// By index into [`INTERIOR`]: the sum of both frequencies less 2, 0..=12.
pub(crate) const INTERIOR_ZONE: [u8; 49] = interior_zone();

const fn interior() -> [u8; 49] {
    let mut order = [0; 49];
    let mut count = 0;
    let mut index = 0;
    while index < 64 {
        let position = ZIGZAG[index];
        if position >= 8 && !position.is_multiple_of(8) {
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

const fn interior_places() -> [u8; 49] {
    let mut places = [0; 49];
    let mut count = 0;
    let mut place = 0;
    while place < 64 {
        let position = ZIGZAG[place];
        if position >= 8 && !position.is_multiple_of(8) {
            places[count] = place as u8;
            count += 1;
        }
        place += 1;
    }
    places
}

const fn interior_mask() -> u64 {
    let mut mask = 0;
    let mut z = 0;
    while z < 49 {
        mask |= 1 << INTERIOR_PLACE[z];
        z += 1;
    }
    mask
}

const fn edge_places() -> [[u8; 8]; 2] {
    let mut places = [[0; 8]; 2];
    let mut place = 1;
    while place < 64 {
        let position = ZIGZAG[place];
        if position < 8 {
            places[0][position as usize] = place as u8;
        } else if position.is_multiple_of(8) {
            places[1][position as usize / 8] = place as u8;
        }
        place += 1;
    }
    places
}
