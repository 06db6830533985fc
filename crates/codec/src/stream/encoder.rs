//! From raw bytes to a container.
//!
//! Invariant: what [`Encoder::encode_segment`] writes depends on the first [`SEGMENT_INPUT`] bytes
//! it is shown and on the state that earlier segments left behind, and on nothing else.

use super::container_header::{self, ContainerHeader};
use super::end;
use super::key_schedule::{KeySchedule, Place, Start};
use super::models::Models;
use super::progress::Progress;
use super::segment_encoder::SegmentEncoder;
use super::segment_header::{self, SegmentHeader, SegmentKind};
use super::summary::Summary;
use super::{ENCODED_SEGMENT_MAX, Level, SEGMENT_INPUT, USUAL_INPUT};
use crate::jpeg::MemoryBudget;
use crate::png::SIGNATURE;
use crate::{NotModelled, ReferenceFile};

/// Most bytes for an image of several scans once a PNG has come: a process has taken memory for its
/// models by then, which cannot be given back to the system, and is left in pieces.
const IMAGE_BYTES_AFTER_PNG: usize = 2_500_000;

/// Choices that the result of encoding depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderOptions {
    /// How much work is done.
    pub level: Level,
    /// Most bytes for the rows of one image, in one direction; images that need more are coded as
    /// bytes.
    pub state_bytes: usize,
    /// After how many PNGs all models start anew, at the start of a file, so that what follows can
    /// be decoded without what is before; 0 for never. Usually [`KEY_EVERY`](super::KEY_EVERY).
    pub key_every: u32,
    /// After how many raw bytes they do, between images or within a sequential scan of a JPEG, as soon
    /// as one of these is there; 0 for never, otherwise at least 4096 count.
    pub restart_every: u64,
    /// Most bytes for an image of several scans: its file, which the caller holds and shows whole
    /// (see [`Encoder::wanted`]), and twice its rows, for coding and for verifying. Behind a PNG in
    /// the same stream at most 2,500,000 are used.
    pub image_bytes: usize,
}

/// How much input an encoder must be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Bytes, or all that there are.
    pub bytes: usize,
    /// Bytes that may be wanted in the end.
    pub at_most: usize,
}

/// What one call of the encoder did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Input bytes coded, at least 1.
    pub consumed: usize,
    /// Output bytes written.
    pub written: usize,
    /// Whether this rests on what was right for a PNG before, so that decoding may prove it wrong without a
    /// fault of the codec; never without [`Encoder::set_verified`].
    pub takes_for_granted: bool,
}

/// Turns raw bytes into a container, segment by segment.
#[derive(Debug)]
pub struct Encoder {
    header: ContainerHeader,
    reference: Option<ReferenceFile>,
    models: Models,
    segment: SegmentEncoder,
    keys: KeySchedule,
    progress: Progress,
    /// The progress before each of the last two segments, the older first.
    before: [Option<Progress>; 2],
    summary: Summary,
    /// The summaries that belong to `before`.
    summaries_before: [Summary; 2],
    end_payload: Vec<u8>,
}

impl Encoder {
    /// An encoder at the start of a container. All model state is allocated here, but for the rows
    /// of images.
    #[must_use]
    pub fn new(options: &EncoderOptions) -> Self {
        Self {
            header: ContainerHeader {
                level: options.level,
                has_reference: false,
            },
            reference: None,
            models: Models::new(
                options.level,
                MemoryBudget {
                    rows: options.state_bytes,
                    image: options.image_bytes,
                },
            ),
            segment: SegmentEncoder::default(),
            keys: KeySchedule::new(options.key_every, options.restart_every),
            progress: Progress::START,
            before: [None, None],
            summary: Summary::default(),
            summaries_before: Default::default(),
            end_payload: Vec::new(),
        }
    }

    /// Codes against an image of another file, which a decoder must then be given too; whether it is of
    /// use, and otherwise [`Encoder::summary`] says why not. To be called before the first segment.
    pub fn set_reference(&mut self, reference: ReferenceFile) -> bool {
        let refused = if reference.bytes().len() > ReferenceFile::LENGTH_MAX {
            Some(NotModelled::LongReference)
        } else {
            self.models.png.check_reference(&reference).err()
        };
        if let Some(reason) = refused {
            self.summary.add_reason(reason);
            return false;
        }
        self.header.has_reference = true;
        self.reference = Some(reference);
        self.give_reference();
        true
    }

    /// Says that every segment is decoded and compared before it is used, and is replaced by
    /// [`Encoder::encode_stored`] if it is not right. Then the encoder leaves it to that decoder to
    /// find out whether the zlib stream of a PNG can be made again, where it could be for a PNG
    /// before it by the same writer: this saves work. Without this it finds out itself.
    pub fn set_verified(&mut self, is_verified: bool) {
        self.models.png.set_verified(is_verified);
    }

    /// Hands the reference to new models.
    fn give_reference(&mut self) {
        if let Some(reference) = &self.reference {
            let given = self.models.png.give_reference(reference.clone());
            debug_assert!(given.is_ok(), "it was checked");
        }
    }

    /// How much of the input, from where the next segment begins, [`Encoder::encode_segment`] must
    /// be shown. That is [`SEGMENT_INPUT`], but for an image of several scans: there it is up to
    /// the image's end, which is found as more and more is shown here, from the same byte on.
    pub fn wanted(&mut self, input: &[u8], end_of_input: bool) -> Wanted {
        let jpeg = &mut self.models.jpeg;
        let in_image = jpeg.encoding().map_or(0, |image| image.bytes_left());
        let bytes = SEGMENT_INPUT.max(in_image);
        match jpeg.survey(input, end_of_input) {
            Some(at_most) => Wanted {
                bytes: bytes.max(input.len() + 1),
                at_most: bytes.max(at_most),
            },
            None => Wanted {
                bytes,
                at_most: bytes,
            },
        }
    }

    /// Has the image of several scans for which [`Encoder::wanted`] wants more input coded without
    /// the others, because the caller cannot hold it.
    pub fn decline_image(&mut self) {
        self.models.jpeg.decline_image();
    }

    /// Codes a prefix of `input` as one segment, and the container's header before the first.
    ///
    /// `input` holds at least one byte, and at least what [`Encoder::wanted`] says unless the input
    /// ends there (`end_of_input`); how much more it holds makes no difference. `out` holds at least
    /// [`ENCODED_SEGMENT_MAX`] bytes.
    ///
    /// # Panics
    /// If `input` or `out` is shorter than that.
    pub fn encode_segment(&mut self, input: &[u8], end_of_input: bool, out: &mut [u8]) -> Encoded {
        assert!(!input.is_empty(), "a segment needs input");
        let wanted = self.wanted(input, end_of_input).bytes;
        assert!(
            end_of_input || input.len() >= wanted,
            "{} bytes of input are too few of {wanted}",
            input.len()
        );
        let header_size = self.begin_segment(out);
        let window = &input[..input.len().min(SEGMENT_INPUT)];
        let jpeg = &mut self.models.jpeg;
        // An image of several scans is shown whole.
        let whole_image = jpeg.encoding().is_some() || jpeg.image_is_announced();
        let resumption = jpeg.resumption(window);
        let (start, length) = if whole_image {
            (Start::GoOn, window.len())
        } else {
            let is_in_png = self.models.png.in_image_data() || window.starts_with(&SIGNATURE);
            let most = match is_in_png {
                true => SEGMENT_INPUT,
                false => USUAL_INPUT,
            };
            let window = &window[..window.len().min(most)];
            let place = match &resumption {
                _ if self.models.is_between_images() => Place::BetweenImages,
                Some(resumption) => Place::InScan {
                    header: resumption.header_length(),
                },
                None => Place::InImage,
            };
            self.keys.plan(window, place)
        };
        let resumption = resumption.filter(|_| start == Start::Resume);
        let kind = match start {
            Start::GoOn => SegmentKind::Coded,
            Start::Anew | Start::Resume => {
                match start {
                    Start::Resume => self.models.reset_within_scan(),
                    _ => self.models.reset(),
                }
                self.summary.restarts += 1;
                SegmentKind::Key(self.header.level)
            }
        };
        // Where the input ends exactly with the window, the caller may know it or not yet, so that
        // must not matter.
        let ends = input.len() < SEGMENT_INPUT && length == input.len();
        let input = if length < window.len() {
            &input[..length]
        } else {
            input
        };
        let window = &window[..length];
        let out = &mut out[header_size..];
        let room = &mut out[segment_header::SIZE..];
        let (models, resumption) = (&mut self.models, resumption.as_ref());
        let coded = self.segment.encode(models, input, ends, resumption, room);
        self.summary.add_news(&self.models.jpeg.take_news());
        let png_news = self.models.png.take_news();
        self.keys.add_images(png_news.images_done);
        if png_news.header.is_some() {
            self.models.jpeg.limit_image_bytes(IMAGE_BYTES_AFTER_PNG);
        }
        self.summary.add_png_news(&png_news);
        let raw = &window[..coded.consumed];
        let written = match coded.payload {
            Some(size) => {
                self.summary.add_tally(&coded.tally);
                self.keys.add_bytes(coded.consumed);
                let entries = self.progress.index.size();
                let written = self.seal(kind, raw, size, out);
                if coded.tally.restart_cost.restarts > 0 {
                    let cost = &mut self.summary.restart_cost;
                    cost.add(self.progress.index.size(), entries);
                }
                written
            }
            None => self.store(raw, out),
        };
        let takes_for_granted = png_news.takes_for_granted && coded.payload.is_some();
        Encoded {
            consumed: coded.consumed,
            written: header_size + written,
            takes_for_granted,
        }
    }

    /// Damages the next segment that is encoded, so that a test can see whether its verification
    /// finds it.
    #[cfg(feature = "fault-injection")]
    pub fn inject_damage(&mut self, damage: crate::Damage) {
        self.segment.damage = Some(damage);
    }

    /// Says why the last segment is about to be stored instead: what it took for granted was wrong, and
    /// nothing else is known to be. [`Encoder::summary`] gives it as a reason.
    pub fn add_wrong_guess(&mut self) {
        self.summary.add_reason(NotModelled::UnknownDeflate);
    }

    /// Codes `raw`, the bytes that the last call of [`Encoder::encode_segment`] consumed, again, as
    /// a stored segment in the place of that call's. Resets all models, and takes nothing for granted
    /// any more. Returns the bytes written, the container's header included if the replaced segment
    /// was the first. Called again without another segment in between it would replace what it wrote.
    ///
    /// # Panics
    /// If `raw` is empty or longer than [`SEGMENT_INPUT`], or `out` shorter than
    /// [`ENCODED_SEGMENT_MAX`].
    pub fn encode_stored(&mut self, raw: &[u8], out: &mut [u8]) -> usize {
        self.models.png.set_verified(false);
        self.forget_segment();
        self.store_segment(raw, out)
    }

    /// Codes all of `raw` as a stored segment, without looking at it, and the container's header before
    /// the first. Returns the bytes written.
    ///
    /// # Panics
    /// As [`Encoder::encode_stored`].
    pub fn store_segment(&mut self, raw: &[u8], out: &mut [u8]) -> usize {
        assert!(
            (1..=SEGMENT_INPUT).contains(&raw.len()),
            "{} bytes are no segment",
            raw.len()
        );
        let header_size = self.begin_segment(out);
        header_size + self.store(raw, &mut out[header_size..])
    }

    /// Takes the last segment back, for a caller that verifies one segment behind and has to
    /// replace the one before the last with [`Encoder::encode_stored`], which must follow. The
    /// bytes of the segment taken back are then coded anew.
    pub fn forget_segment(&mut self) {
        let [older, last] = &mut self.before;
        if let Some(progress) = last.take() {
            self.progress = progress;
            *last = older.take();
            let [older, last] = &mut self.summaries_before;
            self.summary.go_back_to(last);
            std::mem::swap(last, older);
        }
    }

    /// Writes the end segment and the footer, and the container's header if nothing was coded.
    /// Returns the bytes written. The encoder is then at the start of another container.
    ///
    /// # Panics
    /// If `out` is shorter than [`ENCODED_SEGMENT_MAX`].
    pub fn encode_end(&mut self, out: &mut [u8]) -> usize {
        let header_size = self.write_container_header(out);
        self.end_payload.clear();
        end::write_payload(
            self.progress.raw_length,
            &self.progress.index,
            &mut self.end_payload,
        );
        let header = SegmentHeader::write(
            SegmentKind::End,
            0,
            self.progress.checksum(),
            &self.end_payload,
        );
        let footer = end::footer(self.progress.container_length, self.end_payload.len());
        let mut written = header_size;
        for piece in [&header[..], &self.end_payload, &footer] {
            out[written..written + piece.len()].copy_from_slice(piece);
            written += piece.len();
        }
        self.models.reset();
        self.give_reference();
        self.keys.start();
        self.progress = Progress::START;
        self.before = [None, None];
        written
    }

    /// What the models of coefficients have learned so far, for the states that they start with.
    #[cfg(feature = "training")]
    pub fn learned_states(&mut self) -> Vec<u8> {
        self.models.jpeg.learned()
    }

    /// What was done so far, in all containers.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn begin_segment(&mut self, out: &mut [u8]) -> usize {
        assert!(
            out.len() >= ENCODED_SEGMENT_MAX,
            "{} bytes of output are too few",
            out.len()
        );
        self.before.swap(0, 1);
        self.before[1] = Some(self.progress.clone());
        self.summaries_before.swap(0, 1);
        self.summaries_before[1].clone_from(&self.summary);
        self.write_container_header(out)
    }

    fn write_container_header(&mut self, out: &mut [u8]) -> usize {
        if self.progress.container_length > 0 {
            return 0;
        }
        let (header, rest) = out.split_at_mut(container_header::SIZE);
        header.copy_from_slice(&self.header.to_bytes());
        let mut size = container_header::SIZE;
        if let Some(reference) = &self.reference {
            let bytes = container_header::reference_bytes(reference.identity());
            rest[..bytes.len()].copy_from_slice(&bytes);
            size += bytes.len();
        }
        self.progress.container_length = size as u64;
        size
    }

    fn store(&mut self, raw: &[u8], out: &mut [u8]) -> usize {
        self.models.reset();
        self.keys.start();
        self.summary.segments_stored += 1;
        self.summary.stored_bytes += raw.len() as u64;
        out[segment_header::SIZE..][..raw.len()].copy_from_slice(raw);
        self.seal(SegmentKind::Stored, raw, raw.len(), out)
    }

    /// Puts the header in front of the payload of `size` bytes that stands in `out`.
    fn seal(&mut self, kind: SegmentKind, raw: &[u8], size: usize, out: &mut [u8]) -> usize {
        let written = segment_header::SIZE + size;
        let raw_checksum = self.progress.add_segment(kind, raw, written);
        let (header, payload) = out[..written].split_at_mut(segment_header::SIZE);
        header.copy_from_slice(&SegmentHeader::write(
            kind,
            raw.len(),
            raw_checksum,
            payload,
        ));
        self.summary.segments += 1;
        written
    }
}
