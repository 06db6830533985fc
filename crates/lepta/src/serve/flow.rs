//! One job on its way through a worker: the body goes in while the result comes out.
//!
//! Invariant: dropping a flow at any point ends its worker.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use lepta_worker::job::Job;
use lepta_worker::status::Status;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::intake::{Fed, Intake, broken_off};
use super::pool::draining;
use super::reason::Reason;
use super::refusal::Refusal;
use super::slot::{Ended, Worker};
use super::verdict::{Passed, judge};
use crate::worker::WorkerReport;

/// Most bytes of a piece of result: what a pipe holds.
const PIECE: usize = 64 << 10;

/// A worker with its job.
pub(crate) struct Flow {
    job: Job,
    feeder: AbortOnDropHandle<Fed>,
    declined: CancellationToken,
    fed: Option<Fed>,
    stdout: ChildStdout,
    room: BytesMut,
    given: u64,
    ended: oneshot::Receiver<Ended>,
}

impl Flow {
    /// Begins to feed the worker.
    pub(crate) fn new(worker: Worker, job: Job, intake: Intake) -> Self {
        let declined = CancellationToken::new();
        let feeding = intake.feed(worker.stdin, job, declined.clone());
        Self {
            job,
            feeder: AbortOnDropHandle::new(tokio::spawn(feeding)),
            declined,
            fed: None,
            stdout: worker.stdout,
            room: BytesMut::new(),
            given: 0,
            ended: worker.ended,
        }
    }

    /// The next piece of the result, `None` at its end. Safe to be cancelled.
    ///
    /// # Errors
    /// If the body broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            self.room.reserve(PIECE);
            tokio::select! {
                biased;
                fed = &mut self.feeder, if self.fed.is_none() => {
                    self.fed = Some(fed.map_err(|_| lost())?);
                    if let Some(Fed::Broken(_)) = self.fed {
                        return Err(broken_off());
                    }
                }
                // A read that fails ends the result like an end; the verdict tells.
                read = self.stdout.read_buf(&mut self.room) => return Ok(match read {
                    Ok(1..) => {
                        let piece = self.room.split().freeze();
                        self.given += piece.len() as u64;
                        Some(piece)
                    }
                    Ok(0) | Err(_) => None,
                }),
            }
        }
    }

    /// The verdict, once the result has ended.
    pub(crate) async fn verdict(self) -> Result<WorkerReport, Refusal> {
        // The slot tells, unless the whole service ends.
        let ended = self.ended.await.map_err(|_| draining())?;
        let fed = match self.fed {
            Some(fed) => fed,
            None => {
                // A worker that has read all of it has seen the end of its input, which is after
                // the feeder's own end.
                self.declined.cancel();
                self.feeder.await.map_err(|_| lost())?
            }
        };
        let out = self.given;
        let passed = match fed {
            Fed::Whole { length } => Passed {
                fed: length,
                is_whole: true,
                waits: false,
                out,
            },
            Fed::Declined {
                rest,
                length,
                waits,
            } => {
                rest.linger();
                Passed {
                    fed: length,
                    is_whole: false,
                    waits,
                    out,
                }
            }
            Fed::Broken(_) => return Err(broken_off()),
        };
        judge(&self.job, ended, passed)
    }
}

/// A task of ours panicked.
fn lost() -> Refusal {
    Refusal::new(
        Reason::Status(Status::Internal),
        "a task of the service failed",
    )
}

/// Runs a job on bytes that are there; the result may have `most` bytes.
pub(crate) async fn run_on(
    worker: Worker,
    job: Job,
    object: Bytes,
    most: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut flow = Flow::new(worker, job, Intake::new(Body::from(object), false));
    let mut result = Vec::new();
    while let Some(piece) = flow.next().await? {
        if result.len() + piece.len() > most {
            return Err(Refusal::new(
                Reason::Status(Status::Size),
                "too long a result",
            ));
        }
        result.extend_from_slice(&piece);
    }
    flow.verdict().await?;
    Ok(result)
}
