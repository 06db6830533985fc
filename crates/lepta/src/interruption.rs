//! Signals that ask the process to end.
//!
//! Invariant: the first one lets the work at hand be given up in order, so that no temporary file
//! stays behind; the second one ends the process at once. Whoever waits for the process sees the
//! signal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lepta_worker::status::Status;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};

use crate::problem::Problem;

/// Whether the process was asked to end. Clones look at the same signal.
#[derive(Clone, Debug, Default)]
pub struct Interruption {
    /// The number of the signal, or 0.
    signal: Arc<AtomicUsize>,
}

/// Watches SIGINT, SIGTERM and SIGHUP from now on.
///
/// # Errors
/// If the system refuses the handlers.
pub fn watch() -> Result<Interruption, Problem> {
    let interruption = Interruption::default();
    let repeated = Arc::new(AtomicBool::new(false));
    // A file that may not grow is an error of the write then, and not the end of the process.
    let ignored = flag::register(SIGXFSZ, Arc::default());
    ignored.map_err(|error| refused(&error))?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let code = 128 + signal;
        flag::register_conditional_shutdown(signal, code, Arc::clone(&repeated))
            .and_then(|_| flag::register(signal, Arc::clone(&repeated)))
            .and_then(|_| {
                let number = usize::try_from(signal).unwrap_or(0);
                flag::register_usize(signal, Arc::clone(&interruption.signal), number)
            })
            .map_err(|error| refused(&error))?;
    }
    Ok(interruption)
}

fn refused(error: &io::Error) -> Problem {
    Problem::new(Status::Other, format!("signals cannot be handled: {error}"))
}

impl Interruption {
    /// Whether to stop.
    pub fn is_requested(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// Ends the process by the signal, if there was one.
    pub fn end_if_interrupted(&self) {
        let signal = i32::try_from(self.signal.load(Ordering::Relaxed)).unwrap_or(0);
        if signal != 0 {
            // Returns only if the signal cannot be raised; the status tells then.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
