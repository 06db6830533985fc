//! Workers that were started ahead, and the queue for them.
//!
//! Invariants: there are never more worker processes than slots; a process gets one request and no
//! other; the queue is bounded, and whoever waits in it gets a worker or a refusal in bounded time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lepta_worker::status::Status;
use tokio::process::Command;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::metrics::Metrics;
use super::reason::Reason;
use super::refusal::Refusal;
use super::slot::{self, IdleWorker, Worker};
use crate::worker::WorkerBinary;

/// What workers are started with, and how requests wait for them.
#[derive(Debug)]
pub(crate) struct PoolSettings {
    pub(crate) binary: WorkerBinary,
    pub(crate) slots: usize,
    /// Bytes of a process.
    pub(crate) memory_limit: u64,
    /// Seconds of processor time of a process.
    pub(crate) time_limit: u64,
    /// Requests that may wait.
    pub(crate) queue: usize,
    /// How long one may wait.
    pub(crate) queue_timeout: Duration,
}

/// The workers.
pub(crate) struct Pool {
    settings: PoolSettings,
    idle: Mutex<VecDeque<IdleWorker>>,
    /// At least as many permits as there are idle workers.
    available: Semaphore,
    waiting: AtomicUsize,
    /// Processes that live.
    alive: AtomicUsize,
    /// Why there is no worker and will not be one soon.
    fault: watch::Sender<Option<Reason>>,
    closing: CancellationToken,
    slots: TaskTracker,
    pub(crate) metrics: Arc<Metrics>,
}

impl Pool {
    /// Starts the slots on the runtime that this is called on.
    pub(crate) fn start(settings: PoolSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        let pool = Arc::new(Self {
            idle: Mutex::new(VecDeque::with_capacity(settings.slots)),
            settings,
            available: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
            fault: watch::Sender::new(None),
            closing: CancellationToken::new(),
            slots: TaskTracker::new(),
            metrics,
        });
        for _ in 0..pool.settings.slots {
            pool.slots.spawn(slot::keep(Arc::clone(&pool)));
        }
        pool.slots.close();
        pool
    }

    /// A worker for a request that must be over by `deadline`.
    pub(crate) async fn worker(&self, deadline: Instant) -> Result<Worker, Refusal> {
        let begin = Instant::now();
        let worker = match self.try_take(deadline) {
            Some(worker) => worker,
            None => self.wait_in_queue(deadline).await?,
        };
        let waited = begin.elapsed().as_secs_f64();
        self.metrics.queue_seconds.observe(waited);
        Ok(worker)
    }

    /// Whether a request would be refused at once.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.settings.queue
            && self.available.available_permits() == 0
    }

    async fn wait_in_queue(&self, deadline: Instant) -> Result<Worker, Refusal> {
        let _place = Place::take(self).ok_or_else(busy)?;
        let mut fault = self.fault.subscribe();
        // Who gets a worker has as much time left for it as was spent here. At the end of the time a
        // worker would work for nothing, and the next in the queue would get it too late in turn.
        let now = Instant::now();
        let most = deadline.saturating_duration_since(now) / 2;
        let patience = now + self.settings.queue_timeout.min(most);
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(draining()),
            worker = self.take(deadline) => Ok(worker),
            reason = fault.wait_for(Option::is_some) => {
                let reason = reason.ok().and_then(|reason| *reason);
                let reason = reason.unwrap_or(Reason::Draining);
                Err(Refusal::new(reason, "no worker can be started")
                    .answered_by(axum::http::StatusCode::SERVICE_UNAVAILABLE))
            }
            () = sleep_until(patience) => Err(busy()),
        }
    }

    /// A worker as soon as there is one, outside of the queue's bound: for the self-test.
    pub(crate) async fn take(&self, deadline: Instant) -> Worker {
        loop {
            match self.available.acquire().await {
                Ok(permit) => permit.forget(),
                // Nobody closes it.
                Err(_) => std::future::pending().await,
            }
            if let Some(worker) = self.pop(deadline) {
                return worker;
            }
        }
    }

    fn try_take(&self, deadline: Instant) -> Option<Worker> {
        self.available.try_acquire().ok()?.forget();
        self.pop(deadline)
    }

    fn pop(&self, deadline: Instant) -> Option<Worker> {
        // One that has died in this moment is skipped; its permit is used up with it.
        let idle = self.idle().pop_front()?;
        self.metrics.workers_idle.dec();
        idle.lease(deadline)
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<IdleWorker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers a worker to whoever waits first.
    pub(super) fn offer(&self, worker: IdleWorker) {
        self.idle().push_back(worker);
        self.metrics.workers_idle.inc();
        self.available.add_permits(1);
    }

    /// Takes back the offer of a process that is no more.
    pub(super) fn withdraw(&self, process: u32) {
        let mut idle = self.idle();
        let before = idle.len();
        idle.retain(|worker| worker.process() != process);
        if idle.len() < before {
            self.metrics.workers_idle.dec();
            if let Ok(permit) = self.available.try_acquire() {
                permit.forget();
            }
        }
    }

    /// The command that starts a worker.
    pub(super) fn command(&self) -> Command {
        let mut command = self.settings.binary.command_awaiting_job(1);
        for (option, limit) in [
            ("--memory-limit", self.settings.memory_limit),
            ("--time-limit", self.settings.time_limit),
        ] {
            command.args([option, &limit.to_string()]);
        }
        command.into()
    }

    /// A slot failed several times on end. That matters to all if nobody else lives.
    pub(super) fn report_fault(&self, reason: Reason) {
        if self.alive.load(Ordering::Relaxed) == 0 {
            self.fault.send_replace(Some(reason));
        }
    }

    /// A worker lives.
    pub(super) fn clear_fault(&self) {
        self.fault.send_if_modified(|fault| fault.take().is_some());
    }

    /// Why there is no worker, if that is so.
    pub(crate) fn fault(&self) -> Option<Reason> {
        *self.fault.borrow()
    }

    pub(super) fn alive(&self) -> &AtomicUsize {
        &self.alive
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Ends all workers and refuses whoever waits. Returns when no process is left.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.slots.wait().await;
    }
}

/// A place in the queue.
struct Place<'a>(&'a Pool);

impl<'a> Place<'a> {
    fn take(pool: &'a Pool) -> Option<Self> {
        let step = |waiting| (waiting < pool.settings.queue).then_some(waiting + 1);
        let taken = pool
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        taken.ok()?;
        pool.metrics.queue_depth.inc();
        Some(Self(pool))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.queue_depth.dec();
    }
}

pub(crate) fn busy() -> Refusal {
    let detail = "all workers are busy and the queue is full or too slow";
    Refusal::new(Reason::Status(Status::Busy), detail)
}

pub(crate) fn draining() -> Refusal {
    Refusal::new(Reason::Draining, "the service takes no new requests")
}
