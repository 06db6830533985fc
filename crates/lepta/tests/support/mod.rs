//! The programs under test, built from this checkout, and folders to run them in.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The worker, built once for a test process in the profile of the test.
pub(crate) fn worker() -> &'static Path {
    static WORKER: OnceLock<PathBuf> = OnceLock::new();
    WORKER.get_or_init(|| {
        let lepta = Path::new(env!("CARGO_BIN_EXE_lepta"));
        let profile = lepta.parent().expect("a folder of the profile");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--locked", "--quiet", "--package", "lepta-worker"])
            .arg("--target-dir")
            .arg(profile.parent().expect("the target folder"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.output().expect("cargo runs");
        assert!(built.status.success(), "{}", messages(&built));
        profile.join("lepta-worker")
    })
}

/// `lepta` in `folder` with these arguments, separated by spaces.
pub(crate) fn lepta(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lepta"));
    command
        .current_dir(folder)
        .env("LEPTA_WORKER", worker())
        .args(arguments.split_whitespace());
    command
}

/// Standard error.
pub(crate) fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The photo in the tree: a baseline JPEG of 117 KB.
pub(crate) fn sample_photo() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sample.jpg");
    std::fs::read(path).expect("the sample photo")
}
