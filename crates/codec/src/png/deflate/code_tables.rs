//! The fixed tables of DEFLATE: length and distance codes, the fixed prefix codes, and the order of
//! code length codes (RFC 1951, 3.2.5 to 3.2.7).

/// Literals, end of block, and 29 length codes.
pub(super) const LITERAL_LENGTH_CODES: usize = 286;
pub(super) const DISTANCE_CODES: usize = 30;
pub(super) const CODE_LENGTH_CODES: usize = 19;
pub(super) const END_OF_BLOCK: usize = 256;
pub(super) const FIRST_LENGTH_CODE: usize = 257;
/// The longest code of literals, lengths and distances, in bits.
pub(super) const LONGEST_CODE: usize = 15;
/// The longest code of code lengths, in bits.
pub(super) const LONGEST_CODE_LENGTH_CODE: usize = 7;

/// Extra bits by length code, from 257 on.
pub(super) const LENGTH_EXTRA_BITS: [u8; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
/// Extra bits by distance code.
pub(super) const DISTANCE_EXTRA_BITS: [u8; DISTANCE_CODES] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];
/// Extra bits by code length code.
pub(super) const CODE_LENGTH_EXTRA_BITS: [u8; CODE_LENGTH_CODES] =
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];
/// The order in which the lengths of code length codes are written.
pub(super) const CODE_LENGTH_ORDER: [u8; CODE_LENGTH_CODES] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The shortest length less 3 by length code, from 257 on.
pub(super) const LENGTH_BASES: [u8; 29] = length_bases();
/// The shortest distance less 1 by distance code.
pub(super) const DISTANCE_BASES: [u16; DISTANCE_CODES] = distance_bases();
/// The length code, less 257, by length less 3.
pub(super) const LENGTH_CODE_OF: [u8; 256] = length_code_of();
/// The distance code by distance less 1, for 0 to 255, then by its upper bits, distance / 128.
const DISTANCE_CODE_OF: [u8; 512] = distance_code_of();

/// The distance code of `distance`, from 1 to 32,768.
#[inline(always)]
pub(super) const fn distance_code(distance: usize) -> usize {
    let less_one = distance.wrapping_sub(1);
    let index = if less_one < 256 {
        less_one
    } else {
        256 | (less_one >> 7)
    };
    DISTANCE_CODE_OF[index & 511] as usize
}

const fn length_bases() -> [u8; 29] {
    let mut bases = [0; 29];
    let mut base = 0u8;
    let mut code = 0;
    while code < 28 {
        bases[code] = base;
        base = base.wrapping_add(1 << LENGTH_EXTRA_BITS[code]);
        code += 1;
    }
    // 258 has its own code, without extra bits; the one before could name it too.
    bases[28] = 255;
    bases
}

const fn distance_bases() -> [u16; DISTANCE_CODES] {
    let mut bases = [0; DISTANCE_CODES];
    let mut base = 0u16;
    let mut code = 0;
    while code < DISTANCE_CODES {
        bases[code] = base;
        base = base.wrapping_add(1 << DISTANCE_EXTRA_BITS[code]);
        code += 1;
    }
    bases
}

const fn length_code_of() -> [u8; 256] {
    let mut codes = [0; 256];
    let mut code = 0;
    let mut length = 0;
    while length < 256 {
        while code < 28 && LENGTH_BASES[code + 1] as usize <= length {
            code += 1;
        }
        codes[length] = code as u8;
        length += 1;
    }
    codes
}

const fn distance_code_of() -> [u8; 512] {
    let mut codes = [0; 512];
    let mut code = 0;
    let mut index = 0;
    while index < 512 {
        let less_one = if index < 256 {
            index
        } else {
            (index - 256) << 7
        };
        if index == 256 {
            code = 0;
        }
        while code < DISTANCE_CODES - 1 && DISTANCE_BASES[code + 1] as usize <= less_one {
            code += 1;
        }
        codes[index] = code as u8;
        index += 1;
    }
    codes
}

/// Code lengths of the fixed literal and length code; the last two never occur.
pub(super) const FIXED_LITERAL_LENGTHS: [u8; 288] = {
    let mut lengths = [8; 288];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};
/// Code lengths of the fixed distance code; the last two never occur.
pub(super) const FIXED_DISTANCE_LENGTHS: [u8; 32] = [5; 32];
