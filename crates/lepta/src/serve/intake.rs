//! From the body of a request to the input of its worker.
//!
//! Invariant: the worker's input is closed, which tells it that the object ends there, only when the
//! body has ended as HTTP says it must. A body that breaks off leaves the input open until the worker
//! is killed, so that no part of an object is ever taken for the whole.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use lepta_worker::job::Job;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::reason::Reason;
use super::refusal::Refusal;

/// Bytes of a body that must be there before its request takes a worker, unless it is shorter.
const AHEAD: usize = 16 << 10;

/// Most bytes that are read, to be thrown away, after an answer that did not need them: a client
/// that still sends might otherwise not come to read it.
const LINGER_BYTES: usize = 64 << 20;
const LINGER_TIME: Duration = Duration::from_secs(5);

/// A body of which the beginning has been read.
#[derive(Debug)]
pub(crate) struct Intake {
    ahead: Vec<Bytes>,
    body: Body,
    /// The client sends nothing before it is asked for the body or has an answer.
    is_withheld: bool,
}

/// What became of a body.
#[derive(Debug)]
pub(crate) enum Fed {
    /// All of it went to the worker.
    Whole {
        /// Bytes.
        length: u64,
    },
    /// The worker did not want the rest.
    Declined {
        /// What was not read.
        rest: Intake,
        /// Most bytes that the worker may have taken.
        length: u64,
        /// It had taken all that had come.
        waits: bool,
    },
    /// It broke off. The worker's input is still open.
    Broken(#[expect(dead_code, reason = "held so that it stays open")] ChildStdin),
}

impl Intake {
    /// A body of which nothing has been read. `is_withheld`: the client waits for `100 Continue`,
    /// which the server sends when the body is first asked for.
    pub(crate) fn new(body: Body, is_withheld: bool) -> Self {
        Self {
            ahead: Vec::new(),
            body,
            is_withheld,
        }
    }

    /// Reads ahead, so that a slow or silent client does not hold a worker with a short body.
    pub(crate) async fn read_ahead(&mut self, deadline: Instant) -> Result<(), Refusal> {
        let mut length = 0;
        self.is_withheld = false;
        while length < AHEAD {
            let frame = timeout_at(deadline, self.body.frame());
            match frame.await.map_err(|_| Refusal::too_slow())? {
                None => break,
                Some(Err(_)) => return Err(broken_off()),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        length += data.len();
                        self.ahead.push(data);
                    }
                }
            }
        }
        Ok(())
    }

    /// Bytes of the whole body, if the client has said so or all of it is there.
    pub(crate) fn length(&self) -> Option<u64> {
        let ahead: u64 = self.ahead.iter().map(|data| data.len() as u64).sum();
        let rest = self.body.size_hint().exact();
        rest.and_then(|rest| rest.checked_add(ahead))
    }

    /// Gives the job and the body to the worker, as fast as it takes them. `declined` says that it
    /// will take no more.
    pub(crate) async fn feed(
        mut self,
        mut stdin: ChildStdin,
        job: Job,
        declined: CancellationToken,
    ) -> Fed {
        let mut length = 0;
        let mut pieces = std::mem::take(&mut self.ahead).into_iter();
        if stdin.write_all(&job.encode()).await.is_err() {
            return self.declined(length, false);
        }
        loop {
            let piece = match pieces.next() {
                Some(piece) => piece,
                None => tokio::select! {
                    biased;
                    () = declined.cancelled() => return self.declined(length, true),
                    frame = self.body.frame() => match frame {
                        None => return Fed::Whole { length },
                        Some(Err(_)) => return Fed::Broken(stdin),
                        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                    },
                },
            };
            length += piece.len() as u64;
            if stdin.write_all(&piece).await.is_err() {
                return self.declined(length, false);
            }
        }
    }

    fn declined(self, length: u64, waits: bool) -> Fed {
        Fed::Declined {
            rest: self,
            length,
            waits,
        }
    }

    /// Reads what is left and forgets it, within bounds, beside the answer.
    pub(crate) fn linger(mut self) {
        if self.is_withheld || self.body.is_end_stream() {
            return;
        }
        let read_rest = async move {
            let mut left = LINGER_BYTES;
            while let Some(Ok(frame)) = self.body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        tokio::spawn(timeout(LINGER_TIME, read_rest));
    }
}

/// The refusal of a body that did not end as it must.
pub(crate) fn broken_off() -> Refusal {
    Refusal::new(
        Reason::Aborted,
        "the body broke off or is not chunked rightly",
    )
}
