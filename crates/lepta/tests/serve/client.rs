//! A client that sees every byte of an answer, and knows whether it was whole.
//!
//! Invariant: an answer counts as whole only if it ended as HTTP says it must.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Fields by their names in lower case.
pub(crate) type Fields = BTreeMap<String, String>;

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
    /// It ended as it must.
    pub(crate) is_whole: bool,
}

impl Answer {
    /// The reason of a refusal, checked for its form.
    pub(crate) fn problem(&self) -> String {
        assert!(self.is_whole, "{self:?}");
        let content_type = self.headers.get("content-type");
        assert_eq!(
            content_type.map(String::as_str),
            Some("application/problem+json")
        );
        let problem: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.headers["x-request-id"].as_str());
        assert_eq!(problem["reason"], self.headers["lepta-reason"].as_str());
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        let may_retry = self.headers.contains_key("retry-after");
        assert_eq!(problem["retry"], may_retry);
        problem["reason"].as_str().expect("a reason").to_owned()
    }

    /// A field of the trailers, or of the headers of an answer that was held.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.trailers.get(name).or_else(|| self.headers.get(name));
        field.map(String::as_str)
    }

    /// The body of a verified result.
    pub(crate) fn result(&self) -> &[u8] {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.is_whole, "{:?}", self.headers);
        assert_eq!(self.field("lepta-verdict"), Some("verified"));
        assert_eq!(self.field("lepta-reason"), Some("done"));
        let length = self.body.len().to_string();
        assert_eq!(self.field("lepta-bytes-out"), Some(length.as_str()));
        &self.body
    }
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    socket: PathBuf,
    head: String,
    body: Vec<u8>,
    is_chunked: bool,
}

impl Request {
    /// A request that asks for trailers, on a connection of its own.
    pub(crate) fn new(socket: &Path, method: &str, target: &str) -> Self {
        Self {
            socket: socket.to_owned(),
            head: format!(
                "{method} {target} HTTP/1.1\r\nHost: lepta\r\nTE: trailers\r\nConnection: TE, close\r\n"
            ),
            body: Vec::new(),
            is_chunked: false,
        }
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    /// With this body and its length in front.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.head += &format!("Content-Length: {}\r\n", body.len());
        self
    }

    /// With this body in chunks.
    pub(crate) fn chunked(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.is_chunked = true;
        self.head += "Transfer-Encoding: chunked\r\n";
        self
    }

    /// Does not ask for trailers.
    pub(crate) fn without_trailers(mut self) -> Self {
        self.head = self.head.replacen("TE: trailers\r\n", "", 1);
        self
    }

    /// As an older version of HTTP.
    pub(crate) fn version_1_0(mut self) -> Self {
        self.head = self.head.replacen("HTTP/1.1", "HTTP/1.0", 1);
        self
    }

    /// Connects and sends the head alone.
    pub(crate) fn begin(&self) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
            .write_all(format!("{}\r\n", self.head).as_bytes())
            .expect("a connection");
        stream
    }

    /// Sends it and takes the answer, both at the same time.
    pub(crate) fn send(&self) -> Answer {
        let stream = self.begin();
        let mut sending = stream.try_clone().expect("a socket");
        let (body, is_chunked) = (self.body.clone(), self.is_chunked);
        let sender = thread::spawn(move || {
            // The server may answer without having read all of it.
            let _ = match is_chunked {
                true => send_chunks(&mut sending, &body),
                false => sending.write_all(&body),
            };
        });
        let answer = read_answer(&stream);
        // Ends a sender that nobody listens to any more.
        let _ = stream.shutdown(Shutdown::Both);
        sender.join().expect("the sender ends");
        answer
    }
}

fn send_chunks(stream: &mut UnixStream, body: &[u8]) -> io::Result<()> {
    for chunk in body.chunks(10_000) {
        write!(stream, "{:x}\r\n", chunk.len())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}

/// Reads an answer as far as it goes.
pub(crate) fn read_answer(stream: &UnixStream) -> Answer {
    let mut answer = Answer::default();
    // An answer that breaks off is kept as far as it came.
    let _ = read_into(&mut answer, &mut BufReader::new(stream));
    answer
}

fn read_into(answer: &mut Answer, reader: &mut impl BufRead) -> io::Result<()> {
    let status_line = read_line(reader)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok());
    answer.status = status.ok_or_else(broken)?;
    if answer.status == 100 {
        read_fields(reader)?;
        return read_into(answer, reader);
    }
    answer.headers = read_fields(reader)?;
    if let Some(length) = answer.headers.get("content-length") {
        let length: u64 = length.parse().map_err(|_| broken())?;
        reader.take(length).read_to_end(&mut answer.body)?;
        answer.is_whole = answer.body.len() as u64 == length;
        return Ok(());
    }
    loop {
        let length = u64::from_str_radix(&read_line(reader)?, 16).map_err(|_| broken())?;
        if length == 0 {
            answer.trailers = read_fields(reader)?;
            answer.is_whole = true;
            return Ok(());
        }
        let before = answer.body.len() as u64;
        reader.take(length).read_to_end(&mut answer.body)?;
        if answer.body.len() as u64 != before + length || !read_line(reader)?.is_empty() {
            return Err(broken());
        }
    }
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.strip_suffix("\r\n")
        .map(str::to_owned)
        .ok_or_else(broken)
}

fn read_fields(reader: &mut impl BufRead) -> io::Result<Fields> {
    let mut fields = Fields::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(": ").ok_or_else(broken)?;
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}
