//! `lepta serve`: compression and decompression over HTTP/1.1, beside whoever needs it.
//!
//! Each request gets a jailed worker process of its own, started ahead (`pool`, `slot`). Bodies are
//! streamed both ways (`flow`); the verdict comes behind the result, as trailers, and an answer that
//! cannot be vouched for is broken off before its end (`answer`).
//!
//! Invariant: everything is bounded: connections, the queue, processes and their memory, answers that
//! are held, and the time that any of it takes ([`options`]).

mod account;
mod answer;
mod api;
mod buffers;
mod choice;
mod connection;
mod exchange;
mod fields;
mod flow;
mod health;
pub mod healthcheck;
mod intake;
mod listener;
mod logging;
mod metrics;
pub mod options;
mod pool;
mod reason;
mod refusal;
mod service;
mod shut_off;
mod slot;
mod verdict;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lepta_worker::status::Status;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::problem::Problem;
use crate::worker::WorkerBinary;
use buffers::Buffers;
use connection::Connections;
use health::Health;
use listener::{Listener, SocketName};
use metrics::Metrics;
use options::ServeArguments;
use pool::{Pool, PoolSettings};
use service::{RequestNames, Service};
use shut_off::ShutOff;

/// Memory of a worker unless said otherwise, in bytes.
const WORKER_MEMORY: u64 = 24_000_000;
/// Threads that move bytes. Workers are processes of their own and need the processors more.
const THREADS: usize = 2;
/// Connections of the listener for /metrics.
const WATCHERS: usize = 16;
/// Descriptors besides those of connections and workers.
const DESCRIPTORS: u64 = 64;
/// Before the drain's end, for refusals to get through.
const LAST_MOMENTS: Duration = Duration::from_millis(500);

/// Serves until a signal asks for the end.
///
/// # Errors
/// If the service cannot be started.
pub fn run(arguments: &ServeArguments) -> Result<Status, Problem> {
    let _log = logging::start(arguments.log, arguments.log_level);
    let binary = WorkerBinary::find(arguments.worker.worker.as_deref())?;
    allow_descriptors(arguments);
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .map_err(|error| cannot_start(&error))?;
    let outcome = runtime.block_on(serve(arguments, binary));
    runtime.shutdown_timeout(LAST_MOMENTS);
    outcome
}

/// Raises the limit of descriptors to what the bounds need, as far as the system allows that.
fn allow_descriptors(arguments: &ServeArguments) {
    let workers = 3 * arguments.workers() as u64;
    let needed = DESCRIPTORS + workers + u64::from(arguments.connections) + WATCHERS as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return;
    }
    let allowed = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let wanted = Rlimit {
        current: Some(allowed),
        ..limit
    };
    if setrlimit(Resource::Nofile, wanted).is_err() || allowed < needed {
        warn!(
            needed,
            "the limit of descriptors is below what the bounds need"
        );
    }
}

fn cannot_start(error: &io::Error) -> Problem {
    Problem::new(Status::Other, format!("cannot start: {error}"))
}

/// What the service listens on.
struct Doors {
    main: Vec<Listener>,
    metrics: Option<Listener>,
    /// Removed at the end.
    socket: Option<SocketName>,
}

impl Doors {
    async fn open(arguments: &ServeArguments) -> Result<Self, Problem> {
        let mut main = Listener::inherited()?;
        let mut socket = None;
        if let Some(path) = &arguments.socket {
            let (listener, name) = Listener::unix(path)?;
            main.push(listener);
            socket = Some(name);
        }
        if let Some(address) = arguments.listen {
            main.push(Listener::tcp(address).await?);
        }
        if main.is_empty() {
            let problem = Problem::new(Status::Usage, "there is nothing to listen on");
            return Err(problem.advise("say --socket PATH or --listen PORT"));
        }
        let metrics = match arguments.metrics_listen {
            Some(address) => Some(Listener::tcp(address).await?),
            None => None,
        };
        Ok(Self {
            main,
            metrics,
            socket,
        })
    }
}

async fn serve(arguments: &ServeArguments, binary: WorkerBinary) -> Result<Status, Problem> {
    let signals = Signals::watch().map_err(|error| cannot_start(&error))?;
    let doors = Doors::open(arguments).await?;
    let service = start_service(arguments, binary);
    let connections = Connections {
        permits: Arc::new(Semaphore::new(arguments.connections as usize)),
        draining: service.draining.clone(),
        tasks: TaskTracker::new(),
        metrics: Arc::clone(&service.metrics),
        deadline: service.deadline,
    };
    let router = api::router(Arc::clone(&service), doors.metrics.is_none());
    for listener in doors.main {
        info!(address = listener.name(), "listening");
        tokio::spawn(connections.clone().take_from(listener, router.clone()));
    }
    if let Some(listener) = doors.metrics {
        info!(address = listener.name(), "listening for /metrics");
        let router = api::metrics_router(Arc::clone(&service));
        // However many clients there are, those who watch get through.
        let watchers = Connections {
            permits: Arc::new(Semaphore::new(WATCHERS)),
            ..connections.clone()
        };
        tokio::spawn(watchers.take_from(listener, router));
    }
    notify(&[NotifyState::Ready]);
    keep_watchdog_quiet();
    drain_at_signal(
        arguments.drain,
        signals,
        doors.socket,
        &service,
        &connections,
    )
    .await
}

fn start_service(arguments: &ServeArguments, binary: WorkerBinary) -> Arc<Service> {
    let metrics = Arc::new(Metrics::new());
    let settings = PoolSettings {
        binary,
        slots: arguments.workers(),
        memory_limit: arguments.worker.memory_limit.unwrap_or(WORKER_MEMORY),
        time_limit: arguments.time_limit,
        queue: arguments.queue,
        queue_timeout: arguments.queue_timeout,
    };
    let (memory, limit) = (arguments.buffer_memory, arguments.buffer_limit);
    let shut_off = ShutOff::look(arguments.shut_off_file.as_deref());
    if let Some(path) = arguments.shut_off_file.clone() {
        tokio::spawn(shut_off.clone().follow(path, Arc::clone(&metrics)));
    }
    let service = Arc::new(Service {
        pool: Pool::start(settings, Arc::clone(&metrics)),
        buffers: Buffers::new(memory, limit, Arc::clone(&metrics)),
        health: Health::default(),
        shut_off,
        names: RequestNames::new(),
        draining: CancellationToken::new(),
        deadline: arguments.deadline,
        queue_timeout: arguments.queue_timeout,
        input_limit: arguments.input_limit,
        metrics,
    });
    let every = arguments.self_test_every;
    tokio::spawn(health::keep_testing(Arc::clone(&service), every));
    service
}

/// The signals that ask for the end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for a signal; then takes no new request, lets those under way end, and refuses or breaks off
/// what is left when the time is over or a second signal comes.
async fn drain_at_signal(
    patience: Duration,
    mut signals: Signals,
    socket: Option<SocketName>,
    service: &Service,
    connections: &Connections,
) -> Result<Status, Problem> {
    signals.next().await;
    let end = Instant::now() + patience;
    info!(seconds = patience.as_secs_f64(), "draining");
    notify(&[NotifyState::Stopping]);
    service.draining.cancel();
    service.metrics.ready.set(0);
    drop(socket);
    connections.tasks.close();
    let first_end = end.checked_sub(LAST_MOMENTS).unwrap_or(end);
    let all_done = tokio::select! {
        done = timeout_at(first_end, connections.tasks.wait()) => done.is_ok(),
        () = signals.next() => false,
    };
    service.pool.close().await;
    if !all_done {
        warn!(
            connections = connections.tasks.len(),
            "breaking off what is left"
        );
        // What is not over then is broken off with the runtime.
        let _ = timeout_at(Instant::now() + LAST_MOMENTS, connections.tasks.wait()).await;
    }
    info!(all_done, "ended");
    Ok(if all_done {
        Status::Done
    } else {
        Status::Other
    })
}

/// Tells the service manager, if there is one that wants to know.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "the service manager cannot be told");
    }
}

/// Tells the service manager regularly that the runtime still runs, if it wants to know.
fn keep_watchdog_quiet() {
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(async move {
            loop {
                notify(&[NotifyState::Watchdog]);
                tokio::time::sleep(limit / 3).await;
            }
        });
    }
}
