//! Every JPEG and PNG of the corpus through the real worker, under the jail, at
//! every level: one test for each file and level, and one for the PNGs of each
//! folder as one tar.
//!
//! Invariant: a file passes only if the decompressed bytes equal the original and
//! both processes stayed under the memory limit. All frames of a run are there as a tar; of those
//! alone, and of those against the one before, all but every eighth wait for `--include-ignored`.
#![forbid(unsafe_code)]

use lepta_codec::Level;
use lepta_tests::corpus;
use lepta_tests::in_process::{LEVELS, level_name};
use lepta_tests::report::Report;
use lepta_tests::worker_run::Run;
use libtest_mimic::{Arguments, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = corpus::jpeg_files().into_iter().chain(corpus::png_files());
    let (frames, others): (Vec<_>, Vec<_>) = files.partition(|file| is_frame(file));
    let trials = others
        .into_iter()
        .flat_map(trials_of_levels)
        .chain(corpus::png_folders().into_iter().map(tar_trial))
        .chain(some_now(frames.into_iter().map(trials_of_levels)))
        .chain(some_now(pairs().map(|pair| [pair_trial(pair)])))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Every eighth of these groups now, and the others if one asks for what is ignored.
fn some_now(
    groups: impl Iterator<Item = impl IntoIterator<Item = Trial>>,
) -> impl Iterator<Item = Trial> {
    let numbered = groups.enumerate();
    numbered.flat_map(|(number, group)| {
        let trials = group.into_iter();
        trials.map(move |trial| trial.with_ignored_flag(number % 8 != 0))
    })
}

/// Whether it is of a run of screenshots.
fn is_frame(file: &Path) -> bool {
    let folder = file.parent().and_then(Path::file_name);
    folder.is_some_and(|name| name.to_string_lossy().starts_with("run_"))
}

/// Each PNG of a run of screenshots with the one before it.
fn pairs() -> impl Iterator<Item = [PathBuf; 2]> {
    let folders = corpus::png_folders().into_iter();
    folders.flat_map(|(_, files)| {
        let pairs = files
            .windows(2)
            .filter(|pair| is_frame(&pair[0]))
            .map(|pair| [pair[0].clone(), pair[1].clone()]);
        pairs.collect::<Vec<_>>()
    })
}

/// A frame against the one before, which comes by a descriptor.
fn pair_trial([before, frame]: [PathBuf; 2]) -> Trial {
    let name = format!("reference/{}", frame.display());
    Trial::test(name.clone(), move || {
        let original = fs::read(&frame)?;
        let run = Run::with_reference(&["compress"], &before).on(&original);
        let report = run.assert_done(&name);
        assert_eq!(report.segments_stored, 0, "{name}: {report:?}");
        assert_eq!(report.reasons, [""; 0], "{name}");
        let back = Run::with_reference(&["decompress"], &before).on(&run.output);
        back.assert_done(&name);
        assert!(back.output == original, "{name}: other bytes come back");
        Ok(())
    })
}

/// All PNGs of a folder as one tar.
fn tar_trial((folder, files): (PathBuf, Vec<PathBuf>)) -> Trial {
    let name = format!("tar/{}", folder.display());
    Trial::test(name.clone(), move || {
        round_trip(&name, &corpus::tar(&files)?, "default");
        Ok(())
    })
}

/// A file at every level; PNGs, which the max level codes as the default one does, at two.
fn trials_of_levels(path: PathBuf) -> impl Iterator<Item = Trial> {
    let is_png = path.extension().is_some_and(|extension| extension == "png");
    let levels = LEVELS
        .into_iter()
        .filter(move |&level| !is_png || level != Level::Max);
    levels.map(move |level| trial(path.clone(), level_name(level)))
}

fn trial(path: PathBuf, level: &'static str) -> Trial {
    let file = path.strip_prefix(path.ancestors().nth(2).unwrap_or(&path));
    let name = format!("{level}/{}", file.unwrap_or(&path).display());
    Trial::test(name.clone(), move || {
        let original = fs::read(&path)?;
        round_trip(&name, &original, level);
        Ok(())
    })
}

fn round_trip(name: &str, original: &[u8], level: &str) {
    let run = Run::new(&["compress", "--level", level]).on(original);
    let report = run.assert_done(name);
    check_compress_report(name, &report, original, run.output.len());
    assert_eq!(report.level.as_deref(), Some(level), "{name}");

    if level == "fast" {
        let beside = Run::new(&["compress", "--level", level, "--threads", "2"]).on(original);
        assert_eq!(beside.assert_done(name).threads, 2, "{name}");
        assert!(
            beside.output == run.output,
            "{name}: two threads give other bytes than one"
        );
    }

    let back = Run::new(&["decompress"]).on(&run.output);
    let report = back.assert_done(name);
    assert!(back.output == original, "{name}: other bytes come back");
    assert_eq!(report.operation.as_deref(), Some("decompress"), "{name}");
    assert_eq!(report.bytes_in, run.output.len() as u64, "{name}");
    assert_eq!(report.bytes_out, original.len() as u64, "{name}");
}

fn check_compress_report(name: &str, report: &Report, original: &[u8], compressed: usize) {
    assert_eq!(report.operation.as_deref(), Some("compress"), "{name}");
    assert_eq!(report.bytes_in, original.len() as u64, "{name}");
    assert_eq!(report.bytes_out, compressed as u64, "{name}");
    assert_eq!(report.alarms, 0, "{name}: {report:?}");
    assert_eq!(report.threads, 1, "{name}");
    let saving = 100.0 - 100.0 * compressed as f64 / original.len() as f64;
    let said = report.saving_percent.expect("a saving is known");
    assert!((saving - said).abs() < 0.01, "{name}: {said} for {saving}");
    assert!(report.segments_stored <= report.segments, "{name}");
    // A file of which nothing is modelled must say why, unless it is no image to begin with, or only
    // begins like one.
    let is_image = [&b"\xFF\xD8\xFF"[..], b"\x89PNG\r\n\x1A\n"]
        .iter()
        .any(|magic| original.starts_with(magic));
    let is_malformed = name.contains("malformed");
    assert!(
        report.kind.is_some() || !report.reasons.is_empty() || is_malformed || !is_image,
        "{name}: neither an image nor a reason: {report:?}"
    );
}
