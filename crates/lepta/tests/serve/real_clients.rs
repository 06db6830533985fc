//! Programs that people use: curl, Python and nginx, with the examples that are shipped.
//!
//! Invariant: a test whose program is not installed says so on standard error and checks nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::client::Request;
use super::objects::{compressed, damaged_at_its_end, noise, photo};
use super::python_tools::python_tool;
use super::server::{Server, wait_until};
use super::support::messages;

pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scripts/examples"
    ))
    .join(name)
}

/// Whether a program runs; says so if it does not.
pub(crate) fn is_here(program: &str, arguments: &[&str]) -> bool {
    let run = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_here = run.is_ok_and(|status| status.success());
    if !is_here {
        eprintln!(
            "SKIPPED: {program} {} does not run here",
            arguments.join(" ")
        );
    }
    is_here
}

/// Sends files there and back with a client of the examples, and then a damaged container.
fn check_client(command: impl Fn() -> Command) {
    let server = Server::start("--workers 2");
    let folder = server.folder();
    let client = |arguments: &[&str]| -> Output {
        let mut command = command();
        command.current_dir(folder).arg("socket").args(arguments);
        command.output().expect("the client runs")
    };
    let large = [photo(), &noise(1, 2_000_000), photo()].concat();
    for object in [photo(), &large, b""] {
        fs::write(folder.join("object"), object).expect("a file");
        let output = client(&["compress", "object", "container", "level=fast"]);
        assert!(output.status.success(), "{output:?}");
        let container = fs::read(folder.join("container")).expect("the result");
        assert!(container == compressed(object, "fast"));
        let output = client(&["decompress", "container", "restored"]);
        assert!(output.status.success(), "{output:?}");
        assert!(fs::read(folder.join("restored")).expect("the result") == object);
    }
    fs::write(folder.join("damaged"), damaged_at_its_end()).expect("a file");
    for bad in ["damaged", "object"] {
        let output = client(&["decompress", bad, "never"]);
        assert!(!output.status.success(), "{output:?}");
        assert!(!messages(&output).is_empty());
        assert!(!folder.join("never").exists() && !folder.join("never.part").exists());
    }
    server.stop();
}

#[test]
fn curl_takes_only_right_answers() {
    if is_here("curl", &["--version"]) {
        check_client(|| Command::new(example("client.sh")));
    }
}

#[test]
fn python_takes_only_right_answers() {
    if is_here("python3", &["--version"]) {
        check_client(|| {
            let mut command = Command::new("python3");
            command.arg(example("client.py"));
            command
        });
    }
}

/// Libraries that cannot read trailers have answers held.
const HELD_BY_REQUESTS: &str = r#"
import socket, sys, requests, urllib3
class Connection(urllib3.connection.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("socket")
class Pool(urllib3.connectionpool.HTTPConnectionPool):
    def _new_conn(self):
        return Connection("lepta")
class Adapter(requests.adapters.HTTPAdapter):
    def get_connection_with_tls_context(self, *_, **__):
        return Pool("lepta")
client = requests.Session()
client.mount("http://", Adapter())
"#;
const HELD_BY_HTTPX: &str = r#"
import httpx
client = httpx.Client(transport=httpx.HTTPTransport(uds="socket"), timeout=60)
"#;
const HOLD: &str = r#"
photo = open("object", "rb").read()
def post(operation, body):
    arguments = {"data" if hasattr(client, "mount") else "content": body}
    return client.post(f"http://lepta/v1/{operation}?buffer=1", **arguments)
coded = post("compress", photo)
assert coded.status_code == 200 and coded.headers["lepta-verdict"] == "verified", coded
restored = post("decompress", coded.content)
assert restored.headers["lepta-verdict"] == "verified" and restored.content == photo
refused = post("decompress", coded.content[:-100])
assert refused.status_code == 422 and refused.json()["reason"] == "truncated", refused.text
"#;

#[test]
fn python_libraries_have_answers_held() {
    for (library, client) in [("requests", HELD_BY_REQUESTS), ("httpx", HELD_BY_HTTPX)] {
        let Some(mut python) = python_tool("python") else {
            continue;
        };
        let server = Server::start("--workers 1");
        fs::write(server.folder().join("object"), photo()).expect("a file");
        let output = python
            .args(["-c", &format!("{client}{HOLD}")])
            .current_dir(server.folder())
            .output()
            .expect("Python runs");
        assert!(output.status.success(), "{library}: {}", messages(&output));
        server.stop();
    }
}

/// nginx, with the configuration of the examples, ended with the test.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its own children end with it.
        super::server::signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

fn nginx(server: &Server) -> Nginx {
    let folder = server.folder();
    symlink("socket", folder.join("lepta.sock")).expect("a link");
    fs::create_dir(folder.join("temporary")).expect("a folder");
    let mut command = Command::new("nginx");
    command
        .current_dir(folder)
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(example("nginx.conf").canonicalize().expect("the example"));
    if fs::metadata(folder).expect("the folder").uid() == 0 {
        // Its workers would not get into the folder.
        command.args(["-g", "user root;"]);
    }
    let log = fs::File::create(folder.join("nginx.log")).expect("a file");
    let child = command.stderr(log).spawn().expect("nginx starts");
    let nginx = Nginx(child);
    wait_until("nginx listens", || {
        UnixStream::connect(folder.join("nginx.sock")).is_ok()
    });
    nginx
}

#[test]
fn nginx_passes_requests_answers_and_refusals_on() {
    if !is_here("nginx", &["-v"]) {
        return;
    }
    let server = Server::start("--workers 2 --buffer-limit 2000000");
    let nginx = nginx(&server);
    let request = |target: &str| Request::new(&server.folder().join("nginx.sock"), "POST", target);
    let large = [photo(), &noise(1, 1_500_000)].concat();
    for object in [photo(), &large] {
        let coded = request("/v1/compress?level=fast").body(object).send();
        assert!(coded.result() == compressed(object, "fast"));
        assert!(coded.headers.contains_key("lepta-saving"));
        let restored = request("/v1/decompress").chunked(coded.result()).send();
        assert!(restored.result() == object);
        let part = request("/v1/decompress").with("Range", "bytes=1000-1999");
        let part = part.body(coded.result()).send();
        assert_eq!((part.status, part.is_whole), (206, true));
        assert!(part.body == object[1000..2000]);
        // Lepta's own ranges: no more is decoded, held and sent on than the part needs.
        let part = request("/v1/decompress?range=1000..1500").body(coded.result());
        assert!(part.send().result() == &object[1000..1500]);
    }
    let refused = request("/v1/decompress").body(damaged_at_its_end()).send();
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "checksum")
    );
    let refused = request("/v1/compress").body(&noise(2, 2_500_000)).send();
    assert_eq!((refused.status, refused.problem().as_str()), (413, "size"));
    drop(nginx);
    server.stop();
}
