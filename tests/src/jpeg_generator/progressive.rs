//! Progressive Huffman coding of blocks (T.81 G.1.2).
//!
//! Invariant: end-of-band runs are as long as they can be, as usual encoders
//! make them, and are put out before every restart and at the scan's end.

use super::content::Block;
use super::frame::Component;
use super::scan::{ScanPlan, SymbolSink};
use super::sequential::magnitude;

/// State between the blocks of one scan.
#[derive(Debug)]
pub(super) struct ProgressiveCoder {
    spectral: (usize, usize),
    /// Point transform: low bits that later scans refine.
    low: u8,
    refinement: bool,
    predictions: [i32; 4],
    end_of_band_run: u32,
    /// Correction bits of the blocks in the run.
    run_corrections: Vec<bool>,
    ac_slot: u8,
}

impl ProgressiveCoder {
    pub(super) fn new(plan: &ScanPlan) -> Self {
        Self {
            spectral: (plan.spectral.0.into(), plan.spectral.1.into()),
            low: plan.approximation.1,
            refinement: plan.approximation.0 > 0,
            predictions: [0; 4],
            end_of_band_run: 0,
            run_corrections: Vec::new(),
            ac_slot: 0,
        }
    }

    pub(super) fn restart(&mut self, sink: &mut impl SymbolSink) {
        self.put_run(sink);
        self.predictions = [0; 4];
    }

    pub(super) fn block(
        &mut self,
        block: &Block,
        position: usize,
        component: &Component,
        sink: &mut impl SymbolSink,
    ) {
        self.ac_slot = component.ac_slot;
        match (self.spectral.0, self.refinement) {
            (0, false) => self.dc_first(block, position, component, sink),
            (0, true) => sink.bits((u32::from(block[0].cast_unsigned()) >> self.low) & 1, 1),
            (_, false) => self.ac_first(block, sink),
            (_, true) => self.ac_refine(block, sink),
        }
    }

    fn dc_first(
        &mut self,
        block: &Block,
        position: usize,
        component: &Component,
        sink: &mut impl SymbolSink,
    ) {
        // The DC point transform is an arithmetic shift (G.1.2.1).
        let dc = i32::from(block[0]) >> self.low;
        let (size, bits) = magnitude(dc - self.predictions[position]);
        self.predictions[position] = dc;
        sink.symbol(false, component.dc_slot, size);
        sink.bits(bits, size.into());
    }

    fn ac_first(&mut self, block: &Block, sink: &mut impl SymbolSink) {
        let mut run = 0;
        for &value in &block[self.spectral.0..=self.spectral.1] {
            // The AC point transform divides towards zero (G.1.2.2).
            let value = i32::from(value) / (1 << self.low);
            if value == 0 {
                run += 1;
                continue;
            }
            self.put_run(sink);
            while run > 15 {
                sink.symbol(true, self.ac_slot, 0xF0);
                run -= 16;
            }
            let (size, bits) = magnitude(value);
            sink.symbol(true, self.ac_slot, run << 4 | size);
            sink.bits(bits, size.into());
            run = 0;
        }
        if run > 0 {
            self.lengthen_run(sink);
        }
    }

    /// Figure G.7: codes for newly non-zero coefficients, with correction bits of
    /// the known ones in between.
    fn ac_refine(&mut self, block: &Block, sink: &mut impl SymbolSink) {
        let magnitudes: Vec<u16> = block[self.spectral.0..=self.spectral.1]
            .iter()
            .map(|value| value.unsigned_abs() >> self.low)
            .collect();
        let last_new = magnitudes.iter().rposition(|&magnitude| magnitude == 1);
        let mut run = 0;
        let mut corrections = Vec::new();
        for (index, &magnitude) in magnitudes.iter().enumerate() {
            if magnitude == 0 {
                run += 1;
                continue;
            }
            while run > 15 && last_new.is_some_and(|last| index <= last) {
                self.put_run(sink);
                sink.symbol(true, self.ac_slot, 0xF0);
                run -= 16;
                put_corrections(&mut corrections, sink);
            }
            if magnitude > 1 {
                corrections.push(magnitude & 1 == 1);
                continue;
            }
            self.put_run(sink);
            sink.symbol(true, self.ac_slot, run << 4 | 1);
            let negative = block[self.spectral.0 + index] < 0;
            sink.bits(u32::from(!negative), 1);
            put_corrections(&mut corrections, sink);
            run = 0;
        }
        if run > 0 || !corrections.is_empty() {
            self.run_corrections.append(&mut corrections);
            self.lengthen_run(sink);
        }
    }

    /// One more block ends here; a run holds at most 32,767 blocks, and encoders
    /// bound its correction bits (libjpeg: about 1,000).
    fn lengthen_run(&mut self, sink: &mut impl SymbolSink) {
        self.end_of_band_run += 1;
        if self.end_of_band_run == 0x7FFF || self.run_corrections.len() > 937 {
            self.put_run(sink);
        }
    }

    fn put_run(&mut self, sink: &mut impl SymbolSink) {
        if self.end_of_band_run > 0 {
            let size = self.end_of_band_run.ilog2();
            sink.symbol(true, self.ac_slot, (size as u8) << 4);
            sink.bits(self.end_of_band_run, size);
            self.end_of_band_run = 0;
        }
        put_corrections(&mut self.run_corrections, sink);
    }
}

fn put_corrections(corrections: &mut Vec<bool>, sink: &mut impl SymbolSink) {
    for bit in corrections.drain(..) {
        sink.bits(bit.into(), 1);
    }
}
