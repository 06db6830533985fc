//! Failures of the program itself: each ends the whole process with one line and its own status.

use std::hint::black_box;

use lepta_sandbox::arena::{Arena, set_limit};
use lepta_sandbox::{Jail, install_panic_hook, status};
use libtest_mimic::{Failed, Trial};

use crate::world::{Place, World, in_this_jail};
use crate::{child, expect_exit};

/// Limit of each arena, in bytes.
const ARENA_LIMIT: usize = 4_000_000;

struct End {
    name: &'static str,
    status: u8,
    /// What the line must contain.
    says: &'static str,
    act: fn(World),
}

const ENDS: &[End] = &[
    End {
        name: "panic",
        status: status::INTERNAL,
        says: "internal error: on purpose (",
        act: |_| panic!("on purpose"),
    },
    End {
        name: "formatted_panic",
        status: status::INTERNAL,
        says: "internal error: 7 on purpose (",
        act: |_| panic!("{}\non purpose", black_box(7)),
    },
    End {
        name: "failed_expectation",
        status: status::INTERNAL,
        says: "ends.rs:",
        act: |_| {
            let nothing: Option<u8> = black_box(None);
            nothing.expect("something");
        },
    },
    End {
        name: "overflow",
        status: status::INTERNAL,
        says: "attempt to add with overflow",
        act: |_| {
            black_box(black_box(u8::MAX) + black_box(1));
        },
    },
    End {
        name: "index_out_of_bounds",
        status: status::INTERNAL,
        says: "index out of bounds: the len is 3 but the index is 3",
        act: |_| {
            black_box([1, 2, 3][black_box(3)]);
        },
    },
    End {
        name: "slice_out_of_bounds",
        status: status::INTERNAL,
        says: "range end index 8 out of range for slice of length 3",
        act: |_| {
            black_box(&[1, 2, 3][..black_box(8)]);
        },
    },
    End {
        name: "memory_in_small_blocks",
        status: status::MEMORY,
        says: "out of memory: ",
        act: |_| {
            let mut blocks = Vec::new();
            loop {
                blocks.push(black_box(vec![1_u8; 1000]));
            }
        },
    },
    End {
        name: "memory_in_one_block",
        status: status::MEMORY,
        says: "out of memory: 5000000 bytes more are needed",
        act: |_| drop(black_box(vec![1_u8; 5_000_000])),
    },
    End {
        name: "memory_by_growing",
        status: status::MEMORY,
        says: "out of memory: ",
        act: |_| {
            let mut bytes = Vec::new();
            loop {
                bytes.push(black_box(1_u8));
            }
        },
    },
    End {
        name: "absurd_size",
        status: status::MEMORY,
        says: "out of memory: ",
        act: |_| {
            let block = Vec::<u8>::with_capacity(black_box(usize::MAX / 4));
            black_box(block);
        },
    },
    End {
        name: "stack_overflow",
        status: status::INTERNAL,
        says: "memory fault or stack overflow",
        act: |_| {
            black_box(recurse(0));
        },
    },
    End {
        name: "write_to_a_sealed_buffer",
        status: status::INTERNAL,
        says: "memory fault",
        act: |mut world| {
            let buffer = &mut world.buffers[0];
            let first = buffer.writable().as_mut_ptr();
            buffer.seal();
            // SAFETY: it is not sound: what happens when a stray write hits is what is tested. The
            // kernel ends the process.
            unsafe { first.write_volatile(1) };
        },
    },
    End {
        name: "time",
        status: status::TIME,
        says: "the limit of processor time is used up",
        act: |_| {
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        },
    },
];

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let ballast = black_box([depth; 100]);
    recurse(black_box(depth + 1)) + ballast[0]
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for end in ENDS {
        for place in Place::NAMES {
            let name = format!("ends::{}_in_{place}", end.name);
            trials.push(Trial::test(name, move || ended(end, place)));
        }
    }
    trials
}

fn ended(end: &End, place: &str) -> Result<(), Failed> {
    let output = expect_exit(&mut child(&["end", end.name, place]), end.status.into())?;
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    if line.starts_with("lepta: ")
        && line.contains(end.says)
        && line.lines().count() == 1
        && line.ends_with('\n')
        && output.stdout.is_empty()
    {
        Ok(())
    } else {
        Err(format!("the line is {line:?}").into())
    }
}

pub(crate) fn play(end: &str, place: &str) -> ! {
    let end = ENDS
        .iter()
        .find(|other| other.name == end)
        .expect("an end of the list");
    install_panic_hook();
    set_limit(Arena::Main, ARENA_LIMIT);
    set_limit(Arena::Second, ARENA_LIMIT);
    let mut jail = Jail::new();
    if end.status == status::TIME {
        jail.time_limit(1);
    }
    in_this_jail(jail, Place::from_name(place), end.act)
}
