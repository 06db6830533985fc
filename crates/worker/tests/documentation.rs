//! README.md shows the worker as it is.
//!
//! Invariant: what is compared stands in README.md behind a marker comment of its own, so a part
//! that is gone fails its test.

mod support;

use lepta_worker::status::Status;
use serde_json::Value;
use support::{run, sample_photo};

const README: &str = include_str!("../../../README.md");

/// The lines between a marker comment and the first line after it that `is_end`.
fn lines_behind<'a>(marker: &str, is_end: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let marker = format!("<!-- {marker} -->");
    let (_, behind) = README.split_once(&marker).expect(&marker);
    let lines = behind.trim_start().lines();
    lines.take_while(|line| !is_end(line)).collect()
}

/// The content of the fenced block behind a marker comment.
fn block(marker: &str) -> String {
    let mut lines = lines_behind(marker, |line| line == "```");
    assert!(lines.remove(0).starts_with("```"), "{marker}: no block");
    lines.join("\n") + "\n"
}

#[test]
fn the_readme_has_every_exit_status() {
    let table = lines_behind("statuses", str::is_empty);
    let row = |status: &Status| {
        let (code, name) = (status.code(), status.name());
        format!("| {code} | `{name}` | {} |", status.meaning())
    };
    let rows: Vec<String> = Status::ALL.iter().map(row).collect();
    assert_eq!(table[2..], rows, "it should be\n{}", rows.join("\n"));
}

#[test]
fn the_readme_shows_the_help() {
    let help = String::from_utf8(run("--help", &[]).output).expect("text");
    assert_eq!(block("help"), help);
}

/// The peak of memory differs from machine to machine; all else must be as shown.
#[test]
fn the_report_in_the_readme_is_a_real_one() {
    let mut shown: Value = serde_json::from_str(&block("report")).expect("JSON");
    let run = run("compress --report json", &sample_photo());
    let mut report = run.report();
    for value in [&mut shown, &mut report] {
        let peak = value["peak_rss_bytes"].take();
        assert!(peak.as_u64() < Some(24_000_000), "{peak}");
    }
    assert_eq!(shown, report, "README.md should show {}", run.messages);
}
