//! Many clients at once, good, hostile and fickle: every good answer is right, and nothing is left over.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Answer, read_answer};
use super::objects::{compressed, damaged_at_its_end, noise, photo, text};
use super::server::{Server, wait_until};

const INPUT_LIMIT: usize = 2_000_000;
/// Seconds that a request may take; those of slow clients take as long.
const DEADLINE: u64 = 10;

/// An object, and its container.
struct Pair {
    object: Vec<u8>,
    container: Vec<u8>,
}

fn pairs() -> Vec<Pair> {
    let cut = |length: usize| photo()[..length].to_vec();
    let objects = [
        photo().to_vec(),
        cut(50_000),
        cut(20_000),
        text(1, 30_000),
        text(2, 300_000),
        noise(3, 100),
        noise(4, 70_000),
        noise(5, 600_000),
        [cut(30_000), noise(6, 10_000), photo().to_vec()].concat(),
        Vec::new(),
    ];
    let pair = |object: Vec<u8>| Pair {
        container: compressed(&object, "fast"),
        object,
    };
    objects.into_iter().map(pair).collect()
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Good,
    Damaged,
    CutOff,
    Endless,
    Slow,
    Aborted,
}

/// A tenth is hostile, of four kinds; a twentieth goes away.
fn deed(number: usize) -> Deed {
    match (number % 10, number % 20) {
        (3, _) => [Deed::Damaged, Deed::CutOff, Deed::Endless, Deed::Slow][number / 10 % 4],
        (_, 7) => Deed::Aborted,
        _ => Deed::Good,
    }
}

/// What came of all requests.
#[derive(Debug, Default)]
struct Tally {
    deeds: BTreeMap<Deed, usize>,
    /// Refusals for want of a worker, tried again.
    busy: usize,
    /// Refusals of what was not done in time, tried again.
    late: usize,
    seconds: Vec<f64>,
}

fn good(server: &Server, pair: &Pair, number: usize, tally: &Mutex<Tally>) {
    let held = if number.is_multiple_of(3) {
        "&buffer=1"
    } else {
        ""
    };
    let (target, body, expected) = match number % 2 {
        0 => ("/v1/compress?level=fast", &pair.object, &pair.container),
        _ => ("/v1/decompress?", &pair.container, &pair.object),
    };
    let request = server.request("POST", &format!("{target}{held}"));
    let request = match number % 5 {
        0 => request.chunked(body),
        _ => request.body(body),
    };
    loop {
        let begin = Instant::now();
        let answer = request.send();
        if answer.headers.contains_key("retry-after") {
            let mut tally = tally.lock().expect("no panic");
            match (answer.status, answer.problem().as_str()) {
                (429, "busy") => tally.busy += 1,
                (503, "time") => tally.late += 1,
                other => panic!("request {number} was refused: {other:?}"),
            }
            drop(tally);
            thread::sleep(Duration::from_millis(50));
            continue;
        }
        assert!(
            answer.result() == expected,
            "request {number} got other bytes"
        );
        let seconds = begin.elapsed().as_secs_f64();
        tally.lock().expect("no panic").seconds.push(seconds);
        return;
    }
}

/// An answer to something bad: a refusal, or broken off.
fn assert_no_result(answer: &Answer, reasons: &[&str]) {
    if answer.is_whole {
        let reason = answer.problem();
        let may_retry = answer.headers.contains_key("retry-after");
        let is_expected = reasons.contains(&reason.as_str()) || may_retry;
        assert!(is_expected, "{reason}");
    }
    assert!(answer.trailers.is_empty());
}

fn bad(server: &Server, pair: &Pair, deed: Deed) {
    let (operation, length) = match deed {
        Deed::Damaged | Deed::CutOff => ("decompress", 0),
        _ => ("compress", 1_000_000),
    };
    let request = server.request("POST", &format!("/v1/{operation}"));
    match deed {
        Deed::Damaged => {
            let answer = request.body(damaged_at_its_end()).send();
            assert_no_result(&answer, &["checksum"]);
        }
        Deed::CutOff => {
            let part = &pair.container[..pair.container.len() - 5];
            assert_no_result(&request.body(part).send(), &["truncated", "malformed"]);
        }
        Deed::Endless => {
            let stream = request.with("Transfer-Encoding", "chunked").begin();
            let mut sending = stream.try_clone().expect("a socket");
            let chunk = [&b"ffff\r\n"[..], &noise(7, 0xffff), b"\r\n"].concat();
            let sender = thread::spawn(move || while sending.write_all(&chunk).is_ok() {});
            assert_no_result(&read_answer(&stream), &["size"]);
            let _ = stream.shutdown(std::net::Shutdown::Both);
            sender.join().expect("the sender");
        }
        Deed::Slow => {
            let stream = request.with("Content-Length", "100").begin();
            let mut sending = stream.try_clone().expect("a socket");
            let sender = thread::spawn(move || {
                while sending.write_all(b"x").is_ok() {
                    thread::sleep(Duration::from_secs(1));
                }
            });
            assert_no_result(&read_answer(&stream), &["time"]);
            let _ = stream.shutdown(std::net::Shutdown::Both);
            sender.join().expect("the sender");
        }
        Deed::Aborted | Deed::Good => {
            let stream = request.with("Content-Length", &length.to_string()).begin();
            // The server may have refused it already.
            let _ = (&stream).write_all(&noise(8, 100_000));
        }
    }
}

/// What must be as before when everything is over.
#[derive(Debug)]
struct Footprint {
    descriptors: usize,
    children: usize,
    resident: u64,
}

fn footprint(server: &Server, workers: usize) -> Footprint {
    wait_until("all is quiet", || {
        server.metric("lepta_connections") == 1.0
            && server.metric("lepta_workers_idle") == workers as f64
            && server.children().len() == workers
    });
    // The connection of the last look is on its way out.
    thread::sleep(Duration::from_millis(200));
    Footprint {
        descriptors: server.descriptors(),
        children: server.children().len(),
        resident: server.resident(),
    }
}

fn run(server: &Server, pairs: &[Pair], requests: usize, clients: usize) -> Tally {
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    let pair = &pairs[number * 7 % pairs.len()];
                    let deed = deed(number);
                    match deed {
                        Deed::Good => good(server, pair, number, &tally),
                        bad_deed => bad(server, pair, bad_deed),
                    }
                    let mut tally = tally.lock().expect("no panic");
                    *tally.deeds.entry(deed).or_default() += 1;
                }
            });
        }
    });
    tally.into_inner().expect("no panic")
}

/// The queue has places for half of the clients.
fn mixture(requests: usize, clients: usize, workers: usize) -> Tally {
    let pairs = pairs();
    let server = Server::start(&format!(
        "--workers {workers} --queue {} --deadline {DEADLINE} --input-limit {INPUT_LIMIT} \
         --self-test-every 3600",
        clients / 2
    ));
    // What is set up at first use is there afterwards.
    run(&server, &pairs, clients * 2, clients);
    let before = footprint(&server, workers);
    let begin = Instant::now();
    let mut tally = run(&server, &pairs, requests, clients);
    let seconds = begin.elapsed().as_secs_f64();
    let after = footprint(&server, workers);
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(after.children, before.children);
    assert!(
        after.resident < before.resident * 11 / 10 + (4 << 20),
        "{before:?} {after:?}"
    );
    for (metric, expected) in [("lepta_queue_depth", 0.0), ("lepta_held_bytes", 0.0)] {
        assert_eq!(server.metric(metric), expected, "{metric}");
    }
    assert_eq!(server.metric("lepta_verify_failures_total"), 0.0);
    assert_eq!(server.metric("lepta_sandbox_kills_total"), 0.0);
    assert!(server.metric("lepta_worker_peak_rss_bytes") < 24_000_000.0);
    tally.seconds.sort_by(f64::total_cmp);
    let at = |percent: usize| tally.seconds[(tally.seconds.len() - 1) * percent / 100];
    eprintln!(
        "{requests} requests, {clients} clients, {workers} workers: {seconds:.1} s, good answers \
         p50 {:.3} s, p99 {:.3} s; tried again {} and {}; {:?}; {before:?}; {after:?}",
        at(50),
        at(99),
        tally.busy,
        tally.late,
        tally.deeds,
    );
    server.stop();
    tally
}

#[test]
fn many_clients_at_once() {
    mixture(300, 16, 4);
}

/// Takes minutes: `cargo test --release -p lepta --test serve -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_requests() {
    let tally = mixture(10_000, 64, 4);
    assert!(tally.busy > 0, "the queue was never full");
}
