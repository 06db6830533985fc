//! zlib's level 0: stored blocks, cut where the caller's output buffer ends.
//!
//! Invariant: bytes that zlib still holds back for want of room are put out at once, and only
//! counted; their order is the same.

use super::blocks::BlockWriter;
use super::matcher::Matcher;
use super::parameters::Flush;

const LONGEST_STORED: usize = 65_535;

/// What the caller's output buffer has room for, and what waits for it.
#[derive(Clone, Debug)]
pub(super) struct OutputBuffer {
    size: usize,
    room: usize,
    pending: usize,
}

impl OutputBuffer {
    /// A buffer of `size` bytes that will begin with the zlib header.
    pub(super) fn new(size: u32) -> Self {
        let size = (size as usize).max(1);
        let mut buffer = Self {
            size,
            room: size,
            pending: 2,
        };
        buffer.drain();
        buffer
    }

    fn drain(&mut self) {
        let length = self.pending.min(self.room);
        self.pending -= length;
        self.room -= length;
    }

    /// Accounts for bytes that go straight into the buffer.
    fn use_room(&mut self, bytes: usize) {
        self.room -= bytes;
    }

    /// Accounts for bytes that wait for room.
    fn wait(&mut self, bytes: usize) {
        self.pending += bytes;
        self.drain();
    }

    /// Empties the buffer if it is full; says whether it was.
    fn empty_if_full(&mut self) -> bool {
        let full = self.room == 0;
        if full {
            self.room = self.size;
        }
        full
    }
}

/// Stores bytes as zlib's `deflate_stored` does.
pub(super) struct Storing<'a> {
    pub(super) matcher: &'a mut Matcher,
    pub(super) blocks: &'a mut BlockWriter,
    pub(super) buffer: &'a mut OutputBuffer,
    /// Bytes that zlib can hold back.
    pub(super) pending_limit: usize,
    pub(super) flush: Flush,
}

impl Storing<'_> {
    /// Stores `input`, calling as libpng calls `deflate`: until all is taken and, if the stream is
    /// to end, until it has.
    pub(super) fn run(&mut self, input: &mut &[u8], out: &mut Vec<u8>) {
        loop {
            let finished = self.call(input, out);
            let again = self.buffer.empty_if_full() && self.flush != Flush::None;
            if finished || (!again && input.is_empty() && self.flush != Flush::Finish) {
                return;
            }
        }
    }

    /// One call of `deflate`; says whether the last block was put out.
    fn call(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> bool {
        self.buffer.drain();
        if self.buffer.room == 0 || (input.is_empty() && self.flush == Flush::None) {
            return false;
        }
        if self.store_directly(input, out) {
            return true;
        }
        let flushes = !matches!(self.flush, Flush::None | Flush::Finish);
        if flushes && input.is_empty() && self.matcher.block_length() == 0 {
            return false;
        }
        self.take_into_window(input);
        self.store_from_window(input, out)
    }

    /// Stores worthy blocks, without keeping them back; says whether one was the last.
    fn store_directly(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> bool {
        let least = (self.pending_limit - 5).min(self.matcher.window);
        let all = *input;
        let mut last = false;
        while !last {
            let Some(room) = self.buffer.room.checked_sub(self.header_length()) else {
                break;
            };
            let held = self.matcher.block_length();
            let rest = held + input.len();
            let length = rest.min(room).min(LONGEST_STORED);
            let finishing = self.flush == Flush::Finish;
            let partial = self.flush == Flush::None || length != rest;
            if length < least && ((length == 0 && !finishing) || partial) {
                break;
            }
            last = finishing && length == rest;
            let before = out.len();
            self.blocks.write_stored_header(length, last, out);
            let from_window = held.min(length);
            if from_window > 0 {
                let bytes = self.matcher.block_bytes().unwrap_or(&[]);
                out.extend_from_slice(&bytes[..from_window]);
                self.matcher.block_start += from_window.cast_signed();
            }
            let (bytes, rest) = input.split_at(length - from_window);
            out.extend_from_slice(bytes);
            *input = rest;
            self.buffer.use_room(out.len() - before);
        }
        self.remember(&all[..all.len() - input.len()]);
        last
    }

    fn header_length(&self) -> usize {
        ((self.blocks.pending_bits() + 42) >> 3) as usize
    }

    /// Puts bytes into the window that were stored without it.
    fn remember(&mut self, used: &[u8]) {
        if used.is_empty() {
            return;
        }
        let matcher = &mut *self.matcher;
        let window = matcher.window;
        if used.len() >= window {
            matcher.buffer[..window].copy_from_slice(&used[used.len() - window..]);
            matcher.position = window;
        } else {
            if 2 * window - matcher.position <= used.len() {
                matcher.position -= window;
                let end = window + matcher.position;
                matcher.buffer.copy_within(window..end, 0);
            }
            let end = matcher.position + used.len();
            matcher.buffer[matcher.position..end].copy_from_slice(used);
            matcher.position = end;
        }
        matcher.block_start = matcher.position.cast_signed();
    }

    /// Takes what is left of the input into the window, as far as it fits.
    fn take_into_window(&mut self, input: &mut &[u8]) {
        let matcher = &mut *self.matcher;
        let window = matcher.window;
        let mut room = 2 * window - matcher.position;
        if input.len() > room && matcher.block_start >= window.cast_signed() {
            matcher.block_start -= window.cast_signed();
            matcher.position -= window;
            let end = window + matcher.position;
            matcher.buffer.copy_within(window..end, 0);
            room += window;
        }
        let (bytes, rest) = input.split_at(room.min(input.len()));
        let end = matcher.position + bytes.len();
        matcher.buffer[matcher.position..end].copy_from_slice(bytes);
        matcher.position = end;
        *input = rest;
    }

    /// Stores a block from the window where it is long enough, or the last; says whether it is.
    fn store_from_window(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let most = (self.pending_limit - self.header_length()).min(LONGEST_STORED);
        let least = most.min(self.matcher.window);
        let held = self.matcher.block_length();
        let finishing = self.flush == Flush::Finish;
        let ending = (held > 0 || finishing)
            && self.flush != Flush::None
            && input.is_empty()
            && held <= most;
        if held < least && !ending {
            return false;
        }
        let length = held.min(most);
        let last = finishing && input.is_empty() && length == held;
        let before = out.len();
        let bytes = self.matcher.block_bytes().unwrap_or(&[]);
        self.blocks.write_stored(&bytes[..length], last, out);
        self.matcher.block_start += length.cast_signed();
        self.buffer.wait(out.len() - before);
        last
    }
}
