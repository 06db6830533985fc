//! A file as a stream.
//!
//! Invariant: what is held at once is one MCU and one small buffer, plus the
//! head segments; never the image.

use super::content::ContentSource;
use super::huffman::{self, HuffmanChoice};
use super::layout::{self, Definition, Piece};
use super::parameters::JpegParameters;
use super::scan::{ImageSource, ScanPlan, ScanWalk, SymbolCounts, SymbolSink, SymbolWriter};
use super::segments;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes made ahead before they are handed out.
const BUFFER: usize = 64 << 10;

/// A generated file; reads like any other.
pub struct JpegStream {
    image: Option<Arc<ImageSource>>,
    own_tables: bool,
    pieces: VecDeque<Piece>,
    scan: Option<ScanWalk>,
    writer: SymbolWriter,
    /// How much of the writer's bytes has been handed out.
    taken: usize,
    /// Bytes until the cut.
    remaining: u64,
}

impl JpegStream {
    /// Starts a file.
    pub fn new(parameters: &JpegParameters) -> Self {
        let scale = if parameters.defects.oversized_coefficients {
            32
        } else {
            1
        };
        let content = ContentSource::new(
            parameters.content,
            parameters.seed,
            &parameters.frame,
            &layout::quantizers(parameters),
            scale,
        );
        let image = ImageSource {
            frame: parameters.frame.clone(),
            content,
            seed: parameters.seed,
            restart_interval: parameters.restart_interval,
            fill_bytes: parameters.fill_bytes,
            defects: parameters.defects,
        };
        Self {
            image: Some(Arc::new(image)),
            own_tables: parameters.huffman == HuffmanChoice::Optimal
                && !parameters.defects.duplicate_symbols,
            pieces: layout::pieces(parameters).into(),
            scan: None,
            writer: SymbolWriter::new(parameters.pad, parameters.seed),
            taken: 0,
            remaining: parameters.truncate_at.unwrap_or(u64::MAX),
        }
    }

    /// A file of given pieces without coded scans.
    pub(super) fn of_pieces(pieces: Vec<Piece>) -> Self {
        Self {
            image: None,
            own_tables: false,
            pieces: pieces.into(),
            scan: None,
            writer: SymbolWriter::new(super::PadBits::Ones, 0),
            taken: 0,
            remaining: u64::MAX,
        }
    }

    /// The whole file. For files that fit memory.
    pub fn into_bytes(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)
            .expect("generating needs no input or output");
        bytes
    }

    /// Makes up to about [`BUFFER`] more bytes; none at the end.
    fn refill(&mut self) {
        self.writer.bits.bytes.clear();
        self.taken = 0;
        while self.writer.bits.bytes.len() < BUFFER {
            if let Some(scan) = &mut self.scan {
                if !scan.step(&mut self.writer) {
                    self.writer.bits.align();
                    self.scan = None;
                }
            } else if !self.next_piece() {
                return;
            }
        }
    }

    fn next_piece(&mut self) -> bool {
        match self.pieces.front_mut() {
            None => return false,
            Some(Piece::Repeat { bytes, count }) if *count > 0 => {
                *count -= 1;
                self.writer.bits.put_raw(bytes);
                return true;
            }
            Some(_) => {}
        }
        match self.pieces.pop_front() {
            Some(Piece::Bytes(bytes, definitions)) => {
                self.writer.bits.put_raw(&bytes);
                for Definition { ac, slot, table } in &definitions {
                    self.writer.define(*ac, *slot, table);
                }
            }
            Some(Piece::Scan { plan, first }) => self.begin_scan(&plan, first),
            Some(Piece::Repeat { .. }) | None => {}
        }
        true
    }

    fn begin_scan(&mut self, plan: &ScanPlan, first: bool) {
        let Some(image) = self.image.clone() else {
            return;
        };
        if self.own_tables {
            self.define_optimal_tables(&image, plan, first);
        }
        let components: Vec<_> = plan
            .components
            .iter()
            .map(|&index| image.frame.components[index])
            .collect();
        let header = segments::scan_header(&components, plan.spectral, plan.approximation);
        self.writer.raw(&header);
        self.scan = Some(ScanWalk::new(&image, plan, first));
    }

    /// Walks the scan once to count its symbols. Time as long as the scan's, no
    /// memory.
    fn define_optimal_tables(&mut self, image: &Arc<ImageSource>, plan: &ScanPlan, first: bool) {
        let mut counts = SymbolCounts(Box::new([[[0; 256]; 4]; 2]));
        let mut walk = ScanWalk::new(image, plan, first);
        while walk.step(&mut counts) {}
        for (ac, slots) in [false, true].into_iter().zip(counts.0.iter()) {
            for (slot, counts) in (0..).zip(slots) {
                if counts.iter().any(|&count| count > 0) {
                    let table = huffman::optimal(counts);
                    let payload = segments::huffman_table(ac, slot, &table);
                    self.writer.raw(&segments::segment(0xC4, &payload));
                    self.writer.define(ac, slot, &table);
                }
            }
        }
    }
}

impl Read for JpegStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.writer.bits.bytes.len() {
            self.refill();
        }
        let ready = &self.writer.bits.bytes[self.taken..];
        let wanted = u64::min(buffer.len() as u64, self.remaining) as usize;
        let count = wanted.min(ready.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.taken += count;
        self.remaining -= count as u64;
        Ok(count)
    }
}
