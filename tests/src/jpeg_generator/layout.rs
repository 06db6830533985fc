//! The order of a file's segments and scans.
//!
//! Invariant: every table is defined before the scan that uses it, whatever the
//! order and however many decoys there are.

use super::frame::{Frame, Process};
use super::huffman::{self, HuffmanChoice, HuffmanTable};
use super::parameters::{Defects, JpegParameters, ScanLayout};
use super::quantization;
use super::scan::ScanPlan;
use super::segments;
use fastrand::Rng;

/// A Huffman table put in force.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) ac: bool,
    pub(super) slot: u8,
    pub(super) table: HuffmanTable,
}

/// A part of a file, in order.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Bytes as they are, and the tables they define.
    Bytes(Vec<u8>, Vec<Definition>),
    /// The same bytes many times.
    Repeat { bytes: Vec<u8>, count: u64 },
    /// A scan with its header, and its own optimal tables if asked for.
    Scan { plan: ScanPlan, first: bool },
}

/// The tables DQT segments define, by slot, in zigzag order.
pub(super) fn quantizers(parameters: &JpegParameters) -> [[u16; 64]; 4] {
    let mut random = Rng::with_seed(parameters.seed ^ 0x9A47);
    std::array::from_fn(|slot| {
        let mut table = quantization::table(slot as u8, parameters.quality);
        if parameters.wide_quantizers {
            table = table.map(|entry| entry * random.u16(1..=200));
        }
        if parameters.defects.zero_quantizers {
            for _ in 0..random.usize(1..40) {
                table[random.usize(..64)] = 0;
            }
        }
        table
    })
}

/// All pieces of a file.
pub(super) fn pieces(parameters: &JpegParameters) -> Vec<Piece> {
    let mut random = Rng::with_seed(parameters.seed ^ 0x1A10);
    let mut pieces = vec![head(parameters, &mut random)];
    for (index, plan) in scans(parameters).into_iter().enumerate() {
        let first = index == 0;
        if !first && parameters.huffman == HuffmanChoice::Random && random.bool() {
            let tables = definitions(parameters, &mut random);
            let mut bytes = Vec::new();
            for segment in huffman_segments(&tables, random.bool()) {
                put(&mut bytes, &segment, parameters.fill_bytes, &mut random);
            }
            pieces.push(Piece::Bytes(bytes, tables));
        }
        pieces.push(Piece::Scan { plan, first });
        if first && parameters.define_number_of_lines {
            let lines = segments::number_of_lines(parameters.frame.height);
            pieces.push(Piece::Bytes(lines, vec![]));
        }
    }
    let mut tail = Vec::new();
    if !parameters.defects.no_end_of_image {
        put(
            &mut tail,
            &segments::EOI,
            parameters.fill_bytes,
            &mut random,
        );
    }
    tail.extend((0..parameters.trailing_bytes).map(|_| random.u8(..)));
    pieces.push(Piece::Bytes(tail, vec![]));
    pieces
}

fn head(parameters: &JpegParameters, random: &mut Rng) -> Piece {
    let mut bytes = segments::SOI.to_vec();
    let mut list: Vec<Vec<u8>> = (0..parameters.application_segments)
        .map(|_| application_segment(random))
        .collect();
    let shuffled = parameters.shuffled_segments;
    list.extend(quantization_segments(parameters, shuffled && random.bool()));
    let height = if parameters.define_number_of_lines {
        0
    } else {
        parameters.frame.height
    };
    list.push(segments::frame_header(&parameters.frame, height));
    let tables = definitions(parameters, random);
    list.extend(huffman_segments(&tables, shuffled && random.bool()));
    if parameters.restart_interval > 0 || shuffled && random.bool() {
        list.push(segments::restart_interval(parameters.restart_interval));
    }
    if shuffled {
        random.shuffle(&mut list);
        for segment in decoys(parameters, random) {
            put(&mut bytes, &segment, parameters.fill_bytes, random);
        }
    }
    for segment in &list {
        put(&mut bytes, segment, parameters.fill_bytes, random);
    }
    Piece::Bytes(bytes, tables)
}

/// Appends a segment after 0..=`fill` fill bytes.
pub(super) fn put(bytes: &mut Vec<u8>, segment: &[u8], fill: u8, random: &mut Rng) {
    let fill = usize::from(random.u8(..=fill));
    bytes.resize(bytes.len() + fill, 0xFF);
    bytes.extend_from_slice(segment);
}

/// APP0..APP15 or COM with text or random bytes.
fn application_segment(random: &mut Rng) -> Vec<u8> {
    let marker = if random.u8(..5) == 0 {
        0xFE
    } else {
        random.u8(0xE0..=0xEF)
    };
    let length = match random.u8(..8) {
        0 => 0,
        1 => random.usize(..=65_533),
        _ => random.usize(..600),
    };
    let text = random.bool();
    let payload: Vec<u8> = (0..length)
        .map(|_| {
            if text {
                random.alphanumeric() as u8
            } else {
                random.u8(..)
            }
        })
        .collect();
    segments::segment(marker, &payload)
}

/// Earlier definitions that the real ones replace.
fn decoys(parameters: &JpegParameters, random: &mut Rng) -> Vec<Vec<u8>> {
    let mut list = Vec::new();
    for slot in used(&parameters.frame, |c| c.quantization_slot) {
        if random.bool() {
            let table = quantization::table(slot, random.u8(1..=100));
            let payload = segments::quantization_table(slot, &table, random.bool());
            list.push(segments::segment(0xDB, &payload));
        }
    }
    for ac in [false, true] {
        if random.bool() {
            let payload = segments::huffman_table(ac, 0, &huffman::standard(ac, 1));
            list.push(segments::segment(0xC4, &payload));
        }
    }
    if parameters.restart_interval > 0 && random.bool() {
        list.push(segments::restart_interval(random.u16(..)));
    }
    list
}

/// Slots in use, each once, in order.
fn used(frame: &Frame, slot: impl Fn(&super::frame::Component) -> u8) -> Vec<u8> {
    let mut slots: Vec<u8> = frame.components.iter().map(slot).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn quantization_segments(parameters: &JpegParameters, merged: bool) -> Vec<Vec<u8>> {
    let tables = quantizers(parameters);
    let payloads: Vec<Vec<u8>> = used(&parameters.frame, |c| c.quantization_slot)
        .into_iter()
        .map(|slot| {
            let table = &tables[usize::from(slot)];
            segments::quantization_table(slot, table, parameters.wide_quantizers)
        })
        .collect();
    as_segments(0xDB, &payloads, merged)
}

fn huffman_segments(tables: &[Definition], merged: bool) -> Vec<Vec<u8>> {
    let payloads: Vec<Vec<u8>> = tables
        .iter()
        .map(|d| segments::huffman_table(d.ac, d.slot, &d.table))
        .collect();
    as_segments(0xC4, &payloads, merged)
}

fn as_segments(marker: u8, payloads: &[Vec<u8>], merged: bool) -> Vec<Vec<u8>> {
    if payloads.is_empty() {
        vec![]
    } else if merged {
        vec![segments::segment(marker, &payloads.concat())]
    } else {
        payloads
            .iter()
            .map(|payload| segments::segment(marker, payload))
            .collect()
    }
}

/// Tables for all slots the frame uses; none where each scan brings its own.
fn definitions(parameters: &JpegParameters, random: &mut Rng) -> Vec<Definition> {
    let duplicates = parameters.defects.duplicate_symbols;
    if parameters.huffman == HuffmanChoice::Optimal && !duplicates {
        return vec![];
    }
    let progressive = parameters.frame.process == Process::Progressive;
    let mut list = Vec::new();
    for ac in [false, true] {
        let possible = possible_symbols(ac, progressive, &parameters.defects);
        let slots = used(
            &parameters.frame,
            |c| if ac { c.ac_slot } else { c.dc_slot },
        );
        for slot in slots {
            let table = match parameters.huffman {
                HuffmanChoice::Standard if !duplicates => huffman::standard(ac, slot),
                HuffmanChoice::Flat if !duplicates => huffman::flat(&possible),
                _ => {
                    let mut symbols = possible.clone();
                    if duplicates {
                        for _ in 0..random.usize(1..8) {
                            symbols.push(symbols[random.usize(..symbols.len())]);
                        }
                    }
                    huffman::random(&symbols, random)
                }
            };
            list.push(Definition { ac, slot, table });
        }
    }
    list
}

/// Every symbol a scan of the process can have.
fn possible_symbols(ac: bool, progressive: bool, defects: &Defects) -> Vec<u8> {
    let oversized = defects.oversized_coefficients;
    if !ac {
        return (0..=if oversized { 16 } else { 11 }).collect();
    }
    let largest = if oversized { 15 } else { 10 };
    let mut symbols = vec![0x00, 0xF0];
    for run in 0..16u8 {
        symbols.extend((1..=largest).map(|size| run << 4 | size));
        if progressive && (1..15).contains(&run) {
            symbols.push(run << 4);
        }
    }
    symbols
}

/// The scans of a layout.
fn scans(parameters: &JpegParameters) -> Vec<ScanPlan> {
    let all: Vec<usize> = (0..parameters.frame.components.len()).collect();
    let sequential = |components: &[usize]| ScanPlan {
        components: components.to_vec(),
        spectral: (0, 63),
        approximation: (0, 0),
    };
    match parameters.scans {
        ScanLayout::Interleaved => vec![sequential(&all)],
        ScanLayout::ComponentByComponent => all.iter().map(|&c| sequential(&[c])).collect(),
        ScanLayout::FirstThenRest => {
            let (first, rest) = all.split_at(1.min(all.len()));
            let halves = [first, rest].into_iter();
            halves
                .filter(|half| !half.is_empty())
                .map(sequential)
                .collect()
        }
        ScanLayout::SpectralSelection {
            split,
            approximation,
        } => progressive_scans(&all, split, approximation),
    }
}

fn progressive_scans(all: &[usize], split: u8, low: u8) -> Vec<ScanPlan> {
    let plan = |components: &[usize], spectral, approximation| ScanPlan {
        components: components.to_vec(),
        spectral,
        approximation,
    };
    let mut list = vec![plan(all, (0, 0), (0, low))];
    let bands = [(1, split.min(63)), (split + 1, 63)];
    for (first, last) in bands {
        if first <= last {
            list.extend(all.iter().map(|&c| plan(&[c], (first, last), (0, low))));
        }
    }
    for high in (1..=low).rev() {
        list.extend(all.iter().map(|&c| plan(&[c], (1, 63), (high, high - 1))));
        list.push(plan(all, (0, 0), (high, high - 1)));
    }
    list
}
