//! What went wrong, for people and for scripts: what, where, what to do, and a status.
//!
//! Invariant: a problem is told on one line, whatever characters names have.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use lepta_worker::status::Status;

/// Something that went wrong with one file, or with the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The exit status that it leads to.
    pub status: Status,
    what: String,
    place: Option<String>,
    advice: Option<String>,
}

impl Problem {
    /// A problem that is about no particular file yet.
    pub fn new(status: Status, what: impl Into<String>) -> Self {
        Self {
            status,
            what: what.into(),
            place: None,
            advice: None,
        }
    }

    /// Reading failed.
    pub fn reading(error: &io::Error) -> Self {
        Self::new(Status::Read, format!("cannot be read: {}", cause(error)))
    }

    /// Writing failed.
    pub fn writing(error: &io::Error) -> Self {
        Self::not_done("cannot be written", error)
    }

    /// Writing the result of something to `place` failed.
    pub fn storing(error: &io::Error, place: &Path) -> Self {
        Self::not_done(&format!("cannot be stored in {}", shown(place)), error)
    }

    fn not_done(what: &str, error: &io::Error) -> Self {
        let what = format!("{what}: {}", cause(error));
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::new(Status::NoSpace, what).advise("make room and try again")
            }
            _ => Self::new(Status::Write, what),
        }
    }

    /// Says where it happened, unless that is known.
    #[must_use]
    pub fn at(mut self, place: impl AsRef<Path>) -> Self {
        self.place.get_or_insert_with(|| shown(place.as_ref()));
        self
    }

    /// Says that it happened elsewhere than it was thought.
    #[must_use]
    pub fn moved_to(mut self, place: impl AsRef<Path>) -> Self {
        self.place = Some(shown(place.as_ref()));
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Writes it to standard error.
    pub fn tell(&self) {
        say(&format!("lepta: {self}"));
    }
}

/// Writes a line to standard error. If nobody can read it, the exit status still tells.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(&self.what)?;
        if let Some(advice) = &self.advice {
            write!(formatter, "; {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// What the system says, without Rust's number behind it.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((cause, _)) => cause.to_owned(),
        None => text,
    }
}

/// A name on one line: control characters are escaped.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if !text.contains(char::is_control) {
        return text.into_owned();
    }
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_to_do() {
        let error = io::Error::from_raw_os_error(28);
        let problem = Problem::writing(&error).at("a.lepta").at("elsewhere");
        assert_eq!(problem.status, Status::NoSpace);
        assert_eq!(
            problem.to_string(),
            "a.lepta: cannot be written: No space left on device; make room and try again"
        );
    }

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(shown(Path::new("a\nb\u{1b}ü")), "a\\nb\\u{1b}ü");
        assert_eq!(shown(Path::new("a b")), "a b");
    }
}
