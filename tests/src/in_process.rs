//! The codec without a process around it.
//!
//! Invariant: the driver follows the rules of the codec's interface as the
//! worker does, so that what holds here holds there.

use lepta_codec::{
    Decoder, DecoderOptions, ENCODED_SEGMENT_MAX, Encoder, EncoderOptions, Error, ImageCount,
    KEY_EVERY, Level, ReferenceFile, SEGMENT_INPUT, Step, Summary,
};

/// Bytes for the image rows of one state, as a worker with the default memory
/// limit has them at least.
pub const STATE_BYTES: usize = 4 << 20;

/// Every level.
pub const LEVELS: [Level; 3] = Level::ALL;

/// A level's name on the command line.
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Fast => "fast",
        Level::Default => "default",
        Level::Max => "max",
    }
}

/// Compresses without verification.
pub fn compress(input: &[u8], level: Level) -> Vec<u8> {
    compress_summed(input, level).0
}

/// The same with the encoder's own account of it.
pub fn compress_summed(input: &[u8], level: Level) -> (Vec<u8>, Summary) {
    run_encoder(input, &options(level), SEGMENT_INPUT, None)
}

/// The same against a reference.
pub fn compress_against(input: &[u8], level: Level, reference: &[u8]) -> (Vec<u8>, Summary) {
    let reference = ReferenceFile::new(reference.to_vec());
    run_encoder(input, &options(level), SEGMENT_INPUT, Some(reference))
}

/// The same with `visible` bytes in sight of the encoder, at least a segment's.
pub fn compress_seeing(input: &[u8], level: Level, visible: usize) -> Vec<u8> {
    run_encoder(input, &options(level), visible, None).0
}

/// The same with models that start anew after so many bytes.
pub fn compress_restarting(
    input: &[u8],
    level: Level,
    restart_every: u64,
    visible: usize,
) -> Vec<u8> {
    let options = EncoderOptions {
        restart_every,
        ..options(level)
    };
    run_encoder(input, &options, visible, None).0
}

fn options(level: Level) -> EncoderOptions {
    EncoderOptions {
        level,
        state_bytes: STATE_BYTES,
        key_every: KEY_EVERY,
        restart_every: 0,
        image_bytes: 2 * STATE_BYTES,
    }
}

fn run_encoder(
    input: &[u8],
    options: &EncoderOptions,
    visible: usize,
    reference: Option<ReferenceFile>,
) -> (Vec<u8>, Summary) {
    let mut encoder = Encoder::new(options);
    if let Some(reference) = reference {
        encoder.set_reference(reference);
    }
    let mut buffer = vec![0; ENCODED_SEGMENT_MAX];
    let mut output = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let length = shown(&mut encoder, rest, visible);
        let coded = encoder.encode_segment(&rest[..length], length == rest.len(), &mut buffer);
        assert!(coded.consumed > 0, "the encoder makes no progress");
        output.extend_from_slice(&buffer[..coded.written]);
        rest = &rest[coded.consumed..];
    }
    let written = encoder.encode_end(&mut buffer);
    output.extend_from_slice(&buffer[..written]);
    (output, encoder.summary().clone())
}

/// How much of `rest` the encoder must be shown: asked with more and more of it, as a worker reads.
fn shown(encoder: &mut Encoder, rest: &[u8], visible: usize) -> usize {
    let mut length = rest.len().min(visible);
    while length < rest.len() && encoder.wanted(&rest[..length], false).bytes > length {
        length = rest.len().min(length + SEGMENT_INPUT);
    }
    length
}

/// What is wrong with compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The codec says so.
    Codec(Error),
    /// They end in the middle of a container, or there are none.
    Truncated,
}

/// Decompresses one stream of containers.
///
/// # Errors
/// What is wrong with it.
pub fn decompress(compressed: &[u8]) -> Result<Vec<u8>, Damage> {
    decompress_with(&mut decoder(), compressed)
}

/// The same with a reference.
///
/// # Errors
/// What is wrong with it.
pub fn decompress_against(compressed: &[u8], reference: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut decoder = decoder();
    decoder.set_reference(ReferenceFile::new(reference.to_vec()));
    decompress_with(&mut decoder, compressed)
}

/// Decompresses the rest of a container from a segment on that starts anew, at the start of `segments`.
///
/// # Errors
/// What is wrong with it.
pub fn decompress_from(segments: &[u8], level: Level) -> Result<Vec<u8>, Damage> {
    let mut decoder = decoder();
    decoder.enter_container(Some(level));
    decompress_with(&mut decoder, segments)
}

/// Decompresses the raw bytes of a container from segment number `from` on, counted from 0: the PNGs before
/// it as pixels only, as far as `pixel_bytes` bytes suffice. Also how many images were decoded how.
///
/// # Errors
/// What is wrong with it.
pub fn decompress_by_pixels(
    container: &[u8],
    from: usize,
    pixel_bytes: usize,
) -> Result<(Vec<u8>, ImageCount), Damage> {
    let mut decoder = Decoder::new(&DecoderOptions {
        state_bytes: STATE_BYTES + pixel_bytes,
        image_bytes: 2 * STATE_BYTES,
    });
    let (mut output, mut rest) = (Vec::new(), container);
    // The container's header, then each segment's header and payload.
    for number in 0.. {
        let Some((unit, next)) = rest.split_at_checked(decoder.wanted()) else {
            return Err(Damage::Truncated);
        };
        rest = next;
        if number <= 2 * from {
            let passed = decoder.step_for_pixels(unit, pixel_bytes);
            passed.map_err(Damage::Codec)?;
        } else if let Step::Raw(bytes) = decoder.step(unit).map_err(Damage::Codec)? {
            output.extend_from_slice(bytes);
        }
        if decoder.may_end() {
            break;
        }
    }
    Ok((output, decoder.images()))
}

fn decoder() -> Decoder {
    Decoder::new(&DecoderOptions {
        state_bytes: STATE_BYTES,
        image_bytes: 2 * STATE_BYTES,
    })
}

fn decompress_with(decoder: &mut Decoder, compressed: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut output = Vec::new();
    let mut rest = compressed;
    loop {
        if rest.is_empty() {
            return if decoder.may_end() && !compressed.is_empty() {
                Ok(output)
            } else {
                Err(Damage::Truncated)
            };
        }
        let Some((unit, next)) = rest.split_at_checked(decoder.wanted()) else {
            return Err(Damage::Truncated);
        };
        rest = next;
        match decoder.step(unit).map_err(Damage::Codec)? {
            Step::Raw(bytes) => output.extend_from_slice(bytes),
            Step::More | Step::Lost { .. } | Step::End { .. } => {}
        }
    }
}
