//! Which files may be screenshots of a run, by their names.
//!
//! Invariant: only names are looked at. What the files really hold, jailed workers say later.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;

/// Most frames of one stored run.
pub(crate) const FRAMES_MAX: usize = 48;
/// Fewer are stored one by one.
pub(crate) const FRAMES_MIN: usize = 3;

/// The time in the name of a PNG, as screenshot tools write it: `2024-06-26T08:22:55+02:00.png`, with
/// dashes, dots or underscores for colons, with words around it, or as `20240626-082255`.
pub(crate) fn time_in_name(path: &Path) -> Option<DateTime> {
    let is_png = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    is_png.then(|| time_in_stem(path))?
}

/// The same for a file of any kind.
pub(crate) fn time_in_stem(path: &Path) -> Option<DateTime> {
    let stem = path.file_stem().and_then(OsStr::to_str)?;
    let is_digit = |character: char| character.is_ascii_digit();
    let numbers: Vec<&str> = stem
        .split(|character| !is_digit(character))
        .filter(|number| !number.is_empty())
        .collect();
    (0..numbers.len()).find_map(|first| {
        let lengths: Vec<usize> = numbers[first..].iter().map(|number| number.len()).collect();
        match lengths.as_slice() {
            [4, 2, 2, 2, 2, 2, ..] => time(&numbers[first..first + 6]),
            [8, 6, ..] | [8, 9, ..] => {
                let (date, clock) = (numbers[first], numbers[first + 1]);
                time(&[
                    &date[..4],
                    &date[4..6],
                    &date[6..],
                    &clock[..2],
                    &clock[2..4],
                    &clock[4..6],
                ])
            }
            _ => None,
        }
    })
}

fn time(numbers: &[&str]) -> Option<DateTime> {
    let [year, month, day, hour, minute, second] = numbers else {
        return None;
    };
    let small = |number: &str| number.parse::<i8>().ok();
    DateTime::new(
        year.parse().ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    )
    .ok()
}

/// Gathers what comes in the order of a walk into groups of one folder each, in the order of time.
#[derive(Debug)]
pub(crate) struct Groups<T> {
    open: HashMap<PathBuf, Vec<(DateTime, T)>>,
}

impl<T> Groups<T> {
    pub(crate) fn new() -> Self {
        Self {
            open: HashMap::new(),
        }
    }

    /// Adds a screenshot of this folder; returns a group that is full.
    pub(crate) fn add(&mut self, folder: &Path, time: DateTime, item: T) -> Option<Vec<T>> {
        let group = self.open.entry(folder.to_owned()).or_default();
        group.push((time, item));
        if group.len() < FRAMES_MAX {
            return None;
        }
        self.open.remove(folder).map(in_order)
    }

    /// All groups that are not full.
    pub(crate) fn finish(self) -> impl Iterator<Item = Vec<T>> {
        self.open.into_values().map(in_order)
    }
}

fn in_order<T>(mut group: Vec<(DateTime, T)>) -> Vec<T> {
    // Stable: what has the same time stays in the order of names.
    group.sort_by_key(|(time, _)| *time);
    group.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_tools_have_times() {
        for name in [
            "2024-06-26T08:22:55+02:00.png",
            "2024-06-26T08-22-55.055.png",
            "2024-06-26_08.22.55.PNG",
            "Screenshot from 2024-06-26 08-22-55.png",
            "Screenshot_20240626-082255_App.png",
            "IMG_20240626_082255123.png",
        ] {
            let time = time_in_name(Path::new(name)).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some("2024-06-26T08:22:55"), "{name}");
        }
        for name in [
            "2024-06-26T08:22:55.jpg",
            "2024-13-26T08:22:55.png",
            "frame-0001.png",
            "12345678-901234.png",
            "a.png",
        ] {
            assert_eq!(time_in_name(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn groups_are_of_one_folder_and_in_order() {
        let mut groups = Groups::new();
        let time = |second: usize| {
            let second = i8::try_from(second % 60).expect("small");
            DateTime::constant(2024, 1, 1, 0, 0, second, 0)
        };
        let mut full = Vec::new();
        for number in (0..FRAMES_MAX + 2).rev() {
            full.extend(groups.add(Path::new("a"), time(number), number));
        }
        groups.add(Path::new("b"), time(0), 100);
        assert_eq!(full.len(), 1);
        assert!(full[0].is_sorted() && full[0].len() == FRAMES_MAX);
        let mut rest: Vec<Vec<usize>> = groups.finish().collect();
        rest.sort();
        assert_eq!(rest, [vec![0, 1], vec![100]]);
    }
}
