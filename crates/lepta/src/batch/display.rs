//! Lines and the progress bar.
//!
//! Invariant: the bar is drawn only on a terminal, and a line never stands inside of it.

use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::work::locked;
use crate::command_line::BatchArguments;
use crate::problem::{Problem, say};

const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left, {msg}";

/// What the user sees while work goes on.
#[derive(Debug)]
pub(crate) struct Display {
    bar: ProgressBar,
    /// Bytes of originals and of results, for the saving so far.
    sizes: Mutex<(u64, u64)>,
    quiet: bool,
    pub(crate) json: bool,
}

impl Display {
    /// With a bar, if `has_end` and somebody looks.
    pub(crate) fn new(arguments: &BatchArguments, has_end: bool) -> Self {
        let bar = match arguments.quiet || arguments.json || !has_end {
            true => ProgressBar::hidden(),
            false => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
        };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            sizes: Mutex::default(),
            quiet: arguments.quiet,
            json: arguments.json,
        }
    }

    /// Whether somebody sees the progress.
    pub(crate) fn is_live(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Says how many bytes of originals there are in all.
    pub(crate) fn set_total(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    /// Counts an original that is done, and the size of its result.
    pub(crate) fn advance(&self, original: u64, result: u64) {
        self.bar.inc(original);
        let mut sizes = locked(&self.sizes);
        sizes.0 += original;
        sizes.1 += result;
        if sizes.0 > 0 {
            let saving = 100.0 * (1.0 - sizes.1 as f64 / sizes.0 as f64);
            self.bar.set_message(format!("saving {saving:.1} %"));
        }
    }

    /// A line for people on standard error.
    pub(crate) fn line(&self, line: &str) {
        if !self.quiet && !self.json {
            self.bar.suspend(|| say(line));
        }
    }

    /// What went wrong.
    pub(crate) fn problem(&self, problem: &Problem) {
        self.bar.suspend(|| problem.tell());
    }

    /// An object for programs on standard output, if they were asked for.
    pub(crate) fn object(&self, object: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(object)
        {
            // If nobody listens, the exit status still tells.
            let _ = writeln!(io::stdout(), "{text}");
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
