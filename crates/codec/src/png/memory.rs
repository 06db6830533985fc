//! The memory that images take, beside that of the models.
//!
//! Invariant: it follows from headers and the budget alone. What an encoder keeps within its budget
//! a decoder with at least the same budget keeps too; the stream says what is used.

use super::deflate::{Inflater, Parameters};
use super::header::ImageHeader;
use super::image_data::{ImageData, Models};
use super::kept_stream::{BlockPool, KeptStream};
use super::opening::Opening;
use super::pixels::{PixelFormat, PixelModel, REFERENCE_MARGIN, STRIP_ROWS};
use super::reference::Reference;
use crate::Error;
use crate::entropy::Coder;

/// Most bytes that are kept of images.
const KEPT_MAX: usize = 3 << 20;

/// Images of how many headers are kept.
const KEPT_IMAGES: usize = 2;

/// What the zlib streams of one image take at most: replay, inflaters, bytes inflated at a time, the
/// reference's tokens, and the search for parameters.
const STREAMS: usize = 2_000_000;

/// Bytes for the strips of an image: rows with and without filter types, and a row beside.
fn strip_bytes(header: &ImageHeader) -> usize {
    let row = header.widest_row().saturating_add(1);
    let model = PixelFormat::new(header.width, header.colour_type, header.bit_depth)
        .map_or(usize::MAX, |format| PixelModel::row_memory(&format));
    row.saturating_mul(2 * STRIP_ROWS + 2)
        .saturating_add(model)
        .saturating_add(STREAMS)
}

/// The same with the rows of a reference.
fn bytes_with_reference(header: &ImageHeader) -> usize {
    let row = header.widest_row().saturating_add(1);
    row.saturating_mul(2 * REFERENCE_MARGIN + STRIP_ROWS + 2)
        .saturating_add(strip_bytes(header))
}

/// An image that is kept.
struct Kept {
    header: ImageHeader,
    parameters: Parameters,
    stream: KeptStream,
}

/// What is kept between images.
pub(super) struct Memory {
    budget: usize,
    pool: BlockPool,
    /// Bytes of the pool.
    pool_budget: usize,
    /// The last image first.
    kept: Vec<Kept>,
    spare_inflater: Option<Box<Inflater>>,
}

impl Memory {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            pool: BlockPool::new(0),
            pool_budget: 0,
            kept: Vec::new(),
            spare_inflater: None,
        }
    }

    pub(super) fn pool(&mut self) -> &mut BlockPool {
        &mut self.pool
    }

    /// Bytes that an image needs, and bytes that there are, if it needs more.
    pub(super) fn lacks(&self, header: &ImageHeader) -> Option<(usize, usize)> {
        let needed = strip_bytes(header);
        (needed > self.budget).then_some((needed, self.budget))
    }

    /// Whether there is a reference for an image with this header.
    pub(super) fn has_reference(&self, header: &ImageHeader) -> bool {
        self.kept.iter().any(|kept| kept.header == *header)
            && bytes_with_reference(header).saturating_add(self.pool_budget) <= self.budget
    }

    /// Begins an image.
    ///
    /// # Errors
    /// It needs more memory than there is, or a reference that there is not.
    pub(super) fn begin(
        &mut self,
        header: &ImageHeader,
        chunk_length: u32,
        opening: &Opening,
    ) -> Result<ImageData, Error> {
        if let Some((needed, budget)) = self.lacks(header) {
            return Err(Error::RowsTooWide { needed, budget });
        }
        if opening.has_reference && !self.has_reference(header) {
            return Err(Error::NoReference);
        }
        let reference = self.take_reference(header, opening.has_reference);
        self.fit_pool(header);
        Ok(ImageData::new(header, chunk_length, opening, reference))
    }

    fn take_reference(&mut self, header: &ImageHeader, used: bool) -> Option<Reference> {
        let place = self.kept.iter().position(|kept| kept.header == *header)?;
        let Kept {
            parameters, stream, ..
        } = self.kept.remove(place);
        if !used {
            self.pool.recycle(stream);
            return None;
        }
        let mut inflater = self
            .spare_inflater
            .take()
            .unwrap_or_else(|| Box::new(Inflater::new()));
        inflater.reset();
        Some(Reference::new(header, parameters, stream, inflater))
    }

    /// Sees to it that pool and image together stay within the budget.
    fn fit_pool(&mut self, header: &ImageHeader) {
        let left = self.budget.saturating_sub(bytes_with_reference(header));
        if self.pool_budget == 0 || self.pool_budget > left {
            self.kept.clear();
            self.pool_budget = left.min(KEPT_MAX);
            self.pool = BlockPool::new(self.pool_budget);
        }
    }

    /// Ends an image behind its last byte, and keeps it if that is said.
    ///
    /// # Errors
    /// It is to be kept and there is no room.
    pub(super) fn finish<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        image: ImageData,
    ) -> Result<(), Error> {
        let (header, parameters) = (image.header, image.parameters);
        let (stream, inflater) = image
            .finish(models, &mut self.pool, coder)
            .ok_or(Error::NoReference)?;
        self.spare_inflater = inflater.or(self.spare_inflater.take());
        if let Some(stream) = stream {
            let kept = Kept {
                header,
                parameters,
                stream,
            };
            self.kept.insert(0, kept);
            if self.kept.len() > KEPT_IMAGES
                && let Some(oldest) = self.kept.pop()
            {
                self.pool.recycle(oldest.stream);
            }
        }
        Ok(())
    }

    /// Ends an image before its end.
    pub(super) fn give_up(&mut self, image: ImageData) {
        let inflater = image.give_up(&mut self.pool);
        self.spare_inflater = inflater.or(self.spare_inflater.take());
    }
}
