//! The few lines of JSON writing that a report needs.
//!
//! Invariant: the output is one line of valid JSON (RFC 8259) whatever the strings hold.

use std::fmt::{Display, Write as _};

/// A JSON object under construction.
pub(crate) struct JsonObject {
    text: String,
}

impl JsonObject {
    pub(crate) fn new() -> Self {
        Self {
            text: String::from("{"),
        }
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_string(&mut self.text, key);
        self.text.push(':');
    }

    /// Adds a number or a truth value as it displays, or null.
    pub(crate) fn literal<T: Display>(&mut self, key: &str, value: Option<T>) -> &mut Self {
        self.key(key);
        // Writing to a `String` cannot fail.
        let _ = match value {
            Some(value) => write!(self.text, "{value}"),
            None => self.text.write_str("null"),
        };
        self
    }

    /// Adds a string, or null.
    pub(crate) fn string(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        self.key(key);
        match value {
            Some(value) => push_string(&mut self.text, value),
            None => self.text.push_str("null"),
        }
        self
    }

    /// Adds an array of strings.
    pub(crate) fn strings(&mut self, key: &str, values: &[String]) -> &mut Self {
        self.key(key);
        self.text.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push_string(&mut self.text, value);
        }
        self.text.push(']');
        self
    }

    /// The finished object.
    pub(crate) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if control.is_control() => {
                // Writing to a `String` cannot fail; controls are all below U+00A0.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind() {
        let mut object = JsonObject::new();
        object
            .literal("a", Some(-1.5))
            .literal("b", None::<u8>)
            .string("c", Some("x\"\\\n\u{7f}é"))
            .string("d", None)
            .strings("e", &[])
            .strings("f", &["1".to_owned(), "2".to_owned()])
            .literal("g", Some(true));
        assert_eq!(
            object.finish(),
            "{\"a\":-1.5,\"b\":null,\"c\":\"x\\\"\\\\\\u000a\\u007fé\",\"d\":null,\"e\":[],\
             \"f\":[\"1\",\"2\"],\"g\":true}"
        );
    }

    #[test]
    fn an_empty_object() {
        assert_eq!(JsonObject::new().finish(), "{}");
    }
}
