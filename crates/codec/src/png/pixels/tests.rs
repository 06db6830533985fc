//! Round trips over every colour type and depth.

use super::*;
use crate::entropy::{RangeDecoder, RangeEncoder};
use proptest::prelude::*;

/// Colour types and depths that the specification allows (PNG, table 12).
const KINDS: [(u8, u8); 15] = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
];

/// An image in slabs.
fn slabs(image: &[u8], row_bytes: usize) -> Vec<Vec<u8>> {
    let slabs = image.chunks(STRIP_ROWS * row_bytes);
    slabs.map(<[u8]>::to_vec).collect()
}

/// The window of an image of `rows` rows around the strip that begins at `row`.
fn window(reference: &[Vec<u8>], rows: usize, row: usize, count: usize) -> ReferenceWindow<'_> {
    let first = row.saturating_sub(REFERENCE_MARGIN);
    let end = (row + count + REFERENCE_MARGIN).min(rows);
    ReferenceWindow {
        ring: reference,
        first,
        count: end - first,
        above: row - first,
    }
}

fn code<C: Coder>(
    model: &mut PixelModel,
    coder: &mut C,
    format: PixelFormat,
    image: &mut [u8],
    reference: Option<&[u8]>,
) {
    model.begin_image(format, reference.is_some());
    let row_bytes = format.row_bytes();
    let rows = reference.map_or(0, |image| image.len() / row_bytes);
    let reference = reference.map(|image| slabs(image, row_bytes));
    for (index, strip) in image.chunks_mut(STRIP_ROWS * row_bytes).enumerate() {
        let count = strip.len() / row_bytes;
        let window = reference.as_ref();
        let window = window.map(|slabs| self::window(slabs, rows, index * STRIP_ROWS, count));
        model.code_strip(coder, strip, window);
    }
}

pub(super) fn encode(
    model: &mut PixelModel,
    format: PixelFormat,
    image: &[u8],
    reference: Option<&[u8]>,
) -> Vec<u8> {
    let mut coded = vec![0; 3 * image.len() + 4096];
    let mut coder = RangeEncoder::new(&mut coded);
    let mut copy = image.to_vec();
    code(model, &mut coder, format, &mut copy, reference);
    let size = coder.finish().expect("the buffer is large enough");
    assert!(copy == image, "encoding changed the image");
    coded.truncate(size);
    coded
}

pub(super) fn decode(
    model: &mut PixelModel,
    format: PixelFormat,
    coded: &[u8],
    size: usize,
    reference: Option<&[u8]>,
) -> Vec<u8> {
    let mut image = vec![0xA5; size];
    let mut coder = RangeDecoder::new(coded);
    code(model, &mut coder, format, &mut image, reference);
    image
}

/// What an image is made of.
#[derive(Clone, Copy, Debug)]
enum Texture {
    Noise,
    Screen,
    Gradient,
    Constant,
}

/// An image of `height` rows.
fn draw(format: PixelFormat, height: usize, texture: Texture, seed: u32) -> Vec<u8> {
    let row_bytes = format.row_bytes();
    let mut state = seed | 1;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut image = vec![0; row_bytes * height];
    for row in 0..height {
        for index in 0..row_bytes {
            let place = row * row_bytes + index;
            image[place] = match texture {
                Texture::Noise => random() as u8,
                Texture::Gradient => (index / 4 + row + (random() & 3) as usize) as u8,
                Texture::Constant => (seed >> (8 * (index & 3))) as u8,
                Texture::Screen => match random() % 24 {
                    0 => random() as u8,
                    1..4 => 255,
                    4..14 if row > 0 => image[place - row_bytes],
                    14..23 if index >= format.channels() => image[place - format.channels()],
                    _ => 17,
                },
            };
        }
    }
    image
}

/// How the reference relates to the image.
#[derive(Clone, Copy, Debug)]
enum Reference {
    Equal,
    Shifted(usize),
    Touched(usize),
    Unrelated(u32),
}

fn refer(format: PixelFormat, image: &[u8], reference: Reference) -> Vec<u8> {
    let mut other = image.to_vec();
    match reference {
        Reference::Equal => {}
        Reference::Shifted(rows) => {
            let height = image.len() / format.row_bytes();
            other.rotate_right(rows % height * format.row_bytes());
        }
        Reference::Touched(place) => other[place % image.len()] ^= 1,
        Reference::Unrelated(seed) => {
            other = draw(
                format,
                image.len() / format.row_bytes(),
                Texture::Noise,
                seed,
            );
        }
    }
    other
}

fn texture() -> impl Strategy<Value = Texture> {
    prop_oneof![
        1 => Just(Texture::Noise),
        4 => Just(Texture::Screen),
        1 => Just(Texture::Gradient),
        1 => Just(Texture::Constant)
    ]
}

fn reference() -> impl Strategy<Value = Option<Reference>> {
    prop_oneof![
        Just(None),
        Just(Some(Reference::Equal)),
        (0usize..64).prop_map(|rows| Some(Reference::Shifted(rows))),
        any::<usize>().prop_map(|place| Some(Reference::Touched(place))),
        any::<u32>().prop_map(|seed| Some(Reference::Unrelated(seed))),
    ]
}

fn image_to_code() -> impl Strategy<Value = (PixelFormat, Vec<u8>, Option<Vec<u8>>)> {
    let shape = (0..KINDS.len(), 1u32..=70, 1usize..70);
    (shape, texture(), any::<u32>(), reference()).prop_map(
        |((kind, width, height), texture, seed, reference)| {
            let (colour, depth) = KINDS[kind];
            let format = PixelFormat::new(width, colour, depth).expect("an allowed kind");
            let image = draw(format, height, texture, seed);
            let reference = reference.map(|reference| refer(format, &image, reference));
            (format, image, reference)
        },
    )
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Fast), Just(Level::Default)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn images_come_back(level in level(), images in proptest::collection::vec(image_to_code(), 1..6)) {
        let mut encoder = PixelModel::new(level);
        let mut decoder = PixelModel::new(level);
        for (format, image, reference) in &images {
            let reference = reference.as_deref();
            let coded = encode(&mut encoder, *format, image, reference);
            let back = decode(&mut decoder, *format, &coded, image.len(), reference);
            prop_assert!(back == *image, "{format:?}");
        }
    }

    #[test]
    fn a_reset_model_is_as_new(
        level in level(),
        first in image_to_code(),
        second in image_to_code(),
    ) {
        let mut used = PixelModel::new(level);
        encode(&mut used, first.0, &first.1, first.2.as_deref());
        used.reset();
        let coded = encode(&mut used, second.0, &second.1, second.2.as_deref());
        let fresh = encode(&mut PixelModel::new(level), second.0, &second.1, second.2.as_deref());
        prop_assert_eq!(coded, fresh);
    }

    #[test]
    fn damaged_streams_decode_to_something(
        level in level(),
        image in image_to_code(),
        noise in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let (format, image, reference) = image;
        let mut decoder = PixelModel::new(level);
        for _ in 0..2 {
            decode(&mut decoder, format, &noise, image.len(), reference.as_deref());
        }
    }
}

#[test]
fn every_kind_and_width_comes_back() {
    let mut encoder = PixelModel::new(Level::Default);
    let mut decoder = PixelModel::new(Level::Default);
    for (colour, depth) in KINDS {
        for width in 1..=70 {
            let format = PixelFormat::new(width, colour, depth).expect("an allowed kind");
            let image = draw(format, 33, Texture::Screen, width);
            let coded = encode(&mut encoder, format, &image, None);
            let back = decode(&mut decoder, format, &coded, image.len(), None);
            assert!(back == image, "{format:?}");
        }
    }
}

#[test]
fn an_equal_image_costs_next_to_nothing() {
    let format = PixelFormat::new(700, 6, 8).expect("an allowed kind");
    let image = draw(format, 300, Texture::Noise, 7);
    let mut model = PixelModel::new(Level::Default);
    let coded = encode(&mut model, format, &image, Some(&image));
    assert!(coded.len() < 16, "{} bytes", coded.len());
}

#[test]
fn rows_take_the_memory_announced() {
    let format = PixelFormat::new(3840, 6, 8).expect("an allowed kind");
    let memory = PixelModel::row_memory(&format);
    assert!((300_000..500_000).contains(&memory), "{memory} bytes");
}
