//! Memory for answers that are held until their verdict.
//!
//! Invariant: what all answers hold together never exceeds the bound; an answer's share is set aside
//! in one piece before its request takes a worker, so that no two wait for each other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::metrics::Metrics;
use super::pool::busy;
use super::refusal::Refusal;

/// Shares are counted in units of this many bytes.
const UNIT: u64 = 1 << 10;

/// The memory.
pub(crate) struct Buffers {
    units: Arc<Semaphore>,
    /// Most bytes for one answer.
    limit: u64,
    metrics: Arc<Metrics>,
}

/// A share of it, given back when dropped.
pub(crate) struct Reservation {
    /// Bytes.
    pub(crate) room: u64,
    units: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Reservation({} bytes)", self.room)
    }
}

impl Buffers {
    /// `memory` bytes for all, at most `limit` for each.
    pub(crate) fn new(memory: u32, limit: u32, metrics: Arc<Metrics>) -> Self {
        let units = u64::from(memory).div_ceil(UNIT);
        Self {
            units: Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX))),
            limit: u64::from(limit.min(memory)),
            metrics,
        }
    }

    /// Waits for a share of `wanted` bytes, or of the most that one may have.
    pub(crate) async fn reserve(
        &self,
        wanted: Option<u64>,
        patience: Duration,
    ) -> Result<Reservation, Refusal> {
        let room = wanted.map_or(self.limit, |wanted| wanted.min(self.limit));
        let count = u32::try_from(room.div_ceil(UNIT)).map_err(|_| busy())?;
        let units = Arc::clone(&self.units).acquire_many_owned(count);
        let units = timeout(patience, units).await.ok().and_then(Result::ok);
        let units = units.ok_or_else(busy)?;
        self.metrics.held_bytes.inc_by(bytes(&units));
        Ok(Reservation {
            room,
            units,
            metrics: Arc::clone(&self.metrics),
        })
    }
}

fn bytes(units: &OwnedSemaphorePermit) -> i64 {
    i64::try_from(units.num_permits() as u64 * UNIT).unwrap_or(i64::MAX)
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.metrics.held_bytes.dec_by(bytes(&self.units));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shares_are_bounded_together_and_come_back() {
        let metrics = Arc::new(Metrics::new());
        let buffers = Buffers::new(10_000, 6_000, Arc::clone(&metrics));
        let patience = Duration::from_millis(10);
        let first = buffers.reserve(Some(9_000), patience).await.expect("room");
        assert_eq!(first.room, 6_000);
        buffers.reserve(None, patience).await.expect_err("too much");
        let small = buffers.reserve(Some(1_000), patience).await.expect("room");
        assert_eq!(metrics.held_bytes.get(), 7 << 10);
        drop((first, small));
        assert_eq!(metrics.held_bytes.get(), 0);
        buffers.reserve(None, patience).await.expect("all is back");
    }
}
