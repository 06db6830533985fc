//! A block of pixels in a few bytes, for keeping.
//!
//! No model and no entropy coder: prefix codes that are fast to write and to read. A block of few
//! colours is packed by its neighbours and a palette that grows as it goes, any other by Golomb-Rice
//! codes of prediction errors. Invariant: [`unpack`] gives back what [`pack`] was given, and gives
//! something for any bytes at all.

use super::format::{BLOCK, COLOUR};
use super::residual::{median, wrap};

/// Most bytes of a packed block; what needs more is not kept.
pub(super) const PACKED_MAX: usize = 1000;

/// Most colours of a palette.
const COLOURS: usize = 64;

/// Rows that share parameters of Golomb-Rice codes.
const BAND: usize = 4;

/// Longest unary part of a Golomb-Rice code; a plain byte follows it.
const UNARY_MAX: u32 = 12;

/// Pixels of a block, row by row; rows are always [`BLOCK`] apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) pixels: [u32; BLOCK * BLOCK],
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Block {
    pub(super) const BLACK: Self = Self {
        pixels: [0; BLOCK * BLOCK],
        width: BLOCK,
        height: BLOCK,
    };

    pub(super) fn row(&self, y: usize) -> &[u32] {
        &self.pixels[y * BLOCK..][..self.width]
    }

    /// Whether all pixels are alike.
    pub(super) fn is_uniform(&self) -> bool {
        (0..self.height).all(|y| self.row(y).iter().all(|pixel| *pixel == self.pixels[0]))
    }

    fn has_one_alpha(&self) -> bool {
        let different = |pixel: &u32| (pixel ^ self.pixels[0]) & !COLOUR;
        (0..self.height).all(|y| self.row(y).iter().all(|pixel| different(pixel) == 0))
    }

    /// A hash of all pixels, of which every bit is as good as any.
    pub(super) fn hash(&self) -> u32 {
        let mut lanes = [self.width as u32, self.height as u32, 3, 4];
        for y in 0..self.height {
            for pixels in self.row(y).chunks(4) {
                for (lane, pixel) in lanes.iter_mut().zip(pixels) {
                    *lane = (lane.rotate_left(7) ^ pixel).wrapping_mul(0x9E37_79B1);
                }
            }
        }
        super::hashing::hash(lanes)
    }

    /// The pixel at a place, or 0 left and right of and above the block.
    #[inline(always)]
    fn near(&self, y: usize, x: usize, up: usize, right: isize) -> u32 {
        match (y.checked_sub(up), x.checked_add_signed(right)) {
            (Some(y), Some(x)) if x < self.width => self.pixels[y * BLOCK + x],
            _ => 0,
        }
    }
}

/// Writes bits, the first in the lowest place.
struct Writer<'a> {
    bytes: &'a mut [u8; PACKED_MAX],
    length: usize,
    bits: u64,
    count: u32,
}

impl Writer<'_> {
    /// Appends the lowest `count` (0..=24) bits of `value`, above which there are none.
    #[inline(always)]
    fn put(&mut self, value: u32, count: u32) {
        self.bits |= u64::from(value) << (self.count & 63);
        self.count = self.count.wrapping_add(count);
        if self.count >= 32 {
            let word = (self.bits as u32).to_le_bytes();
            match self
                .bytes
                .get_mut(self.length..)
                .and_then(<[u8]>::first_chunk_mut)
            {
                Some(bytes) => *bytes = word,
                None => self.put_bytes(&word),
            }
            self.length = self.length.wrapping_add(4);
            self.bits >>= 32;
            self.count = self.count.wrapping_sub(32);
        }
    }

    /// Writes as many bytes as there is room for.
    #[cold]
    fn put_bytes(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
    }

    fn finish(mut self) -> Option<usize> {
        let bytes = self.bits.to_le_bytes();
        let count = self.count.div_ceil(8) as usize;
        self.put_bytes(&bytes[..count]);
        self.length += count;
        (self.length <= PACKED_MAX).then_some(self.length)
    }
}

/// Reads bits; behind the last there are zeros.
struct Reader<'a> {
    bytes: &'a [u8],
    bits: u64,
    count: u32,
}

impl Reader<'_> {
    #[inline(always)]
    fn get(&mut self, count: u32) -> u32 {
        while self.count < count {
            let (byte, rest) = match self.bytes {
                [byte, rest @ ..] => (*byte, rest),
                [] => (0, &[][..]),
            };
            self.bytes = rest;
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
        }
        let value = self.bits as u32 & ((1 << count) - 1);
        self.bits >>= count;
        self.count -= count;
        value
    }

    #[inline(always)]
    fn bit(&mut self) -> bool {
        self.get(1) == 1
    }
}

/// Colours that packed blocks refer to by their place. It only grows, until it is full: colours in use
/// must stay where they are.
#[derive(Debug)]
pub(super) struct ColourBook {
    colours: Box<[u32]>,
    count: usize,
    /// By hash, with linear probing: a colour's place and one, or 0.
    places: Box<[u16]>,
}

const BOOK_BITS: u32 = 12;
const BOOK: usize = 1 << BOOK_BITS;

impl ColourBook {
    pub(super) fn new() -> Self {
        Self {
            colours: vec![0; BOOK].into_boxed_slice(),
            count: 0,
            places: vec![0; 2 * BOOK].into_boxed_slice(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.count = 0;
        self.places.fill(0);
    }

    /// The place of a colour, where there is room for it.
    fn place_of(&mut self, colour: u32) -> Option<u32> {
        let slot = self.slot_of(colour);
        match self.places[slot] {
            0 if self.count == BOOK => None,
            0 => {
                self.colours[self.count] = colour;
                self.count += 1;
                self.places[slot] = self.count as u16;
                Some(self.count as u32 - 1)
            }
            place => Some(u32::from(place) - 1),
        }
    }

    /// Where the place of a colour is noted, or would be.
    fn slot_of(&self, colour: u32) -> usize {
        let mut slot = super::hashing::hash([colour]) as usize % (2 * BOOK);
        while let place @ 1.. = usize::from(self.places[slot]) {
            if self.colours[place - 1] == colour {
                break;
            }
            slot = (slot + 1) % (2 * BOOK);
        }
        slot
    }

    /// Takes out all but the first `count` colours, the newest first so that probing still works.
    fn truncate(&mut self, count: usize) {
        while self.count > count {
            let slot = self.slot_of(self.colours[self.count - 1]);
            self.places[slot] = 0;
            self.count -= 1;
        }
    }

    fn put(&mut self, writer: &mut Writer<'_>, colour: u32) {
        match self.place_of(colour) {
            Some(place) => {
                writer.put(1, 1);
                writer.put(place, BOOK_BITS);
            }
            None => {
                writer.put(0, 1);
                writer.put(colour, 24);
            }
        }
    }

    fn get(&self, reader: &mut Reader<'_>) -> u32 {
        match reader.bit() {
            true => self.colours[reader.get(BOOK_BITS) as usize],
            false => reader.get(24),
        }
    }
}

/// Packs a block. `None` if it takes too much or has pixels of different alpha.
pub(super) fn pack(
    block: &Block,
    colourful: bool,
    book: &mut ColourBook,
    bytes: &mut [u8; PACKED_MAX],
) -> Option<usize> {
    if !block.has_one_alpha() {
        return None;
    }
    for by_palette in [true, false] {
        let mut writer = Writer {
            bytes,
            length: 0,
            bits: 0,
            count: 0,
        };
        writer.put(block.width as u32 - 1, 4);
        writer.put(block.height as u32 - 1, 4);
        writer.put(block.pixels[0] >> 24, 8);
        writer.put(u32::from(by_palette) | u32::from(colourful) << 1, 2);
        if by_palette {
            let count = book.count;
            if pack_by_palette(block, colourful, book, &mut writer) {
                return writer.finish();
            }
            book.truncate(count);
        } else {
            pack_by_prediction(block, colourful, &mut writer);
            return writer.finish();
        }
    }
    None
}

/// Bits that tell `colours` and "a new one" apart.
#[inline(always)]
fn index_bits(colours: usize) -> u32 {
    usize::BITS - colours.leading_zeros()
}

fn pack_by_palette(
    block: &Block,
    colourful: bool,
    book: &mut ColourBook,
    writer: &mut Writer<'_>,
) -> bool {
    let mut palette = [0; COLOURS];
    let mut colours = 0;
    // With one pixel more at either end.
    let mut above = [0; BLOCK + 2];
    for y in 0..block.height {
        let row = block.row(y);
        if y > 0 {
            let repeats = row == &above[1..][..row.len()];
            writer.put(u32::from(repeats), 1);
            if repeats {
                continue;
            }
        }
        let mut left = 0;
        for (x, &pixel) in row.iter().enumerate() {
            let [corner, up, right] = [above[x], above[x + 1], above[x + 2]];
            if pixel == left {
                writer.put(0b1, 1);
            } else if pixel == up {
                writer.put(0b10, 2);
            } else if pixel == right {
                writer.put(0b0100, 4);
            } else if pixel == corner {
                writer.put(0b1100, 4);
            } else {
                writer.put(0b000, 3);
                let known = palette[..colours]
                    .iter()
                    .position(|colour| *colour == pixel);
                writer.put(known.unwrap_or(colours) as u32, index_bits(colours));
                if known.is_none() {
                    if colours == COLOURS {
                        return false;
                    }
                    match colourful {
                        true => book.put(writer, pixel & COLOUR),
                        false => writer.put(pixel >> 8 & 255, 8),
                    }
                    palette[colours] = pixel;
                    colours += 1;
                }
            }
            left = pixel;
        }
        above[1..][..row.len()].copy_from_slice(row);
    }
    true
}

fn unpack_by_palette(
    block: &mut Block,
    colourful: bool,
    book: &ColourBook,
    alpha: u32,
    reader: &mut Reader<'_>,
) {
    let mut palette = [0; COLOURS];
    let mut colours = 0;
    for y in 0..block.height {
        if y > 0 && reader.bit() {
            let above = (y - 1) * BLOCK;
            block
                .pixels
                .copy_within(above..above + BLOCK, above + BLOCK);
            continue;
        }
        for x in 0..block.width {
            let pixel = if reader.bit() {
                block.near(y, x, 0, -1)
            } else if reader.bit() {
                block.near(y, x, 1, 0)
            } else if reader.bit() {
                block.near(y, x, 1, if reader.bit() { -1 } else { 1 })
            } else {
                let index = reader.get(index_bits(colours)) as usize;
                if index >= colours && colours < COLOURS {
                    palette[colours] = alpha
                        | match colourful {
                            true => book.get(reader),
                            false => reader.get(8) << 8,
                        };
                    colours += 1;
                }
                palette[index % COLOURS]
            };
            block.pixels[y * BLOCK + x] = pixel;
        }
    }
}

/// Green, and red and blue less green.
#[inline(always)]
fn parts(pixel: u32) -> [i32; 3] {
    let [r, g, b, _] = pixel.to_le_bytes().map(i32::from);
    [g, r - g, b - g]
}

fn pixel_of(parts: [i32; 3], colourful: bool, alpha: u32) -> u32 {
    let g = parts[0].cast_unsigned() as u8;
    let [r, b] = match colourful {
        true => [parts[1], parts[2]].map(|part| (part + parts[0]).cast_unsigned() as u8),
        false => [0, 0],
    };
    u32::from_le_bytes([r, g, b, 0]) | alpha
}

/// What is expected at a place.
#[inline(always)]
fn expected(block: &Block, y: usize, x: usize) -> [i32; 3] {
    let near = [(0, -1), (1, 0), (1, -1)];
    let [w, n, nw] = near.map(|(up, right)| parts(block.near(y, x, up, right)));
    match (x, y) {
        (0, _) => n,
        (_, 0) => w,
        _ => [0, 1, 2].map(|i| median(w[i], n[i], nw[i])),
    }
}

fn pack_by_prediction(block: &Block, colourful: bool, writer: &mut Writer<'_>) {
    let channels = if colourful { 3 } else { 1 };
    for band in (0..block.height).step_by(BAND) {
        let rows = band..(band + BAND).min(block.height);
        let mut sizes = [[0u8; BAND * BLOCK]; 3];
        let mut count = 0;
        for y in rows {
            for x in 0..block.width {
                let actual = parts(block.near(y, x, 0, 0));
                let expected = expected(block, y, x);
                for channel in 0..channels {
                    let difference = wrap(actual[channel] - expected[channel]);
                    sizes[channel][count] =
                        (difference << 1 ^ difference >> 31).cast_unsigned() as u8;
                }
                count += 1;
            }
        }
        for sizes in &sizes[..channels] {
            let sum: usize = sizes[..count].iter().map(|size| usize::from(*size)).sum();
            let bits = (1..7).take_while(|bits| sum > count << bits).count() as u32;
            writer.put(bits, 3);
            for size in &sizes[..count] {
                let high = u32::from(*size) >> bits;
                if high < UNARY_MAX {
                    writer.put(1 << high, high + 1);
                    writer.put(u32::from(*size) & ((1 << bits) - 1), bits);
                } else {
                    writer.put(0, UNARY_MAX);
                    writer.put(u32::from(*size), 8);
                }
            }
        }
    }
}

fn unpack_by_prediction(block: &mut Block, colourful: bool, alpha: u32, reader: &mut Reader<'_>) {
    let channels = if colourful { 3 } else { 1 };
    for band in (0..block.height).step_by(BAND) {
        let rows = band..(band + BAND).min(block.height);
        let mut sizes = [[0u8; BAND * BLOCK]; 3];
        let count = rows.len() * block.width;
        for sizes in &mut sizes[..channels] {
            let bits = reader.get(3);
            for size in &mut sizes[..count] {
                let mut high = 0;
                while high < UNARY_MAX && !reader.bit() {
                    high += 1;
                }
                *size = match high {
                    UNARY_MAX => reader.get(8) as u8,
                    high => (high << bits | reader.get(bits)) as u8,
                };
            }
        }
        for (index, place) in rows
            .flat_map(|y| (0..block.width).map(move |x| (y, x)))
            .enumerate()
        {
            let (y, x) = place;
            let mut values = expected(block, y, x);
            for channel in 0..channels {
                let size = i32::from(sizes[channel][index]);
                values[channel] += size >> 1 ^ -(size & 1);
            }
            block.pixels[y * BLOCK + x] = pixel_of(values, colourful, alpha);
        }
    }
}

/// Unpacks a block.
pub(super) fn unpack(bytes: &[u8], book: &ColourBook) -> Block {
    let mut reader = Reader {
        bytes,
        bits: 0,
        count: 0,
    };
    let mut block = Block {
        pixels: [0; BLOCK * BLOCK],
        width: reader.get(4) as usize + 1,
        height: reader.get(4) as usize + 1,
    };
    let alpha = reader.get(8) << 24;
    let by_palette = reader.bit();
    let colourful = reader.bit();
    match by_palette {
        true => unpack_by_palette(&mut block, colourful, book, alpha, &mut reader),
        false => unpack_by_prediction(&mut block, colourful, alpha, &mut reader),
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block() -> impl Strategy<Value = Block> {
        let pixel = prop_oneof![
            6 => 0u32..4,
            2 => 0u32..90,
            1 => any::<u32>(),
        ];
        let alike = any::<bool>();
        let pixels = proptest::collection::vec(pixel, BLOCK * BLOCK);
        (1..=BLOCK, 1..=BLOCK, pixels, alike, any::<bool>()).prop_map(
            |(width, height, mut pixels, alike, smooth)| {
                for (index, pixel) in pixels.iter_mut().enumerate() {
                    if smooth {
                        *pixel = *pixel % 5 * 0x0001_0201 + index as u32 * 0x300;
                    }
                    if alike {
                        *pixel |= 0xFF00_0000;
                    }
                    if index % BLOCK >= width || index / BLOCK >= height {
                        *pixel = 0;
                    }
                }
                Block {
                    pixels: pixels.try_into().expect("as many as a block has"),
                    width,
                    height,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn blocks_come_back(block in block()) {
            let mut bytes = [0; PACKED_MAX];
            let mut book = ColourBook::new();
            if let Some(length) = pack(&block, true, &mut book, &mut bytes) {
                prop_assert_eq!(unpack(&bytes[..length], &book), block);
            }
            let mut gray = block;
            gray.pixels.iter_mut().for_each(|pixel| *pixel &= 0xFF00_FF00);
            if let Some(length) = pack(&gray, false, &mut book, &mut bytes) {
                prop_assert_eq!(unpack(&bytes[..length], &book), gray);
            }
        }

        #[test]
        fn any_bytes_are_a_block(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            unpack(&bytes, &ColourBook::new());
        }
    }
}
