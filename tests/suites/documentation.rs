//! The documents say what is so: names of tests, links, figures.
//!
//! Invariant: these tests read the files of this checkout and nothing else.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "FORMAT.md",
    "SPECIFICATION.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "OPERATIONS.md",
];

/// Where `scripts/bench --publish` leaves its figures.
const PUBLISHED: &str = "scripts/figures/bench.csv";

/// Where `scripts/bench-screens --publish` leaves its figures.
const PUBLISHED_SCREENS: &str = "scripts/figures/screens.csv";

fn in_checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_checkout(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether a source file has a test of this name, a case of this name among the trials that it
/// makes, or an assertion of this name that tests call.
fn has_test(source: &str, name: &str) -> bool {
    let makes_trials = source.contains("Trial");
    let is_case = [format!("\"{name}\""), format!("::{name}{{")]
        .iter()
        .any(|text| source.contains(text));
    let function = format!("fn {name}(");
    let is_function = source.split_once(&function).is_some_and(|(before, _)| {
        let attributes = before.rsplit("\n\n").next().unwrap_or(before);
        ["#[test]", "::test]", "::test("]
            .iter()
            .any(|attribute| attributes.contains(attribute))
            || name.starts_with("assert_")
            || makes_trials
    });
    is_function || makes_trials && is_case
}

#[test]
fn every_test_of_the_specification_exists() {
    let specification = read("SPECIFICATION.md");
    let quoted = specification.split('`').skip(1).step_by(2);
    let named: Vec<(&str, &str)> = quoted
        .filter(|text| text.contains(".rs::"))
        .filter_map(|text| text.split_once("::"))
        .collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|(path, name)| !has_test(&read(path), name))
        .collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
}

#[test]
fn a_test_that_does_not_exist_is_missed() {
    let source = "#[test]\nfn there() {}\n\nfn helper() {}\n";
    assert!(has_test(source, "there"));
    assert!(!has_test(source, "helper"));
    assert!(!has_test(source, "ther"));
    let trials = "let name = format!(\"sweep::case{place}\"); Trial::test(name, work); \"other\"";
    assert!(has_test(trials, "case") && has_test(trials, "other"));
    assert!(!has_test(trials, "place"));
}

#[test]
fn links_lead_to_files() {
    for document in DOCUMENTS {
        let text = read(document);
        for target in text.split("](").skip(1) {
            let target = target.split([')', '#']).next().unwrap_or(target);
            let is_remote = target.contains("://");
            let is_there = target.is_empty() || in_checkout(target).exists();
            assert!(is_remote || is_there, "{document} links to {target}");
        }
    }
}

/// One codec's row of the published figures, by the names of the columns.
type Figures = BTreeMap<String, String>;

/// The published figures; `None` if none were.
fn published() -> Option<Vec<Figures>> {
    let path = in_checkout(PUBLISHED);
    let text = path.exists().then(|| read(PUBLISHED))?;
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let columns: Vec<String> = lines.next().expect("a line of columns").collect();
    Some(
        lines
            .map(|row| columns.iter().cloned().zip(row).collect())
            .collect(),
    )
}

fn figure(row: &Figures, column: &str) -> Option<f64> {
    row.get(column).expect(column).parse().ok()
}

/// The best figure that any build of the peer has in a column.
fn best_of_peer(rows: &[Figures], column: &str) -> Option<f64> {
    let peers = rows.iter().filter(|row| is_peer(row));
    peers
        .filter_map(|row| figure(row, column))
        .max_by(f64::total_cmp)
}

fn is_peer(row: &Figures) -> bool {
    row["codec"].starts_with("lepton_jpeg")
}

/// A cell: the figure and, for our own codecs, how it stands to the peer's.
fn cell(
    rows: &[Figures],
    row: &Figures,
    column: &str,
    text: impl Fn(f64) -> String,
    against: impl Fn(f64, f64) -> String,
) -> String {
    let Some(own) = figure(row, column) else {
        return "–".to_owned();
    };
    match best_of_peer(rows, column).filter(|_| !is_peer(row)) {
        Some(peer) => format!("{} ({})", text(own), against(own, peer)),
        None => text(own),
    }
}

fn table_row(rows: &[Figures], row: &Figures) -> String {
    let saving = |column| {
        let points = |own, peer| format!("{:+.2}", own - peer);
        cell(
            rows,
            row,
            column,
            |percent| format!("{percent:.2} %"),
            points,
        )
    };
    let speed = |column| {
        let ratio = |own, peer| format!("{:.2} ×", own / peer);
        cell(rows, row, column, |speed| format!("{speed:.1}"), ratio)
    };
    let memory = |column| figure(row, column).map_or("–".to_owned(), |most| format!("{most:.1}"));
    let cells = [
        row["codec"].clone(),
        saving("baseline_saving_percent"),
        saving("progressive_saving_percent"),
        speed("encode_MB_per_s"),
        speed("encode_verified_MB_per_s"),
        speed("decode_MB_per_s"),
        memory("encode_verified_rss_MB_most"),
        memory("decode_rss_MB_most"),
    ];
    format!("| {} |", cells.join(" | "))
}

/// What stands between the markers for figures in README.md.
fn expected_figures() -> String {
    let Some(rows) = published() else {
        return "Not measured yet for this version.".to_owned();
    };
    let head = "\
| | saving, baseline photos (points) | saving, progressive photos (points) | compress, MB/s | \
compress, verified, MB/s | decompress, MB/s | peak memory, compress, MB | decompress, MB |
|---|---:|---:|---:|---:|---:|---:|---:|";
    let rows: Vec<String> = rows.iter().map(|row| table_row(&rows, row)).collect();
    let plot = "![Saving and speed of each codec](scripts/figures/bench.svg)";
    let rest = "Everything else that was measured, the machine and the start times among it, is in \
                [bench.txt](scripts/figures/bench.txt).";
    format!("{head}\n{}\n\n{plot}\n\n{rest}", rows.join("\n"))
}

/// What stands between the markers for figures of screenshots in README.md.
fn expected_screen_figures() -> String {
    if !in_checkout(PUBLISHED_SCREENS).exists() {
        return "Not measured yet for this version.".to_owned();
    }
    let text = read(PUBLISHED_SCREENS);
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split(',').map(|cell| match cell {
            "" => "–".to_owned(),
            cell => cell.replace(';', ","),
        });
        cells.collect()
    };
    let rows: Vec<String> = text
        .lines()
        .skip(1)
        .map(|line| format!("| {} |", cells(line).join(" | ")))
        .collect();
    let head = "\
| | gives back | frames | saving, % | in, frames/s | in, verified | out, frames/s | peak memory in, MB | out, MB |
|---|---|---:|---:|---:|---:|---:|---:|---:|";
    let plot = "![What is left of the files by each method](scripts/figures/screens.svg)";
    format!("{head}\n{}\n\n{plot}", rows.join("\n"))
}

#[test]
fn the_figures_of_screenshots_are_those_of_the_published_run() {
    let readme = read("README.md");
    let (_, behind) = readme.split_once("<!-- screens -->").expect("a marker");
    let (shown, _) = behind.split_once("<!-- /screens -->").expect("its end");
    let expected = expected_screen_figures();
    assert!(
        shown.trim() == expected,
        "between the markers in README.md there should be\n{expected}"
    );
}

#[test]
fn the_figures_are_those_of_the_published_run() {
    let readme = read("README.md");
    let (_, behind) = readme.split_once("<!-- figures -->").expect("a marker");
    let (shown, _) = behind.split_once("<!-- /figures -->").expect("its end");
    let expected = expected_figures();
    assert!(
        shown.trim() == expected,
        "between the markers in README.md there should be\n{expected}"
    );
}
