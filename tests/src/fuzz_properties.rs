//! What the fuzz targets assert, for any bytes.
//!
//! Invariant: a property panics if it does not hold, and does nothing else; the
//! targets in `fuzz/` and the replay of their seeds run the same functions.

use crate::container::{keys, repair_checksums, segments};
use crate::in_process::{
    Damage, LEVELS, compress, compress_against, compress_restarting, compress_seeing,
    compress_summed, decompress, decompress_against, decompress_by_pixels, decompress_from,
};
use crate::jpeg_generator::{Kind, generate};
use crate::png_generator::{Defect, PngParameters, write, write_gray};
use lepta_codec::{Error, Level, ReferenceFile, SEGMENT_INPUT};
use std::sync::LazyLock;

/// Any bytes come back. The first byte chooses the level.
pub fn bytes_come_back(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else {
        return;
    };
    assert_comes_back(input, level(choice));
}

/// A generated JPEG comes back. The first byte chooses the level, the second the
/// kind, the next eight the seed.
pub fn generated_files_come_back(data: &[u8]) {
    let Some(([choice, kind], seed)) = data.split_first_chunk() else {
        return;
    };
    let kinds: Vec<Kind> = Kind::all().collect();
    let mut bytes = [0; 8];
    let length = seed.len().min(8);
    bytes[..length].copy_from_slice(&seed[..length]);
    let file = generate(
        kinds[usize::from(*kind) % kinds.len()],
        u64::from_le_bytes(bytes),
    );
    assert_comes_back(&file.into_bytes(), level(*choice));
}

/// A generated JPEG that was damaged comes back, and what is coded does not depend on how much of it is in
/// sight. The first byte chooses the level, the second the kind, the third how much is in sight, the next
/// eight the seed; then four bytes each make a change: two say where, one what, one how much.
pub fn damaged_files_come_back(data: &[u8]) {
    let Some(([choice, kind, sight], rest)) = data.split_first_chunk() else {
        return;
    };
    let Some((kind, file)) = damaged_file(*kind, rest) else {
        return;
    };
    let level = level(*choice);
    let compressed = compress(&file, level);
    assert!(
        decompress(&compressed).as_deref() == Ok(&file),
        "other bytes come back of {} at {level:?}",
        kind.name()
    );
    let visible = SEGMENT_INPUT + usize::from(*sight) * 1021;
    assert!(compress_seeing(&file, level, visible) == compressed);
}

/// A generated JPEG that was damaged, twice, comes back if models start anew within it, also from some of
/// these places on. The first byte chooses the level, the second the kind, the third how much is in
/// sight, the fourth after how many bytes models start anew; the others are as above.
pub fn restarted_files_come_back(data: &[u8]) {
    let Some(([choice, kind, sight, every], rest)) = data.split_first_chunk() else {
        return;
    };
    let Some((kind, file)) = damaged_file(*kind, rest) else {
        return;
    };
    let (file, level) = (file.repeat(2), level(*choice));
    let every = 4096 + u64::from(*every) * 64;
    let compressed = compress_restarting(&file, level, every, SEGMENT_INPUT);
    assert!(
        decompress(&compressed).as_deref() == Ok(&file),
        "other bytes come back of {} at {level:?}",
        kind.name()
    );
    // Each decodes all that is behind it, so a few must do where there are many.
    let keys = keys(&compressed);
    for &(start, raw_start) in keys.iter().step_by(1 + keys.len() / 8) {
        assert!(
            decompress_from(&compressed[start..], level).as_deref() == Ok(&file[raw_start..]),
            "other bytes come back of {} at {level:?} from {raw_start} on",
            kind.name()
        );
    }
    let visible = SEGMENT_INPUT + usize::from(*sight) * 1021;
    assert!(compress_restarting(&file, level, every, visible) == compressed);
}

/// A generated JPEG of a kind, from a seed of eight bytes and changes of four bytes each.
fn damaged_file(kind: u8, seed_and_changes: &[u8]) -> Option<(Kind, Vec<u8>)> {
    let (seed, changes) = seed_and_changes.split_first_chunk()?;
    let kinds: Vec<Kind> = Kind::all().collect();
    let kind = kinds[usize::from(kind) % kinds.len()];
    let mut file = generate(kind, u64::from_le_bytes(*seed)).into_bytes();
    for &[low, high, what, count] in changes.as_chunks::<4>().0 {
        let place = usize::from(u16::from_le_bytes([low, high])) * (file.len() + 1) / 65_536;
        let count = usize::from(count).min(file.len() - place);
        match what % 4 {
            0 => file.truncate(place),
            1 => drop(file.drain(place..place + count)),
            2 => file[place..place + count].fill(what),
            _ => {
                let copy = file[place..place + count].to_vec();
                file.splice(place..place, copy);
            }
        }
    }
    Some((kind, file))
}

/// Where a container's header names the draft of its format, and the present one.
const DRAFT_OFFSET: usize = 6;
static DRAFT: LazyLock<u8> = LazyLock::new(|| compress(&[], Level::Fast)[DRAFT_OFFSET]);

/// The decoder takes any bytes, also behind right checksums, and gives an error
/// or bytes; it neither panics nor runs on.
pub fn decoder_takes_anything(data: &[u8]) {
    let mut forged = data.to_vec();
    // Containers of earlier drafts would be refused for that alone.
    if let Some(draft) = forged.get_mut(DRAFT_OFFSET) {
        *draft = *DRAFT;
    }
    repair_checksums(&mut forged);
    let plain = decompress(data);
    let repaired = decompress(&forged);
    // What decodes had the right checksums before.
    assert!(plain.is_err() || repaired == plain);
}

/// The replay of deflate puts out what the real zlib does: an image made by it is modelled whole, to the
/// last byte. The first bytes choose zlib's level, strategy, memory level and the width; what follows is
/// a program that makes the pixels, see `run_program`.
pub fn deflate_is_replayed(data: &[u8]) {
    let Some(([level, strategy, memory_level, width], program)) = data.split_first_chunk() else {
        return;
    };
    let pixels = run_program(program);
    if pixels.is_empty() {
        return;
    }
    let parameters = PngParameters {
        width: 1 + u32::from(*width) * 5,
        level: 1 + i32::from(level % 9),
        strategy: i32::from(strategy % 5),
        // Others are only found where the first block shows them.
        memory_level: 8 + i32::from(memory_level % 2),
        ..PngParameters::screenshot(1, 1, 0)
    };
    let file = write_gray(&parameters, &pixels);
    let (compressed, summary) = compress_summed(&file, Level::Fast);
    assert_eq!(
        (summary.images, &summary.reasons[..]),
        (1, &[][..]),
        "level {}, strategy {}, memory level {}",
        parameters.level,
        parameters.strategy,
        parameters.memory_level
    );
    assert!(decompress(&compressed).as_deref() == Ok(&file));
}

/// Most bytes that a program makes.
const PROGRAM_OUTPUT: usize = 100_000;

/// Bytes made by instructions of four bytes each: the first says what, the others how much of it. So a
/// short input slides zlib's window and fills its blocks.
fn run_program(program: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = vec![];
    for &[kind, a, b, c] in program.as_chunks::<4>().0 {
        let length = 1 + usize::from(c) * 9;
        if bytes.len() + length > PROGRAM_OUTPUT {
            break;
        }
        match kind % 4 {
            0 => bytes.extend([a, b, c]),
            1 => bytes.extend(vec![a; length + usize::from(b % 9)]),
            2 => {
                let distance = 1 + usize::from(u16::from_le_bytes([a, b]));
                for _ in 0..length {
                    let from = bytes.len().checked_sub(distance);
                    bytes.push(from.map_or(0, |from| bytes[from]));
                }
            }
            _ => {
                let mut noise = fastrand::Rng::with_seed(u64::from(a) << 8 | u64::from(b));
                bytes.extend((0..length).map(|_| noise.u8(..) >> (a % 8)));
            }
        }
    }
    bytes
}

/// A generated PNG of any kind comes back, alone and twice in a stream. The first byte chooses the
/// level, the second what is wrong with the file, if anything, the next eight the seed.
pub fn png_files_come_back(data: &[u8]) {
    let Some(([choice, defect], seed)) = data.split_first_chunk() else {
        return;
    };
    let mut bytes = [0; 8];
    let length = seed.len().min(8);
    bytes[..length].copy_from_slice(&seed[..length]);
    let parameters = PngParameters {
        defect: Defect::ALL.get(usize::from(*defect)).copied(),
        ..PngParameters::random(u64::from_le_bytes(bytes), 80)
    };
    let file = write(&parameters);
    let next = write(&PngParameters {
        frame: 1,
        defect: None,
        ..parameters
    });
    assert_comes_back(&file, level(*choice));
    assert_comes_back(&[&file[..], &next, &file].concat(), level(*choice));
}

/// Frames come back where only the pixels of those before them were decoded, or there is an error, also if
/// the container is damaged behind right checksums. The first byte chooses the level, the second what pixels
/// may take, the next eight the seed; then two bytes each say where the container is changed, and one how.
pub fn frames_come_back_by_pixels(data: &[u8]) {
    let Some(([choice, room], rest)) = data.split_first_chunk() else {
        return;
    };
    let Some((seed, changes)) = rest.split_first_chunk() else {
        return;
    };
    let parameters = PngParameters::random(u64::from_le_bytes(*seed), 80);
    let mut run = vec![];
    for frame in 0..4 {
        let parameters = parameters.clone();
        run.extend(write(&PngParameters {
            frame,
            ..parameters
        }));
        // So that segments begin with frames.
        run.resize(run.len().next_multiple_of(SEGMENT_INPUT / 2), 0);
    }
    let mut compressed = compress(&run, level(*choice));
    for &[low, high, change] in changes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_le_bytes([low, high])) % compressed.len();
        compressed[place] ^= change;
    }
    repair_checksums(&mut compressed);
    let whole = decompress(&compressed);
    let mut start = 0;
    for (number, (_, raw_length)) in segments(&compressed).into_iter().enumerate() {
        match decompress_by_pixels(&compressed, number, usize::from(*room) << 9) {
            Ok((part, _)) => assert!(part == run[start..], "segment {number}"),
            // A segment within the image data of a frame needs the frame's bytes.
            Err(Damage::Codec(Error::OnlyPixels)) => {}
            Err(damage) => assert!(whole.is_err(), "segment {number}: {damage:?}"),
        }
        start = run.len().min(start + raw_length);
    }
}

/// A damaged reference does no harm: an image coded against it comes back, and a container that was forged
/// to name it gives an error or the right bytes. The first byte chooses the level; then two bytes each say
/// where in the reference, and one what is changed there.
pub fn hostile_references_do_no_harm(data: &[u8]) {
    let Some((&choice, changes)) = data.split_first() else {
        return;
    };
    let frames = [0, 1].map(|frame| {
        write(&PngParameters {
            chunk_size: 300,
            ..PngParameters::screenshot(120, 80, frame)
        })
    });
    let mut hostile = frames[0].clone();
    for &[low, high, change] in changes.as_chunks::<3>().0 {
        let place = usize::from(u16::from_le_bytes([low, high])) % (hostile.len() + 1);
        match hostile.get_mut(place) {
            Some(byte) => *byte ^= change,
            None => hostile.truncate(hostile.len() - usize::from(change).min(hostile.len())),
        }
        if hostile.is_empty() {
            break;
        }
    }
    let (against, _) = compress_against(&frames[1], level(choice), &hostile);
    assert!(decompress_against(&against, &hostile).as_deref() == Ok(&frames[1]));
    let (mut forged, _) = compress_against(&frames[1], level(choice), &frames[0]);
    let identity = ReferenceFile::new(hostile.clone()).identity();
    forged[12..16].copy_from_slice(&identity.length.to_le_bytes());
    forged[16..20].copy_from_slice(&identity.checksum.to_le_bytes());
    repair_checksums(&mut forged);
    let decoded = decompress_against(&forged, &hostile);
    assert!(decoded.is_err() || decoded.as_deref() == Ok(&frames[1]));
}

fn level(choice: u8) -> Level {
    LEVELS[usize::from(choice) % LEVELS.len()]
}

fn assert_comes_back(input: &[u8], level: Level) {
    let compressed = compress(input, level);
    assert!(
        decompress(&compressed).as_deref() == Ok(input),
        "other bytes come back at {level:?}"
    );
}
