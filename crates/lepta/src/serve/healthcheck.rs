//! `lepta healthcheck`: asks a running service whether it is ready, for images without a shell.
//!
//! Invariant: it ends within its time, and with status 0 only if the service answered 200.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use lepta_worker::status::Status;

use super::options::{address, seconds};
use crate::problem::Problem;

/// Most bytes of an answer.
const ANSWER_MAX: u64 = 16 << 10;

/// Arguments of `lepta healthcheck`.
#[derive(Args, Clone, Debug)]
pub struct HealthcheckArguments {
    /// Unix socket of the service
    #[arg(long, env = "LEPTA_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Port on the loopback interface, or address and port, of the service
    #[arg(long, env = "LEPTA_LISTEN", value_name = "PORT|ADDRESS:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Ask only whether the service answers, not whether it is ready
    #[arg(long)]
    pub live: bool,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub timeout: Duration,
}

/// Asks.
///
/// # Errors
/// If the service cannot be asked, does not answer in time, or is not well.
pub fn run(arguments: &HealthcheckArguments) -> Result<Status, Problem> {
    let (sender, answer) = mpsc::channel();
    let asked = arguments.clone();
    // A thread of its own, because connecting to a Unix socket has no limit of time.
    thread::spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send(ask(&asked));
    });
    let problem = |what: String| Problem::new(Status::Other, what);
    match answer.recv_timeout(arguments.timeout) {
        Err(_) => Err(problem("the service did not answer in time".to_owned())),
        Ok(Err(error)) => Err(problem(format!("the service cannot be asked: {error}"))),
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200 ") => Ok(Status::Done),
        Ok(Ok(answer)) => {
            let body = answer.split("\r\n\r\n").nth(1).unwrap_or("").trim();
            let printable = body.chars().filter(|character| !character.is_control());
            let body: String = printable.collect();
            Err(problem(format!("the service is not well: {body}")))
        }
    }
}

fn ask(arguments: &HealthcheckArguments) -> io::Result<String> {
    match (&arguments.socket, arguments.listen) {
        (Some(path), _) => exchange(UnixStream::connect(path)?, arguments),
        (None, Some(address)) => exchange(TcpStream::connect(address)?, arguments),
        (None, None) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "say --socket PATH or --listen PORT",
        )),
    }
}

fn exchange(mut stream: impl Read + Write, arguments: &HealthcheckArguments) -> io::Result<String> {
    let path = if arguments.live {
        "/healthz"
    } else {
        "/readyz"
    };
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: lepta\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
