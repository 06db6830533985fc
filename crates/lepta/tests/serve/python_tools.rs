//! Programs and libraries from the Python Package Index: other people's clients, and checkers of
//! schemas. They are installed into the target folder, once.
//!
//! Invariant: where they cannot be installed, tests say so on standard error and check nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::support::messages;

/// One version of each, so that nothing here changes by itself.
const PACKAGES: [&str; 5] = [
    "check-jsonschema==0.39.0",
    "httpx==0.28.1",
    "kubernetes-validate==1.37.0",
    "openapi-spec-validator==0.9.0",
    "requests==2.34.2",
];

/// A program of theirs, or `python` itself, which finds the libraries; `None` if they are not here.
pub(crate) fn python_tool(name: &str) -> Option<Command> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-tools");
        match install(&folder) {
            Ok(()) => Some(folder.join("bin")),
            Err(why) => {
                eprintln!("the Python tools cannot be installed: {}", why.trim_end());
                None
            }
        }
    });
    if installed.is_none() {
        eprintln!("SKIPPED: {name} is not installed and cannot be");
    }
    installed
        .as_deref()
        .map(|folder| Command::new(folder.join(name)))
}

fn install(folder: &Path) -> Result<(), String> {
    let list = folder.join("installed");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&list).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    run(&mut venv)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"])
        .args(["--retries", "1", "--timeout", "15"])
        .args(PACKAGES);
    run(&mut pip)?;
    fs::write(&list, wanted).map_err(|error| error.to_string())
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(output) => Err(messages(&output)),
        Err(error) => Err(error.to_string()),
    }
}
