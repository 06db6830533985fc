//! Images one after another and amid other data save about as much as each by itself.

use crate::inputs;
use fastrand::Rng;
use lepta_codec::Level;
use lepta_tests::in_process::{LEVELS, compress, compress_summed, decompress};
use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Process};

/// The sizes that files are compressed to, one by one, and all together as `stream`.
fn sizes(files: &[Vec<u8>], stream: &[u8], level: Level) -> (usize, usize) {
    let compressed = compress(stream, level);
    assert!(decompress(&compressed).as_deref() == Ok(stream));
    let alone = files.iter().map(|file| compress(file, level).len()).sum();
    (alone, compressed.len())
}

/// A photo of one camera or another.
fn photo(seed: u64) -> Vec<u8> {
    let sampling = [(2, 1 + (seed % 2) as u8), (1, 1), (1, 1)];
    let process = match seed % 3 {
        2 => Process::Progressive,
        _ => Process::Baseline,
    };
    let mut file = JpegParameters::new(seed, process, 640, 400, &sampling);
    file.content = match seed % 2 {
        0 => Content::Scene,
        _ => Content::Natural { detail: 5.0 },
    };
    file.quality = 75 + (seed % 4) as u8 * 6;
    JpegStream::new(&file).into_bytes()
}

/// What an archive puts around each file (IEEE Std 1003.1, pax, ustar interchange format).
fn archive(files: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut header = format!("photos/IMG_{number:04}.JPG").into_bytes();
        header.resize(100, 0);
        header.extend(format!("0000644\0{:07o}\0{:07o}\0", 1000, 1000).bytes());
        header.extend(format!("{:011o}\0{:011o}\0", file.len(), 1_700_000_000).bytes());
        header.extend(b"012345\0 0");
        header.resize(512, 0);
        archive.extend(header);
        archive.extend(file);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn an_archive_of_photos_saves_what_the_photos_do() {
    let photos: Vec<Vec<u8>> = (0..50).map(photo).collect();
    let archive = archive(&photos);
    let raw: usize = photos.iter().map(Vec::len).sum();
    for level in [Level::Fast, Level::Default] {
        let (alone, together) = sizes(&photos, &archive, level);
        let lost = 100.0 * (together as f64 - alone as f64) / raw as f64;
        assert!(lost < 0.5, "{lost} points at {level:?}");
    }
}

/// As phones write them: a photo, and behind it a short film.
#[test]
fn a_motion_photo_saves_on_its_photo() {
    let mut noise = Rng::with_seed(5);
    let mut film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42".to_vec();
    for _ in 0..40 {
        film.extend(b"\0\0\x10\0mdat");
        film.extend((0..4088).map(|_| noise.u8(..)));
    }
    let photo = inputs::several_segments();
    let whole = [&photo[..], &film].concat();
    for level in LEVELS {
        let (alone, together) = sizes(&[photo.clone(), film.clone()], &whole, level);
        assert!(
            together < alone + 100,
            "{together} for {alone} at {level:?}"
        );
        let modelled = |input: &[u8]| compress_summed(input, level).1.image_bytes;
        assert_eq!(modelled(&whole), modelled(&photo));
    }
}

/// As in CIPA DC-007: further images behind the first one, found by their own bytes.
#[test]
fn a_file_of_several_pictures_saves_on_all_of_them() {
    let pictures = [
        inputs::sample(),
        photo(2),
        photo(4),
        photo(5),
        inputs::preview(),
    ];
    let whole = pictures.concat();
    for level in LEVELS {
        let (alone, together) = sizes(&pictures, &whole, level);
        assert!(
            together < alone + 200,
            "{together} for {alone} at {level:?}"
        );
        let modelled = |input: &[u8]| compress_summed(input, level).1.image_bytes;
        let each: u64 = pictures.iter().map(|picture| modelled(picture)).sum();
        assert_eq!(modelled(&whole), each);
    }
}
