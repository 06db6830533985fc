//! The models of one direction.

use super::Level;
use crate::Error;
use crate::bytes::BytesModel;
use crate::entropy::Coder;
use crate::jpeg::{Jpeg, MemoryBudget, Resumption};
use crate::png::Png;

/// Everything that coded segments adapt.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) bytes: BytesModel,
    pub(super) jpeg: Jpeg,
    pub(super) png: Png,
}

impl Models {
    /// Models that have seen nothing.
    pub(super) fn new(level: Level, budget: MemoryBudget) -> Self {
        Self {
            bytes: BytesModel::new(level),
            jpeg: Jpeg::new(level, budget),
            png: Png::new(level, budget.rows),
        }
    }

    /// Back to the state of [`Models::new`].
    pub(super) fn reset(&mut self) {
        self.bytes.reset();
        self.jpeg.reset();
        self.png.reset();
    }

    /// The same, for a JPEG scan that is resumed next: beside it, it goes on as it would have.
    pub(super) fn reset_within_scan(&mut self) {
        let unbroken = self.jpeg.take_unbroken();
        self.reset();
        self.jpeg.go_on_beside(unbroken);
    }

    /// Shows bytes outside of images to the parsers; how many were taken: all, or up to the start
    /// of an image's data that can be coded. Where two images begin at once it is the JPEG. The
    /// models of the other kind go, so that both never take memory together.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        let taken = self.png.push_bytes(bytes);
        let taken = self.jpeg.push_bytes(&bytes[..taken]);
        if self.jpeg.in_scan() {
            self.png.leave_image_data();
            self.png.free();
        } else if self.png.in_image_data() {
            self.jpeg.look_on();
            self.jpeg.free();
        }
        taken
    }

    /// Goes on with a JPEG scan in models that have seen nothing, behind a header of `length` bytes;
    /// `known` tells an encoder how.
    ///
    /// # Errors
    /// Those of [`Jpeg::resume`].
    pub(super) fn resume<C: Coder>(
        &mut self,
        coder: &mut C,
        length: usize,
        known: Option<&Resumption>,
    ) -> Result<(), Error> {
        let bytes = &mut self.bytes;
        let byte = |coder: &mut C, byte| bytes.code(coder, byte);
        self.jpeg.resume(coder, length, known, byte)
    }

    /// Whether the next byte belongs to an image's data.
    pub(super) fn in_image(&self) -> bool {
        self.jpeg.in_scan() || self.png.in_image_data()
    }

    /// Whether no image has begun that goes on with the next byte, its header and what stands between
    /// its data included.
    pub(super) fn is_between_images(&self) -> bool {
        !self.in_image() && self.jpeg.is_between_images() && self.png.is_between_images()
    }

    /// Whether an image has begun, and the next byte is the first of its data or in front of some.
    pub(super) fn is_in_front_of_image_data(&self) -> bool {
        let at_first = self.jpeg.image_is_announced() || self.png.is_announced();
        at_first || !self.in_image() && !self.is_between_images()
    }

    /// Gives the image's data up that the next byte belongs to.
    pub(super) fn leave_image(&mut self) {
        if self.jpeg.in_scan() {
            self.jpeg.leave_scan();
        }
        if self.png.in_image_data() {
            self.png.leave_image_data();
        }
    }
}
