//! The bodies of answers that are results.
//!
//! Invariant: a streamed body ends well only behind a verdict. If whoever fills it goes away without
//! one, it fails, and then the server breaks the connection before the last chunk.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use axum::http::HeaderMap;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::buffers::Reservation;

/// A part of a streamed answer.
#[derive(Debug)]
pub(crate) enum Part {
    /// Bytes of the result.
    Piece(Bytes),
    /// All pieces were right; these are the trailers.
    End(HeaderMap),
}

/// A body that is filled while it is sent.
#[derive(Debug)]
pub(crate) struct StreamedBody {
    parts: mpsc::Receiver<Part>,
    has_ended: bool,
}

/// The result cannot be vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoVerdict;

impl fmt::Display for NoVerdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the result is not whole or not right")
    }
}

impl std::error::Error for NoVerdict {}

impl StreamedBody {
    /// A body, and where its parts go. A part waits until the one before is on its way.
    pub(crate) fn new() -> (mpsc::Sender<Part>, Self) {
        let (sender, parts) = mpsc::channel(1);
        let body = Self {
            parts,
            has_ended: false,
        };
        (sender, body)
    }
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = NoVerdict;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NoVerdict>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let part = ready!(self.parts.poll_recv(context));
        Poll::Ready(Some(match part {
            Some(Part::Piece(piece)) => Ok(Frame::data(piece)),
            Some(Part::End(trailers)) => {
                self.has_ended = true;
                Ok(Frame::trailers(trailers))
            }
            None => {
                self.has_ended = true;
                Err(NoVerdict)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }
}

/// A body that was held until its verdict, with the memory set aside for it.
#[derive(Debug)]
pub(crate) struct HeldBody {
    pieces: VecDeque<Bytes>,
    left: u64,
    /// Given back when the body is gone.
    _reservation: Reservation,
}

impl HeldBody {
    pub(crate) fn new(reservation: Reservation) -> Self {
        Self {
            pieces: VecDeque::new(),
            left: 0,
            _reservation: reservation,
        }
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        self.left += piece.len() as u64;
        self.pieces.push_back(piece);
    }

    /// Bytes that it holds.
    pub(crate) fn length(&self) -> u64 {
        self.left
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.pieces.pop_front();
        Poll::Ready(piece.map(|piece| {
            self.left -= piece.len() as u64;
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn piece() -> Part {
        Part::Piece(Bytes::from_static(b"abc"))
    }

    #[tokio::test]
    async fn a_streamed_body_ends_well_only_with_a_verdict() {
        for ends in [true, false] {
            let (sender, body) = StreamedBody::new();
            let fill = async move {
                sender.send(piece()).await.expect("room");
                if ends {
                    let end = Part::End(HeaderMap::new());
                    sender.send(end).await.expect("room");
                }
            };
            let ((), collected) = tokio::join!(fill, body.collect());
            assert_eq!(collected.is_ok(), ends);
        }
    }
}
