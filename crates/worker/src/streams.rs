//! Input and output as the jobs see them: counted bytes over whatever reads and writes.
//!
//! Invariant: an interrupted call is repeated, short reads and writes are continued, and every
//! other error becomes a [`Failure`] once. What comes out does not depend on how the input arrives.

use std::io::{ErrorKind, Read, Write};

use lepta_worker::status::Status;

use crate::failure::Failure;

/// How far [`UnitReader`] reads ahead at most, in bytes, beyond the unit that is wanted.
pub(crate) const READ_AHEAD: usize = 64 << 10;

/// The input with a count of its bytes.
pub(crate) struct Input<R> {
    source: R,
    taken: u64,
    limit: u64,
}

impl<R: Read> Input<R> {
    /// An input of any length.
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            taken: 0,
            limit: u64::MAX,
        }
    }

    /// Starts the count anew; from here on at most `limit` bytes may come.
    pub(crate) fn begin_object(&mut self, limit: Option<u64>) {
        self.taken = 0;
        self.limit = limit.unwrap_or(u64::MAX);
    }

    /// Bytes read since the object began.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads at least one byte, or 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            match self.source.read(buffer) {
                Ok(count) => {
                    self.taken += count as u64;
                    if self.taken > self.limit {
                        let message = format!("the input is longer than {} bytes", self.limit);
                        return Err(Failure::new(Status::Size, message));
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::reading(&error)),
            }
        }
    }

    /// Reads until `buffer` is full or the input ends; returns how many bytes came.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

/// What [`UnitReader::unit`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unit<'a> {
    /// All the bytes that were wanted.
    Whole(&'a [u8]),
    /// The input ended after this many of them; none, if it ended between units.
    Cut(&'a [u8]),
}

/// Hands out units of exactly the length asked for, with few reads.
pub(crate) struct UnitReader<R> {
    input: Input<R>,
    buffer: Vec<u8>,
    /// The unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl<R: Read> UnitReader<R> {
    /// Reserves room for units of up to `longest` bytes; memory is only touched as units need it.
    pub(crate) fn new(input: Input<R>, longest: usize) -> Self {
        Self {
            input,
            buffer: Vec::with_capacity(longest + READ_AHEAD),
            start: 0,
            end: 0,
        }
    }

    /// Bytes read so far.
    pub(crate) fn taken(&self) -> u64 {
        self.input.taken()
    }

    /// The next `length` bytes.
    pub(crate) fn unit(&mut self, length: usize) -> Result<Unit<'_>, Failure> {
        self.load(length)?;
        if self.end - self.start < length {
            return Ok(Unit::Cut(&self.buffer[self.start..self.end]));
        }
        let unit = self.start..self.start + length;
        self.start = unit.end;
        Ok(Unit::Whole(&self.buffer[unit]))
    }

    /// The next `length` bytes, or all that there are, which stay the next.
    pub(crate) fn peek(&mut self, length: usize) -> Result<&[u8], Failure> {
        self.load(length)?;
        let end = self.end.min(self.start + length);
        Ok(&self.buffer[self.start..end])
    }

    /// Takes `count` bytes that [`UnitReader::peek`] has shown.
    pub(crate) fn skip(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Reads until `length` bytes are there or the input ends.
    fn load(&mut self, length: usize) -> Result<(), Failure> {
        if self.end - self.start < length {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() < length + READ_AHEAD {
                self.buffer.resize(length + READ_AHEAD, 0);
            }
        }
        while self.end - self.start < length {
            match self.input.read(&mut self.buffer[self.end..])? {
                0 => break,
                count => self.end += count,
            }
        }
        Ok(())
    }
}

/// The output with a count of its bytes.
pub(crate) struct Output<W> {
    sink: W,
    given: u64,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { sink, given: 0 }
    }

    /// Bytes written so far.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// Writes all of `bytes`.
    pub(crate) fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.sink.write(bytes) {
                Ok(0) => return Err(Failure::writing(&ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.given += count as u64;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::writing(&error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, Result as IoResult};

    /// Gives `piece` bytes a call, is interrupted before each, and fails after `length` bytes.
    struct Unsteady {
        position: usize,
        length: usize,
        piece: usize,
        interrupted: bool,
        last: Option<i32>,
    }

    fn unsteady(length: usize, piece: usize, last: Option<i32>) -> Unsteady {
        Unsteady {
            position: 0,
            length,
            piece,
            interrupted: false,
            last,
        }
    }

    impl Unsteady {
        fn step(&mut self, room: usize) -> IoResult<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            if let (true, Some(errno)) = (self.position == self.length, self.last) {
                return Err(Error::from_raw_os_error(errno));
            }
            Ok(room.min(self.piece).min(self.length - self.position))
        }
    }

    impl Read for Unsteady {
        fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
            let count = self.step(buffer.len())?;
            for byte in &mut buffer[..count] {
                *byte = (self.position % 251) as u8;
                self.position += 1;
            }
            Ok(count)
        }
    }

    impl Write for Unsteady {
        fn write(&mut self, buffer: &[u8]) -> IoResult<usize> {
            let count = self.step(buffer.len())?;
            for &byte in &buffer[..count] {
                assert_eq!(byte, (self.position % 251) as u8);
                self.position += 1;
            }
            Ok(count)
        }

        fn flush(&mut self) -> IoResult<()> {
            Ok(())
        }
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn fill_takes_all_there_is_whatever_the_pieces() {
        for piece in [1, 7, 4096] {
            let mut input = Input::new(unsteady(1000, piece, None));
            let mut buffer = vec![0; 600];
            assert_eq!(input.fill(&mut buffer), Ok(600));
            assert_eq!(input.fill(&mut buffer), Ok(400));
            assert_eq!(input.fill(&mut buffer), Ok(0));
            assert_eq!(input.taken(), 1000);
        }
    }

    #[test]
    fn a_read_error_is_a_failure() {
        let mut input = Input::new(unsteady(10, 7, Some(5)));
        let failure = input.fill(&mut [0; 20]).expect_err("EIO");
        assert_eq!(failure.status, Status::Read);
    }

    #[test]
    fn the_input_limit_counts_from_where_the_object_begins() {
        let mut input = Input::new(unsteady(100, 7, None));
        assert_eq!(input.fill(&mut [0; 32]), Ok(32));
        input.begin_object(Some(67));
        let failure = input.fill(&mut [0; 100]).expect_err("68 bytes follow");
        assert_eq!(failure.status, Status::Size);
    }

    #[test]
    fn units_have_the_length_asked_for() {
        for piece in [1, 7, 1 << 20] {
            let whole = pattern(300_000);
            let mut reader = UnitReader::new(Input::new(unsteady(whole.len(), piece, None)), 0);
            let mut position = 0;
            for length in [0, 20, 100_000, 1, 150_000, 49_979] {
                let expected = &whole[position..position + length];
                assert_eq!(reader.unit(length), Ok(Unit::Whole(expected)));
                position += length;
            }
            assert_eq!(position, whole.len());
            assert_eq!(reader.unit(5), Ok(Unit::Cut(&[])));
        }
    }

    #[test]
    fn what_was_peeked_at_is_still_there() {
        for piece in [1, 7, 1 << 20] {
            let whole = pattern(5000);
            let mut reader = UnitReader::new(Input::new(unsteady(whole.len(), piece, None)), 0);
            assert_eq!(reader.peek(3000), Ok(&whole[..3000]));
            reader.skip(10);
            assert_eq!(reader.peek(4), Ok(&whole[10..14]));
            assert_eq!(reader.unit(90), Ok(Unit::Whole(&whole[10..100])));
            assert_eq!(reader.peek(9000), Ok(&whole[100..]));
            reader.skip(4900);
            assert_eq!(reader.peek(1), Ok(&[][..]));
        }
    }

    #[test]
    fn a_cut_unit_is_told_from_the_end() {
        let mut reader = UnitReader::new(Input::new(unsteady(10, 3, None)), 16);
        assert_eq!(reader.unit(8), Ok(Unit::Whole(&pattern(8))));
        assert_eq!(reader.unit(8), Ok(Unit::Cut(&pattern(10)[8..])));
    }

    #[test]
    fn writes_are_continued_and_counted() {
        for piece in [1, 7, 4096] {
            let mut output = Output::new(unsteady(1000, piece, None));
            assert_eq!(output.write_all(&pattern(1000)), Ok(()));
            assert_eq!(output.given(), 1000);
        }
    }

    #[test]
    fn a_write_error_is_a_failure_and_the_count_tells_how_far_it_came() {
        let mut output = Output::new(unsteady(100, 7, Some(28)));
        let failure = output.write_all(&pattern(120)).expect_err("ENOSPC");
        assert_eq!((failure.status, output.given()), (Status::NoSpace, 100));
    }

    #[test]
    fn a_sink_that_takes_nothing_is_a_failure() {
        let mut output = Output::new(unsteady(100, 7, None));
        let failure = output.write_all(&pattern(120)).expect_err("0 written");
        assert_eq!(failure.status, Status::Write);
    }
}
