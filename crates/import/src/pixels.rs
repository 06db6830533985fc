//! Images as samples of eight bits.

use lepta_worker::status::Status;

use crate::failure::Failure;

/// Most samples of an image: more would not fit into the memory of the process in any case.
const SAMPLES_MAX: u64 = 1 << 28;

/// An image; its samples stand row by row, pixel by pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
    pub(crate) channels: usize,
    /// `width * height * channels` of them.
    pub(crate) samples: Vec<u8>,
}

/// Samples of an image of this size.
///
/// # Errors
/// Status 33 if they are more than any image here may have.
pub(crate) fn sample_count(width: u32, height: u32, channels: usize) -> Result<usize, Failure> {
    let count = u64::from(width)
        .checked_mul(u64::from(height))
        .and_then(|pixels| pixels.checked_mul(channels as u64));
    match count.filter(|&count| 0 < count && count <= SAMPLES_MAX) {
        Some(count) => Ok(count as usize),
        None => {
            let what = format!("an image of {width}x{height} pixels is too large, or empty");
            Err(Failure::new(Status::Dimensions, what))
        }
    }
}

impl Pixels {
    /// Bytes of a row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.width as usize * self.channels
    }

    /// The same image with other channels, as programs that read images convert them: gray becomes equal
    /// colours, a missing alpha is opaque, and one that is not wanted is left out. `None` if colours would
    /// be lost.
    pub(crate) fn with_channels(self, channels: usize) -> Option<Self> {
        if channels == self.channels {
            return Some(self);
        }
        let has_colour = self.channels > 2;
        if has_colour && channels <= 2 {
            return None;
        }
        let samples = self.samples.chunks_exact(self.channels).flat_map(|pixel| {
            let colours = match has_colour {
                true => [pixel[0], pixel[1], pixel[2]],
                false => [pixel[0]; 3],
            };
            let alpha = match self.channels {
                2 | 4 => pixel[self.channels - 1],
                _ => 255,
            };
            let [red, green, blue] = colours;
            let converted = match channels {
                1 | 2 => [red, alpha, 0, 0],
                _ => [red, green, blue, alpha],
            };
            converted.into_iter().take(channels)
        });
        Some(Self {
            samples: samples.collect(),
            channels,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_converted_without_losing_colour() {
        let pixels = |channels: usize, samples: &[u8]| Pixels {
            width: 2,
            height: 1,
            channels,
            samples: samples.to_vec(),
        };
        let gray = pixels(1, &[7, 8]);
        let rgb = pixels(3, &[7, 7, 7, 8, 8, 8]);
        let rgba = pixels(4, &[7, 7, 7, 255, 8, 8, 8, 255]);
        assert_eq!(gray.clone().with_channels(3), Some(rgb.clone()));
        assert_eq!(
            gray.clone().with_channels(2),
            Some(pixels(2, &[7, 255, 8, 255]))
        );
        assert_eq!(gray.with_channels(4), Some(rgba.clone()));
        assert_eq!(rgba.with_channels(3), Some(rgb.clone()));
        assert_eq!(rgb.with_channels(1), None);
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(sample_count(3840, 2160, 4), Ok(3840 * 2160 * 4));
        for (width, height) in [(0, 1), (1 << 20, 1 << 20), (u32::MAX, u32::MAX)] {
            assert!(sample_count(width, height, 4).is_err());
        }
    }
}
