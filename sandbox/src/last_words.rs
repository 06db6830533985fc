//! Leaving the process: at once, without destructors, with one line at most.
//!
//! Invariant: whatever ends the process from inside, it ends through `exit_group`, and before that
//! it writes at most one line, with one `write`, from a buffer on the stack. Nothing here
//! allocates, takes a lock or makes any other system call, so that it works in a jail, in a signal
//! handler, inside the allocator and in a panic.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::descriptors::write_error_line;
use crate::status;

/// Most bytes in a line, its end included. A longer one is cut.
const LINE_LENGTH: usize = 1024;

/// Why the process is about to end.
#[derive(Clone, Copy, Debug)]
pub struct LastWords<'a> {
    /// The exit status: one of the module `status`.
    pub status: u8,
    /// What happened, for people.
    pub message: fmt::Arguments<'a>,
}

/// A line of text on the stack. What does not fit is left out, and control characters, line ends
/// among them, become spaces, so that it stays one line.
#[derive(Debug)]
pub struct Line {
    bytes: [u8; LINE_LENGTH],
    length: usize,
}

impl Line {
    fn new() -> Self {
        Self {
            bytes: [0; LINE_LENGTH],
            length: 0,
        }
    }

    /// The line with its end.
    fn finish(&mut self) -> &[u8] {
        self.bytes[self.length] = b'\n';
        &self.bytes[..=self.length]
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let character = if character.is_control() {
                ' '
            } else {
                character
            };
            // One byte is kept for the end of the line.
            if self.length + character.len_utf8() >= LINE_LENGTH {
                break;
            }
            self.length += character.encode_utf8(&mut self.bytes[self.length..]).len();
        }
        Ok(())
    }
}

/// Writes the words in the program's own form.
pub type LineWriter = fn(&mut Line, &LastWords<'_>);

static LINE_WRITER: OnceLock<LineWriter> = OnceLock::new();

/// Sets the form of the last line; without it, it is `lepta: MESSAGE`. Only the first call counts.
///
/// `writer` may run in a signal handler, in the allocator and in a panic: it must not allocate, lock
/// or make a system call.
pub fn set_last_words(writer: LineWriter) {
    // Another thread cannot have set it: this is called before there are threads, or ignored.
    let _ = LINE_WRITER.set(writer);
}

fn write_plainly(line: &mut Line, words: &LastWords<'_>) {
    // Writing to a `Line` cannot fail.
    let _ = write!(line, "lepta: {}", words.message);
}

/// Ends the process with this status, now: all threads, no destructors, no flushing.
pub fn leave(status: u8) -> ! {
    // SAFETY: `_exit` has no preconditions; it is `exit_group` and does not return.
    unsafe { libc::_exit(i32::from(status)) }
}

/// Whether some thread is writing its last words.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is.
    static THIS_THREAD_ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Ends the process with one line on standard error. If another thread is already doing so, its
/// line and status are the ones that count.
pub(crate) fn leave_with_words(status: u8, message: fmt::Arguments<'_>) -> ! {
    if THIS_THREAD_ENDS.replace(true) {
        // Writing the line itself failed.
        leave(status);
    }
    while ENDING.swap(true, Ordering::AcqRel) {
        std::hint::spin_loop();
    }
    let mut line = Line::new();
    let words = LastWords { status, message };
    LINE_WRITER.get().unwrap_or(&(write_plainly as LineWriter))(&mut line, &words);
    write_error_line(line.finish());
    leave(status)
}

/// Makes a panic, an index out of bounds and an arithmetic overflow end the whole process with one
/// line and [`status::INTERNAL`], in whichever thread it happens. It replaces the hook of `std`,
/// which asks the kernel for the thread's number before it prints and so would not outlive that in
/// a jail.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(leave_after_panic));
}

fn leave_after_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(place) => leave_with_words(
            status::INTERNAL,
            format_args!("internal error: {message} ({place})"),
        ),
        None => leave_with_words(
            status::INTERNAL,
            format_args!("internal error: {message} (unknown place)"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        let mut line = Line::new();
        write!(line, "a\nb\r\tc\u{0}d").expect("never fails");
        assert_eq!(line.finish(), b"a b  c d\n");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut line = Line::new();
        line.write_str(&"é".repeat(LINE_LENGTH))
            .expect("never fails");
        let whole = line.finish();
        assert_eq!(whole.len(), LINE_LENGTH - 1, "two bytes did not fit");
        assert!(std::str::from_utf8(whole).is_ok());
    }

    #[test]
    fn the_plain_form_names_the_program() {
        let mut line = Line::new();
        let words = LastWords {
            status: status::TIME,
            message: format_args!("{} and so on", 7),
        };
        write_plainly(&mut line, &words);
        assert_eq!(line.finish(), b"lepta: 7 and so on\n");
    }
}
