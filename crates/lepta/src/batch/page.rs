//! The report as one HTML page that needs nothing else: no network, no script.
//!
//! Invariant: whatever names and reasons hold, they are shown as text; sums are over each stored file
//! once.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::entry::{Entry, Form, Stored};
use super::ledger::View;
use super::summary::Kind;
use crate::problem::{Problem, shown};
use crate::storage::{Overwrite, PendingFile, folder_of};

/// Files in the lists of the slowest and of those not modelled.
const LISTED: usize = 20;
/// Runs in the timeline.
const RUNS_LISTED: usize = 200;
/// Bars of the histogram: each a tenth of the size saved; the first is for what gained nothing.
const BARS: usize = 11;

/// A row of a list: a path and what is said of it.
type Row = (String, String);

/// A stored run.
#[derive(Debug, Default)]
struct Run {
    /// Of its first frame, in seconds since 1970.
    begin: i64,
    sizes: Kind,
}

/// What the page shows.
#[derive(Debug, Default)]
pub(crate) struct Page {
    all: Kind,
    kinds: BTreeMap<String, Kind>,
    folders: BTreeMap<String, Kind>,
    histogram: [u64; BARS],
    /// By milliseconds, the longest last.
    slowest: Vec<(u64, String)>,
    not_modelled: Vec<Row>,
    more_not_modelled: u64,
    runs: BTreeMap<PathBuf, Run>,
    /// The first bytes of each BLAKE3: enough for a picture, and little room for a million of them.
    seen: HashSet<u64>,
}

impl Kind {
    fn add(&mut self, bytes_in: u64, bytes_out: u64) {
        self.files += 1;
        self.bytes_in += bytes_in;
        self.bytes_out += bytes_out;
    }

    fn saving(&self) -> f64 {
        match self.bytes_in {
            0 => 0.0,
            bytes_in => 100.0 * (1.0 - self.bytes_out as f64 / bytes_in as f64),
        }
    }
}

impl Page {
    /// The page of an archive.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn of(view: &View) -> Result<Self, Problem> {
        let mut page = Self::default();
        view.for_each_entry(|path, entry| {
            if let Some(file) = entry.file()
                && let Some(stored) = view.stored(&file.blake3)?
            {
                page.add(
                    &path,
                    &entry,
                    &stored,
                    file.digest().map(|digest| digest.hash),
                );
            }
            Ok(())
        })?;
        page.slowest.reverse();
        Ok(page)
    }

    fn add(&mut self, path: &Path, entry: &Entry, stored: &Stored, hash: Option<blake3::Hash>) {
        let is_first = hash.is_none_or(|hash| {
            let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
            self.seen
                .insert(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
        });
        let size = stored.length;
        let result = match (is_first, stored.form) {
            (false, _) => 0,
            (true, Form::LeftOut) => size,
            (true, _) => stored.size,
        };
        let kind = stored.kind.clone().unwrap_or_else(|| "other".to_owned());
        let mut components = path.components();
        let top = components.next().filter(|_| components.next().is_some());
        let folder = top.map_or_else(|| ".".to_owned(), |top| shown(top.as_ref()));
        self.all.add(size, result);
        self.kinds.entry(kind).or_default().add(size, result);
        self.folders.entry(folder).or_default().add(size, result);
        let saved = size.saturating_sub(result);
        let tenth = (saved * 10).div_ceil(size.max(1));
        self.histogram[usize::try_from(tenth).map_or(0, |tenth| tenth.min(BARS - 1))] += 1;
        if !is_first {
            return;
        }
        self.slowest.push((stored.milliseconds, shown(path)));
        self.slowest.sort_unstable();
        if self.slowest.len() > LISTED {
            self.slowest.remove(0);
        }
        self.note_reasons(path, stored);
        if stored.form == Form::InRun {
            let (seconds, _) = entry.attributes.modified;
            let run = self
                .runs
                .entry(stored.path.to_path())
                .or_insert_with(|| Run {
                    begin: seconds,
                    sizes: Kind::default(),
                });
            run.begin = run.begin.min(seconds);
            run.sizes.add(size, result);
        }
    }

    fn note_reasons(&mut self, path: &Path, stored: &Stored) {
        let form = match stored.form {
            Form::Copied => "copied: it gains nothing",
            Form::LeftOut => "left out: it gains nothing",
            _ if stored.reasons.is_empty() => return,
            _ => "compressed",
        };
        if self.not_modelled.len() == LISTED {
            self.more_not_modelled += 1;
            return;
        }
        let mut reason = form.to_owned();
        for part in &stored.reasons {
            reason = format!("{reason}; {part}");
        }
        self.not_modelled.push((shown(path), reason));
    }

    /// Writes the page, whole or not at all, in place of an earlier one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Problem> {
        let writing = |error| Problem::writing(&error).at(path);
        let mut pending = PendingFile::create_in(folder_of(path)).map_err(writing)?;
        pending.write_all(self.html().as_bytes()).map_err(writing)?;
        pending.keep(path, None, Overwrite::Allowed)
    }

    fn html(&self) -> String {
        let mut body = String::new();
        let all = &self.all;
        push(
            &mut body,
            format_args!(
                "<p class=big>{:.1} % saved</p><p>{} files, {} → {}</p>",
                all.saving(),
                all.files,
                bytes(all.bytes_in),
                bytes(all.bytes_out)
            ),
        );
        push_sizes(&mut body, "By kind", &self.kinds);
        push_sizes(&mut body, "By folder", &self.folders);
        self.push_histogram(&mut body);
        self.push_runs(&mut body);
        let slowest = self.slowest.iter().map(|(milliseconds, path)| {
            (path.clone(), format!("{:.2} s", *milliseconds as f64 / 1e3))
        });
        push_rows(&mut body, "The slowest", slowest);
        push_rows(
            &mut body,
            "Not modelled, or only in part",
            self.not_modelled.iter().cloned(),
        );
        if self.more_not_modelled > 0 {
            push(
                &mut body,
                format_args!("<p>and {} more</p>", self.more_not_modelled),
            );
        }
        format!("{HEAD}<main><h1>Lepta</h1>{body}</main></html>\n")
    }

    fn push_histogram(&self, body: &mut String) {
        let most = self.histogram.iter().copied().max().unwrap_or(0).max(1);
        body.push_str("<h2>Files by saving</h2><table>");
        for (tenth, &count) in self.histogram.iter().enumerate() {
            let name = match tenth {
                0 => "nothing".to_owned(),
                tenth => format!("up to {} %", tenth * 10),
            };
            push_bar(
                body,
                &name,
                &count.to_string(),
                100.0 * count as f64 / most as f64,
            );
        }
        body.push_str("</table>");
    }

    fn push_runs(&self, body: &mut String) {
        if self.runs.is_empty() {
            return;
        }
        let mut runs: Vec<&Run> = self.runs.values().collect();
        runs.sort_by_key(|run| run.begin);
        body.push_str("<h2>Runs of screenshots</h2><table>");
        for run in runs.iter().take(RUNS_LISTED) {
            let time = Timestamp::from_second(run.begin).map_or_else(
                |_| "?".to_owned(),
                |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
            );
            let sizes = &run.sizes;
            let text = format!(
                "{} frames, {} → {}",
                sizes.files,
                bytes(sizes.bytes_in),
                bytes(sizes.bytes_out)
            );
            push_bar(body, &time, &text, sizes.saving());
        }
        body.push_str("</table>");
    }
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width,initial-scale=1'><title>Lepta</title><style>\
:root{color-scheme:light dark;--bar:#2b7a78;--line:#8884}\
body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:50rem;margin:auto;padding:1rem}\
.big{font-size:2.5rem;margin:0}h2{margin:2rem 0 .5rem;font-size:1.1rem}\
table{width:100%;border-collapse:collapse;table-layout:fixed}td{padding:.2rem .4rem;border-bottom:1px solid var(--line);\
vertical-align:top;overflow-wrap:anywhere}td.n{width:50%;text-align:right}\
i{display:block;height:.5rem;background:var(--bar);border-radius:.25rem}\
@media(prefers-color-scheme:dark){:root{--bar:#5fd3c7}}\
</style>";

/// Writing to a `String` cannot fail.
fn push(body: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = body.write_fmt(text);
}

fn push_sizes(body: &mut String, title: &str, sizes: &BTreeMap<String, Kind>) {
    push(body, format_args!("<h2>{title}</h2><table>"));
    for (name, sizes) in sizes {
        let text = format!(
            "{} files, {} → {}, {:.1} %",
            sizes.files,
            bytes(sizes.bytes_in),
            bytes(sizes.bytes_out),
            sizes.saving()
        );
        push_bar(body, name, &text, sizes.saving());
    }
    body.push_str("</table>");
}

fn push_bar(body: &mut String, name: &str, text: &str, percent: f64) {
    let (name, width) = (escaped(name), percent.clamp(0.0, 100.0));
    push(
        body,
        format_args!(
            "<tr><td>{name}<i style='width:{width:.1}%'></i></td><td class=n>{text}</td></tr>"
        ),
    );
}

fn push_rows(body: &mut String, title: &str, rows: impl Iterator<Item = Row>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    push(body, format_args!("<h2>{title}</h2><table>"));
    for (name, text) in rows {
        let (name, text) = (escaped(&name), escaped(&text));
        push(
            body,
            format_args!("<tr><td>{name}</td><td class=n>{text}</td></tr>"),
        );
    }
    body.push_str("</table>");
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{:.1} KB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_not_markup() {
        let mut page = Page::default();
        page.not_modelled
            .push(("<script>'&\"".to_owned(), "a < b".to_owned()));
        let html = page.html();
        assert!(html.contains("&lt;script&gt;&#39;&amp;&quot;"), "{html}");
        assert!(html.contains("a &lt; b") && !html.contains("<script"));
        assert!(!html.contains("http"), "the page needs nothing else");
    }
}
