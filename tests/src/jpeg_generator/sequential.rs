//! Sequential Huffman coding of blocks (T.81 F.1.2).
//!
//! Invariant: codes are the only ones a canonical encoder would choose, unless
//! the zero-run defect is asked for.

use super::content::Block;
use super::frame::Component;
use super::scan::SymbolSink;
use fastrand::Rng;

/// State between the blocks of one scan.
#[derive(Debug, Default)]
pub(super) struct SequentialCoder {
    /// DC of the block before, by position of the component in the scan.
    predictions: [i32; 4],
    zero_run_before_end: bool,
}

impl SequentialCoder {
    pub(super) fn new(zero_run_before_end: bool) -> Self {
        Self {
            predictions: [0; 4],
            zero_run_before_end,
        }
    }

    pub(super) fn restart(&mut self) {
        self.predictions = [0; 4];
    }

    pub(super) fn block(
        &mut self,
        block: &Block,
        position: usize,
        component: &Component,
        random: &mut Rng,
        sink: &mut impl SymbolSink,
    ) {
        let dc = i32::from(block[0]);
        let (size, bits) = magnitude(dc - self.predictions[position]);
        self.predictions[position] = dc;
        sink.symbol(false, component.dc_slot, size);
        sink.bits(bits, size.into());

        let mut run = 0;
        for &value in &block[1..] {
            if value == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                sink.symbol(true, component.ac_slot, 0xF0);
                run -= 16;
            }
            let (size, bits) = magnitude(value.into());
            sink.symbol(true, component.ac_slot, run << 4 | size);
            sink.bits(bits, size.into());
            run = 0;
        }
        if run > 0 {
            while self.zero_run_before_end && run > 16 && random.u8(..3) > 0 {
                sink.symbol(true, component.ac_slot, 0xF0);
                run -= 16;
            }
            sink.symbol(true, component.ac_slot, 0);
        }
    }
}

/// Size category (0..=16) and the additional bits of a value (T.81 tables F.1,
/// F.2 and their continuation).
pub(super) fn magnitude(value: i32) -> (u8, u32) {
    let size = (32 - value.unsigned_abs().leading_zeros()) as u8;
    let bits = if value < 0 { value - 1 } else { value };
    (size, bits.cast_unsigned() & ((1 << size) - 1))
}
