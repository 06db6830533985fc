//! A run of screenshots: its files, and their pixels as the peers want them.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The frames, in the order of their names.
pub(crate) struct Run {
    pub(crate) files: Vec<PathBuf>,
    sizes: Vec<u64>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Run {
    /// Every `every`th PNG of a folder. All must have the size of the first.
    pub(crate) fn of_folder(folder: &Path, every: usize) -> Result<Self, Box<dyn Error>> {
        let entries = fs::read_dir(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?
            .collect::<Result<Vec<_>, _>>()?;
        let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
        files.sort();
        let files: Vec<PathBuf> = files.into_iter().step_by(every.max(1)).collect();
        let Some(first) = files.first() else {
            return Err(format!("no PNG files in {}", folder.display()).into());
        };
        let reader = png::Decoder::new(Cursor::new(fs::read(first)?)).read_info()?;
        let (width, height) = reader.info().size();
        let sizes = files.iter().map(|file| Ok(fs::metadata(file)?.len()));
        Ok(Self {
            sizes: sizes.collect::<std::io::Result<_>>()?,
            files,
            width,
            height,
        })
    }

    /// The numbers of all frames.
    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.files.len()).collect()
    }

    /// Bytes of the files of these frames.
    pub(crate) fn bytes(&self, frames: &[usize]) -> u64 {
        frames.iter().map(|&frame| self.sizes[frame]).sum()
    }

    /// The pixels of a frame, three bytes each.
    pub(crate) fn rgb(&self, frame: usize) -> Result<Vec<u8>, Box<dyn Error>> {
        let path = &self.files[frame];
        let mut decoder = png::Decoder::new(Cursor::new(fs::read(path)?));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels)?;
        pixels.truncate(info.buffer_size());
        if (info.width, info.height) != (self.width, self.height) {
            return Err(format!("{}: another size than the first", path.display()).into());
        }
        Ok(match info.color_type {
            png::ColorType::Rgb => pixels,
            png::ColorType::Rgba => without_alpha(&pixels),
            other => return Err(format!("{}: {other:?} pixels", path.display()).into()),
        })
    }

    /// Pixels as a PPM file.
    pub(crate) fn ppm(&self, rgb: &[u8]) -> Vec<u8> {
        let mut file = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        file.extend_from_slice(rgb);
        file
    }
}

fn without_alpha(pixels: &[u8]) -> Vec<u8> {
    let opaque = pixels.as_chunks::<4>().0.iter();
    opaque.flat_map(|&[r, g, b, _]| [r, g, b]).collect()
}

/// How many samples differ, and the differences modulo 256.
pub(crate) fn difference(pixels: &[u8], before: &[u8]) -> (usize, Vec<u8>) {
    let pairs = pixels.iter().zip(before);
    let differences: Vec<u8> = pairs.map(|(&new, &old)| new.wrapping_sub(old)).collect();
    let count = differences.iter().filter(|&&sample| sample != 0).count();
    (count, differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted_and_taken_modulo_256() {
        assert_eq!(difference(&[1, 2, 3], &[1, 3, 1]), (2, vec![0, 255, 2]));
        assert_eq!(without_alpha(&[1, 2, 3, 4, 5, 6, 7, 8]), [1, 2, 3, 5, 6, 7]);
    }
}
