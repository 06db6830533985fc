//! What the one line on standard error says.

mod support;

use support::{compressed, mixed_input, noise, run, sample_photo};

const KEYS: [&str; 22] = [
    "alarms",
    "bytes_in",
    "bytes_out",
    "error",
    "height",
    "jailed",
    "kind",
    "level",
    "missing",
    "operation",
    "peak_rss_bytes",
    "reasons",
    "restart_cost",
    "restarts",
    "saving_percent",
    "segments",
    "segments_stored",
    "status",
    "status_name",
    "threads",
    "verified",
    "width",
];

#[test]
fn every_report_has_exactly_the_documented_keys() {
    let coded = compressed(b"some bytes");
    for (arguments, input) in [
        ("compress --report json", &b"some bytes"[..]),
        ("decompress --report json", &coded),
        ("verify --report json", &coded),
        ("decompress --report json", b"no container at all"),
        ("--report json --nonsense", &[]),
        ("compress --report json --memory-limit 1", &[]),
    ] {
        let report = run(arguments, input).report();
        let mut keys: Vec<&str> = report
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        assert_eq!(keys, KEYS, "{arguments}");
    }
}

#[test]
fn a_compression_tells_what_it_was_and_what_it_saved() {
    let photo = sample_photo();
    let run = run("compress --level fast --report json --threads 2", &photo);
    let report = run.assert_status(0).report();
    assert_eq!(report["operation"], "compress");
    assert_eq!(report["status_name"], "done");
    assert_eq!(report["bytes_in"], photo.len());
    assert_eq!(report["bytes_out"], run.output.len());
    assert_eq!(report["kind"], "JPEG");
    assert!(report["width"].is_u64() && report["height"].is_u64());
    assert_eq!(
        (&report["level"], &report["threads"]),
        (&"fast".into(), &2.into())
    );
    assert_eq!(
        (&report["verified"], &report["jailed"]),
        (&true.into(), &true.into())
    );
    assert_eq!(
        (&report["alarms"], &report["error"]),
        (&0.into(), &().into())
    );
    let saving = report["saving_percent"].as_f64().expect("a number");
    let expected = 100.0 - 100.0 * run.output.len() as f64 / photo.len() as f64;
    assert!((saving - expected).abs() < 0.001, "{saving} {expected}");
}

#[test]
fn the_way_back_counts_the_same_segments() {
    let coded = run("compress --level fast --report json", &mixed_input());
    let there = coded.report();
    let back = run("decompress --report json", &coded.output).report();
    assert!(there["segments"].as_u64() > Some(2));
    for key in ["segments", "segments_stored", "saving_percent"] {
        assert_eq!(there[key], back[key], "{key}");
    }
    let verify = run("verify --report json", &coded.output).report();
    assert_eq!(
        (&verify["verified"], &verify["bytes_out"]),
        (&true.into(), &0.into())
    );
}

#[test]
fn what_was_not_done_is_not_reported_as_done() {
    let photo = sample_photo();
    let unverified = run("compress --no-verify --report json", &photo).report();
    assert_eq!(
        (&unverified["verified"], &unverified["jailed"]),
        (&false.into(), &true.into())
    );
    let free = run("compress --no-sandbox --report json", &photo).report();
    assert_eq!(
        (&free["verified"], &free["jailed"]),
        (&true.into(), &false.into())
    );
    let cut = run("decompress --report json", &compressed(&photo)[..1000]).report();
    assert_eq!(
        (&cut["verified"], &cut["status_name"]),
        (&false.into(), &"truncated".into())
    );
    assert!(cut["error"].is_string());
}

#[test]
fn a_loss_is_a_negative_saving() {
    let report = run("compress --report json", &noise(1000)).report();
    assert!(report["saving_percent"].as_f64() < Some(0.0));
    let empty = run("compress --report json", &[]).report();
    assert!(empty["saving_percent"].is_null());
}

#[test]
fn the_text_line_names_the_essentials() {
    let line = run("compress --no-sandbox --no-verify", &sample_photo()).messages;
    for part in [
        "lepta-worker: compress: JPEG ",
        "saving ",
        "1 segment,",
        "NOT verified",
        "NOT jailed",
        "peak ",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn the_peak_of_memory_stays_below_the_limit() {
    for (arguments, input) in [
        ("compress --report json", mixed_input()),
        ("compress --report json --threads 2", mixed_input()),
        ("decompress --report json", compressed(&mixed_input())),
    ] {
        let peak = run(arguments, &input).report()["peak_rss_bytes"].as_u64();
        assert!(
            peak > Some(500_000) && peak < Some(24_000_000),
            "{arguments}: {peak:?}"
        );
    }
}

#[test]
fn the_output_does_not_depend_on_threads_at_the_least_limit_that_models_the_photo() {
    let photo = sample_photo();
    let fixed = needed("compress --memory-limit 0");
    let without_rows = format!("compress --level fast --report json --memory-limit {fixed}");
    let refused = run(&without_rows, &photo).report();
    let reasons = refused["reasons"].as_array().expect("a list");
    let reason = reasons
        .first()
        .and_then(|reason| reason.as_str())
        .expect("a reason");
    let rows = numbers(reason).max().expect("bytes of rows");
    // The container states the budget for rows in units of 64 KiB.
    let limit = fixed + 2 * rows.next_multiple_of(1 << 16);
    let arguments = format!("compress --level fast --report json --memory-limit {limit}");
    let one = run(&arguments, &photo);
    let two = run(&format!("{arguments} --threads 2"), &photo);
    for run in [&one, &two] {
        let report = run.assert_status(0).report();
        assert_eq!(report["reasons"], serde_json::json!([]));
        assert!(report["peak_rss_bytes"].as_u64() <= Some(limit));
    }
    assert!(one.output == two.output);
    let back = run(&format!("decompress --memory-limit {limit}"), &one.output);
    assert!(back.assert_status(0).output == photo);
}

/// The least memory limit, from the message that refuses a smaller one.
fn needed(arguments: &str) -> u64 {
    let refused = run(arguments, &[]);
    numbers(&refused.assert_status(30).messages)
        .max()
        .expect("a number")
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(' ').filter_map(|word| word.parse().ok())
}

#[test]
fn a_probe_says_what_a_file_is_from_its_start() {
    let photo = sample_photo();
    let run = run("probe --report json", &photo[..8000]);
    let report = run.assert_status(0).report();
    assert!(run.output.is_empty());
    assert_eq!(
        (&report["operation"], &report["kind"], &report["jailed"]),
        (&"probe".into(), &"JPEG".into(), &true.into()),
        "{report}"
    );
    assert!(report["width"].as_u64() > Some(0) && report["height"].as_u64() > Some(0));
    let nothing = support::run("probe --report json", b"text").report();
    assert!(nothing["kind"].is_null() && nothing["width"].is_null());
}
