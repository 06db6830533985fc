//! From the payload of a coded segment to its raw bytes.

use super::models::Models;
use super::parts::{Part, PartList};
use super::segment_image;
use crate::Error;
use crate::entropy::RangeDecoder;
use crate::jpeg::Original;

/// Appends the `raw_length` bytes of a coded segment to the empty `raw`: all but those of images of which
/// only the pixels are decoded.
///
/// `is_key`: the models have seen nothing, because the segment is a key. `original`: what a verifying
/// decoder compares with.
///
/// # Errors
/// The first rule that the payload breaks.
pub(super) fn decode(
    models: &mut Models,
    is_key: bool,
    payload: &[u8],
    raw_length: usize,
    raw: &mut Vec<u8>,
    original: Original<'_>,
) -> Result<(), Error> {
    let mut rest = payload;
    let parts = PartList::parse(&mut rest, raw_length)?;
    let (mut raw_parts, entropy) = rest
        .split_at_checked(parts.raw_bytes)
        .ok_or(Error::PartLength(parts.raw_bytes as u32))?;
    let mut coder = RangeDecoder::new(entropy);
    for (index, part) in parts.enumerate() {
        let start = raw.len();
        let room = raw_length - start;
        match part {
            Part::McuRun(mcus) => {
                if !models.jpeg.in_scan() {
                    return Err(Error::NotInScan);
                }
                models.jpeg.decode_mcus(&mut coder, mcus, raw, raw_length)?;
                if raw.len() > raw_length {
                    return Err(Error::BadScan);
                }
            }
            Part::StripRun(strips) => {
                if !models.png.in_image_data() {
                    return Err(Error::NotInImageData);
                }
                // An image within another counts the bytes of this one.
                let is_counted = !models.jpeg.is_between_images() || models.png.is_within_chunk();
                if models.png.pixels_suffice() && is_counted {
                    return Err(Error::OnlyPixels);
                }
                models
                    .png
                    .decode_strips(&mut coder, strips, raw, raw_length)?;
                if raw.len() > raw_length {
                    return Err(Error::BadImageData);
                }
                models.jpeg.pass_over(raw.len() - start);
            }
            Part::Reentry(mcu) => {
                models.leave_image();
                models.jpeg.reenter(&mut coder, mcu - 1, None)?;
            }
            Part::Resumption(length) if is_key && index == 0 => {
                models.resume(&mut coder, length as usize, None)?;
            }
            Part::Resumption(_) => return Err(Error::ResumptionMisplaced),
            Part::Opening(_)
            | Part::Rows(_)
            | Part::GivenUp(_)
            | Part::ScanReentry(_)
            | Part::Release(_) => {
                let room = (&mut *raw, raw_length);
                segment_image::decode_part(models, &mut coder, part, room, original)?;
            }
            Part::Bytes(length) | Part::Raw(length) if length as usize > room => {
                return Err(Error::PartLength(length));
            }
            Part::Bytes(length) => {
                models.bytes.decode(&mut coder, length as usize, raw);
                feed(models, &raw[start..])?;
            }
            Part::Raw(length) => {
                let (part, after) = raw_parts
                    .split_at_checked(length as usize)
                    .ok_or(Error::PartLength(length))?;
                raw_parts = after;
                models.bytes.skip(part);
                raw.extend_from_slice(part);
                feed(models, part)?;
            }
        }
    }
    match raw_length - raw.len() {
        0 => Ok(()),
        _ if models.png.pixels_suffice() => Ok(()),
        missing => Err(Error::PartsTooShort(missing as u32)),
    }
}

/// Shows the parsers the bytes of a part, unless they are within an image of several scans.
fn feed(models: &mut Models, part: &[u8]) -> Result<(), Error> {
    let jpeg = &mut models.jpeg;
    if let Some(image) = jpeg.decoding() {
        image.pass(part.len())?;
        if image.is_done() {
            jpeg.leave_image();
        }
        return Ok(());
    }
    if models.in_image() {
        models.leave_image();
    }
    match part.len() - models.push_bytes(part) {
        0 => Ok(()),
        rest if models.jpeg.in_scan() => Err(Error::ScanBeginsInPart(rest as u32)),
        rest => Err(Error::ImageDataBeginInPart(rest as u32)),
    }
}
