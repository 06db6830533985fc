//! The description of the interface and the interface are the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Answer;
use super::objects::photo;
use super::server::Server;

fn described() -> Value {
    let text = include_str!("../../openapi.json");
    serde_json::from_str(text).expect("JSON")
}

/// Follows a reference within the description.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(path) => {
            let pointer = path.strip_prefix('#').expect("a reference to here");
            description.pointer(pointer).expect(path)
        }
        None => value,
    }
}

/// Checks an answer against what the description says of it.
fn check(description: &Value, operation: &Value, answer: &Answer) {
    let responses = &operation["responses"];
    let response = &responses[answer.status.to_string()];
    assert!(response.is_object(), "{} is not described", answer.status);
    let content_type = answer.headers["content-type"].split(';').next();
    let content = response["content"][content_type.expect("a type")].as_object();
    assert!(content.is_some(), "{:?} is not described", answer.headers);
    let described: BTreeSet<String> = response["headers"]
        .as_object()
        .into_iter()
        .flat_map(|headers| headers.keys().map(|name| name.to_ascii_lowercase()))
        .collect();
    for name in answer.headers.keys().chain(answer.trailers.keys()) {
        let is_ours = name.starts_with("lepta-") || name == "x-request-id";
        assert!(
            !is_ours || described.contains(name),
            "{name} is not described"
        );
    }
    if content_type == Some("application/problem+json") {
        let reason = answer.problem();
        let reasons = &description["components"]["schemas"]["Reason"]["enum"];
        assert!(reasons.as_array().expect("a list").contains(&reason.into()));
        let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let members: BTreeSet<_> = problem.as_object().expect("an object").keys().collect();
        let schema = &description["components"]["schemas"]["Problem"]["properties"];
        let described = schema.as_object().expect("an object").keys();
        assert_eq!(members, described.collect());
    }
}

#[test]
fn every_described_address_answers_as_described() {
    let server = Server::start("--workers 1");
    let description = described();
    let served: Value = serde_json::from_slice(&server.get("/openapi.json").body).expect("JSON");
    assert_eq!(served, description);
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in ["get", "post", "put", "delete"] {
            let mut request = server.request(&method.to_uppercase(), path);
            if method == "post" {
                request = request.body(photo());
            }
            let answer = request.send();
            let is_described = methods[method].is_object();
            assert_eq!(answer.status == 405, !is_described, "{method} {path}");
            let operation = methods.as_object().and_then(|all| all.values().next());
            check(&description, operation.expect("a method"), &answer);
        }
    }
    let nowhere = server.get("/v2/compress");
    assert_eq!((nowhere.status, nowhere.problem().as_str()), (404, "usage"));
    server.stop();
}

/// Every described value of every option, or each of its examples, is taken, in the query and as a
/// field; others are not.
#[test]
fn options_are_those_described() {
    let server = Server::start("--workers 2");
    let description = described();
    for path in ["/v1/compress", "/v1/decompress"] {
        let operation = &description["paths"][path]["post"];
        let object = match path {
            "/v1/compress" => photo().to_vec(),
            _ => super::objects::compressed(photo(), "fast"),
        };
        for parameter in operation["parameters"].as_array().expect("a list") {
            let parameter = resolved(&description, parameter);
            let name = parameter["name"].as_str().expect("a name");
            let schema = &parameter["schema"];
            let values = schema["enum"].as_array().or(schema["examples"].as_array());
            let Some(values) = values else {
                continue;
            };
            let send = |value: &str| {
                let buffer = if name.to_lowercase().contains("must-save") {
                    "buffer=1"
                } else {
                    ""
                };
                let request = match parameter["in"].as_str() {
                    Some("query") => {
                        let target = format!("{path}?{name}={value}&{buffer}");
                        server.request("POST", &target)
                    }
                    _ => server
                        .request("POST", &format!("{path}?{buffer}"))
                        .with(name, value),
                };
                request.body(&object).send()
            };
            for value in values {
                let word = value.as_str().map_or(value.to_string(), str::to_owned);
                let answer = send(&word);
                answer.result();
                check(&description, operation, &answer);
            }
            let refused = send("other");
            assert_eq!((refused.status, refused.problem().as_str()), (400, "usage"));
        }
        let refused = server.post(&format!("{path}?other=1"), &object);
        assert_eq!((refused.status, refused.problem().as_str()), (400, "usage"));
    }
    server.stop();
}

#[test]
fn metrics_have_a_listener_of_their_own_if_asked() {
    let server = Server::start("--workers 1 --metrics-listen 0");
    assert_eq!(server.get("/metrics").status, 404);
    server.post("/v1/compress?level=fast", photo()).result();
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("listening for /metrics"));
    let line: Value = serde_json::from_str(line.expect("the address is logged")).expect("JSON");
    let address = line["address"].as_str().expect("an address");
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.0\r\n\r\n").expect("sent");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).expect("an answer");
    for family in [
        "requests",
        "bytes_in",
        "bytes_out",
        "request_seconds",
        "queue_seconds",
        "verify_failures",
        "sandbox_kills",
        "queue_depth",
        "workers_idle",
        "workers_busy",
        "worker_peak_rss_bytes",
        "connections",
        "held_bytes",
        "shut_off",
        "ready",
    ] {
        let line = format!("# TYPE lepta_{family} ");
        assert!(text.contains(&line), "{family}: {text}");
    }
    for line in [
        "lepta_requests_total{operation=\"compress\",reason=\"done\"} 1",
        "lepta_bytes_in_total{operation=\"compress\"} 117638",
        "lepta_request_seconds_count{operation=\"compress\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    server.stop();
}

#[test]
fn the_operations_page_shows_the_options() {
    let page = include_str!("../../../../OPERATIONS.md");
    let (_, behind) = page.split_once("<!-- serve-help -->").expect("a marker");
    let (shown, _) = behind.split_once("<!-- /serve-help -->").expect("its end");
    let help = std::process::Command::new(super::server::program())
        .args(["serve", "-h"])
        .env_clear()
        .output()
        .expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let expected = format!("```text\n{help}```");
    assert!(shown.trim() == expected, "it should be\n{expected}");
}
