//! Numbers of variable length: seven bits a byte, lowest first, the top bit says that more follow.

use crate::Error;

/// Most bytes that a number takes: 28 bits.
const SIZE_MAX: u32 = 4;

/// Appends `value`, which is below 2^28.
pub(super) fn write(value: u32, out: &mut Vec<u8>) {
    debug_assert!(
        value >> (7 * SIZE_MAX) == 0,
        "{value} is above the format's limit"
    );
    let mut rest = value;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Takes a number off the front of `bytes`.
///
/// # Errors
/// [`Error::BadNumber`] if the bytes end within it, it is longer than four bytes, or a shorter form
/// would do: every number has one form only.
pub(super) fn read(bytes: &mut &[u8]) -> Result<u32, Error> {
    let mut value = 0;
    for index in 0..SIZE_MAX {
        let Some((&byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        value |= u32::from(byte & 127) << (7 * index);
        if byte < 128 {
            return match byte {
                0 if index > 0 => Err(Error::BadNumber),
                _ => Ok(value),
            };
        }
    }
    Err(Error::BadNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for value in [0, 1, 127, 128, 16_383, 16_384, 1 << 20, (1 << 28) - 1] {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            bytes.push(0xAA);
            let mut rest = &bytes[..];
            assert_eq!(read(&mut rest), Ok(value));
            assert_eq!(rest, [0xAA]);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for bytes in [&[][..], &[128], &[128, 0], &[255, 255, 255, 255, 0]] {
            assert_eq!(read(&mut &bytes[..]), Err(Error::BadNumber), "{bytes:?}");
        }
    }
}
