//! The examples for engines, clusters and service managers are what those understand.
//!
//! Invariant: each check also refuses a manifest with a mistake in it, so that it cannot pass blindly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python_tools::python_tool;
use super::real_clients::{example, is_here};
use super::server::program;
use super::support::messages;

/// Checks an example, and the same with a mistake, with a command that ends badly for mistakes.
fn check(name: &str, right: &str, wrong: &str, check: impl Fn(&Path) -> Command) {
    let text = fs::read_to_string(example(name)).expect("the example");
    assert!(text.contains(right), "{right} is not in {name}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    for (text, is_right) in [(text.clone(), true), (text.replace(right, wrong), false)] {
        fs::write(&path, text).expect("a file");
        let output = check(&path).output().expect("the checker runs");
        let said = messages(&output) + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), is_right, "{name}: {said}");
    }
}

/// A checker from the Python Package Index with these arguments in front of the path.
fn checker(name: &'static str, arguments: &'static [&str]) -> Option<impl Fn(&Path) -> Command> {
    python_tool(name)?;
    Some(move |path: &Path| {
        let mut command = python_tool(name).expect("it was there");
        command.args(arguments).arg(path);
        command
    })
}

#[test]
fn the_compose_file_follows_its_schema() {
    let arguments = &["--builtin-schema", "vendor.compose-spec"];
    if let Some(checker) = checker("check-jsonschema", arguments) {
        check("compose.yaml", "mem_limit:", "memory_limit:", &checker);
        check("compose.yaml", "cap_drop: [ALL]", "cap_drop: ALL", &checker);
    }
}

/// The oldest version whose sidecars are stable, and the newest that is known.
#[test]
fn the_kubernetes_manifest_follows_its_schema() {
    for arguments in [
        &["--strict", "-k", "1.33"][..],
        &["--strict", "-k", "1.37"][..],
    ] {
        if let Some(checker) = checker("kubernetes-validate", arguments) {
            let (right, wrong) = ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:");
            check("kubernetes.yaml", right, wrong, &checker);
            check(
                "kubernetes.yaml",
                "periodSeconds: 1\n",
                "periodSeconds: often\n",
                &checker,
            );
        }
    }
}

#[test]
fn the_description_of_the_interface_follows_its_schema() {
    if let Some(checker) = checker("openapi-spec-validator", &[]) {
        let description = include_str!("../../openapi.json");
        let folder = tempfile::tempdir().expect("a folder");
        for (text, is_right) in [
            (description.to_owned(), true),
            (
                description.replace("\"in\": \"query\"", "\"in\": \"body\""),
                false,
            ),
        ] {
            let path = folder.path().join("openapi.json");
            fs::write(&path, text).expect("a file");
            let output = checker(&path).output().expect("it runs");
            assert_eq!(output.status.success(), is_right, "{}", messages(&output));
        }
    }
}

/// What systemd says of the units, with the program that this build has made; nothing, if all is right.
#[test]
fn the_units_are_known_to_systemd() {
    if !is_here("systemd-analyze", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let said = |from: &str, to: &str| {
        let paths = ["lepta.service", "lepta.socket"].map(|name| {
            let text = fs::read_to_string(example(name)).expect("the example");
            let built = program().to_string_lossy().into_owned();
            let text = text.replace("/usr/bin/lepta", &built).replace(from, to);
            let path: PathBuf = folder.path().join(name);
            fs::write(&path, text).expect("a file");
            path
        });
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--man=no"]).args(paths);
        messages(&command.output().expect("it runs"))
    };
    assert_eq!(said("", ""), "");
    assert!(said("WatchdogSec", "WatchdogSek").contains("WatchdogSek"));
}
