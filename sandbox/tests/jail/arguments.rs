//! Allowed system calls with right and with wrong arguments.

use lepta_sandbox::{Jail, leave};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;

use crate::fork::{Outcome, attempt};
use crate::world::{Place, SURVIVED, World, in_jail};
use crate::{child, expect_exit};

/// One page.
const PAGE: u64 = 4096;
/// What the kernel ignores of a descriptor's argument, and takes of an address or length.
const HIGH: u64 = 1 << 32;

const READ: u64 = libc::PROT_READ as u64;
const WRITE: u64 = libc::PROT_WRITE as u64;
const EXECUTE: u64 = libc::PROT_EXEC as u64;

pub(crate) fn trials() -> Vec<Trial> {
    let by_place = Place::NAMES.map(|place| {
        let name = format!("arguments::only_the_right_ones_survive_in_{place}");
        Trial::test(name, move || tried(place))
    });
    by_place.into_iter().collect()
}

fn tried(place: &str) -> Result<(), Failed> {
    expect_exit(&mut child(&["arguments", place]), 0).map(drop)
}

type Arguments = fn(&World) -> [u64; 3];

fn address(world: &World, buffer: usize) -> u64 {
    world.buffers[buffer].as_ptr().addr() as u64
}

fn length(world: &World, buffer: usize) -> u64 {
    world.buffers[buffer].len() as u64
}

/// A descriptor as an argument, with nothing to read or write.
fn descriptor(world: &World, number: i32) -> [u64; 3] {
    [u64::from(number.cast_unsigned()), address(world, 0), 0]
}

/// Calls that must survive.
const RIGHT: &[(&str, i64, Arguments)] = &[
    ("read 0", libc::SYS_read, |w| descriptor(w, 0)),
    ("read the reference", libc::SYS_read, |w| {
        descriptor(w, w.reference_number)
    }),
    ("read the status", libc::SYS_read, |w| {
        descriptor(w, w.status_number)
    }),
    ("read the pipe", libc::SYS_read, |w| {
        descriptor(w, w.pipe[0])
    }),
    ("write 1", libc::SYS_write, |w| descriptor(w, 1)),
    ("write 2", libc::SYS_write, |w| descriptor(w, 2)),
    ("write the pipe", libc::SYS_write, |w| {
        descriptor(w, w.pipe[1])
    }),
    ("seal", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), READ]
    }),
    ("seal the other", libc::SYS_mprotect, |w| {
        [address(w, 1), length(w, 1), READ]
    }),
    ("unseal", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), READ | WRITE]
    }),
];

/// Calls that must end the process.
const WRONG: &[(&str, i64, Arguments)] = &[
    ("read 1", libc::SYS_read, |w| descriptor(w, 1)),
    ("read 2", libc::SYS_read, |w| descriptor(w, 2)),
    ("read a writing end", libc::SYS_read, |w| {
        descriptor(w, w.pipe[1])
    }),
    ("read what is not open", libc::SYS_read, |w| {
        descriptor(w, 999)
    }),
    ("read -1", libc::SYS_read, |w| descriptor(w, -1)),
    ("write 0", libc::SYS_write, |w| descriptor(w, 0)),
    ("write the reference", libc::SYS_write, |w| {
        descriptor(w, w.reference_number)
    }),
    ("write the status", libc::SYS_write, |w| {
        descriptor(w, w.status_number)
    }),
    ("write a reading end", libc::SYS_write, |w| {
        descriptor(w, w.pipe[0])
    }),
    ("write what is not open", libc::SYS_write, |w| {
        descriptor(w, 999)
    }),
    ("write -1", libc::SYS_write, |w| descriptor(w, -1)),
    ("execute", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), EXECUTE]
    }),
    ("read and execute", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), READ | EXECUTE]
    }),
    ("all", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), READ | WRITE | EXECUTE]
    }),
    ("no protection", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), 0]
    }),
    ("write only", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), WRITE]
    }),
    ("protection's high half", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0), READ | HIGH]
    }),
    ("grows down", libc::SYS_mprotect, |w| {
        [
            address(w, 0),
            length(w, 0),
            READ | libc::PROT_GROWSDOWN as u64,
        ]
    }),
    ("a page on", libc::SYS_mprotect, |w| {
        [address(w, 0) + PAGE, length(w, 0), READ]
    }),
    ("a page before", libc::SYS_mprotect, |w| {
        [address(w, 0) - PAGE, length(w, 0), READ]
    }),
    ("far away", libc::SYS_mprotect, |w| {
        [address(w, 0) ^ HIGH, length(w, 0), READ]
    }),
    ("a page less", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0) - PAGE, READ]
    }),
    ("a byte more", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0) + 1, READ]
    }),
    ("a lot more", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 0) | HIGH, READ]
    }),
    ("nothing", libc::SYS_mprotect, |w| [address(w, 0), 0, READ]),
    ("another's length", libc::SYS_mprotect, |w| {
        [address(w, 0), length(w, 1), READ]
    }),
    ("another's address", libc::SYS_mprotect, |w| {
        [address(w, 1), length(w, 0), READ | WRITE]
    }),
    ("the program's code", libc::SYS_mprotect, |w| {
        let code = crate::main as fn() as usize as u64;
        [code & !(PAGE - 1), length(w, 0), READ | WRITE]
    }),
    ("the arena", libc::SYS_mprotect, |w| {
        let block = Box::new([0_u8; 64]);
        [
            block.as_ptr().addr() as u64 & !(PAGE - 1),
            length(w, 0),
            READ | WRITE,
        ]
    }),
];

/// Tries them all; exits 0 if each outcome is the right one.
pub(crate) fn play(place: &str) -> ! {
    let place = Place::from_name(place);
    let mut wrong = 0;
    let mut check = |name: &str, outcome: Outcome, expected: Outcome| {
        if outcome != expected {
            println!("{name}: {outcome} instead of {expected}");
            wrong += 1;
        }
    };
    let survived = Outcome::Exited(SURVIVED.into());
    let killed = Outcome::Killed(Signal::SIGSYS);
    for (expected, calls) in [(survived, RIGHT), (killed, WRONG)] {
        for &(name, number, arguments) in calls {
            check(name, try_call(place, number, arguments), expected);
        }
    }
    check("mprotect without buffers", without_buffers(), killed);
    std::process::exit(i32::from(wrong > 0))
}

fn try_call(place: Place, number: i64, arguments: Arguments) -> Outcome {
    attempt(|| {
        in_jail(place, move |world| {
            // What may be read has something or is at its end: nothing blocks.
            call(number, arguments(&world));
            leave(SURVIVED);
        })
    })
}

/// A process without result buffers may not change any protection: not granting must not mean
/// allowing.
fn without_buffers() -> Outcome {
    attempt(|| {
        Jail::new().enter().expect("a jail");
        call(libc::SYS_mprotect, [0, 0, READ]);
        leave(SURVIVED);
    })
}

fn call(number: i64, [first, second, third]: [u64; 3]) {
    // SAFETY: what survives reads or writes no bytes, or changes the protection of a result buffer
    // that nobody uses any more. All else ends the process.
    unsafe { libc::syscall(number, first, second, third) };
}
