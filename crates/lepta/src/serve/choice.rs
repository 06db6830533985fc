//! What a request asks for, in its query or its header fields.
//!
//! Invariant: every option is known and given once, or the request is refused; a mistyped option is
//! never taken for its default.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{HeaderName, Version};
use lepta_worker::job::{Level, Operation};

use super::refusal::Refusal;

/// How a result is to be made and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) level: Level,
    /// Hold the answer until its verdict.
    pub(crate) buffer: bool,
    /// Refuse a compression that gains nothing.
    pub(crate) must_save: bool,
}

/// The options: name in the query, and as a header field behind this prefix.
const FIELD_PREFIX: &str = "lepta-";
const LEVEL: &str = "level";
const BUFFER: &str = "buffer";
const MUST_SAVE: &str = "must-save";
const OF_COMPRESSION: [&str; 3] = [LEVEL, BUFFER, MUST_SAVE];
const OF_DECOMPRESSION: [&str; 1] = [BUFFER];

impl Choice {
    /// Reads the options of a request for an operation.
    pub(crate) fn of(operation: Operation, request: &Parts) -> Result<Self, Refusal> {
        let known: &[&str] = match operation {
            Operation::Decompress => &OF_DECOMPRESSION,
            _ => &OF_COMPRESSION,
        };
        let mut given = from_query(request.uri.query().unwrap_or(""), known)?;
        for name in OF_COMPRESSION {
            let field = HeaderName::try_from(format!("{FIELD_PREFIX}{name}"));
            let values = field
                .iter()
                .flat_map(|field| request.headers.get_all(field));
            for value in values {
                let text = value.to_str().map_err(|_| not_a_value(name))?;
                insert(&mut given, known, name, text)?;
            }
        }
        let flag = |name: &str| match given.get(name).copied() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(not_a_value(name)),
        };
        let level = match given.get(LEVEL).copied() {
            None | Some("default") => Level::Default,
            Some("fast") => Level::Fast,
            Some("max") => Level::Max,
            Some(_) => return Err(not_a_value(LEVEL)),
        };
        // A client of HTTP/1.0 could not tell an answer that was cut off from a whole one.
        let buffer = flag(BUFFER)? || request.version <= Version::HTTP_10;
        let must_save = flag(MUST_SAVE)?;
        if must_save && !buffer {
            return Err(Refusal::usage("must-save=1 needs buffer=1"));
        }
        Ok(Self {
            level,
            buffer,
            must_save,
        })
    }
}

fn not_a_value(name: &str) -> Refusal {
    Refusal::usage(format!(
        "the value of {name} is not one of those it can have"
    ))
}

fn from_query<'a>(
    query: &'a str,
    known: &[&'static str],
) -> Result<BTreeMap<&'static str, &'a str>, Refusal> {
    let mut given = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "1"));
        insert(&mut given, known, name, value)?;
    }
    Ok(given)
}

fn insert<'a>(
    given: &mut BTreeMap<&'static str, &'a str>,
    known: &[&'static str],
    name: &str,
    value: &'a str,
) -> Result<(), Refusal> {
    let known_name = known.iter().find(|known| **known == name);
    let Some(&name) = known_name else {
        let names = known.join(", ");
        return Err(Refusal::usage(format!(
            "an option is none of those for this operation: {names}"
        )));
    };
    match given.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(Refusal::usage(format!("{name} is given twice"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn choice(
        operation: Operation,
        query: &str,
        fields: &[(&str, &str)],
    ) -> Result<Choice, Refusal> {
        let mut request = Request::post(format!("/v1/x?{query}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        Choice::of(operation, &parts)
    }

    #[test]
    fn nothing_given_is_the_default() {
        let expected = Choice {
            level: Level::Default,
            buffer: false,
            must_save: false,
        };
        assert_eq!(choice(Operation::Compress, "", &[]), Ok(expected));
    }

    #[test]
    fn options_come_from_the_query_or_from_fields() {
        let expected = Choice {
            level: Level::Fast,
            buffer: true,
            must_save: true,
        };
        let query = "level=fast&buffer&must-save=1";
        assert_eq!(choice(Operation::Compress, query, &[]), Ok(expected));
        let fields = [("Lepta-Level", "fast"), ("lepta-must-save", "true")];
        assert_eq!(
            choice(Operation::Compress, "buffer=1", &fields),
            Ok(expected)
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for query in [
            "level=best",
            "buffer=2",
            "levle=fast",
            "level=fast&level=fast",
            "must-save=1",
            "buffer=",
        ] {
            choice(Operation::Compress, query, &[]).expect_err(query);
        }
        choice(
            Operation::Compress,
            "level=fast",
            &[("lepta-level", "fast")],
        )
        .expect_err("twice");
        choice(Operation::Decompress, "level=fast", &[]).expect_err("no level there");
        choice(Operation::Decompress, "", &[("lepta-level", "fast")]).expect_err("nor there");
    }
}
