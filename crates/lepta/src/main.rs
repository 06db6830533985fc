//! The `lepta` command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    lepta::run(std::env::args_os())
}
