//! Sizes and speeds on real images; for development.
//!
//! `PIXELS=DIR-OR-FILES cargo test --release -p lepta-codec --lib pixels::measure -- --ignored
//! --nocapture`. The files of `PIXELS` (a folder, or paths between colons) are coded in the order of
//! their names, each with the one before as its reference, and decoded again. `KEY_EVERY=N` resets
//! the model before every Nth image, 1 before each; `EVERY=N` takes every Nth file only;
//! `LEVEL=fast`.

use super::tests::{decode, encode};
use super::{PixelFormat, PixelModel};
use crate::Level;
use std::time::Duration;

struct Image {
    format: PixelFormat,
    rows: Vec<u8>,
    file_size: usize,
}

/// Reads a PNG; `None` if it is damaged.
fn read(path: &str) -> Option<Image> {
    let file = std::fs::read(path).ok()?;
    let mut decoder = png::Decoder::new(&file[..]);
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    let (colour, depth) = (info.color_type as u8, info.bit_depth as u8);
    let format = PixelFormat::new(info.width, colour, depth)?;
    let mut rows = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut rows).ok()?;
    Some(Image {
        format,
        rows,
        file_size: file.len(),
    })
}

/// The files to measure on.
fn paths() -> Vec<String> {
    let given = std::env::var("PIXELS").expect("PIXELS names a folder or files");
    let mut paths: Vec<String> = match std::fs::read_dir(&given) {
        Ok(entries) => entries
            .map(|entry| entry.expect("an entry").path().display().to_string())
            .filter(|path| path.ends_with(".png"))
            .collect(),
        Err(_) => given.split(':').map(str::to_owned).collect(),
    };
    paths.sort();
    let every = number("EVERY").unwrap_or(1);
    paths.into_iter().step_by(every).collect()
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// Time that this thread has run so far.
fn now() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let ran = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(ran.expect("a number"))
}

#[test]
#[ignore = "measures real images; needs PIXELS"]
fn measure() {
    let level = match std::env::var("LEVEL").as_deref() {
        Ok("fast") => Level::Fast,
        _ => Level::Default,
    };
    let key_every = number("KEY_EVERY").unwrap_or(usize::MAX);
    let (mut encoder, mut decoder) = (PixelModel::new(level), PixelModel::new(level));
    let mut previous: Option<Image> = None;
    let (mut images, mut files, mut coded_size, mut pixels) = (0, 0, 0, 0);
    let (mut encoding, mut decoding) = (Duration::ZERO, Duration::ZERO);
    for path in paths() {
        let Some(image) = read(&path) else {
            println!("{path}: not decoded");
            continue;
        };
        let is_key = images % key_every == 0;
        if is_key {
            encoder.reset();
            decoder.reset();
        }
        let reference = previous.as_ref().filter(|previous| {
            !is_key && previous.format == image.format && previous.rows.len() == image.rows.len()
        });
        let reference = reference.map(|previous| &previous.rows[..]);
        let start = now();
        let coded = encode(&mut encoder, image.format, &image.rows, reference);
        let middle = now();
        let size = image.rows.len();
        let back = decode(&mut decoder, image.format, &coded, size, reference);
        let end = now();
        assert!(back == image.rows, "{path} does not come back");
        println!(
            "{:9} {:9} {:5.1} ms {:5.1} ms {path}",
            image.file_size,
            coded.len(),
            (middle - start).as_secs_f64() * 1e3,
            (end - middle).as_secs_f64() * 1e3,
        );
        encoding += middle - start;
        decoding += end - middle;
        images += 1;
        files += image.file_size;
        coded_size += coded.len();
        pixels += image.format.width() * (size / image.format.row_bytes());
        previous = Some(image);
    }
    let speed = |time: Duration| pixels as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{images} images, {files} bytes to {coded_size}: {:.3} % saved; {:.1} MP/s in, {:.1} out",
        100.0 - 100.0 * coded_size as f64 / files as f64,
        speed(encoding),
        speed(decoding),
    );
}
