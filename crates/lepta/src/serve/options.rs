//! What the service can be told, by options or by the environment.
//!
//! Invariant: every bound of the service has a value here; none is unlimited.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::command_line::WorkerArguments;

/// Arguments of `lepta serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Unix socket to listen on, with mode 0660
    #[arg(long, env = "LEPTA_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Port, on the loopback interface, or address and port to listen on
    #[arg(long, env = "LEPTA_LISTEN", value_name = "PORT|ADDRESS:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Port or address and port for /metrics, which is then nowhere else, and for the health checks
    #[arg(long, env = "LEPTA_METRICS_LISTEN", value_name = "PORT|ADDRESS:PORT", value_parser = address)]
    pub metrics_listen: Option<SocketAddr>,
    /// Worker processes, each for one request at a time [default: two for each processor]
    #[arg(long, env = "LEPTA_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Requests that may wait for a worker; 429 answers more
    #[arg(long, env = "LEPTA_QUEUE", value_name = "N", default_value_t = 64)]
    pub queue: usize,
    /// How long a request may wait for a worker before 429 answers it
    #[arg(long, env = "LEPTA_QUEUE_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub queue_timeout: Duration,
    /// Connections at a time; more wait to be accepted
    #[arg(long, env = "LEPTA_CONNECTIONS", value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub connections: u32,
    /// How long a request may take from its first byte to the last of its answer, however slow the client is
    #[arg(long, env = "LEPTA_DEADLINE", value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub deadline: Duration,
    /// Processor time of a worker in seconds
    #[arg(long, env = "LEPTA_TIME_LIMIT", value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub time_limit: u64,
    /// Longest body of a request
    #[arg(long, env = "LEPTA_INPUT_LIMIT", value_name = "BYTES", default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub input_limit: u64,
    /// Longest answer that is held until its verdict
    #[arg(
        long,
        env = "LEPTA_BUFFER_LIMIT",
        value_name = "BYTES",
        default_value_t = 8_000_000
    )]
    pub buffer_limit: u32,
    /// Memory for all answers that are held; requests wait for their share like for a worker
    #[arg(
        long,
        env = "LEPTA_BUFFER_MEMORY",
        value_name = "BYTES",
        default_value_t = 16_000_000
    )]
    pub buffer_memory: u32,
    /// How long requests may go on after SIGTERM
    #[arg(long, env = "LEPTA_DRAIN", value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub drain: Duration,
    /// While this file exists, compression stores
    #[arg(long, env = "LEPTA_SHUT_OFF_FILE", value_name = "PATH")]
    pub shut_off_file: Option<PathBuf>,
    /// Time between two self-tests
    #[arg(long, env = "LEPTA_SELF_TEST_EVERY", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub self_test_every: Duration,
    /// Form of the log on standard error
    #[arg(long, env = "LEPTA_LOG", value_enum, default_value_t)]
    pub log: LogForm,
    /// Least level that is logged
    #[arg(long, env = "LEPTA_LOG_LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevel,
    /// How workers are run.
    #[command(flatten)]
    pub worker: WorkerArguments,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object on each line.
    Json,
}

/// The least level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What may need somebody.
    Warn,
    /// One line for each request as well.
    #[default]
    Info,
    /// Everything.
    Debug,
}

impl ServeArguments {
    /// Worker processes.
    pub(crate) fn workers(&self) -> usize {
        self.workers.map_or_else(
            || 2 * available_parallelism().map_or(1, usize::from),
            usize::from,
        )
    }
}

/// A port on the loopback interface, or an address with its port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    match port.parse() {
        Ok(port) => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        Err(_) => text
            .parse()
            .map_err(|_| "neither a port nor an address and a port".to_owned()),
    }
}

/// A number of seconds above 0, whole or not.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number)
        .ok()
        .filter(|time| !time.is_zero() && *time <= MOST_SECONDS)
        .ok_or_else(|| format!("not above 0 and up to {}", MOST_SECONDS.as_secs()))
}

/// A year: instants so far ahead can be computed.
const MOST_SECONDS: Duration = Duration::from_secs(366 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_the_loopback_interface() {
        for text in ["8470", ":8470"] {
            let address = address(text).expect("a port");
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), 8470);
        }
        assert_eq!(
            address("0.0.0.0:1").expect("an address").to_string(),
            "0.0.0.0:1"
        );
        assert_eq!(
            address("[::1]:1").expect("an address").to_string(),
            "[::1]:1"
        );
        assert!(address("localhost").is_err());
        assert!(address("70000").is_err());
    }

    #[test]
    fn seconds_are_positive_and_finite() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "NaN", "inf", "1e30", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
