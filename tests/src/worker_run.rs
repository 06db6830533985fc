//! Runs a worker: feeds it, collects what it says, watches its memory.
//!
//! Invariant: a run ends. Past its deadline the process is killed and the run
//! counts as hung; the deadline is far beyond what any test needs.

use crate::report::Report;
use crate::worker_binary::{Build, worker};
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of resident memory no worker may reach in its default configuration.
pub const MEMORY_LIMIT: u64 = 24_000_000;

/// A run that lasts longer than this hangs.
const DEADLINE: Duration = Duration::from_secs(240);

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit status; `None` if a signal ended the process.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it had to be killed at the deadline.
    pub hung: bool,
    /// Standard output, unless it went to a sink.
    pub output: Vec<u8>,
    /// Standard error.
    pub messages: String,
    /// Highest `VmHWM` seen from outside, in bytes; 0 if the process was too
    /// quick to be looked at.
    pub highest_memory: u64,
}

impl Outcome {
    /// The report of a run with `--report json`.
    pub fn report(&self) -> Report {
        Report::parse(&self.messages)
    }

    /// Asserts that the process ended by itself, with a status of the documented
    /// range and a report that names the same.
    pub fn assert_orderly(&self, name: &str) {
        assert!(!self.hung, "{name}: hangs: {}", self.messages);
        assert_eq!(
            self.signal, None,
            "{name}: ended by a signal: {}",
            self.messages
        );
        let status = self.status.expect("no signal, so a status");
        assert!((0..=125).contains(&status), "{name}: status {status}");
        assert_ne!(status, 61, "{name}: internal error: {}", self.messages);
        let report = self.report();
        assert_eq!(i32::from(report.status), status, "{name}: {report:?}");
        assert!(report.jailed, "{name}: not jailed: {report:?}");
    }

    /// Asserts status 0, verified, under the memory limit; gives the report.
    pub fn assert_done(&self, name: &str) -> Report {
        self.assert_orderly(name);
        let report = self.report();
        assert_eq!(report.status, 0, "{name}: {report:?}");
        assert_eq!(report.status_name, "done", "{name}");
        assert_eq!(report.error, None, "{name}");
        assert!(report.verified, "{name}: not verified: {report:?}");
        let peak = report
            .peak_rss_bytes
            .expect("a finished run knows its peak");
        assert!(peak < MEMORY_LIMIT, "{name}: peak memory {peak}");
        let seen = self.highest_memory;
        assert!(seen < MEMORY_LIMIT, "{name}: peak memory seen {seen}");
        report
    }
}

/// A worker about to run.
#[derive(Debug)]
pub struct Run {
    command: Command,
    /// Most bytes that a read of the worker's gets; `None`: what the pipe holds.
    read_size: Option<usize>,
}

impl Run {
    /// The release worker with a JSON report.
    pub fn new(arguments: &[&str]) -> Self {
        Self::of(Build::Release, arguments)
    }

    /// The worker of a build with a JSON report.
    pub fn of(build: Build, arguments: &[&str]) -> Self {
        let mut command = Command::new(worker(build));
        command.args(arguments).args(["--report", "json"]);
        Self::with_command(command)
    }

    /// The release worker with a JSON report, that has `reference` as its descriptor 3.
    pub fn with_reference(arguments: &[&str], reference: &Path) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$worker" "$@" 3<"$reference""#, "sh"])
            .args(arguments)
            .args(["--patch-from-fd", "3", "--report", "json"])
            .env("worker", worker(Build::Release))
            .env("reference", reference);
        Self::with_command(command)
    }

    /// Any command that leads to a worker.
    pub fn with_command(command: Command) -> Self {
        Self {
            command,
            read_size: None,
        }
    }

    /// Makes every read of the worker's get at most `size` bytes, however large its
    /// buffer: nothing is written before the pipe is empty again.
    #[must_use]
    pub fn in_reads_of(mut self, size: usize) -> Self {
        self.read_size = Some(size);
        self
    }

    /// Runs on bytes.
    pub fn on(self, input: &[u8]) -> Outcome {
        self.stream(Cursor::new(input.to_vec()), Vec::new()).0
    }

    /// Runs on a stream, with the output to a sink (if that is a `Vec`, see also
    /// [`Outcome::output`]).
    pub fn stream<W: Write + AsBytes + Send + 'static>(
        mut self,
        input: impl Read + Send + 'static,
        mut sink: W,
    ) -> (Outcome, W) {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the worker starts");
        let stdin = child.stdin.take().expect("stdin is a pipe");
        let mut stdout = child.stdout.take().expect("stdout is a pipe");
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let read_size = self.read_size;
        let ended = Arc::new(AtomicBool::new(false));
        let worker_ended = Arc::clone(&ended);
        let feeder = thread::spawn(move || feed(input, stdin, read_size, &worker_ended));
        let collector = thread::spawn(move || {
            // A sink that fails closes the pipe; the worker's status tells the rest.
            let _ = io::copy(&mut stdout, &mut sink);
            sink
        });
        let listener = thread::spawn(move || {
            let mut messages = Vec::new();
            stderr
                .read_to_end(&mut messages)
                .expect("a pipe can be read");
            String::from_utf8_lossy(&messages).into_owned()
        });
        let (status, hung, highest_memory) = watch(&mut child);
        ended.store(true, Ordering::Relaxed);
        feeder.join().expect("the feeder ends");
        let sink = collector.join().expect("the collector ends");
        let outcome = Outcome {
            status: status.code(),
            signal: status.signal(),
            hung,
            output: sink.as_bytes().to_vec(),
            messages: listener.join().expect("the listener ends"),
            highest_memory,
        };
        (outcome, sink)
    }
}

/// What a sink gives back as [`Outcome::output`].
pub trait AsBytes {
    /// The bytes that were kept.
    fn as_bytes(&self) -> &[u8];
}

impl AsBytes for Vec<u8> {
    fn as_bytes(&self) -> &[u8] {
        self
    }
}

/// Writes until the input ends or the worker stops reading.
fn feed(
    mut input: impl Read,
    mut stdin: ChildStdin,
    read_size: Option<usize>,
    worker_ended: &AtomicBool,
) {
    let mut buffer = vec![0; read_size.unwrap_or(64 << 10)];
    loop {
        let is_full = || rustix::io::ioctl_fionread(&stdin).is_ok_and(|unread| unread > 0);
        while read_size.is_some() && is_full() && !worker_ended.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let count = input.read(&mut buffer).expect("the input can be read");
        if count == 0 || stdin.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// Waits for the end, looking at the memory now and then.
fn watch(child: &mut Child) -> (std::process::ExitStatus, bool, u64) {
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    let (mut highest, mut hung) = (0, false);
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (status, hung, highest);
        }
        if start.elapsed() > DEADLINE && !hung {
            hung = true;
            child.kill().expect("a child can be killed");
        }
        highest = highest.max(highest_resident(child.id()).unwrap_or(0));
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// `VmHWM` of a worker process in bytes. `None` before it has become the worker
/// (until then it is a copy of this process, with this process's figure).
fn highest_resident(process: u32) -> Option<u64> {
    let folder = Path::new("/proc").join(process.to_string());
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    if field("Name:")?.trim() != "lepta-worker" {
        return None;
    }
    let kibibytes = field("VmHWM:")?.trim().strip_suffix("kB")?;
    Some(kibibytes.trim().parse::<u64>().ok()? * 1024)
}
