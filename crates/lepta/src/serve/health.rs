//! Whether the service works: a photo through jailed workers and back.
//!
//! Invariant: the service is ready only while the last self-test succeeded and workers can be started.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lepta_worker::job::{Job, Level, Operation};
use lepta_worker::status::Status;
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info};

use super::flow::run_on;
use super::reason::Reason;
use super::refusal::Refusal;
use super::service::Service;
use super::slot::Worker;

/// A photo that every build carries.
const PHOTO: &[u8] = include_bytes!("../../../../tests/data/sample.jpg");

/// More than any result of the self-test has.
const RESULT_MAX: usize = 2 * PHOTO.len();

/// A self-test that takes longer has failed, unless the workers are all busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time to the next attempt after a failure.
const RETRY: Duration = Duration::from_secs(1);
const JAIL_PATIENCE: Duration = Duration::from_secs(5);

/// The outcome of the last self-test.
#[derive(Debug, Default)]
pub(crate) struct Health {
    last: Mutex<Option<SelfTest>>,
}

#[derive(Clone, Debug)]
struct SelfTest {
    end: Instant,
    outcome: Result<(), Refusal>,
}

impl Health {
    /// How long ago the self-test succeeded.
    ///
    /// # Errors
    /// If the last one failed or there was none yet.
    pub(crate) fn last(&self) -> Result<Duration, Refusal> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(test) => test.outcome.clone().map(|()| test.end.elapsed()),
            None => {
                let detail = "the first self-test is not over yet";
                Err(Refusal::new(Reason::Status(Status::Busy), detail))
            }
        }
    }

    fn set(&self, outcome: Result<(), Refusal>) {
        let test = SelfTest {
            end: Instant::now(),
            outcome,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(test);
    }
}

/// Whether requests can be sent here.
///
/// # Errors
/// Why not.
pub(crate) fn readiness(service: &Service) -> Result<Duration, Refusal> {
    if service.draining.is_cancelled() {
        return Err(super::pool::draining());
    }
    if let Some(reason) = service.pool.fault() {
        return Err(Refusal::new(reason, "no worker can be started"));
    }
    service.health.last()
}

/// Tests at once and then again and again.
pub(crate) async fn keep_testing(service: Arc<Service>, every: Duration) {
    let mut was_well = false;
    loop {
        let outcome = self_test(&service).await;
        let is_well = outcome.is_ok();
        match &outcome {
            Ok(()) if !was_well => info!("the self-test succeeded"),
            Ok(()) => {}
            Err(refusal) => {
                error!(reason = refusal.reason.name(), "the self-test failed");
            }
        }
        was_well = is_well;
        service.health.set(outcome);
        let is_ready = readiness(&service).is_ok();
        service.metrics.ready.set(i64::from(is_ready));
        sleep(if is_well { every } else { RETRY }).await;
    }
}

/// Compresses, verifies and restores the photo.
async fn self_test(service: &Service) -> Result<(), Refusal> {
    let photo = Bytes::from_static(PHOTO);
    let compressed = run(service, Operation::Compress, photo).await?;
    let compressed = Bytes::from(compressed);
    run(service, Operation::Verify, compressed.clone()).await?;
    let restored = run(service, Operation::Decompress, compressed).await?;
    match restored == PHOTO {
        true => Ok(()),
        false => Err(failed("the photo did not come back")),
    }
}

async fn run(service: &Service, operation: Operation, object: Bytes) -> Result<Vec<u8>, Refusal> {
    let job = Job {
        level: Level::Fast,
        ..Job::of(operation)
    };
    let deadline = Instant::now() + service.deadline + service.queue_timeout;
    let worker = tokio::select! {
        worker = service.pool.take(deadline) => worker,
        refusal = no_worker(service) => return Err(refusal),
    };
    let work = async {
        wait_for_jail(&worker).await?;
        run_on(worker, job, object, RESULT_MAX).await
    };
    let late = |_| failed("it took too long");
    timeout(PATIENCE, work).await.map_err(late)?
}

/// Waits until workers cannot be started.
async fn no_worker(service: &Service) -> Refusal {
    loop {
        if let Some(reason) = service.pool.fault() {
            return Refusal::new(reason, "no worker can be started");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the kernel says of the worker that its jail is up. It has been given nothing yet.
async fn wait_for_jail(worker: &Worker) -> Result<(), Refusal> {
    let path = format!("/proc/{}/status", worker.process);
    let end = Instant::now() + JAIL_PATIENCE;
    loop {
        let Ok(status) = tokio::fs::read_to_string(&path).await else {
            // It has ended; its own report says more.
            return Ok(());
        };
        let is_so = |line| status.lines().any(|other| other == line);
        if is_so("Seccomp:\t2") && is_so("NoNewPrivs:\t1") {
            return Ok(());
        }
        if Instant::now() > end {
            let detail = "the kernel does not show the worker's jail";
            return Err(Refusal::new(Reason::Status(Status::NoSandbox), detail));
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn failed(detail: &str) -> Refusal {
    Refusal::new(Reason::Status(Status::Internal), detail)
}
