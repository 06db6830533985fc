//! The worker binaries under test.
//!
//! Invariant: each is built by cargo from this checkout, once for a test process,
//! so that no test runs a stale binary; `LEPTA_WORKER` names another one to test
//! instead of the release build.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// A way of building the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As it is shipped.
    Release,
    /// Unoptimised.
    Debug,
    /// Without SIMD, and with `--inject`, which damages what verification has to find: two in one,
    /// as each takes minutes to build.
    ScalarWithInjection,
}

impl Build {
    fn cargo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["--release", "--package", "lepta-worker"],
            // With an example, the build is one with the dependencies of tests, as
            // `cargo test --workspace` has made it before.
            Self::Debug => &[
                "--workspace",
                "--bin",
                "lepta-worker",
                "--example",
                "golden",
            ],
            Self::ScalarWithInjection => &[
                "--release",
                "--package",
                "lepta-worker",
                "--features",
                "fault-injection,lepta-codec/force-scalar",
            ],
        }
    }

    /// Builds that differ in features get a target folder each, so that they do
    /// not replace one another.
    fn target_folder(self, base: &Path) -> PathBuf {
        match self {
            Self::Release | Self::Debug => base.to_owned(),
            Self::ScalarWithInjection => base.join("fault-injection"),
        }
    }

    fn profile_folder(self) -> &'static str {
        match self {
            Self::Release | Self::ScalarWithInjection => "release",
            Self::Debug => "debug",
        }
    }
}

/// The binary of a build; built at the first call.
///
/// # Panics
/// If cargo cannot build it.
pub fn worker(build: Build) -> &'static Path {
    static PATHS: [OnceLock<PathBuf>; 3] = [const { OnceLock::new() }; 3];
    PATHS[build as usize].get_or_init(|| {
        match env::var_os("LEPTA_WORKER").filter(|_| build == Build::Release) {
            Some(path) => fs::canonicalize(path).expect("LEPTA_WORKER names a file"),
            None => build_with_cargo(build),
        }
    })
}

fn build_with_cargo(build: Build) -> PathBuf {
    let target = build.target_folder(&target_folder());
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--locked", "--quiet"])
        .args(build.cargo_arguments())
        .arg("--target-dir")
        .arg(&target)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "building the worker ({build:?}) failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join(build.profile_folder()).join("lepta-worker")
}

/// The target folder this test was built in: `TARGET/PROFILE/deps/NAME`.
fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let target = test
        .ancestors()
        .nth(3)
        .expect("tests lie in TARGET/PROFILE/deps");
    target.to_owned()
}
