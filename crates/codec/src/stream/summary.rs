//! What an encoder did, for the report.

use super::segment_encoder::Tally;
use crate::NotModelled;
use crate::{jpeg, png};

/// Most different reasons that are listed.
const REASONS_MAX: usize = 16;

/// The first image found in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryImage {
    /// Name of its kind: "JPEG" or "PNG".
    pub kind: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// What restarts within JPEG scans have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartCost {
    /// Restarts of which the cost is known.
    pub restarts: u64,
    /// Bytes that the scans took more than in models that had not started anew within them, with what
    /// says how the scans go on, the headers of segments, and the entries of the restart index.
    pub bytes: i64,
}

impl RestartCost {
    /// Takes note of bytes that were taken, and of those that would have been without restarts.
    pub(super) fn add(&mut self, taken: usize, otherwise: usize) {
        self.bytes += taken.cast_signed() as i64 - otherwise.cast_signed() as i64;
    }
}

/// What an encoder did so far. All lengths are in raw bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Scans of JPEGs, and PNGs, coded whole by an image model.
    pub images: u64,
    /// The first image whose header was understood.
    pub first_image: Option<SummaryImage>,
    /// Segments written, the end segments not counted.
    pub segments: u64,
    /// Segments among them that hold their raw bytes.
    pub segments_stored: u64,
    /// Segments among them in front of which all models started anew, as [`crate::EncoderOptions`] say.
    pub restarts: u64,
    /// What those among them cost that stand within the scan of a JPEG, if the rows of the image take no
    /// more than half of [`crate::EncoderOptions::state_bytes`].
    pub restart_cost: RestartCost,
    /// Bytes coded by an image model.
    pub image_bytes: u64,
    /// Bytes coded by the bytes model.
    pub model_bytes: u64,
    /// Bytes left as they are in coded segments, because they look like noise.
    pub noise_bytes: u64,
    /// Bytes of stored segments.
    pub stored_bytes: u64,
    /// Why something was not modelled as an image, and how often, in order of appearance. At most
    /// 16 different reasons are listed.
    pub reasons: Vec<(NotModelled, u64)>,
}

impl Summary {
    /// Bytes coded in all.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.image_bytes + self.model_bytes + self.noise_bytes + self.stored_bytes
    }

    pub(super) fn add_reason(&mut self, reason: NotModelled) {
        if let Some((_, count)) = self.reasons.iter_mut().find(|(known, _)| *known == reason) {
            *count += 1;
        } else if self.reasons.len() < REASONS_MAX {
            self.reasons.push((reason, 1));
        }
    }

    pub(super) fn add_news(&mut self, news: &jpeg::News) {
        self.images += news.scans_done;
        for &reason in &news.reasons {
            self.add_reason(reason);
        }
        if let Some((width, height)) = news.frame {
            self.first_image.get_or_insert(SummaryImage {
                kind: "JPEG",
                width: width.into(),
                height: height.into(),
            });
        }
    }

    pub(super) fn add_png_news(&mut self, news: &png::News) {
        self.images += news.images_done;
        for &reason in &news.reasons {
            self.add_reason(reason);
        }
        if let Some((width, height)) = news.header {
            self.first_image.get_or_insert(SummaryImage {
                kind: "PNG",
                width,
                height,
            });
        }
    }

    pub(super) fn add_tally(&mut self, tally: &Tally) {
        self.image_bytes += tally.image_bytes;
        self.model_bytes += tally.model_bytes;
        self.noise_bytes += tally.noise_bytes;
        self.restart_cost.restarts += tally.restart_cost.restarts;
        self.restart_cost.bytes += tally.restart_cost.bytes;
    }

    /// Takes the counts of an earlier state; what was learned about the input since stays true.
    pub(super) fn go_back_to(&mut self, earlier: &Self) {
        let later = std::mem::replace(self, earlier.clone());
        self.first_image = later.first_image;
        self.reasons = later.reasons;
    }
}
