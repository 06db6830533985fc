//! Scans of any legal kind, written and read back row by row.

use super::super::block_coder::Models;
use super::super::frame::{Frame, FrameComponent};
use super::super::huffman::HuffmanTable;
use super::super::model::{Block, Symbolic};
use super::grid::{BlockPass, BlockRow, Grid};
use super::header::{HeaderComponent, Pass, Progression, ScanHeader};
use super::losses::RowPart;
use super::reader::{Odd, ScanReader};
use super::writer::ScanWriter;
use crate::Error;
use crate::entropy::{Coder, RangeDecoder, RangeEncoder};
use proptest::prelude::*;
use std::sync::Arc;

/// A table with a code of eight bits for every symbol.
fn table() -> Arc<HuffmanTable> {
    let mut counts = [0; 16];
    counts[7] = 255;
    counts[8] = 1;
    let symbols: Vec<u8> = (0..=255).collect();
    Arc::new(HuffmanTable::new(&counts, &symbols).expect("a legal table"))
}

#[derive(Clone, Debug)]
struct Image {
    frame: Frame,
    scans: Vec<ScanHeader>,
    seed: u64,
    /// One in so many coefficients is not zero.
    sparsity: u64,
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// A legal sequence of scans, which may stop early.
fn scans(random: &mut Random, frame: &Frame) -> Vec<ScanHeader> {
    let header = |components: &[usize], first, last, high, low, restart_interval| ScanHeader {
        components: components
            .iter()
            .map(|&frame_index| HeaderComponent {
                frame_index,
                dc_table: Some(table()),
                ac_table: Some(table()),
                quantizers: [3; 64],
            })
            .collect(),
        pass: match (frame.progressive, first, high) {
            (false, ..) => Pass::Sequential,
            (_, 0, 0) => Pass::DcFirst,
            (_, 0, _) => Pass::DcRefinement,
            (_, _, 0) => Pass::AcFirst,
            _ => Pass::AcRefinement,
        },
        first,
        last,
        high,
        low,
        restart_interval,
    };
    let interval = |random: &mut Random| [0, 0, 1, 5, 40][random.below(5) as usize];
    let all: Vec<usize> = (0..frame.components.len()).collect();
    let split = random.below(3) as usize;
    let groups: Vec<&[usize]> = match split {
        0 => vec![&all],
        1 => all.chunks(1).collect(),
        _ => vec![&all[..1], &all[1..]],
    };
    let groups: Vec<&[usize]> = groups
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect();
    if !frame.progressive {
        return groups
            .iter()
            .map(|group| header(group, 0, 63, 0, 0, interval(random)))
            .collect();
    }
    // By component: DC and bands of AC, each with how many bits are missing.
    let mut list = Vec::new();
    let mut open = Vec::new();
    for group in &groups {
        open.push((group.to_vec(), 0, 0, random.below(4) as u32, 0));
    }
    for &component in &all {
        let mut first = 1 + random.below(2) as usize;
        while first < 64 {
            let last = (first + random.below(64) as usize).min(63);
            open.push((vec![component], first, last, random.below(4) as u32, 0));
            first = last + 1 + random.below(2) as usize;
        }
    }
    while !open.is_empty() {
        let index = random.below(open.len() as u64) as usize;
        let (components, first, last, low, high) = open.swap_remove(index);
        list.push(header(
            &components,
            first,
            last,
            high,
            low,
            interval(random),
        ));
        if low > 0 {
            open.push((components, first, last, low - 1, low));
        }
        if random.below(25) == 0 {
            break;
        }
    }
    list
}

fn image() -> impl Strategy<Value = Image> {
    let component = (1u8..=3, 1u8..=3);
    (
        proptest::collection::vec(component, 1..=3),
        (1u16..90, 1u16..90),
        prop::bool::weighted(0.8),
        1u64..,
        1u64..300,
    )
        .prop_map(|(factors, (width, height), progressive, seed, sparsity)| {
            let component = |(identifier, (horizontal, vertical))| FrameComponent {
                identifier,
                horizontal,
                vertical,
                quantization_table: 0,
            };
            let frame = Frame {
                width,
                height,
                components: (0..).zip(factors).map(component).collect(),
                progressive,
            };
            let scans = scans(&mut Random(seed), &frame);
            Image {
                frame,
                scans,
                seed,
                sparsity,
            }
        })
}

/// Fills the blocks of a scan with what the scan can carry, on top of earlier ones.
struct Fill<'a> {
    random: &'a mut Random,
    scan: &'a ScanHeader,
    sparsity: u64,
}

impl BlockPass for Fill<'_> {
    type Error = Odd;

    fn begin_unit(&mut self) -> Result<(), Odd> {
        Ok(())
    }

    fn block(&mut self, _: usize, block: &mut Block) -> Result<(), Odd> {
        let (scan, low) = (self.scan, self.scan.low);
        for place in scan.first..=scan.last {
            let bit = self.random.below(2) as i16;
            let rare = self.random.below(self.sparsity) == 0;
            match (scan.high, place) {
                (0, 0) => block.set_dc((self.random.below(400) as i16 - 200) << low),
                (_, 0) => block.set_dc(block.dc() | bit << low),
                (high, _) => {
                    let value = block.in_place(place);
                    let step = 1i16 << low;
                    if value != 0 && high > 0 {
                        block.set(place, value + value.signum() * bit * step);
                    } else if rare {
                        let size = if high > 0 {
                            1
                        } else {
                            1 + self.random.below(9) as i16
                        };
                        block.set(place, if bit == 0 { size * step } else { -size * step });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes all of a scan's MCUs in a row.
fn write_row<C: Coder>(
    writer: &mut ScanWriter,
    (models, coder): (&mut Models<Symbolic>, &mut C),
    scan: &ScanHeader,
    grid: &Grid,
    mcu_row: usize,
    blocks: &mut BlockRow,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    let unusual = scan.has_runs() && models.runs.code_unusual(coder, false);
    let (models, units) = ((models, coder, unusual), (mcu_row, 0..u32::MAX));
    writer.write_units(models, scan, grid, units, blocks, (output, usize::MAX))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_scan_reads_back_row_by_row(image in image(), choices in any::<[u8; 32]>()) {
        let Image { frame, scans, seed, sparsity } = image;
        let grid = Grid::new(&frame, &scans);
        let mut progression = Progression::new();
        for scan in &scans {
            prop_assert!(progression.take(scan));
        }
        let mut random = Random(seed | 1);
        let mut models: Models<Symbolic> = Models::new();
        // What the writer asks is answered at random: padding, and where runs end.
        let answers: Vec<u8> = choices.iter().cycle().take(50_000).copied().collect();
        let mut chance = RangeDecoder::new(&answers);
        let mut writers: Vec<ScanWriter> = scans.iter().map(|_| ScanWriter::default()).collect();
        let mut outputs = vec![Vec::new(); scans.len()];
        let mut lengths = Vec::new();
        let mut contents = Vec::new();
        for mcu_row in 0..grid.mcu_rows {
            let mut blocks = BlockRow::new(&grid);
            for scan in &scans {
                let mut fill = Fill { random: &mut random, scan, sparsity };
                prop_assert!(grid.walk(scan, mcu_row, 0..u32::MAX, &mut blocks, &mut fill).is_ok());
            }
            for ((scan, writer), output) in scans.iter().zip(&mut writers).zip(&mut outputs) {
                let mut row = Vec::new();
                let both = (&mut models, &mut chance);
                prop_assert_eq!(write_row(writer, both, scan, &grid, mcu_row, &mut blocks, &mut row), Ok(()));
                output.extend_from_slice(&row);
            }
            lengths.push(outputs.iter().map(Vec::len).collect::<Vec<_>>());
            contents.push(blocks);
        }

        let mut readers: Vec<ScanReader> = scans.iter().map(|scan| ScanReader::new(0, scan, 0)).collect();
        let mut coded = vec![0; 1 << 16];
        let mut coder = RangeEncoder::new(&mut coded);
        let mut models: Models<Symbolic> = Models::new();
        for (mcu_row, blocks) in contents.iter().enumerate() {
            let mut found = BlockRow::new(&grid);
            for (scan, header) in scans.iter().enumerate() {
                let reader = &mut readers[scan];
                let input = (&outputs[scan][..], 0, 0);
                prop_assert_eq!(reader.read_row(input, header, &grid, (mcu_row, &RowPart::WHOLE), &mut found), Ok(()));
                prop_assert_eq!(reader.written(), lengths[mcu_row][scan]);
                reader.events.encode(&mut models, &mut coder, header.has_runs());
            }
            prop_assert_eq!(&found, blocks);
        }
        let size = coder.finish().expect("room for all events");

        let mut coder = RangeDecoder::new(&coded[..size]);
        let mut models: Models<Symbolic> = Models::new();
        let mut writers: Vec<ScanWriter> = scans.iter().map(|_| ScanWriter::default()).collect();
        let mut again = vec![Vec::new(); scans.len()];
        for (mcu_row, blocks) in contents.iter_mut().enumerate() {
            for ((scan, writer), output) in scans.iter().zip(&mut writers).zip(&mut again) {
                let mut row = Vec::new();
                let both = (&mut models, &mut coder);
                prop_assert_eq!(write_row(writer, both, scan, &grid, mcu_row, blocks, &mut row), Ok(()));
                output.extend_from_slice(&row);
            }
        }
        prop_assert!(again == outputs, "other bytes are written");
    }
}
