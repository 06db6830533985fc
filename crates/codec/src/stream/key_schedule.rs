//! When models start anew.
//!
//! Invariant: a key is the start of a PNG, or stands between images or within a scan that can go on from
//! there, so that it costs what models have learned, but no image. What is planned depends on the bytes
//! shown and on what was coded since models were new, and on nothing else.

use crate::jpeg::START_OF_IMAGE;
use crate::png::SIGNATURE;

/// Fewest bytes from one restart to the next, and fewest of a segment that ends early because one is
/// overdue.
const LEAST: u64 = 4096;

/// How much earlier bytes make a key due within a scan, where segments end with whole MCUs.
const EARLY: u64 = 512;

/// A scan goes on in new models only if so many times its header is in sight.
const HEADERS: usize = 8;

/// Where a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// No image has begun that goes on here.
    BetweenImages,
    /// Within an image that new models could not go on with.
    InImage,
    /// Within a scan that they can go on with, behind so many bytes of header.
    InScan { header: usize },
}

/// How a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With the models as they are.
    GoOn,
    /// With new models.
    Anew,
    /// With new models, in the scan that is being coded.
    Resume,
}

/// Counts images and bytes up to the next key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeySchedule {
    /// PNGs from one key to the next; 0 if they make none.
    every: u32,
    /// PNGs since models were new.
    images: u64,
    /// Raw bytes from one key to the next; 0 if they make none.
    bytes_every: u64,
    /// Raw bytes since models were new.
    bytes: u64,
}

impl KeySchedule {
    /// Keys after `every` PNGs and after `bytes_every` raw bytes; 0 for none.
    pub(super) fn new(every: u32, bytes_every: u64) -> Self {
        Self {
            every,
            images: 0,
            bytes_every: match bytes_every {
                0 => 0,
                bytes => bytes.max(LEAST),
            },
            bytes: 0,
        }
    }

    /// Takes note that models are new.
    pub(super) fn start(&mut self) {
        self.images = 0;
        self.bytes = 0;
    }

    /// Takes note that so many images were coded.
    pub(super) fn add_images(&mut self, count: u64) {
        self.images += count;
    }

    /// Takes note that so many raw bytes were coded.
    pub(super) fn add_bytes(&mut self, count: usize) {
        self.bytes += count as u64;
    }

    /// How the segment begins that stands at the start of `window`, at this place, and how much of it
    /// the segment may take.
    ///
    /// Where PNGs make a key due, the segment ends in front of the next one. Where bytes do, it ends
    /// in front of the next image, or else where they are so many.
    pub(super) fn plan(&mut self, window: &[u8], place: Place) -> (Start, usize) {
        let images_due = self.every > 0 && self.images >= u64::from(self.every);
        let is_due = |early| self.bytes_every > 0 && self.bytes + early >= self.bytes_every;
        let start = match place {
            _ if images_due && window.starts_with(&SIGNATURE) => Start::Anew,
            Place::BetweenImages if is_due(0) => Start::Anew,
            Place::InScan { header } if is_due(EARLY) && header * HEADERS <= window.len() => {
                Start::Resume
            }
            _ => Start::GoOn,
        };
        if start != Start::GoOn {
            self.start();
        }
        let between = place == Place::BetweenImages || start == Start::Anew;
        let end = self.end_by_images(window, between);
        (start, end.min(self.end_by_bytes(window)))
    }

    /// How much of `window` a segment may take until PNGs make a key due.
    fn end_by_images(&self, window: &[u8], between: bool) -> usize {
        if self.every == 0 {
            return window.len();
        }
        let begun = self.images + u64::from(!between);
        let allowed = u64::from(self.every).saturating_sub(begun) as usize;
        let least = match allowed {
            // A segment has a byte at least, also where one PNG begins within another.
            0 => 1,
            // Signatures without images do not make segments small.
            _ => LEAST as usize,
        };
        signatures(window)
            .skip(allowed)
            .find(|&place| place >= least)
            .unwrap_or(window.len())
    }

    /// How much of `window` a segment may take until bytes make a key due.
    fn end_by_bytes(&self, window: &[u8]) -> usize {
        if self.bytes_every == 0 {
            return window.len();
        }
        let left = self.bytes_every.saturating_sub(self.bytes);
        // An overdue key may have to wait long; segments do not get small by that.
        let first = usize::try_from(left.max(LEAST)).unwrap_or(usize::MAX);
        let Some(rest) = window.get(first..) else {
            return window.len();
        };
        match rest.windows(SIGNATURE.len()).position(begins_image) {
            Some(place) => first + place,
            None if left > 0 => first,
            None => window.len(),
        }
    }
}

/// Where PNGs may begin.
pub(super) fn signatures(window: &[u8]) -> impl Iterator<Item = usize> {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let place = next
                + window
                    .get(next..)?
                    .iter()
                    .position(|&byte| byte == SIGNATURE[0])?;
            next = place + 1;
            if window[place..].starts_with(&SIGNATURE) {
                return Some(place);
            }
        }
    })
}

fn begins_image(bytes: &[u8]) -> bool {
    bytes.starts_with(&START_OF_IMAGE) || bytes == SIGNATURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_ends_where_bytes_make_a_key_due() {
        let mut schedule = KeySchedule::new(0, 10_000);
        let window = vec![0; 50_000];
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::GoOn, 10_000)
        );
        schedule.add_bytes(10_000);
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::Anew, 10_000)
        );
        schedule.add_bytes(7_000);
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::GoOn, 4096)
        );
    }

    #[test]
    fn a_key_waits_for_the_end_of_an_image_and_ends_in_front_of_the_next() {
        let mut schedule = KeySchedule::new(0, 10_000);
        schedule.add_bytes(10_000);
        let mut window = vec![0; 50_000];
        assert_eq!(
            schedule.plan(&window, Place::InImage),
            (Start::GoOn, 50_000)
        );
        window[100..103].copy_from_slice(&START_OF_IMAGE);
        window[30_000..30_008].copy_from_slice(&SIGNATURE);
        assert_eq!(
            schedule.plan(&window, Place::InImage),
            (Start::GoOn, 30_000)
        );
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::Anew, 30_000)
        );
    }

    #[test]
    fn a_key_does_not_wait_in_a_scan_that_can_go_on_there() {
        let mut schedule = KeySchedule::new(0, 10_000);
        let window = vec![0; 50_000];
        let place = Place::InScan { header: 600 };
        assert_eq!(schedule.plan(&window, place), (Start::GoOn, 10_000));
        schedule.add_bytes(10_000 - 400);
        assert_eq!(schedule.plan(&window, Place::InImage), (Start::GoOn, 4096));
        assert_eq!(schedule.plan(&window, place), (Start::Resume, 10_000));
        assert_eq!(schedule.plan(&window, place), (Start::GoOn, 10_000));
    }

    #[test]
    fn a_key_waits_in_a_scan_that_is_hardly_longer_than_its_header() {
        let mut schedule = KeySchedule::new(0, 10_000);
        schedule.add_bytes(10_000);
        let window = vec![0; 5000];
        let long = Place::InScan { header: 626 };
        assert_eq!(schedule.plan(&window, long), (Start::GoOn, 5000));
        let short = Place::InScan { header: 625 };
        assert_eq!(schedule.plan(&window, short), (Start::Resume, 5000));
    }

    #[test]
    fn no_more_png_begin_in_a_segment_than_up_to_the_next_key() {
        let mut schedule = KeySchedule::new(2, 0);
        let mut window = vec![0; 50_000];
        for start in [0, 10_000, 20_000, 30_000] {
            window[start..start + 8].copy_from_slice(&SIGNATURE);
        }
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::GoOn, 20_000)
        );
        schedule.add_images(2);
        let rest = &window[20_000..];
        assert_eq!(
            schedule.plan(rest, Place::BetweenImages),
            (Start::Anew, 30_000)
        );
        let within = &window[5000..];
        assert_eq!(schedule.plan(within, Place::InImage), (Start::GoOn, 15_000));
    }

    #[test]
    fn a_segment_is_never_empty() {
        let mut window = vec![0; 9000];
        window[..8].copy_from_slice(&SIGNATURE);
        for every in 1..4 {
            let mut schedule = KeySchedule::new(every, 5000);
            for _ in 0..8 {
                // Within an image that was cut off, another one begins.
                let (_, length) = schedule.plan(&window, Place::InImage);
                assert!(length > 0, "{schedule:?}");
                schedule.add_images(1);
                schedule.add_bytes(length);
            }
        }
    }

    #[test]
    fn png_make_keys_only_where_they_begin() {
        let mut schedule = KeySchedule::new(2, 0);
        let mut window = vec![0; 9000];
        window[200..208].copy_from_slice(&SIGNATURE);
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::GoOn, 9000)
        );
        schedule.add_images(2);
        assert_eq!(
            schedule.plan(&window, Place::BetweenImages),
            (Start::GoOn, 200)
        );
        assert_eq!(
            schedule.plan(&window[200..], Place::BetweenImages),
            (Start::Anew, 8800)
        );
    }
}
