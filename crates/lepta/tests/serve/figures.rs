//! The figures of OPERATIONS.md. Nothing is asserted about time.
//!
//! Invariant: what is compared is measured in turns, so that what else the machine does is in both.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::objects::{alone, compressed, photo};
use super::server::{Server, status_field, wait_until};

/// Of a ratio of rates, in turns.
const TURNS: usize = 7;
const TURN: Duration = Duration::from_secs(2);
/// Ticks of `/proc/PID/stat` in a second.
const TICKS: f64 = 100.0;

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * percent / 100]
}

fn milliseconds(run: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    run();
    begin.elapsed().as_secs_f64() * 1e3
}

/// Processor time in seconds of a process and of the children that it has waited for.
fn processor_time(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    // The name in brackets may hold spaces.
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    let ticks = fields.split(' ').skip(11).take(4);
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum::<f64>()
        / TICKS
}

/// What a turn has shown.
#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    /// Processor time of each run.
    milliseconds: f64,
}

/// Runs by so many threads for a turn; `process` and its children do the work.
fn rate(threads: usize, process: u32, run: impl Fn() + Sync) -> Rate {
    let count = AtomicUsize::new(0);
    let (begin, used) = (Instant::now(), processor_time(process));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while begin.elapsed() < TURN {
                    run();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let count = count.load(Ordering::Relaxed) as f64;
    let seconds = begin.elapsed().as_secs_f64();
    Rate {
        per_second: count / seconds,
        milliseconds: (processor_time(process) - used) * 1e3 / count,
    }
}

/// One line of the table.
fn compare(server: &Server, operation: &str, name: &str, object: &[u8]) {
    let target = format!("/v1/{operation}");
    let request = server.request("POST", &target).body(object);
    let through = || {
        request.send().result();
    };
    let bare = || drop(alone(&[operation, "--report", "json"], object));
    let runs = match object.len() {
        ..100_000 => 200,
        100_000..500_000 => 60,
        _ => 20,
    };
    let (mut bare_times, mut times): (Vec<_>, Vec<_>) = (0..runs)
        .map(|_| (milliseconds(bare), milliseconds(through)))
        .unzip();
    let turns: Vec<_> = (0..TURNS)
        .map(|_| {
            let bare = rate(2, std::process::id(), bare);
            (bare, rate(4, server.process(), through))
        })
        .collect();
    let middle = |of: fn(&(Rate, Rate)) -> f64| {
        percentile(&mut turns.iter().map(of).collect::<Vec<_>>(), 50)
    };
    eprintln!(
        "| {operation} | {name} | {:.1} / {:.1} | {:.1} / {:.1} | {:.1} | {:.1} ({:.0} %) | {:.1} | {:.1} |",
        percentile(&mut bare_times, 50),
        percentile(&mut bare_times, 99),
        percentile(&mut times, 50),
        percentile(&mut times, 99),
        middle(|(bare, _)| bare.per_second),
        middle(|(_, served)| served.per_second),
        middle(|(bare, served)| 100.0 * served.per_second / bare.per_second),
        middle(|(bare, _)| bare.milliseconds),
        middle(|(_, served)| served.milliseconds),
    );
}

/// `cargo test --release -p lepta --test serve figures::figures -- --exact --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn figures() {
    let server = Server::start("--workers 4 --self-test-every 3600");
    let objects = [
        ("50 KB", photo()[..50_000].to_vec()),
        ("118 KB", photo().to_vec()),
        ("1 MB", photo().repeat(8)),
    ];
    eprintln!(
        "| | object | worker alone, p50 / p99 ms | service, p50 / p99 ms | two workers in a loop, 1/s \
         | service, 1/s | worker alone, processor ms | service with worker, processor ms |"
    );
    for (name, object) in &objects {
        compare(&server, "compress", name, object);
        compare(&server, "decompress", name, &compressed(object, "default"));
    }
    server.stop();
}

/// The part of a process's memory that is its own, and all that is resident, in bytes.
fn memory(process: u32) -> (u64, u64) {
    let field = |name| status_field(process, name).expect("it lives");
    (field("RssAnon:"), field("VmRSS:"))
}

/// What connections and waiting workers take: `… connections_and_waiting_workers -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn memory_of_connections_and_waiting_workers() {
    const CONNECTIONS: usize = 400;
    let server = Server::start("--workers 8 --queue 1000 --connections 500 --self-test-every 3600");
    // What is set up at first use is there afterwards.
    server.post("/v1/compress", photo()).result();
    wait_until("all wait", || server.metric("lepta_workers_idle") == 8.0);
    thread::sleep(Duration::from_millis(500));
    for worker in server.children() {
        let (own, resident) = memory(worker);
        eprintln!("a waiting worker: {own} bytes of its own, {resident} resident");
    }
    let before = server.resident();
    let (own, _) = memory(server.process());
    eprintln!("the service: {own} bytes of its own, {before} resident");
    let per_connection = |what: &str| {
        let bytes = (server.resident() - before) / CONNECTIONS as u64;
        eprintln!("{what}: {bytes} bytes each");
    };
    let mut streams: Vec<_> = (0..CONNECTIONS)
        .map(|_| UnixStream::connect(server.socket()).expect("it listens"))
        .collect();
    let all = CONNECTIONS as f64 + 1.0;
    wait_until("all are taken", || {
        server.metric("lepta_connections") == all
    });
    per_connection("connections without a request");
    let head = format!(
        "POST /v1/compress HTTP/1.1\r\nHost: lepta\r\nX-Long: {}\r\nContent-Length: 1000000\r\n\r\n",
        "x".repeat(14 << 10)
    );
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).expect("a connection");
    }
    thread::sleep(Duration::from_secs(1));
    per_connection("connections with a head of 14 KiB");
    for stream in &mut streams {
        stream.write_all(&photo()[..100_000]).expect("a connection");
    }
    let waiting = (CONNECTIONS - 8) as f64;
    wait_until("all wait for workers", || {
        server.metric("lepta_queue_depth") == waiting
    });
    per_connection("requests that wait for a worker, with the beginnings of their bodies");
    drop(streams);
    server.stop();
}
