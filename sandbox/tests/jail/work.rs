//! What a worker does, done in the jail: it works, and it is all that it needs.

use std::io::Read;

use lepta_sandbox::arena::{Arena, peak_bytes, used_bytes};
use lepta_sandbox::{Jail, SealedBuffer, leave, read_input, write_output};
use libtest_mimic::{Failed, Trial};

use crate::world::{Place, in_jail};
use crate::{child, expect_exit};

/// Segments that go through the hand-over.
const ROUNDS: u32 = 2000;
/// Bytes of each.
const LENGTH: usize = 10_000;

pub(crate) fn trials() -> Vec<Trial> {
    let cases = [
        "hands_sealed_buffers_over",
        "allocates_from_both_arenas",
        "reads_a_reference",
        "knows_its_peak_memory",
    ];
    cases
        .map(|case| Trial::test(format!("work::{case}"), move || works(case)))
        .into_iter()
        .collect()
}

fn works(case: &str) -> Result<(), Failed> {
    expect_exit(&mut child(&["work", case]), 0).map(drop)
}

pub(crate) fn play(case: &str) -> ! {
    lepta_sandbox::install_panic_hook();
    match case {
        "hands_sealed_buffers_over" => hand_over(),
        "allocates_from_both_arenas" => allocate(),
        "reads_a_reference" => in_jail(Place::Main, |mut world| {
            let mut bytes = [1; 100];
            assert_eq!(world.reference.read(&mut bytes).ok(), Some(100));
            assert_eq!(bytes, [0; 100]);
            leave(0);
        }),
        "knows_its_peak_memory" => peak_memory(),
        _ => panic!("no such case: {case}"),
    }
}

/// A segment on its way: what it was made from, and the sealed result.
struct Segment {
    number: u32,
    raw: Vec<u8>,
    result: SealedBuffer,
}

/// One thread fills and seals, the other compares and gives back, one segment behind.
fn hand_over() -> ! {
    let mut jail = Jail::new();
    let (mut to_verifier, mut from_main) = jail.channel::<Segment>(2).expect("a pipe");
    let (mut to_main, mut from_verifier) = jail.channel::<Segment>(2).expect("a pipe");
    let mut free: Vec<Segment> = (0..2)
        .map(|number| Segment {
            number,
            raw: vec![0; LENGTH],
            result: jail.result_buffer(LENGTH).expect("memory"),
        })
        .collect();
    jail.spawn(move || {
        let mut expected = 0;
        loop {
            let mut segment = from_main.receive();
            assert_eq!(segment.number, expected);
            assert!(segment.result.is_sealed());
            assert!(segment.raw == segment.result[..]);
            expected += 1;
            segment.result.unseal();
            to_main.send(segment).expect("room");
        }
    })
    .expect("a thread");
    jail.enter().expect("a jail");
    for number in 0..ROUNDS {
        let mut segment = free.pop().unwrap_or_else(|| from_verifier.receive());
        segment.number = number;
        let fill = number.to_le_bytes()[0];
        segment.raw.fill(fill);
        segment.result.writable().fill(fill);
        segment.result.seal();
        to_verifier.send(segment).expect("room");
    }
    let last = [from_verifier.receive(), from_verifier.receive()];
    assert_eq!(last.map(|segment| segment.number), [ROUNDS - 2, ROUNDS - 1]);
    leave(0)
}

/// Each thread's memory comes from its own arena, and what changes hands returns to where it is from.
fn allocate() -> ! {
    let mut jail = Jail::new();
    let (mut to_main, mut from_thread) = jail.channel::<Vec<u8>>(1).expect("a pipe");
    let (never, mut for_ever) = jail.channel::<u8>(1).expect("a pipe");
    jail.spawn(move || {
        to_main.send(vec![3_u8; 3_000_000]).expect("room");
        for_ever.receive();
    })
    .expect("a thread");
    jail.enter().expect("a jail");
    let bytes = from_thread.receive();
    assert!(bytes.iter().all(|&byte| byte == 3));
    let before = used_bytes(Arena::Second);
    assert!(before >= bytes.len());
    drop(bytes);
    assert_eq!(used_bytes(Arena::Second), before - 3_000_000);
    assert!(peak_bytes(Arena::Second) >= 3_000_000);
    assert!(peak_bytes(Arena::Main) < 3_000_000);
    drop(never);
    leave(0)
}

fn peak_memory() -> ! {
    in_jail(Place::Main, |world| {
        let block = vec![1_u8; 6_000_000];
        let peak = world.peak_memory.read().expect("/proc");
        assert!(peak > 6_000_000, "{peak}");
        assert!(peak < 14_000_000, "{peak}");
        drop(block);
        assert_eq!(read_input(&mut []).ok(), Some(0));
        assert_eq!(write_output(&[]).ok(), Some(0));
        leave(0);
    })
}
