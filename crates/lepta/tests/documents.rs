//! Completions and manual pages, which are made from the description of the command line.

mod support;

use std::fs;
use std::process::Command;

use support::{run, succeed};

#[test]
fn completions_know_every_command_and_option() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let output = succeed(folder.path(), &format!("completions {shell}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for word in [
            "patch-from",
            "batch",
            "import",
            "salvage",
            "run-settle",
            "serve",
        ] {
            assert!(text.contains(word), "{word} for {shell}");
        }
    }
    let output = succeed(folder.path(), "completions bash");
    fs::write(folder.path().join("completions"), output.stdout).expect("written");
    let checked = Command::new("bash")
        .args(["-n", "completions"])
        .current_dir(&folder)
        .status();
    assert!(checked.expect("bash runs").success());
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let one = succeed(here, "manual");
    assert!(String::from_utf8_lossy(&one.stdout).contains("patch\\-from"));
    fs::create_dir(here.join("man")).expect("made");
    succeed(here, "manual man");
    for (page, word) in [
        ("lepta.1", "output\\-dir\\-mirror"),
        ("lepta-batch-compress.1", "leave\\-incompressible"),
        ("lepta-batch-import.1", "import\\-program"),
        ("lepta-batch-restore.1", "salvage"),
        ("lepta-serve.1", "socket"),
    ] {
        let text = fs::read_to_string(here.join("man").join(page)).expect(page);
        assert!(text.contains(word), "{word} in {page}");
    }
    assert_eq!(run(here, "manual nowhere").status.code(), Some(41));
}
