//! Generated PNG files of every kind come back bit for bit, and what can be modelled is.
//!
//! Invariant: a test names its input by its parameters.

use lepta_codec::{Error, Level, SEGMENT_INPUT};
use lepta_tests::cases;
use lepta_tests::container::{is_key, repair_checksums, segment_kinds, segments};
use lepta_tests::damage::{self, Counts};
use lepta_tests::in_process::{
    Damage, LEVELS, compress, compress_seeing, compress_summed, decompress, decompress_by_pixels,
};
use lepta_tests::png_generator::{
    Defect, FilterChoice, Interruption, PngParameters, StreamWriter, write, write_gray,
};
use lepta_tests::worker_run::Run;

fn assert_comes_back(name: &str, input: &[u8]) -> usize {
    let mut sizes = LEVELS.map(|level| {
        let compressed = compress(input, level);
        assert!(
            decompress(&compressed).as_deref() == Ok(input),
            "{name} at {level:?}: other bytes come back"
        );
        compressed.len()
    });
    sizes.sort_unstable();
    sizes[0]
}

/// Frames of a run by this writer.
fn run_by(writer: StreamWriter, (width, height): (u32, u32), frames: u32) -> Vec<Vec<u8>> {
    let frame = |frame| {
        write(&PngParameters {
            writer,
            ..PngParameters::screenshot(width, height, frame)
        })
    };
    (0..frames).map(frame).collect()
}

#[test]
fn png_of_every_kind_come_back() {
    for seed in 0..cases(400) {
        let parameters = PngParameters::random(seed, if seed % 8 == 0 { 300 } else { 70 });
        assert_comes_back(&format!("{parameters:?}"), &write(&parameters));
    }
}

#[test]
fn odd_png_come_back() {
    for seed in 0..cases(60) {
        for defect in Defect::ALL {
            let parameters = PngParameters {
                defect: Some(defect),
                ..PngParameters::random(seed, 120)
            };
            assert_comes_back(&format!("{parameters:?}"), &write(&parameters));
        }
    }
}

#[test]
fn png_cut_anywhere_come_back() {
    let whole = write(&PngParameters::screenshot(500, 300, 0));
    for part in 0..cases(60) as usize {
        let cut = &whole[..whole.len() * part / 60];
        assert_comes_back(&format!("cut to {} bytes", cut.len()), cut);
    }
}

#[test]
fn screenshots_are_modelled_and_a_second_one_costs_little() {
    let frames: Vec<Vec<u8>> = (0..4)
        .map(|frame| write(&PngParameters::screenshot(640, 480, frame)))
        .collect();
    let run = frames.concat();
    for level in LEVELS {
        let (compressed, summary) = compress_summed(&run, level);
        assert!(decompress(&compressed).as_deref() == Ok(&run));
        assert_eq!((summary.images, &summary.reasons[..]), (4, &[][..]));
        assert_eq!(summary.segments_stored, 0);
        let single = compress(&frames[0], level).len();
        assert!(single < frames[0].len() * 7 / 8, "{single}");
        assert!(
            compressed.len() < single + 3 * 400,
            "{} after {single}",
            compressed.len()
        );
    }
}

#[test]
fn broken_png_do_not_hide_those_behind_them() {
    let frames: Vec<u8> = (0..3)
        .flat_map(|frame| write(&PngParameters::screenshot(500, 300, frame)))
        .collect();
    let whole = write(&PngParameters::screenshot(70, 30, 0));
    let data = whole.windows(4).position(|kind| kind == b"IDAT");
    let header = &whole[..data.expect("image data") - 4];
    let before = [
        [header, b"\x7f\xff\xff\xfftEXtComment"].concat(),
        [header, b"\0\0\x10\0tEXtComment"].concat(),
        header.to_vec(),
        header[..20].to_vec(),
        whole[..whole.len() - 100].to_vec(),
    ];
    for level in LEVELS {
        let usual = compress(&frames, level).len();
        for before in &before {
            let input = [before, &frames[..]].concat();
            let (compressed, summary) = compress_summed(&input, level);
            assert!(decompress(&compressed).as_deref() == Ok(&input));
            assert_eq!(summary.images, 3, "{before:?}");
            let most = usual + before.len() + 500;
            assert!(compressed.len() < most, "{} of {most}", compressed.len());
        }
    }
}

#[test]
fn the_last_images_of_two_sizes_are_references() {
    let frame = |width, height, frame| write(&PngParameters::screenshot(width, height, frame));
    let large = [0, 1, 2].map(|number| frame(640, 480, number));
    let small = [0, 1, 2].map(|number| frame(500, 300, number));
    let run: Vec<u8> = (0..3)
        .flat_map(|number| [&large[number][..], &small[number]].concat())
        .collect();
    for level in LEVELS {
        let (compressed, summary) = compress_summed(&run, level);
        assert!(decompress(&compressed).as_deref() == Ok(&run));
        assert_eq!((summary.images, &summary.reasons[..]), (6, &[][..]));
        let firsts = compress(&large[0], level).len() + compress(&small[0], level).len();
        assert!(
            compressed.len() < firsts + 4 * 400,
            "{} after {firsts}",
            compressed.len()
        );
    }
}

#[test]
fn more_strips_than_there_are_are_refused() {
    const PAYLOAD: usize = 12 + 15;
    let input = write(&PngParameters::screenshot(100, 70, 0));
    let mut forged = compress(&input, Level::Fast);
    // The parts: bytes up to the image data, strips of them, and what follows.
    let strips = &mut forged[PAYLOAD + 3..PAYLOAD + 5];
    assert_eq!(strips, [6, 5]);
    strips[1] += 1;
    repair_checksums(&mut forged);
    assert_eq!(decompress(&forged), Err(Damage::Codec(Error::BadImageData)));
}

#[test]
fn how_much_is_in_sight_changes_nothing() {
    let run: Vec<u8> = (0..3)
        .flat_map(|frame| write(&PngParameters::screenshot(1200, 900, frame)))
        .collect();
    let whole = compress(&run, Level::Fast);
    for visible in [SEGMENT_INPUT, SEGMENT_INPUT + 7777] {
        assert!(
            compress_seeing(&run, Level::Fast, visible) == whole,
            "{visible}"
        );
    }
    assert!(decompress(&whole).as_deref() == Ok(&run));
}

#[test]
fn damage_to_compressed_png_is_found() {
    for writer in [StreamWriter::Zlib, StreamWriter::Any] {
        assert_damage_is_found(&run_by(writer, (300, 200), 2).concat());
    }
}

fn assert_damage_is_found(run: &[u8]) {
    let counts = Counts {
        bit_flips: cases(2000),
        truncations: cases(300),
        runs: cases(100),
        edge_step: 3,
    };
    for level in LEVELS {
        damage::each(&compress(run, level), 5, counts, |name, damaged| {
            assert!(decompress(damaged).is_err(), "{name}");
        });
    }
}

#[test]
fn forged_png_lead_to_errors_or_to_the_right_bytes() {
    for writer in [StreamWriter::Zlib, StreamWriter::Any] {
        assert_forgery_is_harmless(&run_by(writer, (300, 200), 2).concat());
    }
}

fn assert_forgery_is_harmless(run: &[u8]) {
    let counts = Counts {
        bit_flips: cases(1000),
        truncations: 0,
        runs: cases(100),
        edge_step: 16,
    };
    for level in LEVELS {
        damage::each(&compress(run, level), 9, counts, |name, damaged| {
            let mut forged = damaged.to_vec();
            repair_checksums(&mut forged);
            let decoded = decompress(&forged);
            assert!(decoded.is_err() || decoded.as_deref() == Ok(run), "{name}");
        });
    }
}

#[test]
fn the_worker_reports_png() {
    let input = write(&PngParameters::screenshot(640, 480, 0));
    let run = Run::new(&["compress"]).on(&input);
    let report = run.assert_done("screenshot");
    assert_eq!(report.kind.as_deref(), Some("PNG"));
    let back = Run::new(&["decompress"]).on(&run.output);
    back.assert_done("screenshot");
    assert!(back.output == input);
}

/// A gray image of 1,000 columns as zlib writes it at this level: a blank half, then sparse dots, for which
/// levels differ.
fn half_blank(level: i32, seed: u64, height: u32) -> Vec<u8> {
    let width = 1000;
    let parameters = PngParameters {
        colour_type: 0,
        filters: FilterChoice::Fixed(0),
        level,
        ..PngParameters::screenshot(width, height, 0)
    };
    let mut random = fastrand::Rng::with_seed(seed);
    let half = (width * height / 2) as usize;
    let mut pixels = vec![0; half];
    pixels.extend((0..half).map(|_| match random.u8(..) {
        byte @ 0..24 => 60 * (1 + byte % 3),
        _ => 0,
    }));
    write_gray(&parameters, &pixels)
}

#[test]
fn leaving_a_replay_to_the_verifier_changes_nothing() {
    let alike: Vec<u8> = (0..4).flat_map(|seed| half_blank(6, seed, 600)).collect();
    let verified = Run::new(&["compress"]).on(&alike);
    let report = verified.assert_done("images by one writer");
    assert_eq!((report.alarms, report.segments_stored), (0, 0));
    let plain = Run::new(&["compress", "--no-verify"]).on(&alike);
    assert!(verified.output == plain.output);
    let back = Run::new(&["decompress"]).on(&verified.output);
    assert!(back.output == alike);
}

#[test]
fn an_image_that_only_begins_as_the_one_before_comes_back() {
    for (height, is_whole) in [(400, true), (600, false)] {
        let frame = |(number, level)| half_blank(level, number, height);
        let input = (0..).zip([6, 7, 6]).map(frame).collect::<Vec<_>>().concat();
        for arguments in [&["compress"][..], &["compress", "--no-verify"]] {
            let compressed = Run::new(arguments).on(&input);
            compressed.assert_orderly("images by two writers");
            let report = compressed.report();
            // The verifier finds out, or else the encoder: at once with small images, which it looks through
            // itself, and otherwise where corrections have to go on.
            assert_eq!((report.status, report.alarms), (0, 0), "{report:?}");
            let reasons = report.reasons.join(", ");
            let is_modelled = is_whole || arguments.len() > 1;
            assert_eq!(reasons.is_empty(), is_modelled, "{reasons}");
            assert!(is_modelled || reasons.contains("deflate"), "{reasons}");
            let back = Run::new(&["decompress"]).on(&compressed.output);
            back.assert_done("images by two writers");
            assert!(back.output == input);
        }
    }
}

/// A frame of a run: a gray image of 1,000 × 600 pixels with sparse dots, of whose stream the first part alone
/// is looked at before it is coded.
fn dotted(number: usize, writer: StreamWriter) -> Vec<u8> {
    let parameters = PngParameters {
        colour_type: 0,
        filters: FilterChoice::Fixed(0),
        writer,
        ..PngParameters::screenshot(1000, 600, 0)
    };
    let mut random = fastrand::Rng::with_seed(11);
    let mut pixels: Vec<u8> = (0..600_000)
        .map(|_| match random.u8(..) {
            byte @ 0..24 => 60 * (1 + byte % 3),
            _ => 0,
        })
        .collect();
    pixels[number * 77_777..][..50].fill(3);
    write_gray(&parameters, &pixels)
}

#[test]
fn where_a_replay_goes_wrong_corrections_go_on() {
    use Interruption::{BlockEnd, FullFlush, OtherEncoder, OtherLevel};
    let run = |writer| {
        let writers = [StreamWriter::Zlib, writer, StreamWriter::Zlib];
        let frames = (0..).zip(writers).map(|(number, w)| dotted(number, w));
        frames.collect::<Vec<_>>().concat()
    };
    let whole = run(StreamWriter::Zlib);
    let usual = compress(&whole, Level::Fast).len();
    let interruptions = [
        (BlockEnd, 140, 1500),
        (FullFlush, 333, 1500),
        (OtherLevel, 480, 1000),
        (BlockEnd, 599, 200),
        // Its choices cost about as much as pixels do.
        (OtherEncoder, 570, 5000),
    ];
    for (by, row, cost) in interruptions {
        let input = run(StreamWriter::ZlibInterrupted(row, by));
        let (compressed, summary) = compress_summed(&input, Level::Fast);
        assert!(decompress(&compressed).as_deref() == Ok(&input), "{by:?}");
        assert_eq!((summary.images, &summary.reasons[..]), (3, &[][..]));
        let size = compressed.len();
        assert!(size < usual + cost, "{by:?}: {size} after {usual}");
    }
}

#[test]
fn a_replay_may_go_wrong_where_a_segment_ends() {
    let first = dotted(0, StreamWriter::Zlib);
    let whole = dotted(1, StreamWriter::Zlib);
    let writer = StreamWriter::ZlibInterrupted(300, Interruption::BlockEnd);
    let interrupted = dotted(1, writer);
    let same = whole.iter().zip(&interrupted);
    let place = first.len() + same.take_while(|(one, other)| one == other).count();
    for behind in [0, 1, 2, 5000] {
        let padding = (place + behind).next_multiple_of(SEGMENT_INPUT) - place - behind;
        let input = [&vec![0; padding], &first[..], &interrupted, &whole].concat();
        for arguments in [&["compress"][..], &["compress", "--no-verify"]] {
            let compressed = Run::new(arguments).on(&input);
            compressed.assert_orderly("an interrupted image");
            let report = compressed.report();
            assert_eq!(
                (report.status, report.alarms, report.segments_stored),
                (0, 0, 0)
            );
            let back = Run::new(&["decompress"]).on(&compressed.output);
            assert!(back.output == input, "{behind} bytes behind");
        }
    }
}

#[test]
fn writers_are_told_apart_and_so_is_how_they_end() {
    let frame = |number: usize, writer| {
        let parameters = PngParameters {
            colour_type: 0,
            writer,
            ..PngParameters::screenshot(1000, 6000, 0)
        };
        let mut random = fastrand::Rng::with_seed(5);
        let mut dots: Vec<u8> = (0..6_000_000)
            .map(|_| if random.u8(..) < 24 { 80 } else { 0 })
            .collect();
        dots[number * 77_777..][..50].fill(3);
        write_gray(&parameters, &dots)
    };
    let writers = [
        StreamWriter::Miniz,
        StreamWriter::Miniz,
        StreamWriter::Zlib,
        StreamWriter::MinizFlushed,
        StreamWriter::ZlibFlushed,
        StreamWriter::Miniz,
    ];
    let frames: Vec<Vec<u8>> = (0..).zip(writers).map(|(n, w)| frame(n, w)).collect();
    // What is in sight at an image's start is not all of it.
    let sizes: Vec<usize> = frames.iter().map(Vec::len).collect();
    assert!(
        sizes.iter().all(|size| *size > 2 * SEGMENT_INPUT),
        "{sizes:?}"
    );
    let run = frames.concat();
    let (compressed, summary) = compress_summed(&run, Level::Fast);
    assert!(decompress(&compressed).as_deref() == Ok(&run));
    assert_eq!((summary.images, &summary.reasons[..]), (6, &[][..]));
    let single = compress(&frames[0], Level::Fast).len();
    assert!(
        compressed.len() < single + 5 * 2000,
        "{} after {single}",
        compressed.len()
    );
}

#[test]
fn streams_of_unknown_encoders_are_corrected_and_are_references() {
    let frame = |number: usize| {
        let shade = |place: usize| (((place % 160) * (place / 160)) >> 5) as u8;
        let mut pixels: Vec<u8> = (0..160 * 150).map(shade).collect();
        pixels[5000 + number] ^= 1;
        let parameters = PngParameters {
            writer: StreamWriter::Any,
            seed: 77,
            ..PngParameters::screenshot(160, 150, 0)
        };
        write_gray(&parameters, &pixels)
    };
    let frames: Vec<Vec<u8>> = (0..3).map(frame).collect();
    let run = frames.concat();
    for level in LEVELS {
        let (compressed, summary) = compress_summed(&run, level);
        assert!(decompress(&compressed).as_deref() == Ok(&run));
        assert_eq!((summary.images, &summary.reasons[..]), (3, &[][..]));
        let first = compress(&frames[0], level).len();
        let (whole, file) = (compressed.len(), frames[0].len());
        assert!(first < file * 7 / 10, "{first} of {file}");
        assert!(whole < first * 3, "{whole} after {first}");
    }
}

#[test]
fn corrections_that_cost_too_much_are_given_up() {
    // Noise within the reach of copies, so that there is no telling which are taken.
    let mut random = fastrand::Rng::with_seed(3);
    let pixels: Vec<u8> = (0..600_000).map(|_| random.u8(..3)).collect();
    let parameters = PngParameters {
        writer: StreamWriter::Any,
        ..PngParameters::screenshot(1000, 600, 0)
    };
    let file = write_gray(&parameters, &pixels);
    for level in LEVELS {
        let compressed = compress(&file, level);
        assert!(decompress(&compressed).as_deref() == Ok(&file));
        let most = file.len() + file.len() / 50;
        assert!(compressed.len() < most, "{} of {most}", compressed.len());
    }
}

#[test]
fn a_key_comes_after_32_png() {
    let run: Vec<u8> = (0..80)
        .flat_map(|frame| write(&PngParameters::screenshot(400, 300, frame)))
        .collect();
    let compressed = compress(&run, Level::Default);
    assert!(decompress(&compressed).as_deref() == Ok(&run));
    let kinds = segment_kinds(&compressed);
    let keys = kinds.iter().filter(|&&kind| is_key(kind)).count();
    assert!((1..=2).contains(&keys), "{kinds:?}");
}

#[test]
fn the_worker_sets_keys_as_it_is_told() {
    let run: Vec<u8> = (0..40)
        .flat_map(|frame| write(&PngParameters::screenshot(400, 300, frame)))
        .collect();
    let keys = |every: &str| {
        let compressed = Run::new(&["compress", "--key-every", every]).on(&run);
        compressed.assert_done(every);
        let back = Run::new(&["decompress"]).on(&compressed.output);
        assert!(back.output == run, "--key-every {every}");
        let kinds = segment_kinds(&compressed.output);
        kinds.iter().filter(|&&kind| is_key(kind)).count()
    };
    assert_eq!(keys("0"), 0);
    assert!(keys("4") > keys("32"));
}

#[test]
fn one_frame_of_a_run_decodes_no_more_frames_than_up_to_its_key() {
    let frames: Vec<Vec<u8>> = (0..40)
        .map(|frame| write(&PngParameters::screenshot(400, 300, frame)))
        .collect();
    let run = frames.concat();
    let compressed = Run::new(&["compress", "--key-every", "4"]).on(&run);
    let report = compressed.assert_done("a run");
    assert!(report.restarts >= 9, "{report:?}");
    for number in [0, 13, 18, 39] {
        let start: usize = frames[..number].iter().map(Vec::len).sum();
        let end = start + frames[number].len();
        let range = format!("{start}..{end}");
        let part = Run::new(&["decompress", "--range", &range]).on(&compressed.output);
        let report = part.assert_done("a frame");
        assert!(part.output == frames[number], "frame {number}");
        // The few bytes before the key's first frame, and four frames.
        assert!(report.segments <= 5, "{report:?}");
    }
    // No segment holds frames of two keys, so that at most four frames were decoded.
    let mut raw_start = 0;
    for (kind, raw_length) in segments(&compressed.output) {
        let starts: Vec<usize> = (0..frames.len())
            .map(|number| frames[..number].iter().map(Vec::len).sum())
            .filter(|start| (raw_start..raw_start + raw_length).contains(start))
            .collect();
        assert!(starts.len() <= 4, "{starts:?}");
        assert!(!is_key(kind) || starts.first() == Some(&raw_start));
        raw_start += raw_length;
    }
}

#[test]
fn the_frames_before_one_are_decoded_as_pixels() {
    // Two sizes in turn, so that two images are held; in the other run there is room for one.
    for (width, pixel_bytes) in [(450, 3 << 20), (900, (4 * 900 + 1) * 400)] {
        let frames: Vec<Vec<u8>> = (0..6)
            .map(|frame| {
                write(&PngParameters {
                    filters: FilterChoice::Random,
                    level: 1,
                    ..PngParameters::screenshot(
                        if frame % 3 == 1 { width } else { 900 },
                        400,
                        frame,
                    )
                })
            })
            .collect();
        let run = frames.concat();
        let compressed = compress(&run, Level::Default);
        let mut frame_starts = 0;
        let mut start = 0;
        for (number, (_, raw_length)) in segments(&compressed).into_iter().enumerate() {
            let lengths = frames.iter().scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            });
            if let Some(before) = lengths.into_iter().position(|end| end == start) {
                let (part, images) =
                    decompress_by_pixels(&compressed, number, pixel_bytes).expect("whole");
                assert!(part == run[start..], "segment {number}");
                let count = (images.as_pixels, images.in_full);
                let before = before as u64 + 1;
                assert_eq!(count, (before, 6 - before), "segment {number}");
                let (part, images) =
                    decompress_by_pixels(&compressed, number, 1000).expect("whole");
                assert!(part == run[start..], "segment {number}");
                assert_eq!((images.as_pixels, images.in_full), (0, 6));
                frame_starts += 1;
            }
            start += raw_length;
        }
        // A segment that ends a frame begins none, and behind the last one is the end.
        assert!(frame_starts >= 3, "{frame_starts}");
    }
}

#[test]
fn a_part_of_a_run_is_restored_within_the_memory() {
    let frames: Vec<Vec<u8>> = (0..4)
        .map(|frame| write(&PngParameters::screenshot(1920, 1080, frame)))
        .collect();
    let run = frames.concat();
    let compressed = Run::new(&["compress"]).on(&run);
    compressed.assert_done("a run");
    let start = frames[0].len() + frames[1].len() + 1000;
    let range = format!("{start}..{}", run.len());
    let part = Run::new(&["decompress", "--range", &range]).on(&compressed.output);
    part.assert_done("a part");
    assert!(part.output == run[start..]);
}

#[test]
fn frames_of_4k_stay_within_the_memory() {
    let run: Vec<u8> = (0..2)
        .flat_map(|frame| {
            write(&PngParameters {
                filters: FilterChoice::Fixed(2),
                ..PngParameters::screenshot(3840, 2160, frame)
            })
        })
        .collect();
    let compressed = Run::new(&["compress"]).on(&run);
    let report = compressed.assert_done("4K");
    assert_eq!(report.reasons, [""; 0]);
    let back = Run::new(&["decompress"]).on(&compressed.output);
    back.assert_done("4K");
    assert!(back.output == run);
}

/// Images of several sizes in turn, so that the memory of one is in the way of another.
#[test]
fn sizes_in_turn_stay_within_the_memory() {
    let frame = |(width, height), frame| {
        write(&PngParameters {
            filters: FilterChoice::Fixed(2),
            writer: StreamWriter::ZlibInterrupted(height / 2, Interruption::FullFlush),
            ..PngParameters::screenshot(width, height, frame)
        })
    };
    let sizes = [(70, 30), (1920, 200), (1200, 200), (3840, 300), (2560, 200)];
    let run: Vec<u8> = (0..3)
        .flat_map(|round| sizes.map(|size| [frame(size, 2 * round), frame(size, 2 * round + 1)]))
        .flatten()
        .flatten()
        .collect();
    for threads in ["1", "2"] {
        let compressed = Run::new(&["compress", "--threads", threads]).on(&run);
        compressed.assert_done(threads);
        let back = Run::new(&["decompress"]).on(&compressed.output);
        back.assert_done(threads);
        assert!(back.output == run);
    }
}
