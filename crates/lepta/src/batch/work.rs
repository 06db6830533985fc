//! Work for several threads.
//!
//! Invariant: at most a few items wait, so that memory does not grow with their number.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::problem::Problem;

/// Items that may wait for each thread.
const WAITING: usize = 16;

/// One thread for each processor, unless said otherwise.
pub(crate) fn threads(asked: Option<NonZeroUsize>) -> usize {
    let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    asked.map_or_else(processors, NonZeroUsize::get)
}

/// What a mutex holds, also after a thread that had it panicked: no value here is ever half changed.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `produce`, which hands items out, and `consume` on each of them in one of `threads` threads; one
/// thread is the caller's own.
///
/// # Errors
/// What `produce` fails with.
pub(crate) fn spread<T: Send>(
    threads: usize,
    produce: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), Problem>,
    consume: impl Fn(T) + Sync,
) -> Result<(), Problem> {
    if threads == 1 {
        return produce(&mut |item| consume(item));
    }
    let (sender, receiver) = sync_channel(threads * WAITING);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = next(&receiver) {
                    consume(item);
                }
            });
        }
        let sender = sender;
        produce(&mut |item| {
            // The receiver lives until all threads have ended, and they end after the sender.
            let _ = sender.send(item);
        })
    })
}

fn next<T>(receiver: &Mutex<Receiver<T>>) -> Option<T> {
    locked(receiver).recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_item_is_done_once() {
        for threads in [1, 3] {
            let sum = AtomicU64::new(0);
            let produced = spread(
                threads,
                |hand_out| {
                    (1..=1000).for_each(hand_out);
                    Ok(())
                },
                |item| {
                    sum.fetch_add(item, Ordering::Relaxed);
                },
            );
            assert_eq!(produced, Ok(()));
            assert_eq!(sum.into_inner(), 500_500);
        }
    }
}
