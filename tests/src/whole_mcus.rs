//! What is whole of a sequential photo that is cut off: the photo of the MCUs before the cut, complete.
//!
//! Invariant: it knows nothing of the codec; it reads Huffman codes as T.81, annex F, has them.

use std::iter;

/// A JPEG file with one scan of all components, and where each MCU of that ends.
pub struct WholeMcus<'a> {
    photo: &'a [u8],
    /// Where the height stands in the frame header.
    height_at: usize,
    /// Lines of an MCU.
    mcu_lines: usize,
    mcus_per_row: usize,
    /// Where the scan's data begin.
    data_at: usize,
    /// For each MCU the place of the byte with its last bit, and how many of that byte's bits are not its.
    ends: Vec<(usize, u32)>,
}

impl<'a> WholeMcus<'a> {
    /// Reads the file's first frame and scan; `None` if that is not sequential, or not of all components.
    pub fn new(photo: &'a [u8]) -> Option<Self> {
        let mut tables = [const { None }; 32];
        let mut frame = None;
        let mut interval = 0;
        let mut place = 2;
        loop {
            let [0xFF, code, high, low] = *photo.get(place..)?.first_chunk()? else {
                return None;
            };
            let end = place + 2 + usize::from(u16::from_be_bytes([high, low]));
            let segment = photo.get(place + 4..end)?;
            match code {
                0xC0 | 0xC1 => frame = Some((place, segment)),
                0xC2..=0xCF if code != 0xC4 => return None,
                0xC4 => read_tables(segment, &mut tables)?,
                0xDD => interval = usize::from(u16::from_be_bytes(*segment.first_chunk()?)),
                0xDA => {
                    let (frame_at, frame) = frame?;
                    return Self::of_scan(
                        photo,
                        (frame_at, frame),
                        (end, segment),
                        &tables,
                        interval,
                    );
                }
                _ => {}
            }
            place = end;
        }
    }

    fn of_scan(
        photo: &'a [u8],
        (frame_at, frame): (usize, &[u8]),
        (data_at, scan): (usize, &[u8]),
        tables: &[Option<Lookup>; 32],
        interval: usize,
    ) -> Option<Self> {
        let factors: Vec<_> = frame.get(6..)?.chunks(3).map(|entry| entry[1]).collect();
        if scan[0] != frame[5] {
            return None;
        }
        let is_alone = factors.len() == 1;
        let sizes = |factor: &u8| match is_alone {
            true => (1, 1),
            false => (usize::from(factor >> 4), usize::from(factor & 15)),
        };
        let across = factors.iter().map(|factor| sizes(factor).0).max()?;
        let down = factors.iter().map(|factor| sizes(factor).1).max()?;
        let lines = usize::from(u16::from_be_bytes([frame[1], frame[2]]));
        let width = usize::from(u16::from_be_bytes([frame[3], frame[4]]));
        let mcus_per_row = width.div_ceil(8 * across);
        let mut blocks = vec![];
        for (factor, entry) in factors.iter().zip(scan.get(1..)?.chunks(2)) {
            let (across, down) = sizes(factor);
            let (dc, ac) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            let pair = (tables[dc].as_ref()?, tables[16 + ac].as_ref()?);
            blocks.extend(iter::repeat_n(pair, across * down));
        }
        let mut data = Data::new(photo, data_at);
        let mut ends = vec![];
        for mcu in 0..mcus_per_row * lines.div_ceil(8 * down) {
            if interval > 0 && mcu % interval == 0 {
                data.next = data.next.next_multiple_of(8);
            }
            for (dc, ac) in &blocks {
                data.skip_block(dc, ac)?;
            }
            ends.push(data.end()?);
        }
        Some(Self {
            photo,
            height_at: frame_at + 5,
            mcu_lines: 8 * down,
            mcus_per_row,
            data_at,
            ends,
        })
    }

    /// Where the scan's data begin, and where those of its last MCU end.
    pub fn data(&self) -> std::ops::Range<usize> {
        self.data_at..self.ends.last().map_or(self.data_at, |&(last, _)| last + 1)
    }

    /// The photo of the MCUs that lie before a cut at `cut`, ended as an encoder would: as few lines as
    /// they need, one-bits up to the next byte, EOI.
    pub fn before(&self, cut: usize) -> Vec<u8> {
        let mcus = self.ends.partition_point(|&(last, _)| last < cut);
        let (mut photo, left) = match self.ends[..mcus].last() {
            Some(&(last, left)) => (self.photo[..=last].to_vec(), left),
            None => (self.photo[..self.data_at].to_vec(), 0),
        };
        let rows = mcus.div_ceil(self.mcus_per_row);
        let lines = (rows * self.mcu_lines) as u16;
        let height = &mut photo[self.height_at..][..2];
        let lines = lines.min(u16::from_be_bytes([height[0], height[1]]));
        height.copy_from_slice(&lines.to_be_bytes());
        if mcus > 0 {
            let last = photo.len() - 1;
            photo[last] |= (1 << left) - 1;
            if photo[last] == 0xFF {
                photo.push(0);
            }
        }
        photo.extend([0xFF, 0xD9]);
        photo
    }
}

/// For each 16 bits the symbol whose code they begin with, and the code's length.
type Lookup = Vec<(u8, u8)>;

/// Reads the tables of a DHT segment: those for DC first, then those for AC.
fn read_tables(mut segment: &[u8], tables: &mut [Option<Lookup>; 32]) -> Option<()> {
    while let Some((&slot, rest)) = segment.split_first() {
        let (counts, mut rest) = rest.split_first_chunk::<16>()?;
        let mut lookup = vec![];
        for (length, &count) in (1..).zip(counts) {
            let (symbols, next) = rest.split_at_checked(usize::from(count))?;
            rest = next;
            for &symbol in symbols {
                lookup.extend(iter::repeat_n((symbol, length), 1 << (16 - length)));
            }
        }
        tables[usize::from(slot & 31)] = Some(lookup);
        segment = rest;
    }
    Some(())
}

/// The bits of a scan.
struct Data {
    /// The bytes without stuffing and restart markers, and where each stands in the file.
    bytes: Vec<u8>,
    places: Vec<usize>,
    /// The next bit.
    next: usize,
}

impl Data {
    fn new(photo: &[u8], start: usize) -> Self {
        let (mut bytes, mut places) = (vec![], vec![]);
        let mut place = start;
        while let Some(&byte) = photo.get(place) {
            match (byte, photo.get(place + 1)) {
                (0xFF, Some(0xD0..=0xD7)) => place += 2,
                (0xFF, Some(1..) | None) => break,
                _ => {
                    bytes.push(byte);
                    places.push(place);
                    place += if byte == 0xFF { 2 } else { 1 };
                }
            }
        }
        Self {
            bytes,
            places,
            next: 0,
        }
    }

    /// Passes over one code; its symbol, `None` if there is none.
    fn symbol(&mut self, lookup: &Lookup) -> Option<u8> {
        let byte = |index: usize| self.bytes.get(index).map_or(0, |&byte| usize::from(byte));
        let first = self.next / 8;
        let bits = byte(first) << 16 | byte(first + 1) << 8 | byte(first + 2);
        let &(symbol, length) = lookup.get(bits >> (8 - self.next % 8) & 0xFFFF)?;
        self.next += usize::from(length);
        Some(symbol)
    }

    /// Passes over a block (T.81, F.2.2).
    fn skip_block(&mut self, dc: &Lookup, ac: &Lookup) -> Option<()> {
        self.next += usize::from(self.symbol(dc)?);
        let mut index = 1;
        while index < 64 {
            let symbol = self.symbol(ac)?;
            if symbol == 0 {
                break;
            }
            index += usize::from(symbol >> 4) + 1;
            self.next += usize::from(symbol & 15);
        }
        Some(())
    }

    /// Where the byte with the last bit stands, and how many of its bits come behind that.
    fn end(&self) -> Option<(usize, u32)> {
        let last = self.next.checked_sub(1)?;
        Some((*self.places.get(last / 8)?, 7 - (last % 8) as u32))
    }
}
