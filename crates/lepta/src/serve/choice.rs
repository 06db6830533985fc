//! What a request asks for, in its query or its header fields.
//!
//! Invariant: every option is known and given once, or the request is refused; a mistyped option is
//! never taken for its default.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{HeaderName, Version};
use lepta_worker::job::{ByteRange, Level, Operation, RESTART_EVERY_MIN};

use super::refusal::Refusal;

/// How a result is to be made and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) level: Level,
    /// Hold the answer until its verdict.
    pub(crate) buffer: bool,
    /// Refuse a compression that gains nothing.
    pub(crate) must_save: bool,
    /// After how many bytes of the original decoding can start anew; 0: nowhere.
    pub(crate) restart_every: u64,
    /// The part of the original that is wanted; `None`: all of it.
    pub(crate) range: Option<ByteRange>,
}

/// The options: name in the query, and as a header field behind this prefix.
const FIELD_PREFIX: &str = "lepta-";
const LEVEL: &str = "level";
const BUFFER: &str = "buffer";
const MUST_SAVE: &str = "must-save";
const RESTART_EVERY: &str = "restart-every";
const RANGE: &str = "range";
const ALL: [&str; 5] = [LEVEL, BUFFER, MUST_SAVE, RESTART_EVERY, RANGE];
const OF_COMPRESSION: &[&str] = &[LEVEL, BUFFER, MUST_SAVE, RESTART_EVERY];
const OF_DECOMPRESSION: &[&str] = &[BUFFER, RANGE];

impl Choice {
    /// Reads the options of a request for an operation.
    pub(crate) fn of(operation: Operation, request: &Parts) -> Result<Self, Refusal> {
        let known = match operation {
            Operation::Decompress => OF_DECOMPRESSION,
            _ => OF_COMPRESSION,
        };
        let mut given = from_query(request.uri.query().unwrap_or(""), known)?;
        for name in ALL {
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
        let range = given.get(RANGE).copied().map(|text| {
            let range = ByteRange::parse(text);
            range.ok_or_else(|| Refusal::usage("range is not START..END, or empty"))
        });
        let restart_every = given.get(RESTART_EVERY).copied().map(|text| {
            let bytes = text.parse().ok();
            bytes
                .filter(|&bytes| bytes >= RESTART_EVERY_MIN)
                .ok_or_else(|| not_a_value(RESTART_EVERY))
        });
        Ok(Self {
            level,
            buffer,
            must_save,
            restart_every: restart_every.transpose()?.unwrap_or(0),
            range: range.transpose()?,
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

    const USUAL: Choice = Choice {
        level: Level::Default,
        buffer: false,
        must_save: false,
        restart_every: 0,
        range: None,
    };

    #[test]
    fn nothing_given_is_the_default() {
        assert_eq!(choice(Operation::Compress, "", &[]), Ok(USUAL));
        assert_eq!(choice(Operation::Decompress, "", &[]), Ok(USUAL));
    }

    #[test]
    fn options_come_from_the_query_or_from_fields() {
        let expected = Choice {
            level: Level::Fast,
            buffer: true,
            must_save: true,
            ..USUAL
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
    fn parts_and_places_to_start_anew_are_numbers_of_bytes() {
        let part = Choice {
            range: ByteRange::new(5, 17),
            ..USUAL
        };
        let in_field = choice(Operation::Decompress, "", &[("Lepta-Range", "5..17")]);
        assert_eq!(in_field, Ok(part));
        let in_query = choice(Operation::Decompress, "range=5..17", &[]);
        assert_eq!(in_query, Ok(part));
        let anew = Choice {
            restart_every: 65_536,
            ..USUAL
        };
        let every = choice(Operation::Compress, "restart-every=65536", &[]);
        assert_eq!(every, Ok(anew));
        for query in ["range", "range=5..5", "range=5-17", "range=-1..17"] {
            choice(Operation::Decompress, query, &[]).expect_err(query);
        }
        for query in [
            "restart-every=4095",
            "restart-every=",
            "restart-every=0x1000",
        ] {
            choice(Operation::Compress, query, &[]).expect_err(query);
        }
        choice(Operation::Compress, "range=5..17", &[]).expect_err("not of a compression");
        choice(Operation::Decompress, "restart-every=65536", &[]).expect_err("nor the other");
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
