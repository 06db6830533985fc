//! PNG (W3C Portable Network Graphics, third edition).
//!
//! Invariant of all that lies below: what is decoded are the very bytes that were encoded, whatever
//! the image holds.

mod deflate;
mod pixels;
