//! A request for a result, from its head to its verdict.
//!
//! Invariant: as long as nothing of an answer was sent, whatever goes wrong is a clean refusal; once a
//! part was sent, the answer either ends with its verdict or the connection breaks.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, TRAILER};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use bytes::Bytes;
use lepta_worker::job::{Job, Operation};
use lepta_worker::status::Status;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::account::Account;
use super::answer::{HeldBody, Part, StreamedBody};
use super::buffers::Reservation;
use super::choice::Choice;
use super::fields;
use super::flow::Flow;
use super::intake::Intake;
use super::pool::{busy, draining};
use super::reason::Reason;
use super::refusal::Refusal;
use super::service::{Service, name_field};
use super::slot::Worker;

/// What a request was given when it was let in.
struct Admission {
    choice: Choice,
    job: Job,
    worker: Worker,
    /// Where the answer is held, if it is.
    reservation: Option<Reservation>,
}

/// Answers a request for an operation.
pub(crate) async fn exchange(
    service: Arc<Service>,
    operation: Operation,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let name = service.names.of(&head.headers);
    let metrics = Arc::clone(&service.metrics);
    let mut account = Account::open(metrics, operation, name.clone());
    let mut intake = Intake::new(body, head.headers.contains_key(EXPECT));
    let admission = admit(&service, operation, &head, &mut intake, account.begin());
    let mut response = match admission.await {
        Ok(admission) => {
            account.set_worker(admission.worker.process);
            let flow = Flow::new(admission.worker, admission.job, intake);
            let mut response = match admission.reservation {
                Some(reservation) => held(flow, account, admission.choice, reservation).await,
                None => streamed(flow, account).await,
            };
            if admission.job.operation == Operation::Store {
                let headers = response.headers_mut();
                headers.insert(fields::SHUT_OFF, HeaderValue::from_static("1"));
            }
            response
        }
        Err(refusal) => {
            intake.linger();
            account.refuse(refusal)
        }
    };
    let headers = response.headers_mut();
    headers.insert(fields::REQUEST_ID, name_field(&name));
    response
}

/// Lets a request in: its options are right, it fits the limits, and it has a worker.
async fn admit(
    service: &Service,
    operation: Operation,
    head: &Parts,
    intake: &mut Intake,
    begin: Instant,
) -> Result<Admission, Refusal> {
    if service.draining.is_cancelled() {
        return Err(draining());
    }
    let choice = Choice::of(operation, head)?;
    check_length(service, intake)?;
    if service.pool.is_full() {
        return Err(busy());
    }
    let deadline = begin + service.deadline;
    intake.read_ahead(deadline).await?;
    let reservation = match choice.buffer {
        true => {
            let wanted = most_held(operation, &choice, intake.length());
            let patience = service.queue_timeout;
            Some(service.buffers.reserve(wanted, patience).await?)
        }
        false => None,
    };
    let worker = service.pool.worker(deadline).await?;
    let operation = match operation {
        Operation::Compress if service.shut_off.is_on() => Operation::Store,
        operation => operation,
    };
    let job = Job {
        level: choice.level,
        input_limit: Some(service.input_limit),
        restart_every: choice.restart_every,
        range: choice.range,
        ..Job::of(operation)
    };
    Ok(Admission {
        choice,
        job,
        worker,
        reservation,
    })
}

fn check_length(service: &Service, intake: &Intake) -> Result<(), Refusal> {
    let limit = service.input_limit;
    match intake.length() {
        Some(length) if length > limit => Err(Refusal::new(
            Reason::Status(Status::Size),
            format!("the body is longer than {limit} bytes"),
        )),
        _ => Ok(()),
    }
}

/// Most bytes of an answer, if that is known: what cannot be compressed grows a little.
fn most_held(operation: Operation, choice: &Choice, length: Option<u64>) -> Option<u64> {
    if let Some(range) = choice.range {
        return Some(range.length());
    }
    let length = length.filter(|_| operation == Operation::Compress)?;
    length.checked_add(length / 64)?.checked_add(4096)
}

fn result_headers(headers: &mut HeaderMap) {
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, octets);
}

/// Holds the answer until its verdict.
async fn held(
    mut flow: Flow,
    account: Account,
    choice: Choice,
    reservation: Reservation,
) -> Response<Body> {
    let room = reservation.room;
    let mut body = HeldBody::new(reservation);
    loop {
        match flow.next().await {
            Ok(None) => break,
            Ok(Some(piece)) if body.length() + piece.len() as u64 > room => {
                let detail = format!("the answer is longer than the {room} bytes that can be held");
                return account.refuse(Refusal::new(Reason::Status(Status::Size), detail));
            }
            // The piece shares its memory with room for others; only what it needs is counted.
            Ok(Some(piece)) => body.push(Bytes::copy_from_slice(&piece)),
            Err(refusal) => return account.refuse(refusal),
        }
    }
    match flow.verdict().await {
        Ok(report) if choice.must_save && report.bytes_out >= report.bytes_in => {
            let detail = "the compressed form would not be smaller";
            account.refuse(Refusal::new(Reason::Status(Status::NothingGained), detail))
        }
        Ok(report) => {
            let mut response = Response::new(Body::new(body));
            let headers = response.headers_mut();
            *headers = account.succeed(&report);
            result_headers(headers);
            response
        }
        Err(refusal) => account.refuse(refusal),
    }
}

/// Sends the answer as it comes, and its verdict behind it.
async fn streamed(mut flow: Flow, account: Account) -> Response<Body> {
    let first = match flow.next().await {
        Ok(first) => first,
        Err(refusal) => return account.refuse(refusal),
    };
    let (parts, body) = StreamedBody::new();
    match first {
        Some(first) => {
            tokio::spawn(stream(flow, account, first, parts));
        }
        None => match flow.verdict().await {
            Ok(report) => {
                // There is room for one part.
                let _ = parts.try_send(Part::End(account.succeed(&report)));
            }
            Err(refusal) => return account.refuse(refusal),
        },
    }
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    result_headers(headers);
    headers.insert(TRAILER, HeaderValue::from_static(fields::TRAILERS));
    response
}

/// Sends the pieces of a result to the answer's body until there is nobody to take them.
async fn stream(mut flow: Flow, account: Account, first: Bytes, parts: mpsc::Sender<Part>) {
    let mut piece = first;
    loop {
        if parts.send(Part::Piece(piece)).await.is_err() {
            return;
        }
        let next = tokio::select! {
            biased;
            () = parts.closed() => return,
            next = flow.next() => next,
        };
        piece = match next {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(refusal) => return account.break_off(refusal.reason),
        };
    }
    match flow.verdict().await {
        Ok(report) => {
            let trailers = account.succeed(&report);
            // If the client has gone, it will not miss them.
            let _ = parts.send(Part::End(trailers)).await;
        }
        Err(refusal) => account.break_off(refusal.reason),
    }
}
