//! One place for a worker process: starts it, lends it to one request, sees to its end.
//!
//! Invariant: whatever becomes of the request, of the process or of both, the process is waited for,
//! so that no zombie stays, and the slot then holds a new one.

use std::io;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lepta_worker::status::Status;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{error, warn};

use super::metrics::{OfDeath, Word};
use super::pool::Pool;
use super::reason::Reason;
use crate::worker::{Ending, Outcome};

/// A worker that has lived so long while it waited has started well.
const SETTLED: Duration = Duration::from_millis(500);
/// Failures on end of which the first is followed by another attempt at once.
const PATIENT_FAILURES: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Most bytes of a worker's report.
const REPORT_MAX: u64 = 16 << 10;
/// An ended process has written its report already.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// A process that waits for its job.
pub(crate) struct IdleWorker {
    process: u32,
    stdin: ChildStdin,
    stdout: ChildStdout,
    terms: oneshot::Sender<Terms>,
}

/// What a request wants of the slot.
struct Terms {
    /// When it must be over.
    deadline: Instant,
    /// Where to send the end. When the other side is dropped, nobody wants the result any more.
    ended: oneshot::Sender<Ended>,
}

/// A process that belongs to a request. Dropping it ends the process.
pub(crate) struct Worker {
    pub(crate) process: u32,
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) ended: oneshot::Receiver<Ended>,
}

/// Why the service ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The request took too long.
    Deadline,
    /// Nobody wants the result any more.
    Abandoned,
    /// The service ends.
    Draining,
}

impl Cut {
    const fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Abandoned => "abandoned",
            Self::Draining => "draining",
        }
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) cut: Option<Cut>,
}

impl IdleWorker {
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    /// Hands the process over, if it still lives.
    pub(super) fn lease(self, deadline: Instant) -> Option<Worker> {
        let (sender, ended) = oneshot::channel();
        let terms = Terms {
            deadline,
            ended: sender,
        };
        self.terms.send(terms).ok()?;
        Some(Worker {
            process: self.process,
            stdin: self.stdin,
            stdout: self.stdout,
            ended,
        })
    }
}

/// How a process's life in the slot went.
enum Turn {
    Served,
    Failed(Reason),
    Closing,
}

/// Keeps a process in a slot until the pool closes.
pub(super) async fn keep(pool: std::sync::Arc<Pool>) {
    let mut failures = 0;
    loop {
        match turn(&pool, &mut failures).await {
            Turn::Served => {
                failures = 0;
                pool.clear_fault();
            }
            Turn::Failed(reason) => {
                failures += 1;
                if failures >= PATIENT_FAILURES {
                    error!(reason = reason.name(), failures, "workers do not start");
                    pool.report_fault(reason);
                    tokio::select! {
                        () = sleep(pause_after(failures)) => {}
                        () = pool.closing().cancelled() => return,
                    }
                }
            }
            Turn::Closing => return,
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(PATIENT_FAILURES).min(10);
    LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(doublings))
}

async fn turn(pool: &Pool, failures: &mut u32) -> Turn {
    if pool.closing().is_cancelled() {
        return Turn::Closing;
    }
    let mut started = match Started::new(pool) {
        Ok(started) => started,
        Err(error) => {
            error!(%error, "a worker cannot be started");
            return Turn::Failed(Reason::Status(Status::Other));
        }
    };
    let terms = match started.wait_for_request(pool, failures).await {
        Ok(terms) => terms,
        Err(turn) => return turn,
    };
    pool.metrics.workers_busy.inc();
    let ended = started.see_through(pool, terms.deadline, terms.ended).await;
    pool.metrics.workers_busy.dec();
    match ended {
        Ok(Ending::Status(Status::NoSandbox)) => Turn::Failed(Reason::Status(Status::NoSandbox)),
        Ok(_) => Turn::Served,
        Err(error) => {
            error!(%error, "a worker cannot be waited for");
            Turn::Failed(Reason::Status(Status::Other))
        }
    }
}

/// A running process, counted among those that live.
struct Started<'a> {
    pool: &'a Pool,
    child: Child,
    process: u32,
    stderr: ChildStderr,
    terms: oneshot::Receiver<Terms>,
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        self.pool.alive().fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'a> Started<'a> {
    /// Starts a process and offers it.
    fn new(pool: &'a Pool) -> io::Result<Self> {
        let mut child = pool
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Signals from a terminal are for the service alone.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        pool.alive().fetch_add(1, Ordering::Relaxed);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all three were asked to be pipes");
        };
        let process = child.id().unwrap_or_default();
        let (sender, terms) = oneshot::channel();
        pool.offer(IdleWorker {
            process,
            stdin,
            stdout,
            terms: sender,
        });
        Ok(Self {
            pool,
            child,
            process,
            stderr,
            terms,
        })
    }

    async fn wait_for_request(&mut self, pool: &Pool, failures: &mut u32) -> Result<Terms, Turn> {
        let settled = sleep(SETTLED);
        tokio::pin!(settled);
        let mut is_settled = false;
        loop {
            tokio::select! {
                biased;
                terms = &mut self.terms => return terms.map_err(|_| Turn::Closing),
                exit = self.child.wait() => {
                    pool.withdraw(self.process);
                    return Err(Turn::Failed(self.death(exit).await));
                }
                () = pool.closing().cancelled() => {
                    pool.withdraw(self.process);
                    self.kill().await;
                    return Err(Turn::Closing);
                }
                () = &mut settled, if !is_settled => {
                    is_settled = true;
                    *failures = 0;
                    pool.clear_fault();
                }
            }
        }
    }

    /// The reason of an end that no request has caused.
    async fn death(&mut self, exit: io::Result<std::process::ExitStatus>) -> Reason {
        let Ok(exit) = exit else {
            return Reason::Status(Status::Other);
        };
        let outcome = Outcome::new(exit, &self.messages().await);
        warn!(process = self.process, ending = ?outcome.ending, "an idle worker ended");
        match outcome.ending {
            Ending::Status(status) => Reason::Status(status),
            Ending::UnknownStatus(_) => Reason::Status(Status::Other),
            Ending::Signal(_) => {
                self.count_death("signal");
                Reason::Killed
            }
        }
    }

    /// Waits for the end of a process that has a request, and brings it about if need be.
    async fn see_through(
        &mut self,
        pool: &Pool,
        deadline: Instant,
        mut ended: oneshot::Sender<Ended>,
    ) -> io::Result<Ending> {
        let cut = tokio::select! {
            biased;
            exit = self.child.wait() => {
                exit?;
                None
            }
            () = ended.closed() => Some(Cut::Abandoned),
            () = sleep_until(deadline) => Some(Cut::Deadline),
            () = pool.closing().cancelled() => Some(Cut::Draining),
        };
        if cut.is_some() {
            self.kill().await;
        }
        let exit = self.child.wait().await?;
        let outcome = Outcome::new(exit, &self.messages().await);
        self.count_end(&outcome, cut);
        let ending = outcome.ending;
        // Nobody may be left who wants to know.
        let _ = ended.send(Ended { outcome, cut });
        Ok(ending)
    }

    async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            error!(process = self.process, %error, "a worker cannot be killed");
        }
    }

    async fn messages(&mut self) -> Vec<u8> {
        let mut messages = Vec::new();
        let mut limited = (&mut self.stderr).take(REPORT_MAX);
        // A report that is missing or cut off counts as none.
        let _ = timeout(REPORT_PATIENCE, limited.read_to_end(&mut messages)).await;
        messages
    }

    fn count_end(&self, outcome: &Outcome, cut: Option<Cut>) {
        let metrics = &self.pool.metrics;
        if let Some(report) = &outcome.report {
            metrics.verify_failures.inc_by(report.alarms);
            let peak = report.peak_rss_bytes.unwrap_or(0);
            if peak > metrics.peak_rss.get() {
                metrics.peak_rss.set(peak);
            }
        }
        match (cut, outcome.ending) {
            (Some(cut), _) => self.count_death(cut.name()),
            (None, Ending::Signal(signal)) => {
                let is_jail = signal == SIGSYS;
                error!(process = self.process, signal, "a signal ended a worker");
                if is_jail {
                    metrics.sandbox_kills.inc();
                }
                self.count_death(if is_jail { "sandbox" } else { "signal" });
            }
            (None, _) => {}
        }
    }

    fn count_death(&self, cause: &'static str) {
        let cause = Word(cause);
        self.pool
            .metrics
            .worker_deaths
            .get_or_create(&OfDeath { cause })
            .inc();
    }
}

/// The signal of a forbidden system call.
const SIGSYS: i32 = 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause_after(2), FIRST_PAUSE);
        assert_eq!(pause_after(3), FIRST_PAUSE * 2);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
