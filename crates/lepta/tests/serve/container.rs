//! The image, in a container as it should be run.
//!
//! Invariant: where podman, runc or the right to use them is missing, the test says so and checks
//! nothing.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// Removes container and image at the end.
struct Container {
    name: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        // They may not have come to be.
        podman(&["rm", "--force", "--time", "5", &self.name]);
        podman(&["rmi", "--force", &self.name]);
    }
}

impl Container {
    /// Builds an image of the last stage of the Dockerfile from programs that are there.
    fn build(folder: &Path) -> Option<Self> {
        let name = format!("lepta-test-{}", std::process::id());
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
        Some(Self { name })
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
        arguments.push(&self.name);
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

/// Set `LEPTA_PROGRAMS` to a folder of static programs, as `scripts/image --stage` makes them.
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
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS + 2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(object) = objects.get(index) else {
                        return;
                    };
                    let coded = Request::new(&socket, "POST", "/v1/compress?level=fast");
                    let coded = coded.body(object).send();
                    let restored = Request::new(&socket, "POST", "/v1/decompress");
                    let restored = restored.body(coded.result()).send();
                    assert!(restored.result() == object);
                }
            });
        }
    });
    eprintln!("{} objects came back", objects.len());
    // The filters of engine and worker are both in force.
    let workers = jailed_workers();
    assert_eq!(workers, WORKERS, "jailed workers in the container");
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
