//! Which files are meant.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lepta_worker::job::Operation;
use lepta_worker::status::Status;
use walkdir::WalkDir;

use crate::command_line::FileArguments;
use crate::names::{says_compressed, without_suffix};
use crate::problem::Problem;

/// One thing to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Stream,
    /// A path; what is there is seen when it is opened.
    File(PathBuf),
    /// Something that cannot be worked on.
    Broken(Problem),
}

/// Everything that the arguments name, in order, each path once.
///
/// # Errors
/// If the list of files cannot be read.
pub(super) fn inputs(
    arguments: &FileArguments,
    operation: Operation,
) -> Result<Vec<Input>, Problem> {
    let mut named = arguments.files.clone();
    if let Some(list) = &arguments.filelist {
        named.extend(listed(list)?);
    } else if named.is_empty() {
        return Ok(vec![Input::Stream]);
    }
    let mut inputs = Vec::new();
    for path in named {
        match path.as_os_str().as_bytes() {
            b"-" => inputs.push(Input::Stream),
            _ if path.is_dir() && arguments.recursive => walk(&path, operation, &mut inputs),
            _ => inputs.push(Input::File(path)),
        }
    }
    if arguments.exclude_compressed && operation == Operation::Compress {
        let is_excluded = |path: &Path| says_compressed(path) || without_suffix(path).is_some();
        inputs.retain(|input| !matches!(input, Input::File(path) if is_excluded(path)));
    }
    let mut seen = HashSet::new();
    inputs.retain(|input| match input {
        Input::File(path) => seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        _ => true,
    });
    Ok(inputs)
}

/// The names in a file, one on each line, byte for byte.
fn listed(list: &Path) -> Result<Vec<PathBuf>, Problem> {
    let text = match list.as_os_str().as_bytes() {
        b"-" => fs::read("/dev/stdin"),
        _ => fs::read(list),
    };
    let text = text.map_err(|error| Problem::reading(&error).at(list))?;
    let lines = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    Ok(lines.map(|line| OsStr::from_bytes(line).into()).collect())
}

/// Adds the regular files in a folder: those that are compressed already, or those that are not yet.
fn walk(folder: &Path, operation: Operation, inputs: &mut Vec<Input>) {
    let is_wanted = |path: &Path| match operation {
        Operation::Compress => without_suffix(path).is_none() && !is_partial(path),
        _ => without_suffix(path).is_some(),
    };
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_wanted(entry.path()) => {
                inputs.push(Input::File(entry.into_path()));
            }
            Ok(_) => {}
            Err(error) => {
                let problem = Problem::new(Status::Read, error.to_string());
                inputs.push(Input::Broken(problem));
            }
        }
    }
}

/// Whether this is left over from a run that was cut off.
fn is_partial(path: &Path) -> bool {
    let name = path.file_name().map_or(&b""[..], OsStrExt::as_bytes);
    name.starts_with(b".lepta-") && name.ends_with(b".partial")
}
