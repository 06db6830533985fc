//! Makes the golden files that `tests/golden.rs` decodes.
//!
//! `cargo run --release -p lepta-codec --example golden -- [PHOTO.jpg...]`: besides made-up inputs,
//! `tests/data/sample.jpg` and the three PNGs of `tests/data/screens.png`, the photos given, each at both levels. Small ones, please.

use lepta_codec::{ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, KEY_EVERY, Level};
use lepta_reference_zlib::AnyDeflate;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// `restart_every`: after how many bytes models start anew, 0 for never.
fn encode(input: &[u8], level: Level, restart_every: u64, stored: bool) -> Vec<u8> {
    let mut encoder = Encoder::new(&EncoderOptions {
        level,
        // No more than the tests have.
        state_bytes: 4 << 20,
        key_every: KEY_EVERY,
        restart_every,
        image_bytes: 8 << 20,
    });
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut coded = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let segment = encoder.encode_segment(rest, true, &mut buffer);
        let written = match stored {
            true => encoder.encode_stored(&rest[..segment.consumed], &mut buffer),
            false => segment.written,
        };
        coded.extend_from_slice(&buffer[..written]);
        rest = &rest[segment.consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    coded.extend_from_slice(&buffer[..written]);
    coded
}

/// Numbers that look random, the same in every run (G. Marsaglia, "Xorshift RNGs", 2003).
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(next).collect()
}

fn text(count: usize) -> Vec<u8> {
    let line = |i: usize| format!("{i}: {} of {} are done\n", i * i % 89, i % 14).into_bytes();
    (0..).flat_map(line).take(count).collect()
}

/// Two PNGs of 8-bit gray, whose zlib streams no known encoder would write.
fn corrected_images() -> Vec<u8> {
    const WIDTH: u32 = 160;
    const HEIGHT: u32 = 150;
    let mut images = Vec::new();
    for number in 0..2u8 {
        let mut scanlines = Vec::new();
        for y in 0..HEIGHT {
            scanlines.push(0);
            scanlines.extend((0..WIDTH).map(|x| ((x * y) >> 5) as u8));
        }
        scanlines[5000] ^= number;
        let options = AnyDeflate {
            seed: 77,
            reach: 32_768,
            long_form: false,
        };
        let mut stream = vec![0x78, 0x9C];
        stream.extend(options.write(&scanlines));
        let (mut low, mut high) = (1u32, 0u32);
        for &byte in &scanlines {
            low = (low + u32::from(byte)) % 65_521;
            high = (high + low) % 65_521;
        }
        stream.extend((high << 16 | low).to_be_bytes());
        let mut header = WIDTH.to_be_bytes().to_vec();
        header.extend(HEIGHT.to_be_bytes());
        header.extend([8, 0, 0, 0, 0]);
        images.extend_from_slice(b"\x89PNG\r\n\x1A\n");
        for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &stream), (b"IEND", &[])] {
            let covered = [&kind[..], data].concat();
            images.extend((data.len() as u32).to_be_bytes());
            images.extend_from_slice(&covered);
            images.extend(crc32fast::hash(&covered).to_be_bytes());
        }
    }
    images
}

/// Names and contents of all inputs.
fn inputs(data: &Path, photos: &[PathBuf]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let sample = std::fs::read(data.join("sample.jpg"))?;
    let mut mixed = [
        text(5000),
        sample.clone(),
        noise(9000),
        sample[..50_000].to_vec(),
    ]
    .concat();
    mixed.extend(text(150_000));
    let mut inputs = vec![
        ("empty".to_owned(), Vec::new()),
        ("byte".to_owned(), vec![0]),
        ("text".to_owned(), text(40_000)),
        ("noise".to_owned(), noise(10_000)),
        ("sample".to_owned(), sample),
        ("mixed".to_owned(), mixed),
        (
            "screens".to_owned(),
            std::fs::read(data.join("screens.png"))?,
        ),
        ("corrected".to_owned(), corrected_images()),
    ];
    for photo in photos {
        let name = photo.file_stem().unwrap_or_default().to_string_lossy();
        inputs.push((
            name.replace(char::is_whitespace, "-"),
            std::fs::read(photo)?,
        ));
    }
    Ok(inputs)
}

fn main() -> io::Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = package.join("tests/golden");
    let photos: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut list = String::new();
    let mut write = |name: String, raw: &[u8], coded: &[u8]| {
        let (length, checksum) = (raw.len(), crc32fast::hash(raw));
        let _ = writeln!(list, "{name} {length} {checksum:08x}");
        std::fs::write(folder.join(format!("{name}.lepta")), coded)
    };
    for (name, raw) in inputs(&package.join("../../tests/data"), &photos)? {
        write(
            format!("{name}-fast"),
            &raw,
            &encode(&raw, Level::Fast, 0, false),
        )?;
        write(
            format!("{name}-default"),
            &raw,
            &encode(&raw, Level::Default, 0, false),
        )?;
    }
    let sample = std::fs::read(package.join("../../tests/data/sample.jpg"))?;
    for (name, level) in [("fast", Level::Fast), ("default", Level::Default)] {
        write(
            format!("restarted-{name}"),
            &sample,
            &encode(&sample, level, 16_384, false),
        )?;
    }
    let raw = text(140_000);
    write(
        "stored".to_owned(),
        &raw,
        &encode(&raw, Level::Default, 0, true),
    )?;
    std::fs::write(folder.join("list.txt"), list)
}
