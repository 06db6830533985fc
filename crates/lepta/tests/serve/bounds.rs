//! Everything is bounded: the queue, bodies, time, memory.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::client::read_answer;
use super::objects::{compressed, noise, photo, text};
use super::server::{Server, signal, wait_until};

/// A request that holds a worker and sends no more.
fn stalled(server: &Server) -> UnixStream {
    let request = server.request("POST", "/v1/compress");
    let mut stream = request.with("Content-Length", "1000000").begin();
    stream.write_all(&noise(9, 100_000)).expect("a connection");
    stream
}

#[test]
fn a_full_queue_is_429() {
    let server = Server::start("--workers 1 --queue 1 --self-test-every 3600");
    let _holds = stalled(&server);
    wait_until("the worker is taken", || {
        server.metric("lepta_workers_busy") == 1.0
    });
    thread::scope(|scope| {
        let waits = scope.spawn(|| server.post("/v1/compress", photo()));
        wait_until("one waits", || server.metric("lepta_queue_depth") == 1.0);
        let refused = server.post("/v1/compress", photo());
        assert_eq!((refused.status, refused.problem().as_str()), (429, "busy"));
        assert_eq!(refused.headers["retry-after"], "1");
        drop(_holds);
        waits.join().expect("an answer").result();
    });
    assert_eq!(server.metric("lepta_queue_depth"), 0.0);
    server.stop();
}

#[test]
fn who_waits_too_long_gets_429() {
    let server = Server::start("--workers 1 --queue-timeout 0.2 --self-test-every 3600");
    let _holds = stalled(&server);
    wait_until("the worker is taken", || {
        server.metric("lepta_workers_busy") == 1.0
    });
    let refused = server.post("/v1/compress", photo());
    assert_eq!((refused.status, refused.problem().as_str()), (429, "busy"));
    drop(_holds);
    server.stop();
}

/// A worker that came at the end of a request's time would work for nothing, and the next one in the
/// queue would come too late in its turn.
#[test]
fn who_could_not_be_served_in_time_does_not_wait_until_then() {
    let server = Server::start("--workers 1 --deadline 4 --self-test-every 3600");
    let _holds = stalled(&server);
    wait_until("the worker is taken", || {
        server.metric("lepta_workers_busy") == 1.0
    });
    let refused = server.post("/v1/compress", photo());
    assert_eq!((refused.status, refused.problem().as_str()), (429, "busy"));
    assert_eq!(server.metric("lepta_workers_busy"), 1.0, "it had no worker");
    server.stop();
}

/// A client that has sent what could be taken is told to try again, not that it was slow.
#[test]
fn slow_workers_are_not_blamed_on_clients() {
    let server = Server::start("--workers 1 --deadline 2 --self-test-every 3600");
    // All of the first fits the way to the worker, of the second only a part.
    for object in [&photo()[..20_000], photo()] {
        wait_until("the worker waits", || {
            server.metric("lepta_workers_idle") == 1.0
        });
        for worker in server.children() {
            signal(worker, "STOP");
        }
        let refused = server.post("/v1/compress", object);
        assert_eq!((refused.status, refused.problem().as_str()), (503, "time"));
        assert_eq!(refused.headers["retry-after"], "1");
    }
    server.stop();
}

#[test]
fn too_long_a_body_is_413() {
    let server = Server::start("--workers 1 --input-limit 100000");
    let refused = server.post("/v1/compress", photo());
    assert_eq!((refused.status, refused.problem().as_str()), (413, "size"));
    // One that does not say its length is stopped by the worker; nothing of it has come out by then.
    let request = server.request("POST", "/v1/compress").chunked(photo());
    let refused = request.send();
    assert_eq!((refused.status, refused.problem().as_str()), (413, "size"));
    // A client that waits for permission to send it is not asked for it.
    let request = server.request("POST", "/v1/compress");
    let request = request
        .with("Expect", "100-continue")
        .with("Content-Length", "100001");
    let answer = read_answer(&request.begin());
    assert_eq!((answer.status, answer.problem().as_str()), (413, "size"));
    server.post("/v1/compress", &photo()[..100_000]).result();
    server.stop();
}

#[test]
fn too_long_a_held_answer_is_413() {
    let server = Server::start("--workers 1 --buffer-limit 50000");
    let refused = server.post("/v1/compress?buffer=1", photo());
    assert_eq!((refused.status, refused.problem().as_str()), (413, "size"));
    server.post("/v1/compress", photo()).result();
    server.stop();
}

/// One byte at a time, before and after the request has a worker.
#[test]
fn slow_clients_end_at_the_deadline() {
    let server = Server::start("--workers 1 --deadline 3 --self-test-every 3600");
    for ahead in [0, 40_000] {
        let begin = Instant::now();
        let request = server.request("POST", "/v1/compress");
        let stream = request.with("Content-Length", "117638").begin();
        let mut sending = stream.try_clone().expect("a socket");
        sending.write_all(&photo()[..ahead]).expect("a connection");
        let slow = thread::spawn(move || {
            for byte in &photo()[ahead..] {
                if sending.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        let answer = read_answer(&stream);
        assert_eq!((answer.status, answer.problem().as_str()), (408, "time"));
        assert!(begin.elapsed() >= Duration::from_secs(3));
        drop(stream);
        slow.join().expect("the sender");
    }
    assert_eq!(
        server.metric("lepta_worker_deaths_total{cause=\"deadline\"}"),
        1.0
    );
    server
        .post("/v1/compress?level=fast", &photo()[..1000])
        .result();
    server.stop();
}

/// A client that takes nothing of a long answer loses it.
#[test]
fn clients_that_do_not_read_end_at_the_deadline() {
    let server = Server::start("--workers 1 --deadline 1 --self-test-every 3600");
    let container = compressed(&noise(2, 3_000_000), "fast");
    let request = server.request("POST", "/v1/decompress").body(&container);
    let mut stream = request.begin();
    let mut sending = stream.try_clone().expect("a socket");
    let sender = thread::spawn(move || {
        // The server stops reading when nobody takes what comes out.
        let _ = sending.write_all(&container);
    });
    wait_until("the worker is ended", || {
        server.metric("lepta_worker_deaths_total{cause=\"deadline\"}") == 1.0
    });
    assert!(!read_answer(&stream).is_whole);
    stream.flush().expect("a socket");
    drop(stream);
    sender.join().expect("the sender");
    wait_until("the connection is gone", || {
        server.metric("lepta_connections") == 1.0
    });
    server.stop();
}

/// A head that never ends holds a connection, but no worker, and not for ever; beyond the most
/// connections others wait.
#[test]
fn connections_are_bounded() {
    let server = Server::start("--workers 1 --connections 3");
    wait_until("the connections of the start are gone", || {
        server.metric("lepta_connections") == 1.0
    });
    let idle: Vec<_> = (0..3)
        .map(|_| {
            let stream = UnixStream::connect(server.socket()).expect("it listens");
            thread::sleep(Duration::from_millis(50));
            stream
        })
        .collect();
    thread::scope(|scope| {
        let waits = scope.spawn(|| server.post("/v1/compress", photo()));
        thread::sleep(Duration::from_millis(200));
        assert!(!waits.is_finished());
        drop(idle);
        waits.join().expect("an answer").result();
    });
    server.stop();
}

#[test]
fn processor_time_is_bounded() {
    let server = Server::start("--workers 1 --time-limit 1 --self-test-every 3600");
    let request = server.request("POST", "/v1/compress?buffer=1");
    let refused = request.chunked(&text(3, 40_000_000)).send();
    assert_eq!((refused.status, refused.problem().as_str()), (413, "time"));
    server
        .post("/v1/compress?level=fast", &photo()[..1000])
        .result();
    server.stop();
}
