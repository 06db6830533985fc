//! The image, in a container as it should be run.
//!
//! Invariant: where podman, runc or the right to use them is missing, the test says so and checks
//! nothing.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lepta_tests::jpeg_generator::{Content, JpegParameters, JpegStream, Process};
use tempfile::TempDir;

use super::client::Request;
use super::objects::{noise, photo};
use super::server::{program, wait_until, worker};
use super::support::messages;

const WORKERS: usize = 3;

fn podman(arguments: &[&str]) -> Output {
    Command::new("podman")
        .args(["--runtime", "runc"])
        .args(arguments)
        .output()
        .expect("podman runs")
}

/// Removes what it has made at the end.
struct Container {
    name: String,
    /// Its own, or the one that `LEPTA_IMAGE` names.
    image: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        // They may not have come to be.
        podman(&["rm", "--force", "--time", "5", &self.name]);
        if self.image == self.name {
            podman(&["rmi", "--force", &self.image]);
        }
    }
}

impl Container {
    /// Of the image that `LEPTA_IMAGE` names, or of one of the last stage of the Dockerfile with
    /// programs that are there.
    fn build(folder: &Path) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lepta-test-{}-{number}", std::process::id());
        if let Ok(image) = std::env::var("LEPTA_IMAGE") {
            return Some(Self { name, image });
        }
        let root = folder.join("image");
        fs::create_dir_all(root.join("usr/bin")).expect("a folder");
        fs::create_dir_all(root.join("run/lepta")).expect("a folder");
        for path in [program(), worker()] {
            let to = root.join("usr/bin").join(path.file_name().expect("a name"));
            fs::copy(path, to).expect("a program");
        }
        let dockerfile = include_str!("../../../../Dockerfile");
        let (_, last_stage) = dockerfile
            .split_once("FROM scratch")
            .expect("the last stage");
        let last_stage = format!("FROM scratch{}", last_stage.replace("--from=build ", ""));
        fs::write(folder.join("Dockerfile"), last_stage).expect("a file");
        let built = podman(&[
            "build",
            "--format",
            "docker",
            "--tag",
            &name,
            &folder.to_string_lossy(),
        ]);
        if !built.status.success() {
            eprintln!("SKIPPED: podman cannot build here: {}", messages(&built));
            return None;
        }
        Some(Self {
            image: name.clone(),
            name,
        })
    }

    /// Starts it; `more` are further options.
    fn run(&self, sockets: &Path, more: &[&str]) -> bool {
        let volume = format!("{}:/run/lepta", sockets.display());
        let memory = (WORKERS as u64 * 24_000_000 + 40_000_000).to_string();
        let workers = format!("LEPTA_WORKERS={WORKERS}");
        let mut arguments = vec![
            "run",
            "--detach",
            "--name",
            &self.name,
            "--read-only",
            "--network",
            "none",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--memory",
            &memory,
            "--memory-swap",
            &memory,
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=512:512",
            "--volume",
            &volume,
            "--env",
            &workers,
        ];
        arguments.extend(more);
        arguments.push(&self.image);
        let run = podman(&arguments);
        if !run.status.success() {
            eprintln!(
                "SKIPPED: podman cannot run containers here: {}",
                messages(&run)
            );
        }
        run.status.success()
    }

    fn healthcheck(&self) -> Output {
        podman(&["exec", &self.name, "/usr/bin/lepta", "healthcheck"])
    }

    /// How often the kernel has killed for memory in the container, and its peak in bytes.
    fn memory(&self) -> (u64, u64) {
        let process = podman(&["inspect", "--format", "{{.State.Pid}}", &self.name]);
        let process = String::from_utf8_lossy(&process.stdout).trim().to_owned();
        let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).expect("it runs");
        // Hierarchies of version 1 are named; version 2 has one, which is not.
        let of = |controller: &str| {
            groups.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                let is_it = controllers.split(',').any(|name| name == controller);
                is_it.then(|| path.trim_start_matches('/').to_owned())
            })
        };
        let (folder, events, peak) = match of("memory") {
            Some(path) => (
                Path::new("/sys/fs/cgroup/memory").join(path),
                "memory.oom_control",
                "memory.max_usage_in_bytes",
            ),
            None => (
                Path::new("/sys/fs/cgroup").join(of("").expect("a group")),
                "memory.events",
                "memory.peak",
            ),
        };
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
        let kills = read(events);
        let kills = kills
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "));
        let number = |text: &str| text.trim().parse().expect("a number");
        (number(kills.expect("a count")), number(&read(peak)))
    }

    fn stop(&self) -> String {
        podman(&["stop", "--time", "30", &self.name]);
        let format = "{{.State.ExitCode}} {{.State.OOMKilled}}";
        let state = podman(&["inspect", "--format", format, &self.name]);
        String::from_utf8_lossy(&state.stdout).trim().to_owned()
    }
}

/// Photos to send: of the corpus if there is one, else the one in the tree.
fn photos() -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/jpeg-photos");
    let folder = std::env::var_os("LEPTA_CORPUS").map_or(shared, PathBuf::from);
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("no corpus in {}: only the sample is sent", folder.display());
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.is_file()).collect()
}

/// The image's container, the folder it is made in, and one for its sockets, which it owns.
fn prepared() -> Option<(TempDir, TempDir, Container)> {
    let folder = tempfile::tempdir().expect("a folder");
    let sockets = tempfile::tempdir().expect("a folder");
    let container = Container::build(folder.path())?;
    let owned = Command::new("chown")
        .arg("65532:65532")
        .arg(sockets.path())
        .status();
    assert!(owned.expect("chown runs").success());
    Some((folder, sockets, container))
}

/// Set `LEPTA_IMAGE` to the name of an image, as `scripts/image` makes them, or `LEPTA_PROGRAMS` to a
/// folder of static programs, as `scripts/image --stage` does.
#[test]
#[ignore = "needs static programs, podman and runc"]
fn the_image_works_within_its_limits() {
    let Some((_folder, sockets, container)) = prepared() else {
        return;
    };
    if !container.run(sockets.path(), &[]) {
        return;
    }
    let socket = sockets.path().join("lepta.sock");
    wait_until("the service listens", || {
        UnixStream::connect(&socket).is_ok()
    });
    wait_until("the service is well", || {
        container.healthcheck().status.success()
    });
    let top = podman(&["exec", &container.name, "/usr/bin/lepta", "--version"]);
    assert!(top.status.success());

    let mut objects = vec![photo().to_vec(), noise(1, 5_000_000)];
    objects.extend(photos().iter().map(|path| fs::read(path).expect("a photo")));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WORKERS + 2 {
            scope.spawn(|| {
                while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_comes_back(&socket, object, "");
                }
            });
        }
    });
    eprintln!("{} objects came back", objects.len());
    // The filters of engine and worker are both in force.
    wait_until("all workers in the container are jailed", || {
        jailed_workers() == WORKERS
    });
    let (kills, peak) = container.memory();
    eprintln!("{peak} bytes at most in the container");
    assert_eq!((kills, container.stop()), (0, "0 false".to_owned()));
}

/// Sends an object there and back; `options` are of the compression.
fn assert_comes_back(socket: &Path, object: &[u8], options: &str) {
    let send = |target: &str, body: &[u8]| {
        let request = Request::new(socket, "POST", target).body(body);
        loop {
            let answer = request.send();
            if !answer.headers.contains_key("retry-after") {
                return answer;
            }
            thread::sleep(Duration::from_millis(100));
        }
    };
    let coded = send(&format!("/v1/compress?{options}"), object);
    let restored = send("/v1/decompress", coded.result());
    assert!(restored.result() == object);
}

/// A progressive photo that takes its worker almost to its limit.
fn hungry_photo(seed: u64) -> Vec<u8> {
    let sampling = [(1, 1); 3];
    let mut parameters = JpegParameters::new(seed, Process::Progressive, 8000, 900, &sampling);
    parameters.content = Content::Noise { magnitude: 8 };
    JpegStream::new(&parameters).into_bytes()
}

/// The value of a metric without labels.
fn metric(socket: &Path, name: &str) -> f64 {
    let answer = Request::new(socket, "GET", "/metrics").send();
    let text = String::from_utf8(answer.body).expect("text");
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().expect("a number"))
}

/// All workers at their limit, held answers and connections that take what they may, all at once.
#[test]
#[ignore = "needs static programs, podman and runc"]
fn nothing_is_killed_for_memory() {
    let Some((_folder, sockets, container)) = prepared() else {
        return;
    };
    if !container.run(sockets.path(), &[]) {
        return;
    }
    let socket = sockets.path().join("lepta.sock");
    wait_until("the service is well", || {
        container.healthcheck().status.success()
    });
    let objects: Vec<_> = (0..WORKERS as u64).map(hungry_photo).collect();
    eprintln!("photos of {} bytes", objects[0].len());
    // Heads as long as may be, and bodies that have begun: as many as may wait, and more connections.
    let idle: Vec<_> = (0..240)
        .map(|number| {
            let request = Request::new(&socket, "POST", "/v1/compress");
            let request = request.with("X-Long", &"x".repeat(14 << 10));
            let stream = request.with("Content-Length", "1000000").begin();
            if number < 50 {
                // Less than takes a worker, so that the others get theirs.
                (&stream)
                    .write_all(&photo()[..16_000])
                    .expect("a connection");
            }
            stream
        })
        .collect();
    thread::scope(|scope| {
        for (number, object) in objects.iter().enumerate() {
            let socket = &socket;
            scope.spawn(move || assert_comes_back(socket, object, "level=default"));
            let held = noise(number as u64, 7_000_000);
            scope.spawn(move || assert_comes_back(socket, &held, "buffer=1"));
        }
    });
    let peak = metric(&socket, "lepta_worker_peak_rss_bytes");
    eprintln!("{peak} bytes at most in a worker");
    assert!((20e6..24e6).contains(&peak));
    drop(idle);
    let deaths = metric(&socket, "lepta_worker_deaths_total{cause=\"signal\"}");
    let (kills, peak) = container.memory();
    eprintln!("{peak} bytes at most in the container");
    assert_eq!((kills, deaths), (0, 0.0));
    assert_eq!(container.stop(), "0 false");
}

/// Worker processes in containers whose filters are two at least.
fn jailed_workers() -> usize {
    let processes = fs::read_dir("/proc").expect("/proc");
    let statuses =
        processes.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("status")).ok());
    statuses
        .filter(|status| {
            let field = |name: &str| {
                let value = status.lines().find_map(|line| line.strip_prefix(name));
                value.map(str::trim).unwrap_or_default().to_owned()
            };
            let filters: u32 = field("Seccomp_filters:").parse().unwrap_or(0);
            field("Name:") == "lepta-worker"
                && field("Uid:").starts_with("65532")
                && field("NoNewPrivs:") == "1"
                && filters >= 2
        })
        .count()
}

/// Under an engine's filter that forbids filters, workers cannot be jailed, and the probe says so.
#[test]
#[ignore = "needs static programs, podman and runc"]
fn health_goes_red_where_no_jail_can_be_made() {
    let Some((folder, sockets, container)) = prepared() else {
        return;
    };
    let profile = folder.path().join("profile.json");
    fs::write(
        &profile,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["seccomp"],"action":"SCMP_ACT_ERRNO"}]}"#,
    )
    .expect("a file");
    let option = format!("seccomp={}", profile.display());
    if !container.run(sockets.path(), &["--security-opt", &option]) {
        return;
    }
    let socket = sockets.path().join("lepta.sock");
    wait_until("the service listens", || {
        UnixStream::connect(&socket).is_ok()
    });
    wait_until("the probe is red", || {
        messages(&container.healthcheck()).contains("no_sandbox")
    });
    let refused = Request::new(&socket, "POST", "/v1/compress")
        .body(photo())
        .send();
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (503, "no_sandbox")
    );
    assert_eq!(container.stop(), "0 false");
}
