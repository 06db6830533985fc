//! The shut-off file: while it exists, compression stores its input without modelling it.
//!
//! Invariant: what is stored is a container like any other, so that decompression need not know.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, warn};

use super::metrics::Metrics;

/// How often to look. With the time for a look itself it stays far below a second.
const PERIOD: Duration = Duration::from_millis(200);

/// The switch.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShutOff(Arc<AtomicBool>);

impl ShutOff {
    /// Whether compression only stores.
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Looks once, before the first request.
    pub(crate) fn look(path: Option<&Path>) -> Self {
        let is_on = path.is_some_and(|path| path.try_exists().unwrap_or(true));
        Self(Arc::new(AtomicBool::new(is_on)))
    }

    /// Goes on looking.
    pub(crate) async fn follow(self, path: PathBuf, metrics: Arc<Metrics>) {
        let mut was_legible = true;
        loop {
            let found = tokio::fs::try_exists(&path).await;
            was_legible = self.take(found, was_legible);
            metrics.shut_off.set(i64::from(self.is_on()));
            sleep(PERIOD).await;
        }
    }

    /// Sets the switch as the file system says; it stays as it is when that cannot be told. Returns
    /// whether it could.
    fn take(&self, found: io::Result<bool>, was_legible: bool) -> bool {
        match found {
            Ok(is_on) => {
                if self.0.swap(is_on, Ordering::Relaxed) != is_on {
                    warn!(is_on, "the shut-off file came or went");
                }
                true
            }
            Err(error) => {
                if was_legible {
                    error!(%error, "cannot look for the shut-off file");
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_stays_where_it_is_when_nobody_can_tell() {
        let switch = ShutOff::look(None);
        assert!(!switch.is_on());
        assert!(switch.take(Ok(true), true) && switch.is_on());
        let unknown = || Err(io::ErrorKind::PermissionDenied.into());
        assert!(!switch.take(unknown(), true) && switch.is_on());
        assert!(switch.take(Ok(false), false) && !switch.is_on());
        assert!(!switch.take(unknown(), true) && !switch.is_on());
    }
}
