//! Runs the worker in a child process with whatever the caller makes its descriptors.
//!
//! Invariant: a run that does not end within [`PATIENCE`] is killed and fails its test.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A deadline against hanging for ever, far above what any run takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status; `None` after a signal.
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: Vec<u8>,
    /// Standard error.
    pub(crate) messages: String,
}

impl Run {
    /// The report of `--report json`: the only line on standard error.
    pub(crate) fn report(&self) -> Value {
        self.assert_one_line();
        let report: Value = serde_json::from_str(&self.messages).expect("a JSON report");
        assert_eq!(report["status"].as_i64(), self.status.map(i64::from));
        report
    }

    pub(crate) fn assert_one_line(&self) {
        let lines = self.messages.lines().count();
        assert_eq!(lines, 1, "standard error: {:?}", self.messages);
    }

    /// Checks the exit status, and that one line says it.
    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        self.assert_one_line();
        self
    }
}

/// The worker with these arguments, separated by spaces.
pub(crate) fn worker(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lepta-worker"));
    command.args(arguments.split_whitespace());
    command
}

/// The worker in a shell that first does `setup`; `$worker` is then the binary and `"$@"` are the
/// arguments.
pub(crate) fn worker_in_shell(script: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh"])
        .args(arguments.split_whitespace())
        .env("worker", env!("CARGO_BIN_EXE_lepta-worker"));
    command
}

/// Runs a command whose input the caller has set, or leaves closed off.
pub(crate) fn finish(mut command: Command) -> Run {
    command.stderr(Stdio::piped());
    collect(command.spawn().expect("the worker starts"))
}

/// Runs the worker on `input` through pipes.
pub(crate) fn run(arguments: &str, input: &[u8]) -> Run {
    run_command(worker(arguments), input)
}

/// Runs a command on `input` through pipes.
pub(crate) fn run_command(mut command: Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || {
            // A worker that ends early leaves the rest unread.
            let _ = stdin.write_all(input);
        });
        collect(child)
    })
}

/// Waits for the end of a child and takes what it wrote to pipes.
pub(crate) fn collect(mut child: Child) -> Run {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = thread::spawn(move || read_all(stdout));
    let messages = thread::spawn(move || read_all(stderr));
    let status = wait(&mut child);
    Run {
        status: status.code(),
        signal: status.signal(),
        output: output.join().expect("a reader"),
        messages: String::from_utf8(messages.join().expect("a reader")).expect("text"),
    }
}

fn read_all(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).expect("a pipe");
    }
    bytes
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let process = child.id();
    let (ended, watched) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let hangs = watched.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            let _ = Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
        }
        hangs
    });
    let status = child.wait().expect("a child");
    drop(ended);
    assert!(!watchdog.join().expect("the watchdog"), "the worker hangs");
    status
}

/// Compressible text, noise and a photo: some 700 KB, several segments, each kind of part.
pub(crate) fn mixed_input() -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in 0..8000 {
        bytes.extend_from_slice(format!("line {line}: {} apples\n", line * 7 % 1000).as_bytes());
    }
    bytes.extend_from_slice(&sample_photo());
    bytes.extend(noise(300_000));
    bytes
}

/// The photo in the tree: a baseline JPEG of less than one segment.
pub(crate) fn sample_photo() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sample.jpg");
    std::fs::read(path).expect("the sample photo")
}

/// Bytes that nothing compresses, always the same.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The output of a compression that must succeed.
pub(crate) fn compressed(input: &[u8]) -> Vec<u8> {
    let run = run("compress --level fast", input);
    run.assert_status(0);
    run.output
}
