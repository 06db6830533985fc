//! Taking over what other tools have compressed.

mod support;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use lepton_jpeg::{EnabledFeatures, SingleThreadPool, encode_lepton};
use serde_json::Value;
use support::{import_program, lepta, messages, sample_photo, screenshot, succeed, summary};
use tempfile::TempDir;

/// Differences of more samples than this are stored as they are, by the script whose archives are imported.
const SAMPLES_MAX: usize = 100_000;

fn import(folder: &Path, arguments: &str) -> Output {
    let mut command = lepta(folder, &format!("batch import --json {arguments}"));
    command.env("LEPTA_IMPORT", import_program());
    command.output().expect("lepta runs")
}

fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus")
        .join(name);
    if !path.exists() {
        eprintln!("../shared/corpus/{name} is not there: nothing is imported from it");
    }
    path.exists().then_some(path)
}

fn lep(jpeg: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let features = EnabledFeatures::compat_lepton_vector_write();
    encode_lepton(
        &mut Cursor::new(jpeg),
        &mut Cursor::new(&mut coded),
        &features,
        &SingleThreadPool::default(),
    )
    .expect("a JPEG that the library knows");
    coded
}

fn counts<const N: usize>(output: &Output, names: [&str; N]) -> [u64; N] {
    let summary = summary(output);
    names.map(|name| {
        summary[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {summary}"))
    })
}

#[test]
fn lep_files_become_their_jpegs_once_and_what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::create_dir_all(here.join("in/deep")).expect("folders");
    fs::write(here.join("in/deep/photo.jpg.lep"), lep(&sample_photo())).expect("written");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::open(here.join("in/deep/photo.jpg.lep"))
        .and_then(|file| file.set_modified(time))
        .expect("its own file");
    fs::write(here.join("in/bad.lep"), "no such file").expect("written");
    fs::write(here.join("in/note.txt"), "left alone").expect("written");
    let first = import(here, "--level fast in out");
    assert_eq!(first.status.code(), Some(54), "{}", messages(&first));
    assert!(
        messages(&first).contains("in/bad.lep: is no .lep file"),
        "{}",
        messages(&first)
    );
    let named = ["imported", "compressed", "not_imported", "failed"];
    assert_eq!(counts(&first, named), [1, 1, 1, 1]);
    succeed(here, "batch restore out back");
    let back = here.join("back/deep/photo.jpg");
    assert!(fs::read(&back).expect("restored") == sample_photo());
    let modified = back.metadata().and_then(|metadata| metadata.modified());
    assert_eq!(modified.expect("a time"), time);
    assert!(here.join("in/deep/photo.jpg.lep").exists());
    let again = import(here, "--level fast in out");
    assert_eq!(
        counts(&again, ["imported", "unchanged", "failed"]),
        [0, 1, 1]
    );
    let left = fs::read_dir(here.join("out/pending")).expect("a folder");
    assert_eq!(left.count(), 0);
}

/// The old tools' own files. One of them is of a version that the library refuses.
#[test]
fn all_lep_files_of_the_corpus_that_the_library_reads_give_their_exact_jpegs() {
    let (Some(old), Some(jpegs)) = (corpus("lep-old"), corpus("jpeg-odd")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let old = old.canonicalize().expect("there");
    let output = import(here, &format!("--level fast {} out", old.display()));
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(54), "{said}");
    assert_eq!(
        counts(&output, ["imported", "compressed", "failed"]),
        [8, 8, 1]
    );
    let refused = "narrowrst.lep: the library cannot read it: incompatible file with version";
    assert!(said.contains(refused), "{said}");
    succeed(here, "batch restore out back");
    let mut compared = 0;
    for entry in fs::read_dir(here.join("back")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let ends = [
            ("_rustold", ""),
            ("_rust55", ""),
            ("flow_16", "flow_scalar"),
        ];
        let stem = ends
            .iter()
            .fold(stem, |stem, (from, to)| stem.replace(from, to));
        let jpeg = fs::read(jpegs.join(format!("{stem}.jpg"))).expect("there");
        assert!(fs::read(&path).expect("restored") == jpeg, "{stem}");
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// Width, height, channels and samples.
type Image = (u32, u32, png::ColorType, Vec<u8>);

fn image(file: &[u8]) -> Image {
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut samples).expect("pixels");
    (info.width, info.height, info.color_type, samples)
}

/// Keeps frames as the script does: a PNG, or the differences to the frame before as a lossless JPEG XL.
/// Returns how many are differences; `None` without `cjxl`.
fn script_archive(frames: &[(String, Vec<u8>)], folder: &Path) -> Option<usize> {
    if Command::new("cjxl").arg("-V").output().is_err() {
        eprintln!("cjxl is not installed: no script archive is imported");
        return None;
    }
    fs::create_dir_all(folder).expect("made");
    let mut before: Option<Image> = None;
    let mut differences = 0;
    for (name, file) in frames {
        let (width, height, colour, samples) = image(file);
        let same =
            before.filter(|before| (before.0, before.1, before.2) == (width, height, colour));
        let delta = same.map(|(.., before)| -> Vec<u8> {
            let pairs = samples.iter().zip(before);
            pairs
                .map(|(sample, before)| sample.wrapping_sub(before))
                .collect()
        });
        let count = |delta: &Vec<u8>| delta.iter().filter(|&&value| value != 0).count();
        match delta.filter(|delta| count(delta) < SAMPLES_MAX) {
            None => fs::write(folder.join(name), file).expect("written"),
            Some(delta) => {
                let source = folder.join("delta.png");
                let file = File::create(&source).expect("made");
                let mut encoder = png::Encoder::new(file, width, height);
                encoder.set_color(colour);
                let mut writer = encoder.write_header().expect("a disk");
                writer.write_image_data(&delta).expect("a disk");
                writer.finish().expect("a disk");
                let status = Command::new("cjxl")
                    .args(["--quiet", "-d", "0", "-e", "1"])
                    .args([&source, &folder.join(name).with_extension("jxl")])
                    .status();
                assert!(status.expect("cjxl runs").success());
                fs::remove_file(source).expect("removed");
                differences += 1;
            }
        }
        before = Some((width, height, colour, samples));
    }
    Some(differences)
}

/// Imports an archive made of these frames and compares what comes back.
fn assert_imports(frames: &[(String, Vec<u8>)], arguments: &str) -> Option<(TempDir, Value)> {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let differences = script_archive(frames, &here.join("in/day"))?;
    assert!(
        differences > 0 && differences < frames.len(),
        "{differences}"
    );
    let output = import(here, arguments);
    assert!(output.status.success(), "{}", messages(&output));
    let summary = summary(&output);
    assert_eq!(summary["imported_frames"], differences, "{summary}");
    assert_eq!(summary["in_runs"], frames.len(), "{summary}");
    succeed(here, "batch restore out back");
    for (name, file) in frames {
        let back = fs::read(here.join("back/day").join(name)).expect("restored");
        assert!(image(&back) == image(file), "{name}");
        if here.join("in/day").join(name).exists() {
            assert!(back == *file, "{name} is a whole file of its own");
        }
    }
    Some((folder, summary))
}

/// Frames of a small screen, the fifth of them of another one.
fn frames(count: usize) -> Vec<(String, Vec<u8>)> {
    let frame = |number: usize| {
        let file = match number {
            4 => support::screenshot_of(100, 200, number),
            number => screenshot(number),
        };
        (format!("2024-06-26T08:22:{number:02}+02:00.png"), file)
    };
    (0..count).map(frame).collect()
}

#[test]
fn an_archive_of_differences_comes_back_with_equal_pixels() {
    let frames = frames(4);
    let Some((folder, _)) = assert_imports(&frames, "--level fast in out") else {
        return;
    };
    let here = folder.path();
    // What was imported once is not done again, and a frame that comes later is restored from those before.
    let again = import(here, "--level fast in out");
    assert_eq!(
        counts(&again, ["imported_frames", "in_runs", "unchanged"]),
        [0, 0, 4]
    );
    let later = ("2024-06-26T08:30:00+02:00.png".to_owned(), screenshot(9));
    let mut all = frames.clone();
    all.push(later.clone());
    script_archive(&all, &here.join("more")).expect("cjxl was there");
    let name = "2024-06-26T08:30:00+02:00.jxl";
    fs::rename(here.join("more").join(name), here.join("in/day").join(name)).expect("moved");
    let more = import(here, "--level fast in out");
    assert_eq!(
        counts(&more, ["imported_frames", "unchanged", "failed"]),
        [1, 4, 0]
    );
    let one = succeed(here, &format!("batch restore out - day/{}", later.0));
    assert!(image(&one.stdout) == image(&later.1));
}

#[test]
fn a_lost_frame_costs_those_that_depend_on_it_alone() {
    let frames = frames(7);
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let Some(_) = script_archive(&frames, &here.join("in")) else {
        return;
    };
    fs::write(here.join("in/2024-06-26T08:22:01+02:00.jxl"), "damaged").expect("written");
    let output = import(here, "--level fast in out");
    // Two and three depend on one; four is of another screen, and five begins anew.
    assert_eq!(
        counts(&output, ["failed", "imported_frames"]),
        [3, 1],
        "{}",
        messages(&output)
    );
    let said = messages(&output);
    assert!(
        said.contains("08:22:01+02:00.jxl: the library cannot read the JPEG XL"),
        "{said}"
    );
    assert!(said.contains("08:22:02+02:00.jxl: is a difference to a frame that is not there"));
    for number in [0, 4, 5, 6] {
        let (name, file) = &frames[number];
        let back = succeed(here, &format!("batch restore out - {name}"));
        assert!(image(&back.stdout) == image(file), "{name}");
    }
}

fn assert_run_imports(count: usize) {
    let Some(run) = corpus("screens/run_a_maim") else {
        return;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(run)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .collect();
    paths.sort();
    let frames: Vec<_> = paths
        .into_iter()
        .take(count)
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(path).expect("there"))
        })
        .collect();
    if let Some((_, summary)) = assert_imports(&frames, "in out") {
        println!("{summary}");
    }
}

#[test]
fn frames_of_a_desktop_import_with_equal_pixels() {
    assert_run_imports(5);
}

/// Takes minutes: `cargo test --release -p lepta --test import -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn a_whole_run_of_a_desktop_imports_with_equal_pixels() {
    assert_run_imports(usize::MAX);
}
