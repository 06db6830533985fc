//! The jail of the real worker, seen from outside.
//!
//! Invariant: the process is looked at while it waits for its first input byte.

use crate::inputs;
use lepta_tests::worker_binary::{Build, worker};
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Looks this often for a state that must come, a millisecond apart.
const LOOKS: u32 = 20_000;

fn waiting_worker(arguments: &[&str]) -> Child {
    Command::new(worker(Build::Release))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the worker starts")
}

/// A field of every thread's status file.
fn fields(process: u32, name: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the worker lives");
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.map(|value| value.trim().to_owned())
        })
        .collect()
}

/// What a process's descriptors lead to.
fn open_files(process: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).expect("tests may look");
    let links = files.flatten().map(|file| fs::read_link(file.path()));
    let names = links.flatten().map(|link| link.display().to_string());
    names.collect()
}

fn assert_jailed_before_input(arguments: &[&str], threads: usize) {
    let mut child = waiting_worker(arguments);
    let jailed = (0..LOOKS).any(|_| {
        thread::sleep(Duration::from_millis(1));
        let filters = fields(child.id(), "Seccomp:");
        filters.len() == threads && filters.iter().all(|mode| mode == "2")
    });
    let privileges = fields(child.id(), "NoNewPrivs:");
    let open_files = open_files(child.id());
    let input = inputs::sample();
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let feeder = thread::spawn(move || stdin.write_all(&input));
    let mut output = Vec::new();
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    stdout.read_to_end(&mut output).expect("a pipe can be read");
    let status = child.wait().expect("a child can be waited for");
    feeder
        .join()
        .expect("the feeder ends")
        .expect("the worker reads it all");

    assert!(
        jailed,
        "{arguments:?}: no filter on all of {threads} threads"
    );
    assert_eq!(privileges, vec!["1"; threads], "{arguments:?}");
    let status_file = format!("/proc/{}/status", child.id());
    for file in open_files {
        // The standard three are pipes here, as are those between threads.
        let expected = file.starts_with("pipe:") || file == status_file || file == "/dev/null";
        assert!(expected, "{arguments:?}: {file} is open");
    }
    assert_eq!(status.code(), Some(0), "{arguments:?}");
    assert!(!output.is_empty());
}

#[test]
fn one_thread_is_jailed_before_it_reads() {
    assert_jailed_before_input(&["compress"], 1);
}

#[test]
fn two_threads_are_jailed_before_they_read() {
    assert_jailed_before_input(&["compress", "--threads", "2"], 2);
}
