//! PNG (W3C Portable Network Graphics, third edition).
//!
//! Invariant of all that lies below: what is decoded are the very bytes that were encoded, whatever
//! the image holds.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the stream does not code PNG yet")
)]
mod pixels;
