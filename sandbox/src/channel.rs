//! Hand-over between two threads without `futex`.
//!
//! Invariant: a value is owned by the sender until it lies in its cell, and by the receiver once it
//! has been taken out. The cells are locks that are only ever tried, never waited for, so that
//! soundness rests on them; the pipe does nothing but put the receiver to sleep and wake it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use nix::fcntl::OFlag;

use crate::descriptors::LastingDescriptor;

/// The end of a pipe that waits.
#[derive(Debug)]
pub(crate) struct PipeReader(pub(crate) LastingDescriptor);

/// The end of a pipe that wakes.
#[derive(Debug)]
pub(crate) struct PipeWriter(pub(crate) LastingDescriptor);

pub(crate) fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((
        PipeReader(LastingDescriptor::new(reader)),
        PipeWriter(LastingDescriptor::new(writer)),
    ))
}

impl PipeReader {
    /// Waits for one call of [`PipeWriter::wake`].
    pub(crate) fn wait(&self) -> io::Result<()> {
        match self.0.read(&mut [0])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl PipeWriter {
    pub(crate) fn wake(&self) -> io::Result<()> {
        match self.0.write(&[1])? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            _ => Ok(()),
        }
    }
}

type Cells<T> = Arc<[Mutex<Option<T>>]>;

/// The lock of a cell. The other side holds it for a few instructions at most.
fn hold<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match cell.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
}

/// All cells hold a value that the receiver has not taken yet. The value comes back.
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Full")
    }
}

/// Hands values to the other thread. Made by [`crate::Jail::channel`].
#[derive(Debug)]
pub struct Sender<T> {
    cells: Cells<T>,
    next: usize,
    pub(crate) pipe: PipeWriter,
}

impl<T: Send> Sender<T> {
    /// Hands `value` over. Never waits.
    ///
    /// # Errors
    ///
    /// [`Full`], with the value, when as many values as the channel has cells are on their way.
    ///
    /// # Panics
    ///
    /// If the pipe is broken, which only a bug can bring about: its ends last as long as the process.
    pub fn send(&mut self, value: T) -> Result<(), Full<T>> {
        let mut cell = hold(&self.cells[self.next]);
        if cell.is_some() {
            return Err(Full(value));
        }
        *cell = Some(value);
        drop(cell);
        self.next = (self.next + 1) % self.cells.len();
        self.pipe.wake().expect("the pipe lasts");
        Ok(())
    }
}

/// Takes values from the other thread. Made by [`crate::Jail::channel`].
#[derive(Debug)]
pub struct Receiver<T> {
    cells: Cells<T>,
    next: usize,
    pub(crate) pipe: PipeReader,
}

impl<T: Send> Receiver<T> {
    /// Waits for the next value. For ever, if the sender is gone: the process ends as a whole.
    ///
    /// # Panics
    ///
    /// If the pipe is broken, which only a bug can bring about: its ends last as long as the process.
    pub fn receive(&mut self) -> T {
        self.pipe.wait().expect("the pipe lasts");
        let cell = &self.cells[self.next];
        self.next = (self.next + 1) % self.cells.len();
        loop {
            // The value was there before the pipe had its byte.
            if let Some(value) = hold(cell).take() {
                return value;
            }
            std::hint::spin_loop();
        }
    }
}

/// A channel for at most `capacity` values on their way; at least one.
pub(crate) fn channel<T: Send>(capacity: usize) -> io::Result<(Sender<T>, Receiver<T>)> {
    let (reader, writer) = pipe()?;
    let cells: Cells<T> = (0..capacity.max(1)).map(|_| Mutex::new(None)).collect();
    let sender = Sender {
        cells: Arc::clone(&cells),
        next: 0,
        pipe: writer,
    };
    let receiver = Receiver {
        cells,
        next: 0,
        pipe: reader,
    };
    Ok((sender, receiver))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_arrive_in_order_and_each_once() {
        let (mut there, mut from_here) = channel::<Vec<u32>>(2).expect("pipe");
        let (mut back, mut from_there) = channel::<Vec<u32>>(2).expect("pipe");
        std::thread::spawn(move || {
            loop {
                let mut value = from_here.receive();
                value.push(1);
                if back.send(value).is_err() {
                    return;
                }
            }
        });
        there.send(vec![0]).expect("room");
        for number in 1..2000 {
            there.send(vec![number]).expect("room");
            assert_eq!(from_there.receive(), [number - 1, 1]);
        }
    }

    #[test]
    fn a_full_channel_gives_the_value_back() {
        let (mut sender, mut receiver) = channel(2).expect("pipe");
        sender.send(1).expect("room");
        sender.send(2).expect("room");
        assert_eq!(sender.send(3).expect_err("full").0, 3);
        assert_eq!(receiver.receive(), 1);
        sender.send(4).expect("room again");
        assert_eq!((receiver.receive(), receiver.receive()), (2, 4));
    }
}
