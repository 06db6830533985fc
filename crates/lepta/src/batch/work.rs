//! Work for several threads.
//!
//! The largest of the waiting items goes first, so that at the end no thread is left alone with a large
//! one while the others have nothing to do.
//!
//! Invariant: a bounded number of items wait, so that memory does not grow with their number.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::problem::Problem;

/// Items that may wait.
const WAITING: usize = 256;

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
/// thread is the caller's own, and takes the items in their order. `size` says how much work is in one.
///
/// # Errors
/// What `produce` fails with.
pub(crate) fn spread<T: Send>(
    threads: usize,
    size: impl Fn(&T) -> u64,
    produce: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), Problem>,
    consume: impl Fn(T) + Sync,
) -> Result<(), Problem> {
    if threads == 1 {
        return produce(&mut |item| consume(item));
    }
    let queue = Queue::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = queue.take() {
                    consume(item);
                }
            });
        }
        let _ends = Ends(&queue);
        produce(&mut |item| queue.put(size(&item), item))
    })
}

/// Items that wait, and whether more may come.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    /// By size; of one size the first one is the last.
    items: BTreeMap<(u64, Reverse<u64>), T>,
    /// How many items ever came.
    count: u64,
    is_ended: bool,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                items: BTreeMap::new(),
                count: 0,
                is_ended: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds an item as soon as there is room.
    fn put(&self, size: u64, item: T) {
        let full = |waiting: &mut Waiting<T>| waiting.items.len() >= WAITING;
        let waiting = self.changed.wait_while(locked(&self.waiting), full);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let number = waiting.count;
        waiting.count += 1;
        waiting.items.insert((size, Reverse(number)), item);
        self.changed.notify_all();
    }

    /// The largest item, as soon as there is one; `None` if none will come.
    fn take(&self) -> Option<T> {
        let empty = |waiting: &mut Waiting<T>| waiting.items.is_empty() && !waiting.is_ended;
        let waiting = self.changed.wait_while(locked(&self.waiting), empty);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let largest = waiting.items.pop_last();
        self.changed.notify_all();
        largest.map(|(_, item)| item)
    }
}

/// Ends a queue, also where its producer panics: the other threads would wait for ever.
struct Ends<'a, T>(&'a Queue<T>);

impl<T> Drop for Ends<'_, T> {
    fn drop(&mut self) {
        locked(&self.0.waiting).is_ended = true;
        self.0.changed.notify_all();
    }
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
                |item| item % 7,
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
    #[test]
    fn the_largest_waiting_item_goes_first() {
        let queue = Queue::new();
        for size in [3, 9, 1, 9, 7] {
            queue.put(size, size);
        }
        drop(Ends(&queue));
        let taken: Vec<u64> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, [9, 9, 7, 3, 1]);
    }

    #[test]
    fn a_producer_that_panics_leaves_no_thread_waiting() {
        let outcome = std::panic::catch_unwind(|| {
            spread(
                2,
                |&item| item,
                |hand_out| {
                    hand_out(1u64);
                    panic!("on purpose")
                },
                drop,
            )
        });
        assert!(outcome.is_err());
    }
}
