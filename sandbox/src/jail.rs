//! The jail: what a process is granted, and the way in.
//!
//! Invariant: grants are made before, by the functions that create what is granted, so that nothing
//! can be forgotten; there is no way to add one afterwards, and no way out. Threads that were started
//! here run nothing of the program until the jail is in force.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::prctl;

use crate::arena::{self, Arena};
use crate::channel::{self, PipeReader, PipeWriter, Receiver, Sender};
use crate::descriptors::{Input, LastingDescriptor, STDERR, STDIN, STDOUT};
use crate::filter::{self, Grants};
use crate::hardening;
use crate::last_words::leave_with_words;
use crate::policy::DescriptorUse;
use crate::process_status::{PeakMemory, ProcessStatus, StatusFile};
use crate::program_pages;
use crate::sealed_buffer::SealedBuffer;
use crate::signals;
use crate::status;

/// Stack of a thread, in bytes; faulted in as it is used.
const STACK_LENGTH: usize = 2 << 20;

/// Why a process is not jailed. It must not read its input then.
#[derive(Debug)]
#[non_exhaustive]
pub enum JailError {
    /// Something that the process needs in the jail could not be made.
    Setup {
        /// What was to be made or done.
        step: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A thread that [`Jail::spawn`] did not start could act while the jail is built.
    ForeignThreads {
        /// How many threads the process has, this one included.
        threads: u64,
        /// How many it may have.
        expected: u64,
    },
    /// The filter could not be made or was refused.
    Filter(seccompiler::Error),
    /// All steps were taken, but the kernel does not confirm them.
    NotInForce {
        /// `NoNewPrivs` of the main thread; 1 was expected.
        no_new_privileges: Option<u64>,
        /// `Seccomp` of the main thread; 2 was expected.
        seccomp: Option<u64>,
        /// How many filters the main thread has gained; at least 1 was expected, unless the kernel
        /// does not tell.
        filters: Option<u64>,
    },
}

impl fmt::Display for JailError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup { step, error } => write!(formatter, "cannot {step}: {error}"),
            Self::ForeignThreads { threads, expected } => {
                write!(formatter, "{threads} threads run instead of {expected}")
            }
            Self::Filter(error) => write!(formatter, "cannot filter system calls: {error}"),
            Self::NotInForce {
                no_new_privileges,
                seccomp,
                filters,
            } => write!(
                formatter,
                "the filter is not in force (NoNewPrivs {no_new_privileges:?}, \
                 Seccomp {seccomp:?}, new filters {filters:?})"
            ),
        }
    }
}

impl std::error::Error for JailError {}

/// A failed step as an error, for `map_err`.
fn failed<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> JailError {
    move |error| JailError::Setup {
        step,
        error: error.into(),
    }
}

/// A jail that is being built. Standard input, output and error are granted from the start.
#[derive(Debug)]
pub struct Jail {
    grants: Grants,
    /// One for each thread: waking it lets the thread run.
    gates: Vec<PipeWriter>,
    time_limit: Option<u64>,
}

impl Default for Jail {
    fn default() -> Self {
        Self::new()
    }
}

impl Jail {
    /// A jail with no grants but the three standard descriptors.
    pub fn new() -> Self {
        let mut grants = Grants::default();
        grants.descriptor(DescriptorUse::Input, STDIN);
        grants.descriptor(DescriptorUse::Output, STDOUT);
        grants.descriptor(DescriptorUse::Output, STDERR);
        Self {
            grants,
            gates: Vec::new(),
            time_limit: None,
        }
    }

    /// Grants reading `descriptor`, such as that of a reference image.
    pub fn input(&mut self, descriptor: OwnedFd) -> Input {
        let descriptor = LastingDescriptor::new(descriptor);
        self.grants
            .descriptor(DescriptorUse::Input, descriptor.number());
        Input::granted(descriptor)
    }

    /// Maps a result buffer of `length` bytes, at least 1, and grants sealing and unsealing it.
    ///
    /// # Errors
    ///
    /// [`JailError::Setup`], for a length of 0 too.
    pub fn result_buffer(&mut self, length: usize) -> Result<SealedBuffer, JailError> {
        let buffer = SealedBuffer::new(length).map_err(failed("map a result buffer"))?;
        self.grants.result_buffer(buffer.range());
        Ok(buffer)
    }

    /// Grants waking threads that wait, for code of others that does so although there are none. Nothing is
    /// granted by which a thread could wait.
    pub fn waking(&mut self) {
        self.grants.waking();
    }

    /// A channel from one thread to another, for at most `capacity` values on their way, at least 1.
    ///
    /// # Errors
    ///
    /// [`JailError::Setup`].
    pub fn channel<T: Send>(
        &mut self,
        capacity: usize,
    ) -> Result<(Sender<T>, Receiver<T>), JailError> {
        let (sender, receiver) = channel::channel(capacity).map_err(failed("make a pipe"))?;
        self.grant_pipe(&receiver.pipe, &sender.pipe);
        Ok((sender, receiver))
    }

    /// Opens what tells the peak of memory at the end. One can be read once.
    ///
    /// # Errors
    ///
    /// [`JailError::Setup`].
    pub fn peak_memory(&mut self) -> Result<PeakMemory, JailError> {
        self.status_file().map(PeakMemory::new)
    }

    /// Limits the processor time of the whole process to `seconds` (at least 1), what it has used
    /// before included. Then it leaves with [`status::TIME`].
    pub fn time_limit(&mut self, seconds: u64) {
        self.time_limit = Some(seconds.max(1));
    }

    /// Starts a thread with [`Arena::Second`] for its memory. It runs `work` once the jail is in
    /// force, or [`Jail::stay_outside`] was called. `work` must end the process or go on for ever;
    /// if it returns, the process leaves with [`status::INTERNAL`].
    ///
    /// # Errors
    ///
    /// [`JailError::Setup`].
    pub fn spawn<W>(&mut self, work: W) -> Result<(), JailError>
    where
        W: FnOnce() + Send + 'static,
    {
        let (gate, opener) = self.pipe()?;
        let (ready, started) = self.pipe()?;
        let run = move || {
            arena::use_in_this_thread(Arena::Second);
            if started.wake().is_ok() && gate.wait().is_ok() {
                work();
            }
            leave_with_words(
                status::INTERNAL,
                format_args!("internal error: a thread has ended"),
            );
        };
        std::thread::Builder::new()
            .stack_size(STACK_LENGTH)
            .spawn(run)
            .map_err(failed("start a thread"))?;
        // Its start frees memory of this thread's arena; from here on it does not.
        ready.wait().map_err(failed("wait for a thread"))?;
        self.gates.push(opener);
        Ok(())
    }

    /// Goes in. When this returns `Ok`, the jail is in force for all threads, the kernel has
    /// confirmed it, all descriptors that were not granted are closed, and the environment is empty.
    ///
    /// # Errors
    ///
    /// Any [`JailError`]. The process has lost some of its rights by then; all it should do is say so
    /// and leave.
    pub fn enter(mut self) -> Result<(), JailError> {
        self.take_over_process()?;
        let before = self.refuse_foreign_threads()?;
        let confirmation = self.status_file()?;
        let program = filter::program(&self.grants)
            .map_err(|error| JailError::Filter(seccompiler::Error::Backend(error)))?;
        // SAFETY: this is the only thread that runs code of the program: there are no foreign ones,
        // and those started here wait at their gates.
        if !unsafe { hardening::clear_environment() } {
            return Err(failed("clear the environment")(Errno::ENOMEM));
        }
        let keep: Vec<_> = self.grants.descriptor_numbers().collect();
        hardening::close_other_descriptors(&keep).map_err(failed("close descriptors"))?;
        hardening::set_limits().map_err(failed("set limits"))?;
        prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
        prctl::set_no_new_privs().map_err(failed("give up new privileges"))?;
        program_pages::keep_little_resident();
        seccompiler::apply_filter_all_threads(&program).map_err(JailError::Filter)?;
        confirm(confirmation, &before)?;
        self.open_gates()
    }

    /// Gives the process what it needs without jailing it: the time limit, the handling of signals,
    /// its threads. For `--no-sandbox`.
    ///
    /// # Errors
    ///
    /// [`JailError::Setup`].
    pub fn stay_outside(self) -> Result<(), JailError> {
        self.take_over_process()?;
        self.open_gates()
    }

    fn take_over_process(&self) -> Result<(), JailError> {
        // One touched byte of a thread's stack should not cost a huge page of 2 MiB. Where the
        // kernel does not know the request, or forbids it, that is the price, and no more.
        let _ = prctl::set_thp_disable(true);
        signals::install().map_err(failed("handle signals"))?;
        if let Some(seconds) = self.time_limit {
            hardening::limit_processor_time(seconds).map_err(failed("limit processor time"))?;
        }
        Ok(())
    }

    /// Returns the numbers of the process outside.
    fn refuse_foreign_threads(&self) -> Result<ProcessStatus, JailError> {
        let status = StatusFile::open()
            .and_then(StatusFile::read)
            .map_err(failed("read /proc/self/status"))?;
        let expected = 1 + self.gates.len() as u64;
        match status.threads {
            Some(threads) if threads == expected => Ok(status),
            threads => Err(JailError::ForeignThreads {
                threads: threads.unwrap_or(0),
                expected,
            }),
        }
    }

    fn open_gates(&self) -> Result<(), JailError> {
        for gate in &self.gates {
            gate.wake().map_err(failed("let a thread run"))?;
        }
        Ok(())
    }

    fn status_file(&mut self) -> Result<StatusFile, JailError> {
        let file = StatusFile::open().map_err(failed("open /proc/self/status"))?;
        self.grants
            .descriptor(DescriptorUse::Status, file.descriptor().number());
        Ok(file)
    }

    fn pipe(&mut self) -> Result<(PipeReader, PipeWriter), JailError> {
        let (reader, writer) = channel::pipe().map_err(failed("make a pipe"))?;
        self.grant_pipe(&reader, &writer);
        Ok((reader, writer))
    }

    fn grant_pipe(&mut self, reader: &PipeReader, writer: &PipeWriter) {
        self.grants
            .descriptor(DescriptorUse::PipeReading, reader.0.number());
        self.grants
            .descriptor(DescriptorUse::PipeWriting, writer.0.number());
    }
}

/// Asks the kernel whether the jail is in force: by a read, the first under the filter. An outer
/// filter may have made the kernel say so before, and may have kept it from installing this one: so
/// the filters are counted.
fn confirm(file: StatusFile, before: &ProcessStatus) -> Result<(), JailError> {
    let after = file
        .read()
        .map_err(failed("read /proc/self/status in the jail"))?;
    let filters = after
        .filters
        .zip(before.filters)
        .map(|(after, before)| after.saturating_sub(before));
    match (after.no_new_privileges, after.seccomp, filters) {
        (Some(1), Some(2), None | Some(1..)) => Ok(()),
        (no_new_privileges, seccomp, filters) => Err(JailError::NotInForce {
            no_new_privileges,
            seccomp,
            filters,
        }),
    }
}
