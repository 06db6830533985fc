//! What the service does with the system around it.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Command;

use super::objects::photo;
use super::server::{Server, lepta, program, wait_until, worker};
use super::support::messages;

#[test]
fn idle_workers_are_jailed_already() {
    let server = Server::start("--workers 3 --self-test-every 3600");
    let is_jailed = |worker: &u32| {
        let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
        let is_so = |line: &str| status.lines().any(|other| other == line);
        is_so("Seccomp:\t2") && is_so("NoNewPrivs:\t1")
    };
    wait_until("all are jailed", || {
        let workers = server.children();
        workers.len() == 3 && workers.iter().all(is_jailed)
    });
    server.stop();
}

/// Workers that cannot open the descriptor that the jail needs before it is up.
#[test]
fn without_a_jail_the_service_is_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("worker");
    let text = format!(
        "#!/bin/sh\nulimit -n 5 && exec {} \"$@\"\n",
        worker().display()
    );
    fs::write(&script, text).expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("the file");
    let server = Server::start_unready("--workers 2", &script);
    wait_until("the self-test fails", || {
        let answer = server.get("/readyz");
        assert_eq!(answer.status, 503);
        answer.problem() == "no_sandbox"
    });
    assert_eq!(server.get("/healthz").status, 200);
    let refused = server.post("/v1/compress", photo());
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (503, "no_sandbox")
    );
    let check = lepta(server.folder(), "healthcheck --socket socket").output();
    let check = check.expect("it runs");
    assert_eq!(check.status.code(), Some(1));
    assert!(messages(&check).contains("no_sandbox"), "{check:?}");
    server.stop();
}

#[test]
fn the_socket_is_for_owner_and_group() {
    let server = Server::start("--workers 1");
    let mode = fs::metadata(server.socket())
        .expect("a socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    // A second service does not take it over while this one listens.
    let arguments = format!("serve --socket {}", server.socket().display());
    let second = lepta(server.folder(), &arguments)
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(
        messages(&second).contains("another process listens"),
        "{second:?}"
    );
    server.stop();
}

#[test]
fn a_socket_that_was_left_behind_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(UnixListener::bind(folder.path().join("socket")).expect("a socket"));
    let command = lepta(
        folder.path(),
        "serve --socket socket --log json --workers 1",
    );
    let server = Server::run(command, folder);
    server.wait_until_ready();
    server.stop();
}

#[test]
fn options_come_from_the_environment_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = lepta(folder.path(), "serve");
    command.envs([
        ("LEPTA_SOCKET", "socket"),
        ("LEPTA_WORKERS", "3"),
        ("LEPTA_LOG", "json"),
        ("LEPTA_SELF_TEST_EVERY", "3600"),
    ]);
    let server = Server::run(command, folder);
    server.wait_until_ready();
    wait_until("there are three", || server.children().len() == 3);
    let mut check = lepta(server.folder(), "healthcheck");
    let check = check.env("LEPTA_SOCKET", "socket").status();
    assert_eq!(check.expect("it runs").code(), Some(0));
    server.stop();
}

#[test]
fn mistakes_in_options_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, message) in [
        ("serve", "nothing to listen on"),
        ("serve --listen nowhere", "neither a port"),
        ("serve --socket s --deadline 0", "not above 0"),
        ("serve --socket s --workers 0", "0 is not in"),
        ("healthcheck", "--socket PATH"),
        ("healthcheck --socket none", "cannot be asked"),
    ] {
        let output = lepta(folder.path(), arguments).output().expect("it runs");
        assert!(!output.status.success());
        assert!(messages(&output).contains(message), "{output:?}");
    }
}

/// The service manager opens the socket, and is told when the service is up and when it ends.
#[test]
fn the_service_manager_gives_the_socket_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let manager = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    let script =
        "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --log json --workers 1 3<&0 </dev/null";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(program())
        .current_dir(folder.path())
        .env("LEPTA_WORKER", worker())
        .env("NOTIFY_SOCKET", folder.path().join("notify"));
    let mut server = Server::run_with_input(command, folder, OwnedFd::from(listener).into());
    let told = || {
        let mut message = [0; 100];
        let length = manager.recv(&mut message).expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    assert_eq!(told(), "READY=1\n");
    server.wait_until_ready();
    server.post("/v1/compress?level=fast", photo()).result();
    server.signal("TERM");
    assert_eq!(told(), "STOPPING=1\n");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.socket().exists(), "it is the service manager's");
}

/// Nothing of what is compressed or restored is in the log, at its most talkative.
#[test]
fn the_log_holds_no_content() {
    let server = Server::start("--workers 1 --log-level debug");
    let secret = b"a-secret-that-must-not-be-told ".repeat(100);
    let coded = server.post("/v1/compress?level=fast", &secret);
    server.post("/v1/decompress", coded.result()).result();
    server.post("/v1/decompress", &secret).problem();
    let name = "my-request.7";
    let request = server
        .request("POST", "/v1/compress")
        .with("X-Request-Id", name);
    let answer = request.body(&secret).send();
    assert_eq!(answer.headers["x-request-id"], name);
    let log = server.stop();
    assert!(log.contains(name));
    for word in ["secret", "[61, 2d]", "61, 2d", "612d"] {
        assert!(!log.contains(word), "{word} in {log}");
    }
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(line["level"].is_string() && line["timestamp"].is_string());
    }
}
