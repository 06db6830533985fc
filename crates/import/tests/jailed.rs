//! The process as it is shipped: jailed, within its memory, and sure of what it says.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lepton_jpeg::{EnabledFeatures, SingleThreadPool, encode_lepton};
use serde_json::Value;

/// Runs `lepta-import`; `before` is what descriptor 3 gives.
fn run(arguments: &str, input: &[u8], before: Option<&Path>) -> Output {
    let mut shell = Command::new("sh");
    let script = match before {
        Some(_) => "exec \"$0\" \"$@\" --report json 3<\"$before\"",
        None => "exec \"$0\" \"$@\" --report json",
    };
    shell.args(["-c", script, env!("CARGO_BIN_EXE_lepta-import")]);
    shell.args(arguments.split_whitespace());
    if let Some(before) = before {
        shell.env("before", before);
    }
    let mut child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // It may have had enough.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("ended");
    feeder.join().expect("fed");
    output
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stderr)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn assert_refused(output: &Output, status: u8, words: &str) {
    let report = report(output);
    assert_eq!(report["status"], status, "{report}");
    assert_eq!(output.status.code(), Some(status.into()), "{report}");
    let error = report["error"].as_str().expect("a message");
    assert!(error.contains(words), "{report}");
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn sample_photo() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sample.jpg");
    std::fs::read(path).expect("the sample photo")
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

#[test]
fn a_lep_file_gives_its_jpeg_in_the_jail() {
    let photo = sample_photo();
    let output = run("lep", &lep(&photo), None);
    let report = report(&output);
    assert_eq!(report["status"], 0, "{report}");
    assert_eq!(report["jailed"], true, "{report}");
    assert_eq!(report["bytes_out"], photo.len(), "{report}");
    assert!(
        report["peak_rss_bytes"].as_u64() < Some(400_000_000),
        "{report}"
    );
    assert!(output.stdout == photo);
}

#[test]
fn what_is_no_lep_file_or_cut_is_refused() {
    let coded = lep(&sample_photo());
    assert_refused(&run("lep", b"no such file", None), 54, "is no .lep file");
    assert_refused(&run("lep", &[], None), 54, "is no .lep file");
    for length in [28, 200, coded.len() / 2, coded.len() - 1] {
        let output = run("lep", &coded[..length], None);
        assert!(!output.status.success(), "{length}");
        assert_eq!(report(&output)["jailed"], true);
    }
}

#[test]
fn damage_never_leaves_the_jail() {
    let coded = lep(&sample_photo());
    for number in 0..40 {
        let mut damaged = coded.clone();
        let place = 2 + number * number * 31 % (damaged.len() - 2);
        damaged[place] ^= 1 << (number % 8);
        let output = run("lep --time-limit 20", &damaged, None);
        // The format has no checksum: what decodes may be anything, but it is said to be so only whole.
        let report = report(&output);
        let status = output.status.code().expect("an exit");
        assert_eq!(report["status"], status, "{report}");
        assert!([0, 30, 31, 33, 54, 61].contains(&status), "{report}");
    }
}

/// A sample of the frame that the two files in `data` give together.
fn expected(index: usize) -> u8 {
    let (channel, pixel) = (index % 4, index / 4);
    match channel {
        3 => 255,
        _ => ((pixel % 40) * 5 + pixel / 40 * 3 + channel * 40) as u8,
    }
}

fn samples(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(png).read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut samples).expect("pixels");
    (info.width, info.height, samples)
}

#[test]
fn a_difference_and_the_frame_before_give_the_frame() {
    let delta = std::fs::read(data("delta.jxl")).expect("there");
    let before = data("before.png");
    let output = run("delta --before-fd 3", &delta, Some(&before));
    let report = report(&output);
    assert_eq!(
        (&report["status"], &report["jailed"]),
        (&0.into(), &true.into()),
        "{report}"
    );
    let (width, height, samples) = samples(&output.stdout);
    assert_eq!((width, height), (40, 30));
    assert!((0..samples.len()).all(|index| samples[index] == expected(index)));
    // The library's own idea of what is left in the file must not matter.
    for length in [10, delta.len() / 2, delta.len() - 1] {
        let output = run("delta --before-fd 3", &delta[..length], Some(&before));
        assert!(!output.status.success(), "{length}");
    }
    assert_refused(&run("delta", &delta, None), 2, "--before-fd");
    assert_refused(
        &run("delta --before-fd 3", &delta, None),
        2,
        "no such descriptor",
    );
    let wrong = data("delta.jxl");
    assert_refused(
        &run("delta --before-fd 3", &delta, Some(&wrong)),
        54,
        "the frame before is no PNG",
    );
}

#[test]
fn memory_has_a_limit_of_its_own() {
    let output = run("lep --memory-limit 12000000", &lep(&sample_photo()), None);
    assert_refused(&output, 30, "out of memory");
}

#[test]
fn a_descriptor_that_is_none_is_a_mistake() {
    let file = File::open(data("before.png")).expect("there");
    assert!(file.as_raw_fd() > 2);
    assert_refused(
        &run("delta --before-fd 1", &[], None),
        2,
        "no such descriptor",
    );
}
