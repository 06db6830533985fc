//! Lossless JPEG XL images, by the `jxl-oxide` crate.
//!
//! Invariant: samples are those that were stored: an image whose samples would have to be computed, scaled or
//! rounded is refused.

use jxl_oxide::image::BitDepth;
use jxl_oxide::{InitializeResult, JxlImage};

use crate::failure::Failure;
use crate::pixels::{Pixels, sample_count};

/// Reads an image.
///
/// # Errors
/// If it is none, not lossless, not of eight bits, or has more than one frame.
pub(crate) fn read_jxl(bytes: &[u8]) -> Result<Pixels, Failure> {
    let image = open(bytes)?;
    let metadata = &image.image_header().metadata;
    let depths = metadata.ec_info.iter().map(|channel| channel.bit_depth);
    let has_eight_bits = depths
        .chain([metadata.bit_depth])
        .all(|depth| matches!(depth, BitDepth::IntegerSample { bits_per_sample: 8 }));
    let refuse = |what: &str| Err(Failure::malformed(format!("a JPEG XL that {what}")));
    if metadata.xyb_encoded {
        return refuse("is not lossless");
    }
    if !has_eight_bits {
        return refuse("does not have eight bits a sample");
    }
    if metadata.orientation != 1 || image.num_loaded_keyframes() != 1 {
        return refuse("is turned or moves");
    }
    let (width, height) = (image.width(), image.height());
    let channels = image.pixel_format().channels();
    let alpha = usize::from(image.pixel_format().has_alpha());
    if image.pixel_format().has_black() || metadata.ec_info.len() != alpha {
        return refuse("has other channels than gray or colours and alpha");
    }
    let mut samples = vec![0; sample_count(width, height, channels)?];
    let render = image.render_frame(0).map_err(|error| broken(&error))?;
    let written = render.stream().write_to_buffer(&mut samples);
    if written != samples.len() {
        return refuse("ends early");
    }
    Ok(Pixels {
        width,
        height,
        channels,
        samples,
    })
}

fn open(mut bytes: &[u8]) -> Result<JxlImage, Failure> {
    let mut header = JxlImage::builder().build_uninit();
    let mut image = loop {
        let taken = header.feed_bytes(bytes).map_err(|error| broken(&error))?;
        bytes = &bytes[taken..];
        match header.try_init().map_err(|error| broken(&error))? {
            InitializeResult::Initialized(image) => break image,
            InitializeResult::NeedMoreData(_) if taken == 0 || bytes.is_empty() => {
                return Err(Failure::malformed("is no whole JPEG XL"));
            }
            InitializeResult::NeedMoreData(more) => header = more,
        }
    };
    let (width, height) = (image.width(), image.height());
    sample_count(width, height, image.pixel_format().channels())?;
    while !bytes.is_empty() {
        match image.feed_bytes(bytes).map_err(|error| broken(&error))? {
            0 => break,
            taken => bytes = &bytes[taken..],
        }
    }
    image.finalize().map_err(|error| broken(&error))?;
    match image.is_loading_done() {
        true => Ok(image),
        false => Err(Failure::malformed("is no whole JPEG XL")),
    }
}

fn broken(error: &dyn std::fmt::Display) -> Failure {
    Failure::malformed(format!("the library cannot read the JPEG XL: {error}"))
}
