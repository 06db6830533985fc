//! The jail of Lepta's worker, and everything in it that needs `unsafe`.
//!
//! Invariant: once [`Jail::enter`] has returned `Ok`, every thread of the process can only read the
//! descriptors that were granted, write to standard output, standard error and the granted pipes,
//! change the protection of the result buffers (never to executable) and exit. Anything else makes
//! the kernel end the whole process. All that the process needs afterwards exists before: memory
//! ([`arena`]), buffers ([`SealedBuffer`]), threads ([`Jail::spawn`]) and pipes ([`Jail::channel`]).
//!
//! A worker's order of work:
//!
//! ```no_run
//! use lepta_sandbox::{ArenaAllocator, Jail, arena, install_panic_hook, leave};
//!
//! #[global_allocator]
//! static ALLOCATOR: ArenaAllocator = ArenaAllocator::new();
//!
//! fn main() {
//!     install_panic_hook();
//!     arena::set_limit(arena::Arena::Main, 20_000_000);
//!     let mut jail = Jail::new();
//!     let run = || -> Result<_, lepta_sandbox::JailError> {
//!         let buffer = jail.result_buffer(1 << 18)?;
//!         let peak_memory = jail.peak_memory()?;
//!         let (to_verifier, mut from_main) = jail.channel::<u32>(2)?;
//!         jail.spawn(move || loop {
//!             let _number = from_main.receive();
//!         })?;
//!         jail.enter()?;
//!         Ok((buffer, peak_memory, to_verifier))
//!     };
//!     match run() {
//!         Ok((mut buffer, peak_memory, _)) => {
//!             let length = lepta_sandbox::read_input(buffer.writable()).unwrap_or(0);
//!             buffer.seal();
//!             lepta_sandbox::write_output(&buffer[..length]).ok();
//!             peak_memory.read();
//!             leave(0)
//!         }
//!         Err(_) => leave(62),
//!     }
//! }
//! ```
//!
//! What jailed code must not do, since the C library or `std` would make a forbidden call: print
//! through `std::io`, `std::io::copy`, the first `HashMap` with the default hasher, wait for a
//! contended lock, ask the clock, start a thread, use a `thread_local!` with a destructor, drop
//! anything that closes a descriptor or unmaps memory, return from `main`.

pub mod arena;
mod channel;
mod descriptors;
mod filter;
mod hardening;
mod jail;
mod json_text;
mod last_words;
pub mod policy;
mod process_status;
mod program_pages;
mod sealed_buffer;
mod signals;
pub mod status;

pub use arena::ArenaAllocator;
pub use channel::{Full, Receiver, Sender};
pub use descriptors::{
    Input, StandardOutput, inherited_descriptor, read_input, standard_descriptor_was_closed,
    write_error_line, write_output,
};
pub use jail::{Jail, JailError};
pub use json_text::JsonText;
pub use last_words::{LastWords, Line, LineWriter, install_panic_hook, leave, set_last_words};
pub use process_status::PeakMemory;
pub use sealed_buffer::SealedBuffer;
