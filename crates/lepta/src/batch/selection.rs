//! Which entries of an archive are meant.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use lepta_worker::status::Status;

use super::entry::Entry;
use crate::command_line::SelectionArguments;
use crate::problem::Problem;

/// A choice by path and by time.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Paths given as they are: each stands for itself and for all that is in it.
    paths: Vec<String>,
    patterns: GlobSet,
    is_all: bool,
    since: Option<i64>,
    until: Option<i64>,
}

impl Selection {
    /// # Errors
    /// If a pattern or a time cannot be understood.
    pub(crate) fn new(arguments: &SelectionArguments) -> Result<Self, Problem> {
        let mut patterns = GlobSetBuilder::new();
        let mut paths = Vec::new();
        for pattern in &arguments.patterns {
            let plain = pattern.trim_end_matches('/');
            paths.push(plain.strip_prefix("./").unwrap_or(plain).to_owned());
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            patterns.add(glob.map_err(|error| usage(&error.to_string()))?);
        }
        let patterns = patterns
            .build()
            .map_err(|error| usage(&error.to_string()))?;
        Ok(Self {
            is_all: paths.is_empty(),
            paths,
            patterns,
            since: arguments.since.as_deref().map(seconds).transpose()?,
            until: arguments.until.as_deref().map(seconds).transpose()?,
        })
    }

    /// Whether everything is meant.
    pub(crate) fn is_everything(&self) -> bool {
        self.is_all && self.since.is_none() && self.until.is_none()
    }

    /// Whether this entry is meant. The archived folder itself is only with everything that is in it.
    pub(crate) fn has(&self, path: &Path, entry: &Entry) -> bool {
        if path.as_os_str().is_empty() {
            return self.is_everything();
        }
        let (modified, _) = entry.attributes.modified;
        let is_in_time = self.since.is_none_or(|since| modified >= since)
            && self.until.is_none_or(|until| modified < until);
        let is_named = || {
            self.patterns.is_match(path) || self.paths.iter().any(|named| path.starts_with(named))
        };
        is_in_time && (self.is_all || is_named())
    }
}

fn usage(what: &str) -> Problem {
    Problem::new(Status::Usage, what)
}

/// Seconds since 1970 of a date, a date with a time, or one with an offset; without an offset it is
/// local time.
fn seconds(text: &str) -> Result<i64, Problem> {
    let local = |time: DateTime| time.to_zoned(TimeZone::system()).ok();
    let timestamp = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| Some(text.parse::<Zoned>().ok()?.timestamp()))
        .or_else(|| Some(local(text.parse().ok()?)?.timestamp()));
    timestamp.map(Timestamp::as_second).ok_or_else(|| {
        usage(&format!("{text} is no time")).advise("write 2024-06-26 or 2024-06-26T08:22:55")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::entry::{Attributes, Content};

    fn selection(patterns: &[&str], since: Option<&str>, until: Option<&str>) -> Selection {
        Selection::new(&SelectionArguments {
            patterns: patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect(),
            since: since.map(str::to_owned),
            until: until.map(str::to_owned),
        })
        .expect("understood")
    }

    fn entry(modified: i64) -> Entry {
        Entry {
            content: Content::Folder,
            attributes: Attributes {
                mode: 0o755,
                user: 0,
                group: 0,
                modified: (modified, 0),
                extended: Vec::new(),
            },
        }
    }

    #[test]
    fn paths_folders_and_patterns() {
        for (pattern, path, expected) in [
            ("a/b.jpg", "a/b.jpg", true),
            ("./a/", "a/b.jpg", true),
            ("a", "ab/c", false),
            ("a/*.jpg", "a/b.jpg", true),
            ("*.jpg", "a/b.jpg", false),
            ("**/*.jpg", "a/b.jpg", true),
            ("a[1].png", "a[1].png", true),
            ("**", "a/b.jpg", true),
            ("**", "", false),
            ("./", "", false),
        ] {
            let selection = selection(&[pattern], None, None);
            assert_eq!(
                selection.has(Path::new(path), &entry(0)),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn the_folder_itself_goes_with_everything_only() {
        let root = Path::new("");
        assert!(selection(&[], None, None).has(root, &entry(0)));
        assert!(!selection(&[], Some("1960-01-01"), None).has(root, &entry(0)));
    }

    #[test]
    fn times_with_and_without_offsets() {
        let times = selection(
            &[],
            Some("2024-06-26T08:22:55+02:00"),
            Some("2024-06-26T06:23:00Z"),
        );
        let path = Path::new("a");
        assert!(!times.has(path, &entry(1_719_382_974)));
        assert!(times.has(path, &entry(1_719_382_975)));
        assert!(!times.has(path, &entry(1_719_382_980)));
        assert!(!times.is_everything());
        assert!(seconds("2024-06-26").is_ok() && seconds("2024-06-26T08:22").is_ok());
        assert!(seconds("yesterday").is_err());
    }
}
