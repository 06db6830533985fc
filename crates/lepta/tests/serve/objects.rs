//! What is sent: a photo, noise, text, and damage to what they become.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use super::server::worker;
use super::support::noise_from;

/// The photo in the tree: a baseline JPEG of less than one segment.
pub(crate) fn photo() -> &'static [u8] {
    include_bytes!("../../../../tests/data/sample.jpg")
}

/// Bytes that nothing compresses; another seed gives others.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    noise_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, length)
}

/// Text of some length, quick to compress; another seed gives another.
pub(crate) fn text(seed: u64, length: usize) -> Vec<u8> {
    let lines = (0..).map(|line: u64| format!("{seed} {line}: {} apples\n", line * seed % 997));
    lines.flat_map(String::into_bytes).take(length).collect()
}

/// What the worker makes of an object when it is asked without a service.
pub(crate) fn compressed(object: &[u8], level: &str) -> Vec<u8> {
    alone(&["compress", "--level", level], object)
}

/// What a worker makes of an object that is started for it.
pub(crate) fn alone(arguments: &[&str], object: &[u8]) -> Vec<u8> {
    let mut child = Command::new(worker())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the worker starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(object).expect("the worker reads"));
        let output = child.wait_with_output().expect("a child");
        assert!(output.status.success());
        output.stdout
    })
}

/// A container of several segments of noise, whose last payload has a flipped bit.
pub(crate) fn damaged_at_its_end() -> &'static [u8] {
    static DAMAGED: OnceLock<Vec<u8>> = OnceLock::new();
    DAMAGED.get_or_init(|| {
        let mut container = compressed(&noise(1, 1_500_000), "fast");
        let place = container.len() - 10_000;
        container[place] ^= 4;
        container
    })
}
