//! Workers and services that end, by themselves or not.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use super::client::read_answer;
use super::objects::{compressed, noise, photo};
use super::server::{PATIENCE, Server, signal, wait_until};

/// Begins a request and waits until it has the only worker, whose number comes back.
fn begin(server: &Server, target: &str) -> (std::os::unix::net::UnixStream, u32) {
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

/// Requests under way at the signal are answered, the next ones find nobody, and the process ends.
#[test]
fn a_drain_lets_requests_end() {
    let mut server = Server::start("--workers 2 --queue 64");
    let objects: Vec<_> = (0..16).map(|seed| noise(seed, 400_000)).collect();
    let requests: Vec<_> = objects
        .iter()
        .map(|object| {
            server
                .request("POST", "/v1/compress?level=fast")
                .body(object)
        })
        .collect();
    let answers: Vec<_> = thread::scope(|scope| {
        let senders: Vec<_> = requests
            .iter()
            .map(|request| scope.spawn(move || request.send()))
            .collect();
        wait_until("all are under way", || {
            server.metric("lepta_connections") >= 17.0
        });
        server.signal("TERM");
        senders
            .into_iter()
            .map(|sender| sender.join().expect("an answer"))
            .collect()
    });
    let status = server.wait();
    assert_eq!(
        (status.code(), status.signal()),
        (Some(0), None),
        "{}",
        server.log()
    );
    assert!(!server.socket().exists());
    let mut done = 0;
    for (object, answer) in objects.iter().zip(&answers) {
        if answer.status == 200 {
            assert!(answer.result() == compressed(object, "fast"));
            done += 1;
        } else if answer.status != 0 {
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (503, "draining")
            );
        }
    }
    assert!(done >= 2, "{done} of 16 were done");
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
