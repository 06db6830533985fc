//! The memory that images take, beside that of the models.
//!
//! Invariant: it follows from headers and the budget alone. The stream says how much an encoder has
//! for what is kept, and a decoder has as much, so that both always keep the same.

use super::deflate::{Compressor, Parameters, Token};
use super::given_reference::GivenImage;
use super::header::ImageHeader;
use super::held_pixels::HeldPixels;
use super::image_data::{ImageData, Models};
use super::kept_stream::{BLOCK, BlockPool};
use super::opening::Opening;
use super::pixels::{PixelFormat, PixelModel, STRIP_ROWS};
use super::reference::{Reference, Source, TOKENS_MAX, WINDOW_ROWS};
use super::workspace::Workspace;
use crate::entropy::Coder;
use crate::{Error, NotModelled};
use std::mem;

/// Most bytes that are kept of images.
const KEPT_MAX: usize = 3 << 20;

/// What lies unused between allocations where images of many sizes take turns.
const DIVIDED: usize = 300_000;

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
    row.saturating_mul(WINDOW_ROWS + 2)
        .saturating_add(strip_bytes(header))
}

/// The same where the reference was given: of that, tokens are of no use.
fn bytes_with_given(header: &ImageHeader) -> usize {
    bytes_with_reference(header).saturating_sub(TOKENS_MAX * size_of::<Token>())
}

/// An image that is kept.
struct Kept {
    header: ImageHeader,
    parameters: Parameters,
    source: Source,
}

impl Kept {
    /// Bytes of pixels that are held.
    fn pixel_bytes(&self) -> usize {
        match &self.source {
            Source::Pixels(pixels) => pixels.bytes(),
            Source::Kept(_) | Source::Given(_) => 0,
        }
    }
}

/// What is kept between images.
pub(super) struct Memory {
    budget: usize,
    /// Most bytes of the budget for images of which pixels suffice; 0 if they do not.
    pub(super) pixel_limit: usize,
    pool: BlockPool,
    /// Blocks of the pool.
    pool_blocks: u32,
    /// The last image first.
    kept: Vec<Kept>,
    /// From outside of the stream. Its bytes are not of this budget.
    given: Option<GivenImage>,
    /// Unless an image has it.
    workspace: Workspace,
}

impl Memory {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            pixel_limit: 0,
            pool: BlockPool::new(0),
            pool_blocks: 0,
            kept: Vec::new(),
            given: None,
            workspace: Workspace::default(),
        }
    }

    pub(super) fn pool(&mut self) -> &mut BlockPool {
        &mut self.pool
    }

    /// Bytes that an image needs, and bytes that there are, if it needs more.
    pub(super) fn lacks(&self, header: &ImageHeader) -> Option<(usize, usize)> {
        let (needed, budget) = (strip_bytes(header), self.left_by_pixels());
        (needed > budget).then_some((needed, budget))
    }

    /// Bytes of the budget that no pixels take that are held.
    fn left_by_pixels(&self) -> usize {
        let taken: usize = self.kept.iter().map(Kept::pixel_bytes).sum();
        self.budget.saturating_sub(taken)
    }

    /// Whether pixels suffice of an image that begins, and there is room for them.
    fn may_hold_pixels(&self, header: &ImageHeader, opening: &Opening) -> bool {
        // What corrects a stream is found while it is made.
        let is_corrected = opening.parameters.compressor == Compressor::Unknown;
        let others: usize = self.kept.iter().map(Kept::pixel_bytes).sum();
        let needed = HeldPixels::memory(header).saturating_add(others);
        !is_corrected && needed <= self.pixel_limit
    }

    /// Whether an image with this header could have a given reference.
    ///
    /// # Errors
    /// It needs more memory than there is.
    pub(super) fn check_given(&self, header: &ImageHeader) -> Result<(), NotModelled> {
        let (needed, budget) = (bytes_with_given(header), self.budget);
        match needed > budget {
            true => Err(NotModelled::WideReference { needed, budget }),
            false => Ok(()),
        }
    }

    /// Keeps an image from outside of the stream until it is used.
    pub(super) fn give(&mut self, image: GivenImage) {
        self.given = Some(image);
    }

    /// Whether there is a reference for an image with this header.
    pub(super) fn has_reference(&self, header: &ImageHeader) -> bool {
        let is_kept = self.kept.iter().any(|kept| kept.header == *header);
        let is_given = || {
            let given = self.given.as_ref().map(GivenImage::header);
            given == Some(header) && self.check_given(header).is_ok()
        };
        (is_kept || is_given()) && self.pool_blocks <= self.most_blocks(header)
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
        if opening.kept_blocks > self.most_blocks(header) {
            return Err(Error::NoReference);
        }
        let is_another_pool = opening.kept_blocks != self.pool_blocks;
        if is_another_pool {
            self.kept.clear();
            self.pool_blocks = opening.kept_blocks;
            // What was there makes room first, all of it, since it lies together.
            self.workspace.free_rows();
            self.pool = BlockPool::new(0);
        }
        if opening.has_reference && !self.has_reference(header) {
            return Err(Error::NoReference);
        }
        self.prepare_workspace(header);
        if is_another_pool {
            self.pool = BlockPool::new(self.pool_blocks as usize);
        }
        let reference = self.take_reference(header, opening.has_reference);
        let workspace = mem::take(&mut self.workspace);
        let mut image = ImageData::new(header, chunk_length, opening, reference, workspace);
        if self.may_hold_pixels(header, opening) {
            image.hold_pixels();
        }
        Ok(image)
    }

    fn take_reference(&mut self, header: &ImageHeader, used: bool) -> Option<Reference> {
        let (source, parameters) = match self.kept.iter().position(|kept| kept.header == *header) {
            Some(place) => {
                let Kept {
                    parameters, source, ..
                } = self.kept.remove(place);
                (source, Some(parameters))
            }
            None => {
                let image = self.given.take_if(|given| given.header() == header)?;
                (Source::Given(image), None)
            }
        };
        if !used {
            source.recycle(&mut self.pool);
            return None;
        }
        let workspace = &mut self.workspace;
        Some(Reference::new(header, parameters, source, workspace))
    }

    /// Sets memory aside for an image with this header and its reference, before something smaller stands in
    /// the way. What images before have used stays if there is room for it.
    fn prepare_workspace(&mut self, header: &ImageHeader) {
        let row = header.widest_row();
        let rows = row * (1 + STRIP_ROWS);
        let needed = bytes_with_reference(header);
        let left = self.left_by_pixels();
        let slab = match needed <= left {
            true => row * STRIP_ROWS,
            false => 0,
        };
        let others = needed.saturating_sub(row * WINDOW_ROWS + rows);
        let room = left.saturating_sub(others + self.pool_blocks as usize * BLOCK);
        if self.workspace.bytes_with(rows, slab) > room {
            self.workspace.free_rows();
        }
        self.workspace.reserve(rows, slab);
    }

    /// Most blocks for what is kept, beside an image with this header and its reference.
    fn most_blocks(&self, header: &ImageHeader) -> u32 {
        let left = self.left_by_pixels();
        let left = left.saturating_sub(bytes_with_reference(header).saturating_add(DIVIDED));
        (left.min(KEPT_MAX) / BLOCK) as u32
    }

    /// How many blocks an encoder takes for what is kept from an image with this header on: as many
    /// as before if they are still there.
    pub(super) fn planned_blocks(&self, header: &ImageHeader) -> u32 {
        let most = self.most_blocks(header);
        if self.pool_blocks == 0 {
            most
        } else {
            self.pool_blocks.min(most)
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
        let (source, workspace) = image
            .finish(models, &mut self.pool, coder)
            .ok_or(Error::NoReference)?;
        self.workspace = workspace;
        if let Some(source) = source {
            let kept = Kept {
                header,
                parameters,
                source,
            };
            self.kept.insert(0, kept);
            if self.kept.len() > KEPT_IMAGES
                && let Some(oldest) = self.kept.pop()
            {
                oldest.source.recycle(&mut self.pool);
            }
        }
        Ok(())
    }

    /// Ends an image before its end.
    pub(super) fn give_up(&mut self, image: ImageData) {
        self.workspace = image.give_up(&mut self.pool);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(width: u32) -> ImageHeader {
        ImageHeader {
            width,
            height: 100,
            bit_depth: 8,
            colour_type: 6,
            interlaced: false,
        }
    }

    #[test]
    fn a_decoder_keeps_what_the_encoder_keeps() {
        let mut encoder = Memory::new(5_400_000);
        let mut decoder = Memory::new(14_000_000);
        let mut blocks = vec![];
        // The wide one leaves less for what is kept, from then on.
        for header in [header(1920), header(850), header(2600), header(500)] {
            let opening = Opening {
                kept_blocks: encoder.planned_blocks(&header),
                ..Opening::UNKNOWN
            };
            for memory in [&mut encoder, &mut decoder] {
                let image = memory.begin(&header, 0, &opening).expect("there is room");
                memory.give_up(image);
            }
            assert_eq!(encoder.pool_blocks, decoder.pool_blocks);
            blocks.push(encoder.pool_blocks);
        }
        assert!(
            blocks[1] > blocks[2] && blocks[2] == blocks[3],
            "{blocks:?}"
        );
        assert!(blocks[3] > 0, "{blocks:?}");
    }

    #[test]
    fn a_decoder_with_less_memory_says_so() {
        let header = header(1920);
        let opening = Opening {
            kept_blocks: Memory::new(5_400_000).planned_blocks(&header),
            ..Opening::UNKNOWN
        };
        let outcome = Memory::new(3_500_000).begin(&header, 0, &opening);
        assert_eq!(outcome.err(), Some(Error::NoReference));
    }
}
