//! One scan: its blocks in order, restart intervals, and where symbols go.
//!
//! Invariant: walking a scan twice emits the same symbols, so that a first walk
//! can count them for optimal tables and a second one write them.

use super::bit_writer::{BitWriter, PadBits};
use super::content::ContentSource;
use super::frame::{Frame, Process};
use super::huffman::{HuffmanCodes, HuffmanTable};
use super::parameters::Defects;
use super::progressive::ProgressiveCoder;
use super::sequential::SequentialCoder;
use fastrand::Rng;
use std::sync::Arc;

/// What a scan header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScanPlan {
    /// Indices into the frame's components.
    pub(super) components: Vec<usize>,
    /// First and last coefficient in zigzag order.
    pub(super) spectral: (u8, u8),
    /// Successive approximation, high and low.
    pub(super) approximation: (u8, u8),
}

/// Where symbols, bits and markers of a scan go.
pub(super) trait SymbolSink {
    /// A Huffman symbol of table `slot`, class AC or DC.
    fn symbol(&mut self, ac: bool, slot: u8, symbol: u8);
    /// The low `count` bits of `value`.
    fn bits(&mut self, value: u32, count: u32);
    /// Bytes at the next byte boundary.
    fn raw(&mut self, bytes: &[u8]);
}

/// Symbol counts by class and slot.
#[derive(Debug)]
pub(super) struct SymbolCounts(pub(super) Box<[[[u64; 256]; 4]; 2]>);

impl SymbolSink for SymbolCounts {
    fn symbol(&mut self, ac: bool, slot: u8, symbol: u8) {
        self.0[usize::from(ac)][usize::from(slot)][usize::from(symbol)] += 1;
    }
    fn bits(&mut self, _value: u32, _count: u32) {}
    fn raw(&mut self, _bytes: &[u8]) {}
}

/// Writes codes with the tables in force.
#[derive(Debug)]
pub(super) struct SymbolWriter {
    pub(super) bits: BitWriter,
    /// By class and slot.
    codes: [[Option<HuffmanCodes>; 4]; 2],
    random: Rng,
}

impl SymbolWriter {
    pub(super) fn new(pad: PadBits, seed: u64) -> Self {
        Self {
            bits: BitWriter::new(pad, seed),
            codes: Default::default(),
            random: Rng::with_seed(seed ^ 0xD0B1),
        }
    }

    /// Puts a table in force, as a DHT segment does.
    pub(super) fn define(&mut self, ac: bool, slot: u8, table: &HuffmanTable) {
        self.codes[usize::from(ac)][usize::from(slot)] = Some(HuffmanCodes::new(table));
    }
}

impl SymbolSink for SymbolWriter {
    fn symbol(&mut self, ac: bool, slot: u8, symbol: u8) {
        let codes = self.codes[usize::from(ac)][usize::from(slot)]
            .as_ref()
            .expect("a scan's tables are defined before it");
        let (code, length) = codes.code(symbol, &mut self.random);
        self.bits.put(code, length);
    }
    fn bits(&mut self, value: u32, count: u32) {
        self.bits.put(value, count);
    }
    fn raw(&mut self, bytes: &[u8]) {
        self.bits.put_raw(bytes);
    }
}

/// What all scans of a file share.
#[derive(Debug)]
pub(super) struct ImageSource {
    pub(super) frame: Frame,
    pub(super) content: ContentSource,
    pub(super) seed: u64,
    pub(super) restart_interval: u16,
    pub(super) fill_bytes: u8,
    pub(super) defects: Defects,
}

enum BlockCoder {
    Sequential(SequentialCoder),
    Progressive(ProgressiveCoder),
}

/// A walk over the MCUs of one scan.
pub(super) struct ScanWalk {
    image: Arc<ImageSource>,
    plan: ScanPlan,
    coder: BlockCoder,
    random: Rng,
    next_mcu: u64,
    mcus: u64,
    restarts: u32,
    first_scan: bool,
}

impl ScanWalk {
    pub(super) fn new(image: &Arc<ImageSource>, plan: &ScanPlan, first_scan: bool) -> Self {
        let coder = if image.frame.process == Process::Progressive {
            BlockCoder::Progressive(ProgressiveCoder::new(plan))
        } else {
            BlockCoder::Sequential(SequentialCoder::new(image.defects.zero_run_before_end))
        };
        Self {
            plan: plan.clone(),
            coder,
            random: Rng::with_seed(image.seed ^ 0x5CA9),
            next_mcu: 0,
            mcus: image.defects.mcu_count.unwrap_or(count_mcus(image, plan)),
            restarts: 0,
            first_scan,
            image: Arc::clone(image),
        }
    }

    /// Emits one MCU and what stands before it. False: the scan is over, its last
    /// byte not yet filled up.
    pub(super) fn step(&mut self, sink: &mut impl SymbolSink) -> bool {
        if self.next_mcu >= self.mcus {
            self.finish_interval(sink);
            return false;
        }
        self.before_mcu(sink);
        let mcu = self.next_mcu;
        self.next_mcu += 1;
        if let [component] = self.plan.components[..] {
            let columns = u64::from(self.image.frame.blocks(component).0.max(1));
            self.block(component, 0, mcu % columns, mcu / columns, sink);
            return true;
        }
        let columns = u64::from(self.image.frame.mcu_columns().max(1));
        let (column, row) = (mcu % columns, mcu / columns);
        for position in 0..self.plan.components.len() {
            let component = self.plan.components[position];
            let factors = self.image.frame.components[component];
            let (horizontal, vertical) = (factors.horizontal.into(), factors.vertical.into());
            for y in 0..vertical {
                for x in 0..horizontal {
                    let (column, row) = (column * horizontal + x, row * vertical + y);
                    self.block(component, position, column, row, sink);
                }
            }
        }
        true
    }

    fn block(
        &mut self,
        component: usize,
        position: usize,
        column: u64,
        row: u64,
        sink: &mut impl SymbolSink,
    ) {
        let block = self
            .image
            .content
            .block(component, column as u32, row as u32);
        let slots = &self.image.frame.components[component];
        match &mut self.coder {
            BlockCoder::Sequential(coder) => {
                coder.block(&block, position, slots, &mut self.random, sink);
            }
            BlockCoder::Progressive(coder) => coder.block(&block, position, slots, sink),
        }
    }

    fn before_mcu(&mut self, sink: &mut impl SymbolSink) {
        let Defects {
            garbage_before_mcu,
            extra_restarts,
            missing_restarts,
            ..
        } = self.image.defects;
        if self.first_scan && garbage_before_mcu == Some(self.next_mcu) {
            self.finish_interval(sink);
            sink.raw(&garbage(&mut self.random));
        }
        let interval = u64::from(self.image.restart_interval);
        let due = interval > 0 && self.next_mcu > 0 && self.next_mcu.is_multiple_of(interval);
        if due || extra_restarts && self.random.u8(..40) == 0 {
            self.finish_interval(sink);
            let marker = self.restart_marker();
            // Without its marker the interval still ends: padded, predictions reset.
            let missing = missing_restarts && self.random.u8(..5) == 0;
            sink.raw(if missing { &[] } else { &marker });
            self.restarts += 1;
        }
    }

    fn restart_marker(&mut self) -> Vec<u8> {
        let mut number = self.restarts;
        if self.image.defects.wrong_restart_numbers && self.random.u8(..5) == 0 {
            number += self.random.u32(1..8);
        }
        let fill = self.random.u8(..=self.image.fill_bytes);
        let mut marker = vec![0xFF; usize::from(fill) + 1];
        marker.push(0xD0 + (number % 8) as u8);
        marker
    }

    fn finish_interval(&mut self, sink: &mut impl SymbolSink) {
        match &mut self.coder {
            BlockCoder::Sequential(coder) => coder.restart(),
            BlockCoder::Progressive(coder) => coder.restart(sink),
        }
    }
}

fn count_mcus(image: &ImageSource, plan: &ScanPlan) -> u64 {
    let (columns, rows) = match plan.components[..] {
        [component] => image.frame.blocks(component),
        _ => (image.frame.mcu_columns(), image.frame.mcu_rows()),
    };
    u64::from(columns) * u64::from(rows)
}

/// Random bytes that are rich in 0xFF, markers and zeros.
fn garbage(random: &mut Rng) -> Vec<u8> {
    (0..random.usize(1..300))
        .map(|_| match random.u8(..8) {
            0 => 0xFF,
            1 => 0x00,
            2 => random.u8(0xC0..0xDF),
            _ => random.u8(..),
        })
        .collect()
}
