//! A running service, and what can be seen of it from outside.
//!
//! Invariant: a server that a test started is gone when the test ends, and so are its workers.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::{Answer, Request};
use super::support;

/// Nothing that a test waits for takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with the programs to test instead of those of this build.
fn programs() -> Option<PathBuf> {
    std::env::var_os("LEPTA_PROGRAMS").map(PathBuf::from)
}

/// The worker.
pub(crate) fn worker() -> PathBuf {
    programs().map_or_else(
        || support::worker().to_owned(),
        |folder| folder.join("lepta-worker"),
    )
}

/// The path of `lepta`.
pub(crate) fn program() -> PathBuf {
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_lepta"));
    programs().map_or_else(built, |folder| folder.join("lepta"))
}

/// `lepta` in `folder` with these arguments, separated by spaces.
pub(crate) fn lepta(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(program());
    command
        .current_dir(folder)
        .env("LEPTA_WORKER", worker())
        .args(arguments.split_whitespace());
    command
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: waited in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A service on a Unix socket in a folder of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a service and waits until it is ready.
    pub(crate) fn start(arguments: &str) -> Self {
        let server = Self::start_unready(arguments, &worker());
        server.wait_until_ready();
        server
    }

    /// Starts a service with a worker program and waits until it answers.
    pub(crate) fn start_unready(arguments: &str, worker: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = lepta(folder.path(), "serve --socket socket --log json");
        command
            .args(arguments.split_whitespace())
            .env("LEPTA_WORKER", worker);
        Self::run(command, folder)
    }

    /// Runs a command that leads to a service on `socket` in the folder.
    pub(crate) fn run(command: Command, folder: TempDir) -> Self {
        Self::run_with_input(command, folder, Stdio::null())
    }

    /// The same with something as its standard input.
    pub(crate) fn run_with_input(mut command: Command, folder: TempDir, input: Stdio) -> Self {
        let log = fs::File::create(folder.path().join("log")).expect("a file");
        let child = command
            .stdin(input)
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let server = Self { child, folder };
        wait_until("the server listens", || {
            UnixStream::connect(server.socket()).is_ok()
        });
        server
    }

    pub(crate) fn wait_until_ready(&self) {
        wait_until("the server is ready", || self.get("/readyz").status == 200);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).expect("the log")
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        Request::new(&self.socket(), method, target)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    pub(crate) fn post(&self, target: &str, body: &[u8]) -> Answer {
        self.request("POST", target).body(body).send()
    }

    /// The value of a metric, whose labels are part of its name; 0 if there is none.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let answer = self.get("/metrics");
        let text = String::from_utf8(answer.body).expect("text");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Processes that it has started and not waited for.
    pub(crate) fn children(&self) -> BTreeSet<u32> {
        let tasks = format!("/proc/{}/task", self.process());
        let tasks = fs::read_dir(tasks).expect("the server lives");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
            .flat_map(|children| {
                let numbers = children.split_whitespace().map(str::parse);
                numbers.collect::<Result<Vec<u32>, _>>().expect("numbers")
            })
            .collect()
    }

    /// Its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process());
        fs::read_dir(folder).expect("the server lives").count()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        status_field(self.process(), "VmRSS:").expect("the server lives")
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.process(), name);
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks it to end, which must succeed.
    pub(crate) fn stop(mut self) -> String {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(
            (status.code(), status.signal()),
            (Some(0), None),
            "{}",
            self.log()
        );
        assert!(!self.socket().exists(), "the socket is removed");
        self.log()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .stderr(Stdio::null())
        .status();
    sent.expect("kill runs");
}

/// A field of `/proc/PID/status` that is a number of kibibytes, in bytes.
pub(crate) fn status_field(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes = value.trim().strip_suffix("kB")?.trim();
    Some(kibibytes.parse::<u64>().ok()? * 1024)
}
