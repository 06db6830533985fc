//! The log on standard error.
//!
//! Invariant: a reader of the log that stands still does not hold up the service; lines are dropped
//! then.

use std::io::{IsTerminal, stderr};

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use super::options::{LogForm, LogLevel};

/// Lines that may wait to be written.
const LINES: usize = 8192;

/// Starts logging, which lasts as long as the guard.
pub(crate) fn start(form: LogForm, level: LogLevel) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES)
        .finish(stderr());
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .with_writer(writer);
    // There is one already only where a test has set it.
    let _ = match form {
        LogForm::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogForm::Json => {
            tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish())
        }
    };
    guard
}
