//! From a container to raw bytes.
//!
//! Invariant: raw bytes are handed out only after their checksum was found right, and
//! [`Step::End`] only after everything that the container says about itself was; for a container of
//! which not all was seen ([`Decoder::lose_place`], [`Decoder::enter_container`]) only what can be.

use super::Level;
use super::container_header::{self, ContainerHeader};
use super::end;
use super::models::Models;
use super::pixel_decoding::ImageCount;
use super::progress::Progress;
use super::segment_decoder;
use super::segment_header::{self, SegmentHeader, SegmentKind};
use crate::jpeg::{MemoryBudget, Original};
use crate::{Error, ReferenceFile};

/// What a decoder may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderOptions {
    /// Most bytes for the rows of one image.
    pub state_bytes: usize,
    /// Most bytes for the rows and the file of an image of several scans.
    pub image_bytes: usize,
}

/// What a unit of a container led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Nothing yet.
    More,
    /// The raw bytes of a segment, their checksum verified.
    Raw(&'a [u8]),
    /// A segment that depends on one that was lost or skipped: its bytes are unknown.
    Lost {
        /// How many bytes it has.
        raw_length: usize,
    },
    /// The container is over and all of it was right. Another one may follow.
    End {
        /// Raw bytes in the container.
        raw_length: u64,
    },
}

/// The unit that a decoder wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    ContainerHeader,
    Reference(ContainerHeader),
    SegmentHeader,
    Payload(SegmentHeader),
    Footer { payload_length: usize },
    Failed(Error),
}

/// Turns containers back into raw bytes, unit by unit.
#[derive(Debug)]
pub struct Decoder {
    budget: MemoryBudget,
    reference: Option<ReferenceFile>,
    pub(super) state: State,
    /// Those of the current container, made when its header is read.
    pub(super) models: Option<(ContainerHeader, Models)>,
    pub(super) progress: Progress,
    /// The progress before the last segment.
    before: Progress,
    /// Whether the models are as they were when the next segment was encoded.
    pub(super) models_fit: bool,
    /// Whether segments of this container are lost, so that its totals cannot be compared.
    astray: bool,
    /// Whether the container's header is lost, so that a key has to tell its level, or trying.
    pub(super) level_is_unknown: bool,
    pub(super) ended: bool,
    pub(super) segments_stored: u64,
    raw: Vec<u8>,
    /// Most bytes of the images of which only the pixels are decoded; 0 for none.
    pub(super) pixel_limit: usize,
    pub(super) images: ImageCount,
}

impl Decoder {
    /// A decoder in front of a container.
    #[must_use]
    pub fn new(options: &DecoderOptions) -> Self {
        Self {
            budget: MemoryBudget {
                rows: options.state_bytes,
                image: options.image_bytes,
            },
            reference: None,
            state: State::ContainerHeader,
            models: None,
            progress: Progress::START,
            before: Progress::START,
            models_fit: true,
            astray: false,
            level_is_unknown: false,
            ended: false,
            segments_stored: 0,
            raw: Vec::new(),
            pixel_limit: 0,
            images: ImageCount::default(),
        }
    }

    /// Gives the reference for containers that were coded against one; others take no notice of it. To
    /// be called before the first step.
    pub fn set_reference(&mut self, reference: ReferenceFile) {
        self.reference = Some(reference);
    }

    /// Size of the unit that [`Decoder::step`] takes next, in bytes: 1 to
    /// [`UNIT_MAX`](super::UNIT_MAX), or 0 after an error.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match self.state {
            State::ContainerHeader => container_header::SIZE,
            State::Reference(_) => container_header::REFERENCE_SIZE,
            State::SegmentHeader => segment_header::SIZE,
            State::Payload(header) => header.coded_length,
            State::Footer { .. } => end::FOOTER_SIZE,
            State::Failed(_) => 0,
        }
    }

    /// Whether the input may end here: after the footer of a container.
    #[must_use]
    pub fn may_end(&self) -> bool {
        self.ended
    }

    /// How many stored segments were handed out, in all containers.
    #[must_use]
    pub fn segments_stored(&self) -> u64 {
        self.segments_stored
    }

    /// Takes the next unit, [`Decoder::wanted`] bytes.
    ///
    /// # Errors
    /// The first rule of the format that the unit breaks. Every further call gives the same error.
    pub fn step(&mut self, unit: &[u8]) -> Result<Step<'_>, Error> {
        self.step_with(unit, None)
    }

    /// The same for a decoder that verifies: `original` are the bytes that the encoder coded, from
    /// the first one of this unit's segment on, as many as the encoder was shown. The decoder then
    /// compares with them what it would otherwise have to hold for later segments. A decoder is
    /// stepped either always or never in this way.
    ///
    /// # Errors
    /// As [`Decoder::step`], and [`Error::OriginalDiffers`].
    pub fn step_beside(&mut self, unit: &[u8], original: &[u8]) -> Result<Step<'_>, Error> {
        self.step_with(unit, Some(original))
    }

    fn step_with(&mut self, unit: &[u8], original: Original<'_>) -> Result<Step<'_>, Error> {
        match self.take(unit, original) {
            Ok(Outcome::More) => Ok(Step::More),
            Ok(Outcome::Raw) => Ok(Step::Raw(&self.raw)),
            Ok(Outcome::Lost { raw_length }) => Ok(Step::Lost { raw_length }),
            Ok(Outcome::End { raw_length }) => Ok(Step::End { raw_length }),
            Err(error) => {
                self.state = State::Failed(error);
                self.ended = false;
                Err(error)
            }
        }
    }

    /// Goes back to before the last segment, whether it was decoded or failed, to take a stored
    /// segment in its place: with the container's header in front, if it was the first. May be
    /// called once after each segment.
    pub fn forget_segment(&mut self) {
        self.progress = self.before.clone();
        self.ended = false;
        self.state = match self.progress.container_length {
            0 => State::ContainerHeader,
            _ => State::SegmentHeader,
        };
    }

    /// Takes the next unit as [`Decoder::step`] does, but does not decode it if it is a segment's
    /// payload: later segments are then lost up to one that starts anew. Checksums and totals count
    /// it.
    ///
    /// # Errors
    /// As [`Decoder::step`].
    pub fn skip(&mut self, unit: &[u8]) -> Result<(), Error> {
        match self.state {
            State::Payload(header)
                if header.kind != SegmentKind::End && unit.len() == self.wanted() =>
            {
                let checked = header.verify(unit);
                if let Err(error) = checked {
                    self.state = State::Failed(error);
                    return Err(error);
                }
                self.pass_over(&header, unit.len());
                match header.kind {
                    SegmentKind::Stored => self.reset_models(),
                    _ => self.models_fit = false,
                }
                Ok(())
            }
            _ => self.step(unit).map(|_| ()),
        }
    }

    /// Goes on behind damage: the next unit is the header of some later segment of the container.
    /// Segments that depend on what is in between are [`Step::Lost`], and the container's totals are
    /// not compared any more.
    pub fn lose_place(&mut self) {
        if self.models.is_none() {
            self.enter_container(None);
        }
        self.models_fit = false;
        self.astray = true;
        self.ended = false;
        self.state = State::SegmentHeader;
    }

    /// Begins within a container: the next unit is the header of a segment that does not depend on
    /// what is before it. `level` is the container's; without one it is that of the key with which it
    /// begins, or else every level is tried.
    pub fn enter_container(&mut self, level: Option<Level>) {
        let header = ContainerHeader::without_reference(level.unwrap_or_default());
        self.begin_container(&header, container_header::SIZE);
        self.level_is_unknown = level.is_none();
        self.astray = true;
    }

    fn take(&mut self, unit: &[u8], original: Original<'_>) -> Result<Outcome, Error> {
        let wrong_length = Error::UnitLength {
            wanted: self.wanted(),
            given: unit.len(),
        };
        match self.state {
            State::Failed(error) => Err(error),
            State::ContainerHeader => {
                self.before = Progress::START;
                let unit = unit.try_into().map_err(|_| wrong_length)?;
                let header = ContainerHeader::parse(unit)?;
                if header.has_reference {
                    self.state = State::Reference(header);
                } else {
                    self.begin_container(&header, container_header::SIZE);
                }
                Ok(Outcome::More)
            }
            State::Reference(header) => {
                let unit = unit.try_into().map_err(|_| wrong_length)?;
                let reference = self.right_reference(unit)?;
                self.begin_container(&header, container_header::SIZE_MAX);
                if let Some((_, models)) = &mut self.models
                    && models.png.give_reference(reference).is_err()
                {
                    return Err(Error::ReferenceHasNoImage);
                }
                Ok(Outcome::More)
            }
            State::SegmentHeader => {
                // A first segment is replaced together with the container's header.
                if self.progress.raw_length > 0 {
                    self.before = self.progress.clone();
                }
                let unit = unit.try_into().map_err(|_| wrong_length)?;
                self.state = State::Payload(SegmentHeader::parse(unit)?);
                Ok(Outcome::More)
            }
            State::Payload(_) | State::Footer { .. } if unit.len() != self.wanted() => {
                Err(wrong_length)
            }
            State::Payload(header) => {
                header.verify(unit)?;
                self.take_payload(&header, unit, original)
            }
            State::Footer { payload_length } => self.take_footer(payload_length, unit),
        }
    }

    /// The reference that was given, if it is the one that `unit` names.
    fn right_reference(
        &self,
        unit: &[u8; container_header::REFERENCE_SIZE],
    ) -> Result<ReferenceFile, Error> {
        let recorded = container_header::parse_reference(unit)?;
        let reference = self.reference.as_ref();
        let reference = reference.ok_or(Error::ReferenceMissing(recorded))?;
        let given = reference.identity();
        match given == recorded {
            true => Ok(reference.clone()),
            false => Err(Error::OtherReference { recorded, given }),
        }
    }

    fn begin_container(&mut self, header: &ContainerHeader, size: usize) {
        self.ended = false;
        self.models_fit = true;
        self.astray = false;
        self.level_is_unknown = false;
        self.progress = Progress::START;
        self.progress.container_length = size as u64;
        self.state = State::SegmentHeader;
        match &mut self.models {
            Some((current, models)) if current.level == header.level => {
                *current = *header;
                models.reset();
            }
            models => {
                // The old ones go first, so that there is room for the new.
                *models = None;
                *models = Some((*header, Models::new(header.level, self.budget)));
            }
        }
    }

    fn take_payload(
        &mut self,
        header: &SegmentHeader,
        payload: &[u8],
        original: Original<'_>,
    ) -> Result<Outcome, Error> {
        let (length, kind) = (header.raw_length, header.kind);
        match kind {
            SegmentKind::Stored => self.take_stored(payload),
            SegmentKind::Coded if !self.models_fit => {
                self.pass_over(header, payload.len());
                return Ok(Outcome::Lost { raw_length: length });
            }
            SegmentKind::Coded if self.level_is_unknown => {
                self.take_coded_at_any_level(header, payload)?;
            }
            SegmentKind::Coded => self.take_coded(header, payload, original)?,
            SegmentKind::Key(level) => {
                self.start_anew(level)?;
                self.take_coded(header, payload, original)?;
            }
            SegmentKind::End => return self.take_end(header, payload),
        }
        let size = segment_header::SIZE + payload.len();
        if self.raw.len() < length {
            self.add_unseen(header, size);
            return Ok(Outcome::More);
        }
        let (stored, computed) = (
            header.raw_checksum,
            self.progress.add_segment(kind, &self.raw, size),
        );
        if stored != computed {
            return Err(Error::RawChecksum { stored, computed });
        }
        self.segments_stored += u64::from(kind == SegmentKind::Stored);
        self.state = State::SegmentHeader;
        Ok(Outcome::Raw)
    }

    /// Counts a segment that is not decoded.
    fn pass_over(&mut self, header: &SegmentHeader, coded_length: usize) {
        self.before = self.progress.clone();
        self.add_unseen(header, segment_header::SIZE + coded_length);
    }

    /// Counts a segment of `size` bytes of which not all raw bytes are known.
    fn add_unseen(&mut self, header: &SegmentHeader, size: usize) {
        let (checksum, length) = (header.raw_checksum, header.raw_length);
        self.progress
            .add_unseen(header.kind, checksum, length, size);
        self.state = State::SegmentHeader;
    }

    /// Decodes the first segment of a container whose header is lost.
    fn take_coded_at_any_level(
        &mut self,
        header: &SegmentHeader,
        payload: &[u8],
    ) -> Result<(), Error> {
        let mut last = Error::BadScan;
        for level in Level::ALL {
            self.set_level(level);
            match self.take_coded(header, payload, None) {
                Ok(()) if crc32fast::hash(&self.raw) == header.raw_checksum => {
                    self.level_is_unknown = false;
                    return Ok(());
                }
                Ok(()) => {
                    last = Error::RawChecksum {
                        stored: header.raw_checksum,
                        computed: crc32fast::hash(&self.raw),
                    };
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Has new models at the level of a key, which may be another one than before only if it is of a
    /// container whose header was not seen.
    fn start_anew(&mut self, level: Level) -> Result<(), Error> {
        let known = self.models.as_ref().map(|(container, _)| container.level);
        match known.filter(|&known| known != level) {
            Some(container) if !self.astray => {
                let key = level;
                return Err(Error::KeyLevel { container, key });
            }
            Some(_) => self.set_level(level),
            None => self.reset_models(),
        }
        self.level_is_unknown = false;
        Ok(())
    }

    /// Has new models of a container whose header is lost.
    fn set_level(&mut self, level: Level) {
        // The old ones go first, so that there is room for the new.
        self.models = None;
        let container = ContainerHeader::without_reference(level);
        self.models = Some((container, Models::new(level, self.budget)));
        self.models_fit = true;
    }

    fn reset_models(&mut self) {
        self.models_fit = true;
        if let Some((_, models)) = &mut self.models {
            models.reset();
        }
    }

    fn take_stored(&mut self, payload: &[u8]) {
        self.reset_models();
        self.raw.clear();
        self.raw.extend_from_slice(payload);
    }

    fn take_coded(
        &mut self,
        header: &SegmentHeader,
        payload: &[u8],
        original: Original<'_>,
    ) -> Result<(), Error> {
        let Some((_, models)) = &mut self.models else {
            unreachable!("segments are only wanted within a container");
        };
        let is_key = matches!(header.kind, SegmentKind::Key(_));
        let length = header.raw_length;
        self.raw.clear();
        self.raw.reserve_exact(length);
        let limit = match self.level_is_unknown {
            // A level is the right one if the bytes are.
            true => 0,
            false => self.pixel_limit,
        };
        models.png.limit_pixels(limit);
        let result =
            segment_decoder::decode(models, is_key, payload, length, &mut self.raw, original);
        self.images.add(&models.png.take_news());
        result
    }

    fn take_end(&mut self, header: &SegmentHeader, payload: &[u8]) -> Result<Outcome, Error> {
        let progress = &self.progress;
        if !self.astray {
            end::verify_payload(payload, progress.raw_length, &progress.index)?;
            let (stored, computed) = (header.raw_checksum, progress.checksum());
            if stored != computed {
                return Err(Error::TotalChecksum { stored, computed });
            }
        }
        self.state = State::Footer {
            payload_length: payload.len(),
        };
        Ok(Outcome::More)
    }

    fn take_footer(&mut self, payload_length: usize, unit: &[u8]) -> Result<Outcome, Error> {
        let progress = std::mem::replace(&mut self.progress, Progress::START);
        let is_right = match unit.try_into() {
            Ok(unit) if self.astray => end::parse_footer(unit).is_some(),
            _ => unit == end::footer(progress.container_length, payload_length),
        };
        if !is_right {
            return Err(Error::BadFooter);
        }
        self.state = State::ContainerHeader;
        self.ended = true;
        Ok(Outcome::End {
            raw_length: progress.raw_length,
        })
    }
}

/// A [`Step`] without the bytes.
enum Outcome {
    More,
    Raw,
    Lost { raw_length: usize },
    End { raw_length: u64 },
}
