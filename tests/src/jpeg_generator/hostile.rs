//! Streams that are no images at all, or hardly: floods of markers, tables and
//! headers.
//!
//! Invariant: streams are made of repeated pieces, so that a long one costs no
//! memory.

use super::frame::{Component, Frame, Process};
use super::huffman;
use super::layout::Piece;
use super::segments;
use fastrand::Rng;

fn bytes(bytes: impl Into<Vec<u8>>) -> Piece {
    Piece::Bytes(bytes.into(), vec![])
}

fn repeat(bytes: impl Into<Vec<u8>>, count: u64) -> Piece {
    Piece::Repeat {
        bytes: bytes.into(),
        count,
    }
}

fn huffman_segment(ac: bool, slot: u8) -> Vec<u8> {
    let payload = segments::huffman_table(ac, slot, &huffman::standard(ac, slot));
    segments::segment(0xC4, &payload)
}

/// SOI, tables and a baseline frame header of three components, 4:4:4.
fn plain_head(width: u16, height: u16) -> Vec<u8> {
    let frame = Frame {
        process: Process::Baseline,
        width,
        height,
        components: plain_components(),
    };
    let mut head = segments::SOI.to_vec();
    for slot in 0..2 {
        let table = super::quantization::table(slot, 75);
        let payload = segments::quantization_table(slot, &table, false);
        head.extend(segments::segment(0xDB, &payload));
        for ac in [false, true] {
            head.extend(huffman_segment(ac, slot));
        }
    }
    head.extend(segments::frame_header(&frame, height));
    head
}

fn plain_components() -> Vec<Component> {
    vec![
        Component::new(1, 1, 1, 0),
        Component::new(2, 1, 1, 1),
        Component::new(3, 1, 1, 1),
    ]
}

fn scan_header() -> Vec<u8> {
    segments::scan_header(&plain_components(), (0, 63), (0, 0))
}

/// Thousands of table and restart definitions, in front of a frame and after.
pub(super) fn table_flood(random: &mut Rng) -> Vec<Piece> {
    let count = random.u64(1_000..20_000);
    vec![
        bytes(segments::SOI),
        repeat(huffman_segment(true, 0), count / 4),
        repeat(huffman_segment(false, 3), count),
        repeat(segments::restart_interval(random.u16(..)), count),
        bytes(&plain_head(640, 480)[2..]),
        repeat(segments::restart_interval(1), count),
        bytes(scan_header()),
        repeat([0x28, 0x8A], 3_000),
        bytes(segments::EOI),
    ]
}

/// Thousands of scan headers with next to no data behind them.
pub(super) fn scan_flood(random: &mut Rng) -> Vec<Piece> {
    let mut scan = scan_header();
    scan.extend(std::iter::repeat_with(|| random.u8(..0xFF)).take(3));
    vec![
        bytes(plain_head(random.u16(1..), random.u16(1..))),
        repeat(scan, random.u64(1_000..30_000)),
    ]
}

/// Fill bytes without end, before a marker, in the head and in a scan.
pub(super) fn fill_flood(random: &mut Rng) -> Vec<Piece> {
    let flood = repeat([0xFF; 1024], random.u64(100..2_000));
    match random.u8(..3) {
        0 => vec![flood],
        1 => vec![bytes(segments::SOI), flood, bytes(plain_head(64, 64))],
        _ => vec![
            bytes(plain_head(6_400, 6_400)),
            bytes(scan_header()),
            flood.clone(),
            bytes([0x00]),
            flood,
            bytes(segments::EOI),
        ],
    }
}

/// SOI after SOI, or frame header after frame header.
pub(super) fn start_flood(random: &mut Rng) -> Vec<Piece> {
    let count = random.u64(1_000..50_000);
    if random.bool() {
        vec![repeat([0xFF, 0xD8, 0xFF], count)]
    } else {
        let side = random.u16(1..);
        vec![repeat(plain_head(side, side), count / 20)]
    }
}

/// A scan that goes on long after its last MCU, or is made of stuffed 0xFF.
pub(super) fn endless_scan(random: &mut Rng) -> Vec<Piece> {
    let pattern: &[u8] =
        [&[0x00; 512][..], &[0xFF, 0x00], &[0xFF, 0xD0], &[0x55]][random.usize(..4)];
    let side = [8, 65_500][random.usize(..2)];
    vec![
        bytes(plain_head(side, side)),
        bytes(segments::restart_interval([0, 1][random.usize(..2)])),
        bytes(scan_header()),
        repeat(pattern, random.u64(1 << 12..1 << 14)),
    ]
}

/// Tables with no codes, too many codes, missing or surplus bytes, wrong slots.
pub(super) fn broken_tables(random: &mut Rng) -> Vec<Piece> {
    let over_subscribed = [&[0x10, 255][..], &[255; 15], &[7; 400]].concat();
    let broken: [Vec<u8>; 9] = [
        segments::segment(0xC4, &[0; 17]),
        segments::segment(0xC4, &[]),
        segments::segment(0xC4, &over_subscribed),
        segments::segment(0xC4, &[0xFF; 17]),
        segments::segment(0xDB, &[0x00; 12]),
        segments::segment(0xDB, &[0x2F; 65]),
        segments::segment(0xC0, &[8, 0, 1, 0, 1, 0]),
        segments::segment(0xC0, &[8, 0, 9, 0, 9, 255, 1, 0x11, 0]),
        vec![0xFF, 0xC4, 0, [0, 1, 2][random.usize(..3)]],
    ];
    let mut head = plain_head(16, 16);
    for _ in 0..random.usize(1..5) {
        head.extend(&broken[random.usize(..broken.len())]);
    }
    head.extend(scan_header());
    head.extend(std::iter::repeat_with(|| random.u8(..)).take(200));
    vec![bytes(head), bytes(segments::EOI)]
}

/// Frame and scan headers with factors, slots and component counts beyond what
/// is legal, and scans whose components the frame does not have.
pub(super) fn broken_headers(random: &mut Rng) -> Vec<Piece> {
    let mut head = plain_head(random.u16(..), random.u16(..));
    let components: Vec<Component> = (0..random.u8(..6))
        .map(|index| Component {
            identifier: random.u8(..4).wrapping_mul(index),
            horizontal: random.u8(..16),
            vertical: random.u8(..16),
            quantization_slot: random.u8(..6),
            dc_slot: random.u8(..16),
            ac_slot: random.u8(..16),
        })
        .collect();
    if random.bool() {
        let frame = Frame {
            process: Process::ExtendedSequential,
            width: random.u16(..),
            height: random.u16(..),
            components: components.clone(),
        };
        head.extend(segments::frame_header(&frame, frame.height));
    }
    let spectral = (random.u8(..), random.u8(..));
    head.extend(segments::scan_header(&components, spectral, (0, 0)));
    let length = random.usize(..5_000);
    head.extend(std::iter::repeat_with(|| random.u8(..)).take(length));
    vec![bytes(head), bytes(segments::EOI)]
}

/// Thumbnails within thumbnails, and segments longer than the file.
pub(super) fn nested_images(random: &mut Rng) -> Vec<Piece> {
    let head = plain_head(160, 120);
    let mut inner = [&head[..], &scan_header(), &[0x28; 90], &segments::EOI].concat();
    for _ in 0..random.usize(1..12) {
        inner = [&segments::SOI[..], &segments::segment(0xE1, &inner), &head].concat();
    }
    vec![bytes(inner), bytes([0xFF, 0xE1, 0xFF, 0xFF]), bytes(head)]
}

/// Processes that are not modelled: arithmetic, lossless, hierarchical, 12 bit;
/// `start_of_frame` is the second byte of the SOF marker.
pub(super) fn other_process(start_of_frame: u8, precision: u8, random: &mut Rng) -> Vec<Piece> {
    let mut head = plain_head(320, 200);
    // The frame header stands last: marker, length, precision, ... 19 bytes.
    let frame = head.len() - 19;
    head[frame + 1] = start_of_frame;
    head[frame + 4] = precision;
    if start_of_frame > 0xC8 {
        head.extend(segments::segment(0xCC, &[0x00, 0x10, 0x10, 0x05]));
    }
    head.extend(scan_header());
    for _ in 0..random.usize(2_000..20_000) {
        let byte = random.u8(..);
        head.push(byte);
        if byte == 0xFF {
            head.push(0);
        }
    }
    vec![bytes(head), bytes(segments::EOI)]
}

/// No image: random bytes, or the same one again and again.
pub(super) fn no_image(random: &mut Rng) -> Vec<Piece> {
    let length = random.usize(..300_000);
    if random.u8(..3) == 0 {
        return vec![repeat([random.u8(..)], length as u64)];
    }
    vec![bytes(
        std::iter::repeat_with(|| random.u8(..))
            .take(length)
            .collect::<Vec<u8>>(),
    )]
}
