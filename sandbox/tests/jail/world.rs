//! A jail with one of everything that can be granted, and a place in it to try something.

use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use lepta_sandbox::{Input, Jail, PeakMemory, Receiver, SealedBuffer, Sender, leave};

/// Status of a child whose attempt did not end it.
pub(crate) const SURVIVED: u8 = 88;
/// Status of a child that was not jailed.
pub(crate) const NO_SANDBOX: u8 = 62;

/// Which thread makes the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Main,
    Thread,
}

impl Place {
    pub(crate) const NAMES: [&str; 2] = ["main", "thread"];

    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "main" => Self::Main,
            "thread" => Self::Thread,
            _ => panic!("no such place: {name}"),
        }
    }
}

/// What a process was granted, by address and by number, as an attacker would use it.
pub(crate) struct World {
    pub(crate) buffers: [SealedBuffer; 2],
    pub(crate) reference: Input,
    pub(crate) reference_number: RawFd,
    pub(crate) status_number: RawFd,
    /// The reading and the writing end of a pipe that nobody uses.
    pub(crate) pipe: [RawFd; 2],
    pub(crate) peak_memory: PeakMemory,
    _ends: (Sender<u8>, Receiver<u8>),
}

impl World {
    fn new(jail: &mut Jail) -> Self {
        let reference = File::open("/dev/zero").expect("/dev/zero");
        let reference_number = reference.as_raw_fd();
        let reference = jail.input(reference.into());
        let first = descriptors();
        let peak_memory = jail.peak_memory().expect("/proc");
        let second = descriptors();
        let ends = jail.channel(1).expect("a pipe");
        let third = descriptors();
        let pipe = fresh(&third, &second);
        Self {
            buffers: [16_384, 40_960].map(|length| jail.result_buffer(length).expect("memory")),
            reference,
            reference_number,
            status_number: fresh(&second, &first)[0],
            pipe: [pipe[0], pipe[1]],
            peak_memory,
            _ends: ends,
        }
    }
}

/// The numbers of all open descriptors, ascending.
pub(crate) fn descriptors() -> Vec<RawFd> {
    let list = std::fs::read_dir("/proc/self/fd").expect("/proc");
    let numbers: Vec<RawFd> = list
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let mut open: Vec<RawFd> = numbers
        .into_iter()
        // The list's own descriptor is closed again.
        .filter(|&number| nix::fcntl::fcntl(borrow(number), nix::fcntl::F_GETFD).is_ok())
        .collect();
    open.sort_unstable();
    open
}

fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: it is only asked for its flags; that it may be closed is what is to be found out.
    unsafe { BorrowedFd::borrow_raw(number) }
}

fn fresh(after: &[RawFd], before: &[RawFd]) -> Vec<RawFd> {
    let is_new = |number: &&RawFd| !before.contains(number);
    after.iter().filter(is_new).copied().collect()
}

/// Goes into a jail and does `work` there, in the thread that `place` says, while the other one
/// waits for ever. If `work` comes back, the process leaves with [`SURVIVED`].
pub(crate) fn in_jail(place: Place, work: impl FnOnce(World) + Send + 'static) -> ! {
    in_this_jail(Jail::new(), place, work)
}

/// The same in a jail that has begun to be built.
pub(crate) fn in_this_jail(
    mut jail: Jail,
    place: Place,
    work: impl FnOnce(World) + Send + 'static,
) -> ! {
    let world = World::new(&mut jail);
    let (never, mut wait) = jail.channel::<u8>(1).expect("a pipe");
    match place {
        Place::Main => {
            jail.spawn(move || {
                wait.receive();
            })
            .expect("a thread");
            enter(jail);
            work(world);
        }
        Place::Thread => {
            jail.spawn(move || {
                work(world);
                leave(SURVIVED);
            })
            .expect("a thread");
            enter(jail);
            wait.receive();
        }
    }
    drop(never);
    leave(SURVIVED)
}

fn enter(jail: Jail) {
    if let Err(error) = jail.enter() {
        lepta_sandbox::write_error_line(format!("{error}\n").as_bytes());
        leave(NO_SANDBOX);
    }
}
