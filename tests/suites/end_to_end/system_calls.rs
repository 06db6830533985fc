//! The system calls of a real run, as `strace` sees them.
//!
//! Invariant: everything after the filter is read, write, mprotect of a result
//! buffer (never executable) or the end of the process.

use crate::inputs;
use lepta_tests::worker_binary::{Build, worker};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

fn strace_is_installed() -> bool {
    let found = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("strace is not here or may not trace: its test is skipped");
    }
    found
}

/// Runs a worker under strace; gives its output and the trace's lines.
fn trace(arguments: &[&str], input: &Path, folder: &Path) -> (Vec<u8>, Vec<String>) {
    let log = folder.join("trace");
    let output = Command::new("strace")
        .args(["-f", "-o"])
        .arg(&log)
        .arg(worker(Build::Release))
        .args(arguments)
        .stdin(File::open(input).expect("the input is there"))
        .stderr(Stdio::null())
        .output()
        .expect("strace runs");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    let log = fs::read_to_string(log).expect("strace wrote its log");
    (output.stdout, log.lines().map(str::to_owned).collect())
}

/// The call in a line of the log: what stands between the process number and the
/// opening bracket. `None` for signals and ends.
fn call(line: &str) -> Option<&str> {
    let (_, line) = line.split_once(' ')?;
    let line = line.trim_start();
    let line = line.strip_prefix("<... ").unwrap_or(line);
    if line.starts_with("+++") || line.starts_with("---") {
        return None;
    }
    line.split(['(', ' ']).next()
}

/// The calls after the filter stands.
fn jailed_lines(lines: &[String]) -> &[String] {
    let filter = |line: &String| {
        call(line) == Some("seccomp") && line.contains("SECCOMP_SET_MODE_FILTER")
            || line.contains("PR_SET_SECCOMP")
    };
    let last = lines
        .iter()
        .rposition(filter)
        .expect("a filter is installed");
    &lines[last + 1..]
}

fn assert_only_permitted(arguments: &[&str], lines: &[String]) {
    let jailed = jailed_lines(lines);
    let count = |name| {
        jailed
            .iter()
            .filter(|line| call(line) == Some(name))
            .count()
    };
    assert!(
        count("read") > 0 && count("exit_group") == 1,
        "{arguments:?}"
    );
    for line in jailed {
        let permitted = match call(line) {
            None => !line.contains("SIGSYS"),
            Some("read") => line.contains("read(") || line.contains("resumed"),
            Some("write" | "exit" | "exit_group") => true,
            // One line may report the end of the call that installed the filter.
            Some("seccomp") => line.contains("resumed"),
            Some("mprotect") => !line.contains("PROT_EXEC"),
            Some(_) => false,
        };
        assert!(permitted, "{arguments:?}: {line}");
    }
}

#[test]
fn nothing_but_the_permitted_calls_follows_the_filter() {
    if !strace_is_installed() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("system_calls");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let original = folder.join("original");
    fs::write(&original, inputs::several_segments()).expect("a file can be written");
    for arguments in [&["compress"][..], &["compress", "--threads", "2"]] {
        let (compressed, lines) = trace(arguments, &original, &folder);
        assert_only_permitted(arguments, &lines);
        assert!(lines.iter().any(|line| call(line) == Some("mprotect")));
        let file = folder.join("compressed");
        fs::write(&file, compressed).expect("a file can be written");
        for arguments in [&["decompress"][..], &["verify"]] {
            let (_, lines) = trace(arguments, &file, &folder);
            assert_only_permitted(arguments, &lines);
        }
    }
}
