//! Where results go.

use std::io::{self, IsTerminal};
use std::path::{Component, Path, PathBuf};

use lepta_worker::job::Operation;
use lepta_worker::status::Status;

use crate::command_line::FileArguments;
use crate::names::{SUFFIX, with_suffix, without_suffix};
use crate::problem::Problem;

/// Where the result of one file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Nowhere: it is only tested.
    Nothing,
    Stdout,
    File(PathBuf),
}

/// The rule for all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Nothing,
    Stdout,
    Named(PathBuf),
    Beside,
    Mirrored(PathBuf),
}

/// Where the results of all files go.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    rule: Rule,
    operation: Operation,
    force: bool,
}

impl Outputs {
    pub(super) fn new(arguments: &FileArguments, operation: Operation) -> Self {
        let output = &arguments.output;
        let is_dash = |path: &PathBuf| path.as_os_str() == "-";
        let rule = match (&output.path, &output.mirror) {
            _ if operation == Operation::Verify => Rule::Nothing,
            _ if output.to_stdout || output.path.as_ref().is_some_and(is_dash) => Rule::Stdout,
            (Some(path), _) => Rule::Named(path.clone()),
            (None, Some(folder)) => Rule::Mirrored(folder.clone()),
            (None, None) => Rule::Beside,
        };
        Self {
            rule,
            operation,
            force: output.force,
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        self.rule == Rule::Stdout
    }

    /// Refuses one output for several inputs.
    ///
    /// # Errors
    /// If a file is named as the output of more than one input.
    pub(super) fn check(&self, inputs: usize) -> Result<(), Problem> {
        match &self.rule {
            Rule::Named(path) if inputs > 1 => {
                let problem = Problem::new(Status::Usage, "is one output for several files");
                Err(problem.at(path).advise("use --output-dir-mirror, or -c"))
            }
            _ => Ok(()),
        }
    }

    /// Where the result of standard input goes.
    ///
    /// # Errors
    /// If it would go to a terminal.
    pub(super) fn of_stream(&self) -> Result<Output, Problem> {
        match &self.rule {
            Rule::Nothing => Ok(Output::Nothing),
            Rule::Named(path) => Ok(Output::File(path.clone())),
            Rule::Stdout | Rule::Beside | Rule::Mirrored(_) => stdout(),
        }
    }

    /// Where the result of a file goes.
    ///
    /// # Errors
    /// If its name does not say how to name the result, or the result would go to a terminal.
    pub(super) fn of_file(&self, input: &Path) -> Result<Output, Problem> {
        match &self.rule {
            Rule::Nothing => Ok(Output::Nothing),
            Rule::Stdout => stdout(),
            Rule::Named(path) => Ok(Output::File(path.clone())),
            Rule::Beside => Ok(Output::File(self.result_name(input)?)),
            Rule::Mirrored(folder) => {
                Ok(Output::File(mirrored(folder, &self.result_name(input)?)?))
            }
        }
    }

    fn result_name(&self, input: &Path) -> Result<PathBuf, Problem> {
        let usage = |what: &str| Problem::new(Status::Usage, what).at(input);
        match (self.operation, without_suffix(input)) {
            (Operation::Compress, None) => Ok(with_suffix(input)),
            (Operation::Compress, Some(_)) if self.force => Ok(with_suffix(input)),
            (Operation::Compress, Some(_)) => {
                Err(usage("is compressed already, by its name").advise("use -f to do it again"))
            }
            (_, Some(name)) => Ok(name),
            (_, None) => Err(usage(&format!("its name does not end in {SUFFIX}"))
                .advise("say by -o or -c where the result shall go")),
        }
    }
}

fn stdout() -> Result<Output, Problem> {
    if io::stdout().is_terminal() {
        let problem = Problem::new(
            Status::Usage,
            "compressed and image data is not for terminals",
        );
        return Err(problem.advise("redirect standard output to a file or a pipe, or name FILEs"));
    }
    Ok(Output::Stdout)
}

/// `name` in `folder`, with its own folders.
fn mirrored(folder: &Path, name: &Path) -> Result<PathBuf, Problem> {
    let mut path = folder.to_owned();
    for component in name.components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => {
                let problem = Problem::new(Status::Usage, "leads out of the mirrored folder");
                return Err(problem.at(name).advise("name the file without .."));
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(rule: Rule, operation: Operation) -> Outputs {
        Outputs {
            rule,
            operation,
            force: false,
        }
    }

    fn path(outputs: &Outputs, input: &str) -> Result<String, String> {
        match outputs.of_file(Path::new(input)) {
            Ok(Output::File(path)) => Ok(path.display().to_string()),
            Ok(other) => Ok(format!("{other:?}")),
            Err(problem) => Err(problem.to_string()),
        }
    }

    #[test]
    fn results_lie_beside_their_files() {
        let compress = outputs(Rule::Beside, Operation::Compress);
        assert_eq!(path(&compress, "a/b.jpg").as_deref(), Ok("a/b.jpg.lepta"));
        assert!(path(&compress, "b.jpg.lepta").is_err());
        let restore = outputs(Rule::Beside, Operation::Decompress);
        assert_eq!(path(&restore, "a/b.jpg.lepta").as_deref(), Ok("a/b.jpg"));
        assert!(path(&restore, "b.jpg").is_err());
    }

    #[test]
    fn a_mirror_has_the_folders_and_nothing_outside() {
        let mirror = outputs(Rule::Mirrored("m".into()), Operation::Compress);
        assert_eq!(path(&mirror, "/a/./b").as_deref(), Ok("m/a/b.lepta"));
        assert!(path(&mirror, "a/../../b").is_err());
    }

    #[test]
    fn one_output_takes_one_input() {
        let named = outputs(Rule::Named("x".into()), Operation::Compress);
        assert!(named.check(1).is_ok());
        assert!(named.check(2).is_err());
    }
}
