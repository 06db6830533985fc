//! The files of a run out of its tar, as it is decoded.

use std::io::{self, Write};

use super::entry::Stored;

/// A stretch of a stream that is wanted: where it begins, and how long it is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Stretch {
    /// Where stored bytes are in the tar of their run.
    pub(crate) fn of(stored: &Stored) -> Self {
        Self {
            offset: stored.offset.unwrap_or(0),
            length: stored.length,
        }
    }

    /// Behind its last byte.
    pub(crate) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// Hands the wanted stretches of a stream to a sink each.
///
/// Invariant: `finish` is called for a stretch once, after all of its bytes and before the next
/// stretch's first one.
pub(crate) struct Splitter<S> {
    /// What comes, in order of offset, the next one last.
    stretches: Vec<(Stretch, S)>,
    position: u64,
}

/// Where a stretch goes.
pub(crate) trait Sink {
    /// Takes some bytes of it.
    ///
    /// # Errors
    /// If they cannot be written; the whole stream ends then.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Is told that all came.
    ///
    /// # Errors
    /// If that makes something fail which ends the whole stream.
    fn finish(self) -> io::Result<()>;
}

impl<S: Sink> Splitter<S> {
    /// For a stream that begins at `position`. Stretches do not overlap.
    pub(crate) fn new(position: u64, mut stretches: Vec<(Stretch, S)>) -> Self {
        stretches.sort_by_key(|(stretch, _)| std::cmp::Reverse(stretch.offset));
        Self {
            stretches,
            position,
        }
    }

    fn finish_passed(&mut self) -> io::Result<()> {
        while let Some((_, sink)) = self
            .stretches
            .pop_if(|(next, _)| next.end() <= self.position)
        {
            sink.finish()?;
        }
        Ok(())
    }
}

impl<S: Sink> Write for Splitter<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.finish_passed()?;
        let Some((stretch, sink)) = self.stretches.last_mut() else {
            self.position += buffer.len() as u64;
            return Ok(buffer.len());
        };
        let limit = |distance: u64| {
            usize::try_from(distance).map_or(buffer.len(), |distance| distance.min(buffer.len()))
        };
        let count = match stretch.offset.checked_sub(self.position) {
            Some(ahead) if ahead > 0 => limit(ahead),
            _ => {
                let count = limit(stretch.end() - self.position);
                sink.take(&buffer[..count])?;
                count
            }
        };
        self.position += count as u64;
        self.finish_passed()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.finish_passed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Collected<'a>(&'a RefCell<Vec<Vec<u8>>>, Vec<u8>);

    impl Sink for Collected<'_> {
        fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.1.extend_from_slice(bytes);
            Ok(())
        }

        fn finish(self) -> io::Result<()> {
            self.0.borrow_mut().push(self.1);
            Ok(())
        }
    }

    #[test]
    fn stretches_come_whole_whatever_the_pieces() {
        let stream: Vec<u8> = (10..110).collect();
        let stretch = |offset, length| Stretch { offset, length };
        for piece in [1, 7, 100] {
            let done = RefCell::new(Vec::new());
            let collected = || Collected(&done, Vec::new());
            let wanted = vec![
                (stretch(30, 5), collected()),
                (stretch(10, 3), collected()),
                (stretch(50, 0), collected()),
                (stretch(35, 1), collected()),
                (stretch(105, 10), collected()),
            ];
            let mut splitter = Splitter::new(10, wanted);
            for bytes in stream.chunks(piece) {
                splitter.write_all(bytes).expect("collected");
            }
            splitter.flush().expect("collected");
            // The last one is cut.
            drop(splitter);
            let expected: [&[u8]; 4] = [&[10, 11, 12], &[30, 31, 32, 33, 34], &[35], &[]];
            assert_eq!(*done.borrow(), expected);
        }
    }
}
