//! From parameters to the bytes of a file.

use super::content;
use super::defects::Defect;
use super::filters;
use super::parameters::{FilterChoice, Interruption, PngParameters, StreamWriter};
use fastrand::Rng;
use lepta_reference_zlib as zlib;
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};

/// First column, first row, column step and row step of Adam7's passes.
const ADAM7: [[usize; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

/// The bytes of a file.
pub fn write(parameters: &PngParameters) -> Vec<u8> {
    let content = content::samples(parameters);
    let stream = zlib_stream(parameters, &scanlines(parameters, &content));
    write_around(parameters, &stream)
}

/// The bytes of a file in 8-bit gray whose rows, of the width that `parameters` say, are these bytes, the
/// last one filled up with zeros, without filters. Of `parameters` those of zlib and the chunk size
/// count too.
///
/// # Panics
/// If there are no bytes.
pub fn write_gray(parameters: &PngParameters, pixels: &[u8]) -> Vec<u8> {
    let rows = pixels.chunks(parameters.width as usize).map(|row| {
        let mut scanline = vec![0; 1 + parameters.width as usize];
        scanline[1..=row.len()].copy_from_slice(row);
        scanline
    });
    let scanlines: Vec<Vec<u8>> = rows.collect();
    assert!(!scanlines.is_empty(), "an image has pixels");
    let parameters = PngParameters {
        height: scanlines.len() as u32,
        colour_type: 0,
        bit_depth: 8,
        interlaced: false,
        defect: None,
        ..parameters.clone()
    };
    write_around(&parameters, &zlib_stream(&parameters, &scanlines))
}

/// A file with this zlib stream.
fn write_around(parameters: &PngParameters, stream: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut header = Vec::new();
    header.extend(parameters.width.to_be_bytes());
    header.extend(parameters.height.to_be_bytes());
    header.extend([parameters.bit_depth, parameters.colour_type, 0, 0]);
    header.push(u8::from(parameters.interlaced));
    push_chunk(&mut file, b"IHDR", &header);
    if parameters.colour_type == 3 {
        let palette: Vec<u8> = (0u32..3 << parameters.bit_depth)
            .map(|i| (i % 256) as u8)
            .collect();
        push_chunk(&mut file, b"PLTE", &palette);
    }
    push_image_data(&mut file, parameters, stream);
    if parameters.defect == Some(Defect::Truncated) {
        file.truncate(file.len() - stream.len() / 2);
    } else if parameters.defect != Some(Defect::NoEnd) {
        push_chunk(&mut file, b"IEND", &[]);
    }
    file
}

fn push_chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let covered = [kind, data].concat();
    file.extend((data.len() as u32).to_be_bytes());
    file.extend_from_slice(&covered);
    file.extend(crc32fast::hash(&covered).to_be_bytes());
}

fn push_image_data(file: &mut Vec<u8>, parameters: &PngParameters, stream: &[u8]) {
    let defect = parameters.defect;
    for (number, data) in stream.chunks(parameters.chunk_size).enumerate() {
        push_chunk(file, b"IDAT", data);
        if number == 0 && defect == Some(Defect::WrongCrc) {
            let last = file.len() - 1;
            file[last] ^= 0x40;
        }
        if defect == Some(Defect::EmptyChunks) {
            push_chunk(file, b"IDAT", &[]);
        }
        if number == 1 && defect == Some(Defect::ForeignChunk) {
            push_chunk(file, b"tEXt", b"Comment\0between image data");
        }
    }
}

fn zlib_stream(parameters: &PngParameters, scanlines: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = match parameters.writer {
        StreamWriter::Zlib => by_zlib(parameters, scanlines, None),
        StreamWriter::ZlibFlushed => by_zlib(parameters, scanlines, Some(zlib::Z_PARTIAL_FLUSH)),
        StreamWriter::ZlibInterrupted(row, by) => interrupted(parameters, scanlines, row, by),
        StreamWriter::Miniz => by_miniz(parameters, scanlines, None),
        StreamWriter::MinizFlushed => by_miniz(parameters, scanlines, Some(TDEFLFlush::Sync)),
        StreamWriter::Any | StreamWriter::AnyOdd => by_any(parameters, scanlines),
    };
    let length = stream.len();
    match parameters.defect {
        Some(Defect::WrongAdler) => stream[length - 2] ^= 1,
        Some(Defect::TrailingBytes) => stream.extend_from_slice(b"trailing bytes"),
        Some(Defect::ChangedByte) => stream[length / 2] ^= 4,
        Some(Defect::SmallerWindow) => {
            let header = u16::from_be_bytes([0x48, stream[1] & 0xE0]);
            let header = header + (31 - header % 31);
            stream[..2].copy_from_slice(&header.to_be_bytes());
        }
        _ => {}
    }
    stream
}

fn by_zlib(parameters: &PngParameters, scanlines: &[Vec<u8>], flush: Option<i32>) -> Vec<u8> {
    let mut deflate = zlib::Deflate::new(
        parameters.level,
        parameters.strategy,
        parameters.memory_level,
        parameters.window_bits,
        8192,
    );
    let mut stream = Vec::new();
    for scanline in scanlines {
        deflate.compress(scanline, zlib::Z_NO_FLUSH, &mut stream);
    }
    for flush in flush.into_iter().chain([zlib::Z_FINISH]) {
        deflate.compress(&[], flush, &mut stream);
    }
    stream
}

fn interrupted(
    parameters: &PngParameters,
    scanlines: &[Vec<u8>],
    row: u32,
    by: Interruption,
) -> Vec<u8> {
    let (before, behind) = scanlines.split_at(scanlines.len().min(row as usize));
    let mut deflate = zlib::Deflate::new(
        parameters.level,
        parameters.strategy,
        parameters.memory_level,
        parameters.window_bits,
        8192,
    );
    let mut stream = Vec::new();
    for scanline in before {
        deflate.compress(scanline, zlib::Z_NO_FLUSH, &mut stream);
    }
    let flush = match by {
        Interruption::BlockEnd => zlib::Z_BLOCK,
        Interruption::FullFlush => zlib::Z_FULL_FLUSH,
        Interruption::OtherLevel | Interruption::OtherEncoder => zlib::Z_SYNC_FLUSH,
    };
    deflate.compress(&[], flush, &mut stream);
    let other = match by {
        Interruption::BlockEnd | Interruption::FullFlush => {
            for scanline in behind {
                deflate.compress(scanline, zlib::Z_NO_FLUSH, &mut stream);
            }
            deflate.compress(&[], zlib::Z_FINISH, &mut stream);
            return stream;
        }
        Interruption::OtherLevel => {
            let parameters = PngParameters {
                level: 9,
                ..parameters.clone()
            };
            by_zlib(&parameters, behind, None)
        }
        Interruption::OtherEncoder => by_any(parameters, behind),
    };
    stream.extend(&other[2..other.len() - 4]);
    stream.extend(adler(&scanlines.concat()).to_be_bytes());
    stream
}

fn by_any(parameters: &PngParameters, scanlines: &[Vec<u8>]) -> Vec<u8> {
    let bytes = scanlines.concat();
    let options = zlib::AnyDeflate {
        seed: parameters.seed,
        reach: 1 << parameters.window_bits,
        long_form: parameters.writer == StreamWriter::AnyOdd,
    };
    let header = ((parameters.window_bits - 8).cast_unsigned() as u16) << 12 | 0x0880;
    let header = header + (31 - header % 31);
    let mut stream = header.to_be_bytes().to_vec();
    stream.extend(options.write(&bytes));
    stream.extend(adler(&bytes).to_be_bytes());
    stream
}

/// The checksum of RFC 1950.
fn adler(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for &byte in bytes {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

fn by_miniz(
    parameters: &PngParameters,
    scanlines: &[Vec<u8>],
    flush: Option<TDEFLFlush>,
) -> Vec<u8> {
    let mut compressor = CompressorOxide::default();
    let level = u8::try_from(parameters.level).expect("a level");
    compressor.set_format_and_level(DataFormat::Zlib, level);
    let mut stream = Vec::new();
    let mut compress = |input: &[u8], flush| {
        compress_to_output(&mut compressor, input, flush, |bytes| {
            stream.extend_from_slice(bytes);
            true
        });
    };
    for scanline in scanlines {
        compress(scanline, TDEFLFlush::None);
    }
    for flush in flush.into_iter().chain([TDEFLFlush::Finish]) {
        compress(&[], flush);
    }
    stream
}

/// The filtered rows of all passes.
fn scanlines(parameters: &PngParameters, samples: &[u16]) -> Vec<Vec<u8>> {
    let passes: &[[usize; 4]] = match parameters.interlaced {
        true => &ADAM7,
        false => &[[0, 0, 1, 1]],
    };
    let mut random = Rng::with_seed(parameters.seed);
    let mut all = Vec::new();
    for pass in passes {
        filter_pass(
            &mut all,
            &pack_pass(parameters, samples, pass),
            parameters,
            &mut random,
        );
    }
    match parameters.defect {
        Some(Defect::MissingRows) => all.truncate(all.len() - all.len().div_ceil(4)),
        Some(Defect::ExtraRows) => all.extend_from_within(..all.len().div_ceil(4)),
        Some(Defect::UnknownFilter) => {
            let middle = all.len() / 2;
            all[middle][0] = 77;
        }
        _ => {}
    }
    all
}

fn filter_pass(
    out: &mut Vec<Vec<u8>>,
    rows: &[Vec<u8>],
    parameters: &PngParameters,
    random: &mut Rng,
) {
    let bits = parameters.channels() * usize::from(parameters.bit_depth);
    let distance = bits.div_ceil(8);
    let mut above = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        let number = match parameters.filters {
            FilterChoice::LeastSum => filters::least_sum(distance, row, &above),
            FilterChoice::Fixed(number) => number,
            FilterChoice::Random => random.u8(..5),
        };
        out.push(filters::filtered(number, distance, row, &above));
        above.clone_from(row);
    }
}

/// The packed rows of one pass.
fn pack_pass(parameters: &PngParameters, samples: &[u16], pass: &[usize; 4]) -> Vec<Vec<u8>> {
    let &[first_column, first_row, column_step, row_step] = pass;
    let (width, height) = (parameters.width as usize, parameters.height as usize);
    let channels = parameters.channels();
    let depth = usize::from(parameters.bit_depth);
    let mut rows = Vec::new();
    for y in (first_row..height).step_by(row_step) {
        let mut row = Vec::new();
        let mut bits = 0usize;
        for x in (first_column..width).step_by(column_step) {
            for channel in 0..channels {
                let sample = samples[(y * width + x) * channels + channel];
                push_sample(&mut row, &mut bits, sample >> (16 - depth), depth);
            }
        }
        if !row.is_empty() {
            rows.push(row);
        }
    }
    rows
}

fn push_sample(row: &mut Vec<u8>, bits: &mut usize, sample: u16, depth: usize) {
    if depth == 16 {
        row.extend(sample.to_be_bytes());
        return;
    }
    let used = *bits % 8;
    if used == 0 {
        row.push(0);
    }
    if let Some(last) = row.last_mut() {
        *last |= (sample as u8) << (8 - depth - used);
    }
    *bits += depth;
}
