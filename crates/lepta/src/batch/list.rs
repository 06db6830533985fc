//! What an archive has.

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use lepta_worker::status::Status;
use serde::Serialize;

use super::entry::{Bytes, Content, Entry, Form, Stored};
use super::ledger::{Archive, Ledger};
use super::selection::Selection;
use crate::command_line::BatchListArguments;
use crate::problem::{Problem, shown};

/// Lists what is selected.
///
/// # Errors
/// If the archive cannot be read or the list not be written.
pub(crate) fn run(arguments: &BatchListArguments) -> Result<Status, Problem> {
    #[derive(Serialize)]
    struct Object<'a> {
        path: Bytes,
        #[serde(flatten)]
        entry: &'a Entry,
        stored: Option<&'a Stored>,
    }
    let archive = Archive::new(&arguments.archive);
    let selection = Selection::new(&arguments.selection)?;
    let ledger = Ledger::open(&archive)?;
    let view = ledger.view()?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    let writing = |error: io::Error| Problem::writing(&error).at("standard output");
    view.for_each_entry(|path, entry| {
        if !selection.has(&path, &entry) {
            return Ok(());
        }
        let stored = match entry.file() {
            Some(file) => view.stored(&file.blake3)?,
            None => None,
        };
        let line = match arguments.json {
            true => serde_json::to_string(&Object {
                path: path.as_path().into(),
                entry: &entry,
                stored: stored.as_ref(),
            })
            .unwrap_or_default(),
            false => {
                let path = match path.as_os_str().is_empty() {
                    true => Path::new("."),
                    false => &path,
                };
                format!("{} {}", columns(&entry, stored.as_ref()), shown(path))
            }
        };
        writeln!(output, "{line}").map_err(writing)
    })?;
    output.flush().map_err(writing)?;
    Ok(Status::Done)
}

/// Time, size, stored size, form.
fn columns(entry: &Entry, stored: Option<&Stored>) -> String {
    let (seconds, _) = entry.attributes.modified;
    let time = Timestamp::from_second(seconds).map_or_else(
        |_| "?".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    let (size, stored_size, form) = match (&entry.content, stored) {
        (Content::Folder, _) => (String::new(), String::new(), "folder"),
        (Content::Link { .. }, _) => (String::new(), String::new(), "link"),
        (Content::File(file), Some(stored)) => (
            file.size.to_string(),
            match stored.form {
                Form::LeftOut => String::new(),
                _ => stored.size.to_string(),
            },
            match stored.form {
                Form::Compressed => "compressed",
                Form::InRun => "in a run",
                Form::Copied => "copied",
                Form::LeftOut => "left out",
            },
        ),
        (Content::File(file), None) => (file.size.to_string(), String::new(), "LOST"),
    };
    format!("{time:20} {size:>12} {stored_size:>12} {form:10}")
}
