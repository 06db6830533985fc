//! Workers and services that end, by themselves or not.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::read_answer;
use super::objects::{compressed, noise, photo};
use super::server::{PATIENCE, Server, signal, wait_until};

/// Begins a request and waits until it has the only worker, whose number comes back.
fn begin(server: &Server, target: &str) -> (UnixStream, u32) {
    let idle = server.children();
    let request = server.request("POST", target);
    let mut stream = request.with("Content-Length", "117638").begin();
    stream.write_all(&photo()[..50_000]).expect("a connection");
    wait_until("the worker is taken", || {
        server.metric("lepta_workers_busy") == 1.0
    });
    let busy = server.children();
    let both: Vec<_> = idle.intersection(&busy).copied().collect();
    assert_eq!(both.len(), 1, "{idle:?} {busy:?}");
    (stream, both[0])
}

#[test]
fn a_killed_worker_costs_its_request_and_no_other() {
    let server = Server::start("--workers 1 --self-test-every 3600");
    let (stream, worker) = begin(&server, "/v1/compress");
    signal(worker, "KILL");
    let answer = read_answer(&stream);
    assert_eq!((answer.status, answer.problem().as_str()), (500, "killed"));
    assert_eq!(
        server.metric("lepta_worker_deaths_total{cause=\"signal\"}"),
        1.0
    );
    server.post("/v1/compress", photo()).result();
    server.stop();
}

#[test]
fn a_jailed_worker_that_is_ended_by_its_jail_is_counted() {
    let server = Server::start("--workers 1 --self-test-every 3600");
    let (stream, worker) = begin(&server, "/v1/compress");
    // The signal that the kernel sends for a forbidden system call.
    signal(worker, "SYS");
    let answer = read_answer(&stream);
    assert_eq!((answer.status, answer.problem().as_str()), (500, "killed"));
    assert_eq!(server.metric("lepta_sandbox_kills_total"), 1.0);
    server.stop();
}

#[test]
fn killed_idle_workers_are_replaced_before_anyone_notices() {
    let server = Server::start("--workers 2 --self-test-every 3600");
    for _ in 0..5 {
        let workers = server.children();
        assert_eq!(workers.len(), 2);
        for worker in &workers {
            signal(*worker, "KILL");
        }
        wait_until("there are new ones", || {
            let now = server.children();
            now.len() == 2 && now.is_disjoint(&workers)
        });
        assert_eq!(server.get("/readyz").status, 200);
        server.post("/v1/compress?level=fast", photo()).result();
        wait_until("all are idle", || {
            server.metric("lepta_workers_idle") == 2.0
        });
    }
    assert_eq!(
        server.metric("lepta_requests_total{operation=\"compress\",reason=\"done\"}"),
        5.0
    );
    server.stop();
}

/// Each request has a process that no other had.
#[test]
fn workers_are_never_used_again() {
    let server = Server::start("--workers 1 --self-test-every 3600");
    for _ in 0..5 {
        server
            .post("/v1/compress?level=fast", &photo()[..2000])
            .result();
    }
    let log = server.stop();
    let workers = log.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["worker"].as_u64()
    });
    let mut workers: Vec<_> = workers.collect();
    assert_eq!(workers.len(), 5, "{log}");
    workers.sort_unstable();
    workers.dedup();
    assert_eq!(workers.len(), 5, "{log}");
}

#[test]
fn a_client_that_goes_away_ends_its_worker() {
    let server = Server::start("--workers 1 --self-test-every 3600");
    for target in ["/v1/compress", "/v1/compress?buffer=1"] {
        let (stream, worker) = begin(&server, target);
        drop(stream);
        wait_until("the worker is gone", || {
            !server.children().contains(&worker)
        });
    }
    let aborted = "lepta_requests_total{operation=\"compress\",reason=\"aborted\"}";
    wait_until("it is counted", || server.metric(aborted) == 2.0);
    server.stop();
}

/// Whichever workers die, and whenever: each costs one request at most, and all others are right.
#[test]
fn killed_workers_cost_a_request_each_at_most() {
    let server = Server::start("--workers 3 --self-test-every 3600");
    let object = &photo()[..20_000];
    let container = compressed(object, "fast");
    let next = AtomicUsize::new(0);
    let (requests, clients) = (150, 6);
    let request = |number: usize| match number % 2 {
        0 => (
            server.post("/v1/compress?level=fast", object),
            &container[..],
        ),
        _ => (server.post("/v1/decompress", &container), object),
    };
    let client = || {
        let mut failed = 0;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                return failed;
            }
            let (answer, expected) = request(number);
            if answer.is_whole && answer.status == 200 {
                assert!(answer.result() == expected);
                continue;
            }
            // An answer that had begun breaks off.
            let is_refused = answer.status == 500 && answer.problem() == "killed";
            assert!(is_refused || !answer.is_whole, "{answer:?}");
            failed += 1;
        }
    };
    let (failed, kills) = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let mut kills = 0;
        while next.load(Ordering::Relaxed) < requests {
            let workers: Vec<_> = server.children().into_iter().collect();
            if let Some(worker) = workers.get(kills % 3) {
                signal(*worker, "KILL");
                kills += 1;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let failed = clients
            .into_iter()
            .map(|client| client.join().expect("a client"));
        (failed.sum::<usize>(), kills)
    });
    assert!(failed <= kills, "{failed} requests failed of {kills} kills");
    wait_until("all workers are there again", || {
        server.children().len() == 3 && server.metric("lepta_workers_idle") == 3.0
    });
    server.post("/v1/compress?level=fast", object).result();
    server.stop();
}

/// Workers of a service that is to drain.
const WORKERS: f64 = 4.0;

/// Requests of which a half has been sent, beside so many others.
fn begin_all(server: &Server, objects: &[Vec<u8>], others: usize) -> Vec<UnixStream> {
    let streams: Vec<_> = objects
        .iter()
        .map(|object| {
            let length = object.len().to_string();
            let request = server.request("POST", "/v1/compress?level=fast");
            let mut stream = request.with("Content-Length", &length).begin();
            let half = &object[..object.len() / 2];
            stream.write_all(half).expect("a connection");
            stream
        })
        .collect();
    wait_until("all are in flight", || {
        let busy = server.metric("lepta_workers_busy");
        let waiting = server.metric("lepta_queue_depth");
        busy == WORKERS && waiting + busy == (objects.len() + others) as f64
    });
    streams
}

/// All 64 requests in flight at the signal are answered, the next ones find nobody, and the process
/// ends.
#[test]
fn a_drain_lets_requests_end() {
    let mut server = Server::start(
        "--workers 4 --queue 64 --queue-timeout 60 --drain 55 --self-test-every 3600",
    );
    let objects: Vec<_> = (0..64).map(|seed| noise(seed, 60_000)).collect();
    let streams = begin_all(&server, &objects, 0);
    server.signal("TERM");
    wait_until("the socket is gone", || !server.socket().exists());
    thread::scope(|scope| {
        for (object, mut stream) in objects.iter().zip(streams) {
            scope.spawn(move || {
                let rest = &object[object.len() / 2..];
                stream.write_all(rest).expect("a connection");
                assert!(read_answer(&stream).result() == compressed(object, "fast"));
            });
        }
    });
    let status = server.wait();
    assert_eq!(
        (status.code(), status.signal()),
        (Some(0), None),
        "{}",
        server.log()
    );
}

/// 64 requests in flight, half of which never end by themselves: when the time is over each has a right
/// answer, a refusal, or an answer that is seen to be cut off.
#[test]
fn what_a_drain_cannot_wait_for_is_refused() {
    let mut server =
        Server::start("--workers 4 --queue 64 --queue-timeout 60 --drain 2 --self-test-every 3600");
    // Its answer begins before its body has ended, and then waits.
    let cut_object = noise(99, 1_000_000);
    let coded = compressed(&cut_object, "fast");
    let request = server.request("POST", "/v1/decompress");
    let mut cut = request
        .with("Content-Length", &coded.len().to_string())
        .begin();
    cut.write_all(&coded[..600_000]).expect("a connection");
    wait_until("it has a worker", || {
        server.metric("lepta_workers_busy") == 1.0
    });
    let objects: Vec<_> = (0..63).map(|seed| noise(seed, 60_000)).collect();
    let streams = begin_all(&server, &objects, 1);
    server.signal("TERM");
    let begin = Instant::now();
    thread::scope(|scope| {
        for (number, (object, mut stream)) in objects.iter().zip(streams).enumerate() {
            scope.spawn(move || {
                let ends = number % 2 == 0;
                if ends {
                    // It may be refused already.
                    let _ = stream.write_all(&object[object.len() / 2..]);
                }
                let answer = read_answer(&stream);
                if ends && answer.status == 200 {
                    assert!(answer.result() == compressed(object, "fast"));
                } else {
                    let refused = (answer.status, answer.problem());
                    assert_eq!(refused, (503, "draining".to_owned()));
                }
            });
        }
        let answer = read_answer(&cut);
        assert_eq!((answer.status, answer.is_whole), (200, false));
        assert!(cut_object.starts_with(&answer.body));
    });
    let status = server.wait();
    let log = server.log();
    assert_eq!((status.code(), status.signal()), (Some(1), None), "{log}");
    // Without an end to the drain they would have taken two minutes.
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let mut server = Server::start("--workers 1 --queue 8 --drain 1 --self-test-every 3600");
    let (stream, _) = begin(&server, "/v1/compress");
    thread::scope(|scope| {
        let waits = scope.spawn(|| server.post("/v1/compress", photo()));
        wait_until("one waits", || server.metric("lepta_queue_depth") == 1.0);
        server.signal("TERM");
        let refused = waits.join().expect("an answer");
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (503, "draining")
        );
    });
    let cut = read_answer(&stream);
    assert_eq!((cut.status, cut.problem().as_str()), (503, "draining"));
    let status = server.wait();
    assert_eq!(
        (status.code(), status.signal()),
        (Some(1), None),
        "{}",
        server.log()
    );
}

/// The shut-off file turns compression into storing, and back, within a second.
#[test]
fn the_shut_off_file_takes_effect_within_a_second() {
    let server = Server::start("--workers 2 --shut-off-file off");
    let file = server.folder().join("off");
    let coded = server.post("/v1/compress", photo());
    assert!(coded.result().len() < photo().len());
    for is_off in [true, false, true] {
        match is_off {
            true => std::fs::write(&file, b"").expect("a file"),
            false => std::fs::remove_file(&file).expect("the file"),
        }
        let begin = Instant::now();
        let answer = loop {
            let answer = server.post("/v1/compress?level=fast", photo());
            answer.result();
            if answer.headers.contains_key("lepta-shut-off") == is_off {
                break answer;
            }
            assert!(begin.elapsed() < PATIENCE, "it has no effect");
        };
        assert_eq!(answer.result().len() > photo().len(), is_off);
        for container in [answer.result(), coded.result()] {
            assert!(server.post("/v1/decompress", container).result() == photo());
        }
        assert_eq!(server.metric("lepta_shut_off"), f64::from(u8::from(is_off)));
    }
    let refused = server.post("/v1/compress?buffer=1&must-save=1", photo());
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "nothing_gained")
    );
    // The service looks five times a second.
    let begin = Instant::now();
    std::fs::remove_file(&file).expect("the file");
    thread::sleep(Duration::from_secs(1).saturating_sub(begin.elapsed()));
    let answer = server.post("/v1/compress?level=fast", photo());
    assert!(!answer.headers.contains_key("lepta-shut-off"));
    server.stop();
}
