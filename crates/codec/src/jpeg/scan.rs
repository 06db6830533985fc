//! Codes the MCUs of one sequential scan, in either direction.
//!
//! Encoding reads a whole MCU from the entropy-coded segment before any of it reaches the model,
//! so a scan that turns odd or ends early costs nothing but its last, incomplete MCU. Invariant:
//! an MCU that was coded is rebuilt bit for bit by canonical Huffman coding (T.81, F.1.2).

use super::bit_reader::{BitReader, Cursor, Marker};
use super::bit_writer::{BitWriter, PendingBits};
use super::block_coder::{BlockCoder, Models, NearMcus, Place};
use super::frame::{MAX_BLOCKS_PER_MCU, MAX_COMPONENTS, ScanLayout};
use super::huffman::HuffmanTable;
use super::model::{Block, Decisions, Quantization};
use super::reason::NotModelled;
use super::reentry::{Reentry, top_bits};
use super::resumption::ScanPosition;
use super::zigzag::ZIGZAG;
use super::{McuRun, RunEnd};
use crate::Error;
use crate::entropy::Vectorizing;
use fearless_simd::Simd;

/// What reading or writing the entropy-coded segment carries from MCU to MCU.
#[derive(Clone, Copy, Debug, Default)]
struct SegmentState {
    dc_predictions: [i32; MAX_COMPONENTS],
    /// MCUs since the last restart marker.
    since_restart: u32,
    /// Low three bits of the code of the next restart marker.
    next_restart: u8,
}

/// An MCU with the padding before and after it.
struct Mcu {
    blocks: [Block; MAX_BLOCKS_PER_MCU],
    /// Number and value of the bits before the restart marker that precedes the MCU.
    padding_before: (u32, u32),
    /// The same at the end of the scan.
    padding_after: (u32, u32),
}

/// Why an MCU could not be read.
enum Stop {
    OutOfInput,
    Odd,
}

/// A scan in progress.
#[derive(Debug)]
pub(crate) struct Scan {
    layout: ScanLayout,
    blocks: BlockCoder,
    next_mcu: u32,
    /// The MCU that the present run through the image began with.
    first_mcu: u32,
    /// Whether it goes on behind something odd.
    was_left: bool,
    segment: SegmentState,
    /// Encoder: bits of the first input byte already read.
    used_bits: u32,
    /// Decoder: bits not yet written.
    pending: PendingBits,
    /// Seed of damage to the next MCU that is encoded; see [`crate::fault`].
    damage: Option<u64>,
}

impl Scan {
    pub(crate) fn new(layout: ScanLayout) -> Self {
        Self {
            blocks: BlockCoder::new(
                layout
                    .components
                    .iter()
                    .map(|component| (component.shape(), Quantization::new(&component.quantizers))),
            ),
            layout,
            next_mcu: 0,
            first_mcu: 0,
            was_left: false,
            segment: SegmentState::default(),
            used_bits: 0,
            pending: PendingBits::default(),
            damage: None,
        }
    }

    pub(crate) fn layout(&self) -> &ScanLayout {
        &self.layout
    }

    /// Whether it goes on behind something odd.
    pub(crate) fn was_left(&self) -> bool {
        self.was_left
    }

    /// The MCU that comes next.
    pub(crate) fn next_mcu(&self) -> u32 {
        self.next_mcu
    }

    /// DC predictions of its components.
    pub(crate) fn dc_predictions(&self) -> [i32; MAX_COMPONENTS] {
        self.segment.dc_predictions
    }

    /// Bits of the next input byte that have been read.
    pub(crate) fn used_bits(&self) -> u32 {
        self.used_bits
    }

    /// Goes on at another place, or in another way.
    pub(crate) fn reenter(&mut self, reentry: &Reentry) {
        self.was_left = true;
        if reentry.mcu != self.next_mcu {
            self.first_mcu = reentry.mcu;
            self.next_mcu = reentry.mcu;
        }
        if reentry.drops_restarts {
            self.layout.restart_interval = 0;
        }
        if !reentry.keeps_predictions {
            self.segment.dc_predictions = [0; MAX_COMPONENTS];
        }
        self.segment.since_restart = 0;
        self.segment.next_restart = reentry.next_restart;
        self.used_bits = reentry.used_bits;
        self.pending = PendingBits::of(reentry.used, reentry.used_bits);
    }

    /// Where it goes on; `input` begins with the next byte.
    pub(crate) fn position(&self, input: &[u8]) -> ScanPosition {
        ScanPosition {
            reentry: Reentry {
                mcu: self.next_mcu,
                keeps_predictions: true,
                drops_restarts: self.layout.restart_interval == 0,
                next_restart: self.segment.next_restart,
                used_bits: self.used_bits,
                used: top_bits(input, 0, self.used_bits),
            },
            since_restart: self.segment.since_restart,
            dc_predictions: self.segment.dc_predictions,
        }
    }

    /// Goes on there, before anything of it has been coded.
    pub(crate) fn resume(&mut self, position: &ScanPosition) {
        self.reenter(&position.reentry);
        self.was_left = false;
        self.segment.since_restart = position.since_restart;
        self.segment.dc_predictions = position.dc_predictions;
    }

    /// Has a coefficient of the next MCU that is encoded changed, if there is a seed.
    pub(crate) fn damage_next(&mut self, seed: Option<u64>) {
        self.damage = seed;
    }

    /// Whether every MCU has been coded.
    pub(crate) fn is_done(&self) -> bool {
        self.next_mcu == self.layout.mcu_count
    }

    /// See [`super::Jpeg::encode_mcus`].
    #[inline(always)]
    pub(crate) fn encode<D: Decisions, C: Vectorizing>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        input: &[u8],
        limit: usize,
        end_of_input: bool,
    ) -> McuRun {
        let visible = &input[..limit.min(input.len())];
        let more_may_come = !end_of_input || visible.len() < input.len();
        let first = self.next_mcu;
        let mut reader = BitReader::new(
            visible,
            Cursor {
                byte: 0,
                used_bits: self.used_bits,
            },
        );
        let mut mcu = Mcu {
            blocks: [Block::ZERO; MAX_BLOCKS_PER_MCU],
            padding_before: (0, 0),
            padding_after: (0, 0),
        };
        let end = loop {
            if self.is_done() {
                break RunEnd::ScanDone;
            }
            let before = (reader, self.segment);
            if let Err(stop) = self.read_mcu(&mut reader, &mut mcu) {
                (reader, self.segment) = before;
                break match stop {
                    Stop::OutOfInput if more_may_come => RunEnd::More,
                    Stop::OutOfInput => RunEnd::Odd(NotModelled::Truncated),
                    Stop::Odd => RunEnd::Odd(NotModelled::OddScan),
                };
            }
            models.code_padding(coder, mcu.padding_before.0, mcu.padding_before.1);
            if cfg!(feature = "fault-injection")
                && let Some(seed) = self.damage.take()
            {
                let block = &mut mcu.blocks[seed as usize % self.layout.blocks_per_mcu()];
                block.change(1 + seed as usize % 63);
            }
            self.code_mcu(models, coder, &mut mcu.blocks);
            models.code_padding(coder, mcu.padding_after.0, mcu.padding_after.1);
        };
        let cursor = reader.cursor();
        self.used_bits = cursor.used_bits;
        McuRun {
            mcus: self.next_mcu - first,
            consumed: cursor.byte,
            end,
            unbroken_size: None,
        }
    }

    /// See [`super::Jpeg::decode_mcus`].
    #[inline(always)]
    pub(crate) fn decode<D: Decisions, C: Vectorizing>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        mcus: u32,
        output: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        if mcus > self.layout.mcu_count - self.next_mcu {
            return Err(Error::BadScan);
        }
        let mut writer = BitWriter::new(output, self.pending);
        let mut blocks = [Block::ZERO; MAX_BLOCKS_PER_MCU];
        for _ in 0..mcus {
            blocks[..self.layout.blocks_per_mcu()].fill(Block::ZERO);
            if self.restart_is_due() {
                let length = writer.padding_length();
                writer.put(models.code_padding(coder, length, 0), length);
                writer.put_marker(0xD0 + self.segment.next_restart);
            }
            self.begin_mcu();
            self.code_mcu(models, coder, &mut blocks);
            self.write_mcu(coder.simd(), &mut writer, &blocks)
                .ok_or(Error::BadScan)?;
            if self.is_done() {
                let length = writer.padding_length();
                writer.put(models.code_padding(coder, length, 0), length);
            }
            if writer.len() > limit {
                return Err(Error::BadScan);
            }
        }
        self.pending = writer.finish();
        Ok(())
    }

    pub(crate) fn restart_is_due(&self) -> bool {
        self.layout.restart_interval > 0
            && self.segment.since_restart == self.layout.restart_interval
    }

    /// Steps over a restart marker if one is due, and counts the MCU.
    fn begin_mcu(&mut self) {
        if self.restart_is_due() {
            self.segment.dc_predictions = [0; MAX_COMPONENTS];
            self.segment.since_restart = 0;
            self.segment.next_restart = (self.segment.next_restart + 1) % 8;
        }
        self.segment.since_restart += 1;
    }

    #[inline(always)]
    fn read_mcu(&mut self, reader: &mut BitReader<'_>, mcu: &mut Mcu) -> Result<(), Stop> {
        mcu.padding_before = (0, 0);
        mcu.padding_after = (0, 0);
        if self.restart_is_due() {
            reader.refill_if_low();
            mcu.padding_before = reader.take_padding();
            match reader.take_marker(0xD0 + self.segment.next_restart) {
                Marker::Found => {}
                Marker::OutOfInput => return Err(Stop::OutOfInput),
                Marker::Other => return Err(Stop::Odd),
            }
        }
        self.begin_mcu();
        let mut index = 0;
        for (component, prediction) in self
            .layout
            .components
            .iter()
            .zip(&mut self.segment.dc_predictions)
        {
            for _ in 0..component.horizontal * component.vertical {
                let block = &mut mcu.blocks[index];
                index += 1;
                *block = Block::ZERO;
                let read = read_block(
                    reader,
                    &component.dc_table,
                    &component.ac_table,
                    prediction,
                    block,
                );
                if reader.overran() && reader.out_of_input() {
                    return Err(Stop::OutOfInput);
                }
                if reader.overran() || read.is_none() {
                    return Err(Stop::Odd);
                }
            }
        }
        if self.next_mcu + 1 == self.layout.mcu_count {
            reader.refill_if_low();
            mcu.padding_after = reader.take_padding();
        }
        Ok(())
    }

    /// Writes an MCU; `None` if a symbol has no code.
    ///
    /// Apart from the models, whose state would keep it out of registers.
    #[inline(never)]
    fn write_mcu<S: Simd>(
        &mut self,
        simd: S,
        writer: &mut BitWriter<'_>,
        blocks: &[Block; MAX_BLOCKS_PER_MCU],
    ) -> Option<()> {
        let components = self.layout.components.iter();
        let components = components.zip(&mut self.segment.dc_predictions);
        simd.vectorize(
            #[inline(always)]
            || {
                let mut blocks = blocks.iter();
                for (component, prediction) in components {
                    let (dc_table, ac_table) = (&component.dc_table, &component.ac_table);
                    let count = component.horizontal * component.vertical;
                    for block in blocks.by_ref().take(count) {
                        write_block(writer, dc_table, ac_table, prediction, block)?;
                    }
                }
                Some(())
            },
        )
    }

    /// Codes the blocks of the next MCU with the model.
    #[inline(always)]
    fn code_mcu<C: Vectorizing, D: Decisions>(
        &mut self,
        models: &mut Models<D>,
        coder: &mut C,
        blocks: &mut [Block; MAX_BLOCKS_PER_MCU],
    ) {
        let mcu_column = (self.next_mcu % self.layout.mcus_per_row) as usize;
        let coded = self.next_mcu - self.first_mcu;
        let near = NearMcus {
            above: coded >= self.layout.mcus_per_row,
            left: mcu_column > 0 && coded > 0,
            above_left: mcu_column > 0 && coded > self.layout.mcus_per_row,
        };
        let mut index = 0;
        for component in 0..self.layout.components.len() {
            let (across, down) = (
                self.layout.components[component].horizontal,
                self.layout.components[component].vertical,
            );
            for y in 0..down {
                for x in 0..across {
                    let place = Place {
                        component,
                        x,
                        y,
                        mcu_column,
                        near,
                    };
                    self.blocks.code(models, coder, &place, &mut blocks[index]);
                    index += 1;
                }
            }
        }
        self.next_mcu += 1;
    }
}

/// Greatest size category of an AC coefficient and of a DC difference that is coded; T.81 allows
/// 10 and 11 for 8-bit samples.
const LARGEST_SIZE: u32 = 12;
const LARGEST_DC: i32 = 1 << 14;

/// Reads one block (T.81, F.2.2); `None` where re-encoding would not give the same bits.
#[inline(always)]
pub(super) fn read_block(
    reader: &mut BitReader<'_>,
    dc_table: &HuffmanTable,
    ac_table: &HuffmanTable,
    prediction: &mut i32,
    block: &mut Block,
) -> Option<()> {
    reader.refill_if_low();
    let (size, length) = dc_table.decode(reader.peek())?;
    reader.consume(length);
    *prediction = prediction.wrapping_add(receive(reader, u32::from(size))?);
    if prediction.abs() >= LARGEST_DC {
        return None;
    }
    block.set_dc(*prediction as i16);
    let mut index = 1usize;
    while index < 64 {
        reader.refill_if_low();
        let (symbol, length) = ac_table.decode(reader.peek())?;
        reader.consume(length);
        if symbol == 0 {
            return Some(());
        }
        index = index.wrapping_add(usize::from(symbol >> 4));
        let size = u32::from(symbol & 15);
        if index > 63 {
            return None;
        }
        if size == 0 {
            // Only ZRL may have size 0, and only before a further coefficient.
            if symbol != 0xF0 {
                return None;
            }
            index += 1;
            reader.refill_if_low();
            if index > 63 || ac_table.decode(reader.peek())?.0 == 0 {
                return None;
            }
            continue;
        }
        let value = receive(reader, size)?;
        block.set(index, value as i16);
        index = index.wrapping_add(1);
    }
    Some(())
}

/// Reads a value of `size` bits (T.81, F.2.2.1: RECEIVE and EXTEND).
#[inline(always)]
pub(super) fn receive(reader: &mut BitReader<'_>, size: u32) -> Option<i32> {
    if size > LARGEST_SIZE {
        return None;
    }
    // Shifted twice because a shift by 64 is no shift.
    let bits = (reader.peek() >> 1 >> (63 - size)) as i32;
    reader.consume(size);
    let half = 1 << size >> 1;
    Some(if bits < half {
        bits - (1 << size) + 1
    } else {
        bits
    })
}

/// Writes one block (T.81, F.1.2); `None` if a symbol has no code.
#[inline(always)]
pub(super) fn write_block(
    writer: &mut BitWriter<'_>,
    dc_table: &HuffmanTable,
    ac_table: &HuffmanTable,
    prediction: &mut i32,
    block: &Block,
) -> Option<()> {
    let dc = i32::from(block.dc());
    write_symbol(writer, dc_table, 0, dc.wrapping_sub(*prediction))?;
    *prediction = dc;
    let mut next = 1;
    let mut left = block.nonzero();
    while left != 0 {
        let place = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        let mut run = place.wrapping_sub(next);
        next = place.wrapping_add(1);
        while run > 15 {
            write_code(writer, ac_table, 0xF0)?;
            run = run.wrapping_sub(16);
        }
        let value = block.at(usize::from(ZIGZAG[place as usize & 63]));
        write_symbol(writer, ac_table, (run as u8) << 4, i32::from(value))?;
    }
    if next < 64 {
        write_code(writer, ac_table, 0)?;
    }
    Some(())
}

#[inline(always)]
pub(super) fn write_code(
    writer: &mut BitWriter<'_>,
    table: &HuffmanTable,
    symbol: u8,
) -> Option<()> {
    let (code, length) = table.code(symbol);
    writer.put(code, length);
    (length > 0).then_some(())
}

#[inline(always)]
pub(super) fn write_symbol(
    writer: &mut BitWriter<'_>,
    table: &HuffmanTable,
    run: u8,
    value: i32,
) -> Option<()> {
    let size = 32u32.wrapping_sub(value.unsigned_abs().leading_zeros());
    if size > 15 {
        return None;
    }
    let (code, length) = table.code(run | size as u8);
    if length == 0 {
        return None;
    }
    let bits = value.wrapping_add(value >> 31).cast_unsigned() & (1u32 << size).wrapping_sub(1);
    writer.put(code.wrapping_shl(size) | bits, length.wrapping_add(size));
    Some(())
}
