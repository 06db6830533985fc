//! Connections: how many, how long, and how they end.
//!
//! Invariant: a connection ends at the latest a grace after the deadline of its last request, whatever
//! its client does or does not do.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::listener::{Listener, Stream};
use super::metrics::Metrics;

/// For the head of a request, and between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Beyond a request's deadline, for its refusal to be read.
const GRACE: Duration = Duration::from_secs(2);
/// Most bytes that are read or written ahead, which is also the most for a request's head.
/// Each connection may hold a head, the beginning of a body and one more read, so its memory is some four
/// times this.
const BUFFER: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// After an accept that failed, as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections share.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) permits: Arc<Semaphore>,
    /// Cancelled when no new connections and requests are taken.
    pub(crate) draining: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) metrics: Arc<Metrics>,
    /// Of a request.
    pub(crate) deadline: Duration,
}

impl Connections {
    /// Takes connections from a listener until the service drains.
    pub(crate) async fn take_from(self, listener: Listener, router: Router) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.draining.cancelled() => return,
                next = self.next(&listener) => next,
            };
            match next {
                Some((stream, permit)) => {
                    let serve = self.clone().serve(stream, router.clone(), permit);
                    self.tasks.spawn(serve);
                }
                None => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn next(&self, listener: &Listener) -> Option<(Stream, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        match listener.accept().await {
            Ok(stream) => Some((stream, permit)),
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                None
            }
        }
    }

    async fn serve(self, stream: Stream, router: Router, _permit: OwnedSemaphorePermit) {
        self.metrics.connections.inc();
        let allowed = self.deadline + GRACE;
        let end = Arc::new(Mutex::new(Instant::now() + HEAD_TIMEOUT + GRACE));
        let prolong = Arc::clone(&end);
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |request| {
            *lock(&prolong) = Instant::now() + allowed;
            let answer = router.call(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(BUFFER)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let mut is_ending = false;
        loop {
            let due = *lock(&end);
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        // Of the protocol or of the connection; never of contents.
                        debug!(%error, "a connection broke");
                    }
                    break;
                }
                () = self.draining.cancelled(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = sleep_until(due) => {
                    if *lock(&end) <= Instant::now() {
                        debug!("a connection took too long");
                        break;
                    }
                }
            }
        }
        self.metrics.connections.dec();
    }
}

fn lock(instant: &Mutex<Instant>) -> std::sync::MutexGuard<'_, Instant> {
    instant.lock().unwrap_or_else(PoisonError::into_inner)
}
