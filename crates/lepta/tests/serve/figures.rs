//! The figures of OPERATIONS.md. Nothing is asserted about time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::objects::{alone, compressed, photo};
use super::server::Server;

/// The middle and the highest hundredth of times in milliseconds.
fn times(runs: usize, mut run: impl FnMut()) -> (f64, f64) {
    let mut milliseconds: Vec<f64> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let at = |percent: usize| milliseconds[(milliseconds.len() - 1) * percent / 100];
    (at(50), at(99))
}

/// Runs a second by so many threads at once.
fn rate(threads: usize, run: impl Fn() + Sync) -> f64 {
    let count = AtomicUsize::new(0);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(10);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while Instant::now() < end {
                    run();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

/// `cargo test --release -p lepta --test serve figures -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn figures() {
    let server = Server::start("--workers 4 --self-test-every 3600");
    let tail = photo().repeat(8);
    let objects = [
        ("50 KB", photo()[..50_000].to_vec()),
        ("118 KB", photo().to_vec()),
        ("1 MB", tail),
    ];
    for (name, object) in &objects {
        for operation in ["compress", "decompress"] {
            let object = match operation {
                "compress" => object.clone(),
                _ => compressed(object, "default"),
            };
            let target = format!("/v1/{operation}");
            let request = server.request("POST", &target).body(&object);
            let through = || {
                request.send().result();
            };
            let bare = || drop(alone(&[operation, "--report", "json"], &object));
            let runs = if object.len() < 100_000 { 200 } else { 50 };
            let (alone_half, alone_most) = times(runs, bare);
            let (served, served_most) = times(runs, through);
            let bare_rate = rate(2, bare);
            let served_rate = rate(4, through);
            eprintln!(
                "| {operation} | {name} | {alone_half:.1} / {alone_most:.1} | {served:.1} / {served_most:.1} \
                 | {bare_rate:.1} | {served_rate:.1} ({:.0} %) |",
                100.0 * served_rate / bare_rate
            );
        }
    }
    eprintln!(
        "resident: service {:.1} MB, highest worker {:.1} MB",
        server.resident() as f64 / 1e6,
        server.metric("lepta_worker_peak_rss_bytes") / 1e6
    );
    server.stop();
}
