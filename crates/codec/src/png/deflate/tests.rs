//! Replay and inflater against the real zlib.

use super::error::InflateError;
use super::inflater::Inflater;
use super::parameters::{Compressor, Flush, Parameters, Strategy};
use super::reference_tokens::same_ends;
use super::replay::Replay;
use super::search::{Search, Trial};
use super::token_reader::Progress;
use lepta_reference_zlib as zlib;
use proptest::prelude::{Just, Strategy as _, any, prop, prop_oneof, proptest};

const STRATEGIES: [Strategy; 5] = [
    Strategy::Default,
    Strategy::Filtered,
    Strategy::HuffmanOnly,
    Strategy::RunLength,
    Strategy::Fixed,
];

/// How the input is given to zlib.
#[derive(Clone, Copy, Debug)]
enum Feeding {
    /// Pieces of so many bytes, and then the end.
    Rows(usize),
    /// All at once, together with the end.
    Whole,
}

fn pieces(input: &[u8], feeding: Feeding) -> impl Iterator<Item = &[u8]> {
    input.chunks(match feeding {
        Feeding::Rows(length) => length,
        Feeding::Whole => usize::MAX,
    })
}

fn real_zlib(parameters: &Parameters) -> zlib::Deflate {
    let strategy = STRATEGIES
        .iter()
        .position(|strategy| *strategy == parameters.strategy)
        .expect("a known strategy");
    zlib::Deflate::new(
        parameters.level.into(),
        i32::try_from(strategy).expect("a small number"),
        parameters.memory_level.into(),
        parameters.window_bits.into(),
        parameters.output_buffer as usize,
    )
}

fn compressed_by_zlib(input: &[u8], parameters: &Parameters, feeding: Feeding) -> Vec<u8> {
    let mut deflate = real_zlib(parameters);
    let mut out = Vec::new();
    if matches!(feeding, Feeding::Whole) {
        deflate.compress(input, zlib::Z_FINISH, &mut out);
    } else {
        for piece in pieces(input, feeding) {
            deflate.compress(piece, zlib::Z_NO_FLUSH, &mut out);
        }
        deflate.compress(&[], zlib::Z_FINISH, &mut out);
    }
    out
}

fn replayed(
    replay: &mut Replay,
    input: &[u8],
    parameters: &Parameters,
    feeding: Feeding,
) -> Vec<u8> {
    replay.reset(parameters);
    let mut out = parameters.header().to_be_bytes().to_vec();
    if matches!(feeding, Feeding::Whole) {
        replay.flush(input, Flush::Finish, &mut out);
    } else {
        for piece in pieces(input, feeding) {
            replay.push(piece, &mut out);
        }
        replay.finish(Flush::None, &mut out);
    }
    let mut adler = super::adler::Adler32::new();
    adler.update(input);
    out.extend_from_slice(&adler.value().to_be_bytes());
    out
}

fn assert_replays(replay: &mut Replay, input: &[u8], parameters: &Parameters, feeding: Feeding) {
    let expected = compressed_by_zlib(input, parameters, feeding);
    let found = replayed(replay, input, parameters, feeding);
    let equal = expected
        .iter()
        .zip(&found)
        .take_while(|(a, b)| a == b)
        .count();
    assert!(
        expected == found,
        "{parameters:?}, {feeding:?}, {} bytes: {} and {} bytes are equal up to {equal}",
        input.len(),
        expected.len(),
        found.len(),
    );
}

/// A stream's bytes and length if it is valid, or the bytes before what is wrong.
type Judged = Result<(Vec<u8>, usize), (Vec<u8>, Option<InflateError>)>;

fn inflated(stream: &[u8], piece: usize) -> Judged {
    let mut inflater = Inflater::new();
    let mut bytes = Vec::new();
    for mut piece in stream.chunks(piece) {
        loop {
            let step = match inflater.inflate(&mut piece) {
                Ok(step) => step,
                Err(error) => return Err((bytes, Some(error))),
            };
            bytes.extend_from_slice(step.bytes);
            match step.progress {
                Progress::NeedsRoom => {}
                Progress::NeedsInput => break,
                Progress::Ended if inflater.stored_checksum() == Some(inflater.checksum()) => {
                    assert_eq!(inflater.produced(), bytes.len() as u64);
                    return Ok((bytes, inflater.consumed() as usize));
                }
                Progress::Ended => return Err((bytes, None)),
            }
        }
    }
    Err((bytes, None))
}

/// Bytes of several kinds: noise, few different ones, runs, text, filtered rows, repetitions.
fn recipe(most: usize) -> impl proptest::strategy::Strategy<Value = (u64, usize, u8)> {
    (any::<u64>(), 0..most, 0..7u8)
}

fn generate((seed, length, kind): (u64, usize, u8)) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = Vec::with_capacity(length + 300);
    while bytes.len() < length {
        match if kind == 6 { random.u8(0..6) } else { kind } {
            0 => bytes.push(random.u8(..)),
            1 => bytes.push(random.u8(0..4) * 60),
            2 => {
                let byte = random.u8(..);
                let run = random.usize(1..600);
                bytes.extend(std::iter::repeat_n(byte, run));
            }
            3 => {
                let words = ["deflate ", "the ", "window", " of ", "a\n", "lazy match "];
                bytes.extend_from_slice(words[random.usize(..words.len())].as_bytes());
            }
            4 => {
                let small = [0, 0, 0, 0, 0, 0, 1, 255, 2, 254];
                bytes.push(small[random.usize(..small.len())]);
            }
            _ => {
                let end = bytes.len();
                let distance = random.usize(1..40_000).min(end);
                let run = random.usize(1..400).min(distance);
                let start = end - distance;
                bytes.push(random.u8(..));
                bytes.extend_from_within(start..start + run.min(end - start));
            }
        }
    }
    bytes.truncate(length);
    bytes
}

fn parameters() -> impl proptest::strategy::Strategy<Value = Parameters> {
    (
        0..=9u8,
        prop::sample::select(STRATEGIES.to_vec()),
        1..=9u8,
        8..=15u8,
        prop_oneof![Just(8192u32), Just(1 << 20), 1..20_000u32],
    )
        .prop_map(
            |(level, strategy, memory_level, window_bits, output_buffer)| Parameters {
                compressor: Compressor::Zlib,
                level,
                strategy,
                memory_level,
                window_bits,
                output_buffer,
            },
        )
}

fn feeding() -> impl proptest::strategy::Strategy<Value = Feeding> {
    prop_oneof![
        Just(Feeding::Whole),
        (1..9000usize).prop_map(Feeding::Rows),
        (1..300usize).prop_map(Feeding::Rows),
    ]
}

proptest! {
    #[test]
    fn replay_equals_zlib(recipe in recipe(150_000), parameters in parameters(), feeding in feeding()) {
        let input = generate(recipe);
        let mut replay = Replay::new(&parameters);
        assert_replays(&mut replay, &input, &parameters, feeding);
    }

    #[test]
    fn inflating_gives_back(recipe in recipe(100_000), parameters in parameters(), piece in prop_oneof![1..4usize, 1..5000usize]) {
        let input = generate(recipe);
        let mut stream = compressed_by_zlib(&input, &parameters, Feeding::Whole);
        let length = stream.len();
        stream.extend_from_slice(b"what follows");
        let (bytes, consumed) = inflated(&stream, piece).expect("a valid stream");
        assert!(bytes == input);
        assert_eq!(consumed, length);
    }

    #[test]
    fn damaged_streams_are_judged_as_by_zlib(
        recipe in recipe(3000),
        parameters in parameters(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        headers_only in any::<bool>(),
        piece in prop_oneof![1..4usize, 1..5000usize],
    ) {
        let mut stream = compressed_by_zlib(&generate(recipe), &parameters, Feeding::Whole);
        // Most rules are those of headers and codes, at the start.
        let most = if headers_only { stream.len().min(80) } else { stream.len() };
        for (index, byte) in damage {
            stream[index.index(most)] = byte;
        }
        let judged = inflated(&stream, piece);
        assert_eq!(judged, inflated(&stream, usize::MAX));
        assert_eq!(judged.ok(), zlib::inflate(&stream));
    }
}

#[test]
fn every_parameter_set_replays() {
    let mut replay = Replay::new(&Parameters::new(9, Strategy::Default));
    let input = generate((1, 3000, 6));
    for level in 0..=9 {
        for strategy in STRATEGIES {
            for memory_level in 1..=9 {
                for window_bits in 8..=15 {
                    let parameters = Parameters {
                        compressor: Compressor::Zlib,
                        level,
                        strategy,
                        memory_level,
                        window_bits,
                        output_buffer: 8192,
                    };
                    assert_replays(&mut replay, &input, &parameters, Feeding::Rows(100));
                }
            }
        }
    }
}

/// Replays `input` beside `reference`, both in rows, and says how it compares with zlib.
fn assert_replays_beside(reference: &[u8], input: &[u8], parameters: &Parameters, row: usize) {
    let feeding = Feeding::Rows(row);
    let stream = compressed_by_zlib(reference, parameters, feeding);
    let expected = compressed_by_zlib(input, parameters, feeding);
    let mut inflater = Inflater::new();
    let mut replay = Replay::new(parameters);
    let mut stream = &stream[..];
    let mut found = parameters.header().to_be_bytes().to_vec();
    for (index, piece) in input.chunks(row).enumerate() {
        let end = index * row + piece.len();
        while inflater.produced() < end as u64 {
            let step = inflater.inflate(&mut stream).expect("a valid stream");
            replay.add_reference(step.tokens);
            if step.progress == Progress::Ended {
                break;
            }
        }
        let other = reference.get(index * row..).unwrap_or(&[]);
        let (same_start, same_end) = same_ends(piece, other);
        replay.push_compared(piece, same_start, same_end, &mut found);
    }
    replay.finish(Flush::None, &mut found);
    let body = &expected[..expected.len() - 4];
    let equal = body.iter().zip(&found).take_while(|(a, b)| a == b).count();
    assert!(
        body == found,
        "{parameters:?}, rows of {row}, {} bytes: {} and {} bytes are equal up to {equal}",
        input.len(),
        body.len(),
        found.len(),
    );
}

/// A case of [`assert_replays_beside`] with a few edits.
fn try_edits(case: u64, most: usize) {
    let mut random = fastrand::Rng::with_seed(case);
    let length = random.usize(1..most);
    let reference = generate((case, length, random.u8(0..7)));
    let mut input = reference.clone();
    for _ in 0..random.usize(0..4) {
        let start = random.usize(..input.len());
        let end = (start + random.usize(1..300)).min(input.len());
        match random.u8(0..4) {
            0 => input[start..end].fill(random.u8(..)),
            1 => input[start] = input[start].wrapping_add(1),
            2 => input.truncate(end),
            _ => {
                let from = random.usize(..=input.len() - (end - start));
                input.copy_within(from..from + (end - start), start);
            }
        }
    }
    let parameters = Parameters {
        memory_level: random.u8(1..=9),
        window_bits: random.u8(8..=15),
        ..Parameters::new(
            random.u8(0..=9),
            STRATEGIES[random.usize(..STRATEGIES.len())],
        )
    };
    let row = match random.u8(0..3) {
        0 => random.usize(1..600),
        1 => random.usize(600..9000),
        _ => random.usize(9000..80_000),
    };
    assert_replays_beside(&reference, &input, &parameters, row);
}

proptest! {
    #[test]
    fn same_ends_are_those_counted_byte_by_byte(
        bytes in prop::collection::vec(0..2u8, 0..70),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..2u8), 0..3),
        cut in 0..3usize,
    ) {
        let mut reference = bytes.clone();
        for (index, byte) in changes {
            if !bytes.is_empty() {
                reference[index.index(bytes.len())] = byte;
            }
        }
        reference.truncate(bytes.len().saturating_sub(cut.saturating_sub(1)));
        let pairs = || bytes.iter().zip(&reference);
        let start = pairs().take_while(|(one, other)| one == other).count();
        let mut end = 0;
        if start < bytes.len() && reference.len() == bytes.len() {
            end = pairs().rev().take_while(|(one, other)| one == other).count();
        }
        assert_eq!(same_ends(&bytes, &reference), (start, end));
    }
}

#[test]
fn copying_tokens_changes_nothing() {
    for case in 0..150 {
        try_edits(case, 100_000);
    }
}

#[test]
#[ignore = "takes a minute with optimisation"]
fn copying_tokens_changes_nothing_in_thousands_of_cases() {
    for case in 0..2500 {
        try_edits(case, 400_000);
    }
}

/// The zlib streams of the PNG files below `folder`, with their rows' lengths.
fn png_streams(folder: &std::path::Path) -> Vec<(std::path::PathBuf, usize, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "png") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .filter_map(|path| {
            let (row, stream) = image_data(&std::fs::read(&path).ok()?)?;
            Some((path, row, stream))
        })
        .collect()
}

/// A PNG file's row length and image data, if it is one.
fn image_data(file: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut row = 0;
    let mut stream = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let data = after.get(..length)?;
        match kind {
            b"IHDR" => {
                let width = u32::from_be_bytes(*data.first_chunk()?) as usize;
                let channels = [1, 0, 3, 1, 2, 0, 4].get(usize::from(*data.get(9)?))?;
                let bits = width.checked_mul(channels * usize::from(*data.get(8)?))?;
                row = bits.div_ceil(8) + 1;
            }
            b"IDAT" => stream.extend_from_slice(data),
            _ => {}
        }
        rest = after.get(length + 4..)?;
    }
    (!stream.is_empty()).then_some((row, stream))
}

/// The screenshots and images beside the repository, if they are there.
const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/corpus/screens"
);

/// How many of `streams` are found and replayed to the end.
fn count_replayed(streams: &[(std::path::PathBuf, usize, Vec<u8>)]) -> usize {
    let mut search = Search::new();
    let mut replay = Replay::new(&Parameters::new(6, Strategy::Filtered));
    let mut guess = None;
    let mut whole = 0;
    for (path, row, stream) in streams {
        let found = search.find(&mut replay, guess.as_ref(), stream, *row, u64::MAX);
        if let Some((parameters, trial)) = found {
            guess = Some(parameters);
            whole += usize::from(trial == Trial::Whole);
        }
        println!("{}: {found:?}", path.display());
    }
    whole
}

#[test]
fn small_files_of_the_corpus_replay() {
    let folder = std::path::Path::new(CORPUS).join("odd/libpng_testpngs");
    let mut streams = png_streams(&folder);
    streams.retain(|(_, _, stream)| stream.len() < 20_000);
    let whole = count_replayed(&streams);
    println!(
        "{whole} of {} streams in {} replay",
        streams.len(),
        folder.display()
    );
    assert_eq!(whole, streams.len());
    if streams.is_empty() {
        println!("{} is absent: no real files were tried", folder.display());
    }
}

#[test]
#[ignore = "takes a minute with optimisation"]
fn corpus_replays() {
    let streams = png_streams(std::path::Path::new(CORPUS));
    let whole = count_replayed(&streams);
    println!("{whole} of {} streams replay", streams.len());
    // What is left is by other compressors than zlib, or broken.
    assert!(whole * 8 >= streams.len() * 7);
}

#[test]
#[ignore = "takes a minute with optimisation"]
fn thousands_of_cases_replay() {
    let mut replay = Replay::new(&Parameters::new(9, Strategy::Default));
    for case in 0..2500u64 {
        let mut random = fastrand::Rng::with_seed(case);
        let length = random.usize(0..400_000) >> random.u32(0..8);
        let input = generate((case, length, random.u8(0..7)));
        let parameters = Parameters {
            compressor: Compressor::Zlib,
            level: random.u8(0..=9),
            strategy: STRATEGIES[random.usize(..STRATEGIES.len())],
            memory_level: random.u8(1..=9),
            window_bits: random.u8(8..=15),
            output_buffer: if random.bool() {
                8192
            } else {
                random.u32(1..100_000)
            },
        };
        let feeding = match random.u8(0..3) {
            0 => Feeding::Whole,
            1 => Feeding::Rows(random.usize(1..600)),
            _ => Feeding::Rows(random.usize(600..80_000)),
        };
        assert_replays(&mut replay, &input, &parameters, feeding);
    }
}

#[test]
fn a_flush_before_the_end_is_seen_there() {
    let parameters = Parameters::new(6, Strategy::Default);
    let input = generate((1, 30_000, 6));
    for (theirs, ours) in [
        (zlib::Z_NO_FLUSH, Flush::None),
        (zlib::Z_PARTIAL_FLUSH, Flush::Partial),
        (zlib::Z_SYNC_FLUSH, Flush::Sync),
        // At the end it makes no difference.
        (zlib::Z_FULL_FLUSH, Flush::Sync),
    ] {
        let mut deflate = real_zlib(&parameters);
        let mut stream = Vec::new();
        deflate.compress(&input, theirs, &mut stream);
        deflate.compress(&[], zlib::Z_FINISH, &mut stream);
        let mut inflater = Inflater::new();
        let mut rest = &stream[..];
        while inflater.inflate(&mut rest).expect("no error").progress != Progress::Ended {}
        assert_eq!(inflater.flush_before_end(), ours);
    }
}

#[test]
fn flushes_replay() {
    for case in 0..200u64 {
        let mut random = fastrand::Rng::with_seed(case);
        let parameters = Parameters {
            compressor: Compressor::Zlib,
            level: random.u8(1..=9),
            strategy: STRATEGIES[random.usize(..STRATEGIES.len())],
            memory_level: random.u8(1..=9),
            window_bits: random.u8(8..=15),
            output_buffer: 1 << 20,
        };
        let input = generate((case, random.usize(0..30_000), random.u8(0..7)));
        let mut deflate = real_zlib(&parameters);
        let mut replay = Replay::new(&parameters);
        let mut expected = Vec::new();
        let mut found = parameters.header().to_be_bytes().to_vec();
        let piece = random.usize(1..8000);
        for piece in input.chunks(piece) {
            let (theirs, ours) = [
                (zlib::Z_NO_FLUSH, Flush::None),
                (zlib::Z_PARTIAL_FLUSH, Flush::Partial),
                (zlib::Z_SYNC_FLUSH, Flush::Sync),
                (zlib::Z_FULL_FLUSH, Flush::Full),
            ][random.usize(..4)];
            deflate.compress(piece, theirs, &mut expected);
            replay.flush(piece, ours, &mut found);
        }
        deflate.compress(&[], zlib::Z_FINISH, &mut expected);
        replay.finish(Flush::None, &mut found);
        expected.truncate(expected.len() - 4);
        assert!(expected == found, "case {case}: {parameters:?}");
    }
}
