//! What pixels leave out of the rows' bytes: lower bytes of 16-bit samples, and padding bits.

use super::ReferenceWindow;
use super::byte_tree::{ByteTree, TREE_CONTEXTS};
use super::format::PixelFormat;
use super::hashing::hash;
use super::residual::{class, median};
use super::slot::{Dither, REMEMBERING, Slot};
use crate::entropy::Coder;

/// Adaptive state.
#[derive(Debug)]
pub(super) struct Remainders {
    padding_flag: Slot,
    /// By whether the last segment's lower bytes repeated the upper ones, were as in the previous
    /// image.
    repeated_flags: [Slot; 4],
    previous_flags: [Slot; 4],
    last: usize,
}

/// A segment whose remainder is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) format: &'a PixelFormat,
    pub(super) reference: Option<&'a ReferenceWindow<'a>>,
    /// Row within the strip, first column, number of columns.
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) count: usize,
}

impl Remainders {
    pub(super) fn new() -> Self {
        Self {
            padding_flag: Slot::EVEN,
            repeated_flags: [Slot::EVEN; 4],
            previous_flags: [Slot::EVEN; 4],
            last: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Codes the bits behind the last pixel of a row, which the decoder finds to be 0.
    pub(super) fn code_padding<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        format: &PixelFormat,
        row: &mut [u8],
    ) {
        let count = format.padding_bits() as u32;
        let Some(byte) = row.last_mut().filter(|_| count > 0) else {
            return;
        };
        let padding = u32::from(*byte) & ((1 << count) - 1);
        let plain = C::ENCODES && padding == 0;
        if !self.padding_flag.code(coder, dither, REMEMBERING, plain) {
            *byte |= coder.raw_bits(count, padding) as u8;
        }
    }

    /// Codes the lower bytes of a segment's samples, whose upper bytes are known.
    pub(super) fn code_lower<C: Coder>(
        &mut self,
        coder: &mut C,
        dither: &mut Dither,
        tree: &mut ByteTree,
        place: Place<'_>,
        rows: &mut [u8],
    ) {
        let format = place.format;
        let row_bytes = format.row_bytes();
        let bytes = format.byte_range(place.x, place.count);
        let samples = rows[place.y * row_bytes..][bytes.clone()].as_chunks_mut().0;
        let repeated = samples.iter().all(|[upper, lower]| upper == lower);
        let slot = &mut self.repeated_flags[self.last & 3];
        if slot.code(coder, dither, REMEMBERING, C::ENCODES && repeated) {
            self.last = self.last << 2 | 1;
            for [upper, lower] in samples {
                *lower = *upper;
            }
            return;
        }
        let old = place
            .reference
            .and_then(|window| window.row(format, place.y.cast_signed()));
        if let Some(old) = old {
            let old = old[bytes.clone()].as_chunks::<2>().0;
            let equal = samples.iter().zip(old).all(|(new, old)| new[1] == old[1]);
            let slot = &mut self.previous_flags[self.last & 3];
            if slot.code(coder, dither, REMEMBERING, C::ENCODES && equal) {
                self.last = self.last << 2 | 2;
                for (new, old) in samples.iter_mut().zip(old) {
                    new[1] = old[1];
                }
                return;
            }
        }
        self.last <<= 2;
        let step = 2 * format.channels();
        for index in bytes.step_by(2) {
            let here = place.y * row_bytes + index;
            let (expected, contexts) = expect(rows, here, row_bytes, index, step);
            let difference = rows[here + 1].wrapping_sub(expected);
            let difference = tree.code(coder, dither, contexts, difference);
            rows[here + 1] = difference.wrapping_add(expected);
        }
    }
}

/// What the lower byte of the sample at `place`, the byte `index` of its row, should be, and
/// contexts of the difference to that; samples of a channel are `step` bytes apart.
fn expect(
    rows: &[u8],
    place: usize,
    row_bytes: usize,
    index: usize,
    step: usize,
) -> (u8, [u32; TREE_CONTEXTS]) {
    let sample = |place: usize| i32::from(u16::from_be_bytes([rows[place], rows[place + 1]]));
    let upper = i32::from(rows[place]) << 8;
    let (w, n, nw) = match (index >= step, place >= row_bytes) {
        (true, true) => (
            sample(place - step),
            sample(place - row_bytes),
            sample(place - row_bytes - step),
        ),
        (true, false) => (
            sample(place - step),
            sample(place - step),
            sample(place - step),
        ),
        (false, true) => {
            let n = sample(place - row_bytes);
            (n, n, n)
        }
        (false, false) => (upper, upper, upper),
    };
    // Where the upper byte is not the expected one, the lower byte is likely near the end that is
    // closer.
    let expected = median(w, n, nw) - upper;
    let side = u32::from(expected < 0) | u32::from(expected > 255) << 1;
    let expected = expected.clamp(0, 255).cast_unsigned();
    let channel = (index % step) as u32;
    let contexts = [
        side,
        hash([side, channel, class(w - n), class(n - nw)]),
        hash([side, expected]),
        hash([(w - n).cast_unsigned(), (n - nw).cast_unsigned()]),
        upper.cast_unsigned(),
    ];
    let contexts = contexts.map(|context| context ^ 0x4000_0000);
    (expected as u8, contexts)
}
