//! Text inside of JSON strings, for lines of a fixed length.
//!
//! Invariant: nothing is allocated, and what is written is the inside of a valid JSON string (RFC 8259).

use std::fmt;

/// Escapes what is written, makes control characters spaces, and cuts it after so many bytes.
#[derive(Debug)]
pub struct JsonText<'a, W> {
    line: &'a mut W,
    room: usize,
}

impl<'a, W: fmt::Write> JsonText<'a, W> {
    /// Writes at most `room` bytes to `line`.
    pub fn new(line: &'a mut W, room: usize) -> Self {
        Self { line, room }
    }
}

impl<W: fmt::Write> fmt::Write for JsonText<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let character = match character.is_control() {
                true => ' ',
                false => character,
            };
            let escape = matches!(character, '"' | '\\');
            let length = character.len_utf8() + usize::from(escape);
            let Some(room) = self.room.checked_sub(length) else {
                self.room = 0;
                return Ok(());
            };
            self.room = room;
            if escape {
                self.line.write_char('\\')?;
            }
            self.line.write_char(character)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn text_in_a_json_string_is_escaped_and_cut() {
        let mut line = String::new();
        let mut escaped = JsonText::new(&mut line, 7);
        escaped.write_str("a\"\\bcdé").expect("never fails");
        assert_eq!(line, "a\\\"\\\\bc");
    }
}
