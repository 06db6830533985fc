//! What goes in comes back, and nothing that is wrong passes for a result.

use std::io::Write;
use std::net::Shutdown;

use super::client::read_answer;
use super::objects::{compressed, damaged_at_its_end, noise, photo, text};
use super::server::Server;

#[test]
fn results_stream_with_their_verdict_behind_them() {
    let server = Server::start("--workers 2");
    for object in [photo().to_vec(), Vec::new(), text(3, 700_000)] {
        for level in ["fast", "default"] {
            let coded = server.post(&format!("/v1/compress?level={level}"), &object);
            assert!(coded.result() == compressed(&object, level), "other bytes");
            assert!(coded.headers.contains_key("trailer"));
            assert_eq!(coded.trailers["lepta-bytes-in"], object.len().to_string());
            assert_eq!(
                coded.trailers.contains_key("lepta-saving"),
                !object.is_empty()
            );
            let chunked = server.request("POST", "/v1/decompress");
            let restored = chunked.chunked(coded.result()).send();
            assert!(restored.result() == object);
            assert!(!restored.trailers.contains_key("lepta-saving"));
        }
    }
    server.stop();
}

#[test]
fn held_answers_have_their_verdict_in_front() {
    let server = Server::start("--workers 1");
    let coded = server.post("/v1/compress?buffer=1", photo());
    assert!(coded.result() == compressed(photo(), "default"));
    let share = coded.result().len() as f64 / photo().len() as f64;
    assert_eq!(
        coded.headers["lepta-saving"],
        format!("{:.3}", 100.0 * (1.0 - share))
    );
    assert!(coded.trailers.is_empty() && coded.headers.contains_key("content-length"));
    let request = server
        .request("POST", "/v1/decompress")
        .with("Lepta-Buffer", "1");
    let restored = request.chunked(coded.result()).send();
    assert!(restored.result() == photo());
    assert_eq!(server.metric("lepta_held_bytes"), 0.0);
    server.stop();
}

#[test]
fn parts_of_an_original_come_back_alone() {
    let server = Server::start("--workers 2 --buffer-limit 100000");
    let object = [photo(), &noise(4, 1_000_000), &text(4, 300_000)].concat();
    let anew = server.post("/v1/compress?level=fast&restart-every=65536", &object);
    let plain = compressed(&object, "fast");
    assert!(anew.result() != plain);
    for container in [anew.result(), &plain] {
        for (start, end) in [
            (0, 1),
            (117_000, 118_000),
            (1_000_000, 1_200_000),
            (9, object.len()),
        ] {
            let target = format!("/v1/decompress?range={start}..{end}");
            let part = server.post(&target, container);
            assert!(part.result() == &object[start..end], "{start}..{end}");
        }
        // As much is held as the part has, whatever the original has.
        let request = server.request("POST", "/v1/decompress?buffer=1");
        let request = request.with("Lepta-Range", "1200000..1300000");
        let part = request.chunked(container).send();
        assert!(part.result() == &object[1_200_000..1_300_000]);
        assert!(part.headers.contains_key("content-length"));
    }
    let beyond = format!(
        "/v1/decompress?range={}..{}",
        object.len(),
        object.len() + 1
    );
    let refused = server.post(&beyond, &plain);
    assert_eq!((refused.status, refused.problem().as_str()), (400, "usage"));
    let across = format!("/v1/decompress?range=0..{}", object.len() + 1);
    assert!(!server.post(&across, &plain).is_whole);
    server.stop();
}

/// What is behind a part is not waited for, and damage in front of its end is seen.
#[test]
fn for_a_part_no_more_is_read_than_it_needs() {
    let server = Server::start("--workers 1");
    let object = noise(1, 1_500_000);
    let damaged = damaged_at_its_end();
    let part = server.post("/v1/decompress?range=5..70000", damaged);
    assert!(part.result() == &object[5..70_000]);
    let request = server.request("POST", "/v1/decompress?range=1000..2000");
    let request = request.with("Content-Length", &damaged.len().to_string());
    let mut stream = request.begin();
    stream.write_all(&damaged[..600_000]).expect("a connection");
    let answer = read_answer(&stream);
    assert!(answer.result() == &object[1000..2000]);
    drop(stream);
    let target = "/v1/decompress?buffer=1&range=1490000..1495000";
    let refused = server.post(target, damaged);
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "checksum")
    );
    server.stop();
}

#[test]
fn without_gain_the_answer_is_422_if_that_was_asked_for() {
    let server = Server::start("--workers 1");
    let target = "/v1/compress?buffer=1&must-save=1&level=fast";
    let refused = server.post(target, &noise(1, 50_000));
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "nothing_gained")
    );
    server.post(target, photo()).result();
    let refused = server.post("/v1/compress?must-save=1", photo());
    assert_eq!((refused.status, refused.problem().as_str()), (400, "usage"));
    server.stop();
}

/// A container that turns out to be damaged behind the first pieces of the answer.
#[test]
fn an_answer_that_turns_bad_is_broken_off_before_its_end() {
    let server = Server::start("--workers 1");
    let answer = server.post("/v1/decompress", damaged_at_its_end());
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole && answer.trailers.is_empty());
    assert!(noise(1, 1_500_000).starts_with(&answer.body));
    let held = server.post("/v1/decompress?buffer=1", damaged_at_its_end());
    assert_eq!((held.status, held.problem().as_str()), (422, "checksum"));
    let log = server.stop();
    assert_eq!(log.matches("\"reason\":\"checksum\"").count(), 2, "{log}");
}

#[test]
fn damage_that_is_found_at_once_is_422() {
    let server = Server::start("--workers 2");
    for (container, reason) in [
        (photo(), "malformed"),
        (&compressed(photo(), "fast")[..30], "truncated"),
        (&[][..], "truncated"),
    ] {
        let refused = server.post("/v1/decompress", container);
        assert_eq!((refused.status, refused.problem().as_str()), (422, reason));
    }
    // The client still sends while the answer is there already.
    let refused = server.post("/v1/decompress", &noise(5, 3_000_000));
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "malformed")
    );
    server.stop();
}

#[test]
fn a_body_that_breaks_off_is_never_taken_for_whole() {
    let server = Server::start("--workers 1");
    let half = &photo()[..60_000];
    for (name, value) in [
        ("Content-Length", "117638"),
        ("Transfer-Encoding", "chunked"),
    ] {
        for target in ["/v1/compress", "/v1/compress?buffer=1"] {
            let request = server.request("POST", target).with(name, value);
            let mut stream = request.begin();
            if name == "Transfer-Encoding" {
                stream.write_all(b"1CB86\r\n").expect("a connection");
            }
            stream.write_all(half).expect("a connection");
            stream.shutdown(Shutdown::Write).expect("a connection");
            let answer = read_answer(&stream);
            assert!(!answer.is_whole || answer.status == 400, "{answer:?}");
        }
    }
    // A chunk whose length is no number.
    let request = server
        .request("POST", "/v1/compress")
        .with("Transfer-Encoding", "chunked");
    let mut stream = request.begin();
    stream
        .write_all(b"5\r\nhello\r\nx\r\n")
        .expect("a connection");
    let answer = read_answer(&stream);
    assert!(!answer.is_whole || answer.status == 400, "{answer:?}");
    server.post("/v1/compress", photo()).result();
    server.stop();
}

#[test]
fn over_http_1_0_answers_are_held_or_refused() {
    let server = Server::start("--workers 1 --buffer-limit 100000");
    let old = |target: &str, body: &[u8]| {
        let request = server.request("POST", target);
        request.body(body).version_1_0().send()
    };
    let coded = old("/v1/compress", photo());
    assert!(coded.headers.contains_key("content-length"));
    let restored = old("/v1/decompress", coded.result());
    assert_eq!(
        (restored.status, restored.problem().as_str()),
        (413, "size")
    );
    server.stop();
}

/// Without `TE: trailers` the end of the answer alone is the verdict.
#[test]
fn clients_that_do_not_want_trailers_get_none() {
    let server = Server::start("--workers 1");
    let request = server.request("POST", "/v1/compress").body(photo());
    let answer = request.without_trailers().send();
    assert!(answer.is_whole && answer.trailers.is_empty());
    assert!(answer.body == compressed(photo(), "default"));
    server.stop();
}
