//! JPEG images within a byte stream: headers, scans, and the model of their coefficients.
//!
//! Invariant: encoder and decoder drive one [`Jpeg`] each with the same calls over the same bytes,
//! and so agree, without side information, on where scans begin and end and on every model state.

mod any_models;
mod bit_reader;
mod bit_writer;
mod block_coder;
mod experience;
mod frame;
mod huffman;
mod markers;
mod model;
mod multi_scan;
mod reason;
mod reentry;
mod resumption;
mod rows;
mod scan;
mod unbroken;
mod zigzag;

use crate::entropy::{Coder, RangeDecoder, RangeEncoder};
#[cfg(feature = "fault-injection")]
use crate::fault::Damage;
use crate::fault::PendingDamage;
use crate::{Error, Level};
use any_models::AnyModels;
use experience::Experience;
use frame::{ScanComponent, ScanLayout};
use markers::FoundScan;
pub(crate) use markers::{Found, HeaderParser, START_OF_IMAGE};
use multi_scan::{ImageDecoder, ImageEncoder, ImageSource, ScanHeader, Survey};
pub(crate) use multi_scan::{MCU_ROWS_MAX, NextRow, Original, SCANS_MAX, Stretch};
pub use reason::NotModelled;
pub(crate) use reentry::{FoundReentry, MCU_MAX, SearchBudget};
pub(crate) use resumption::{HEADER_MAX, Resumption};
use scan::Scan;
pub(crate) use unbroken::UnbrokenScan;

/// How an MCU run of the encoder ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The input or the limit is used up; the scan goes on.
    More,
    /// The last MCU of the scan is coded; the scan has been left.
    ScanDone,
    /// What follows cannot be coded; the caller leaves the scan.
    Odd(NotModelled),
}

/// A run of MCUs that was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct McuRun {
    /// Number of MCUs coded.
    pub(crate) mcus: u32,
    /// Bytes that are wholly coded; the bits of a byte begun stay pending.
    pub(crate) consumed: usize,
    /// Why it ended.
    pub(crate) end: RunEnd,
    /// Bytes that the MCUs would take if the models had not started anew within the scan; `None` if they
    /// have not, or that is not known.
    pub(crate) unbroken_size: Option<usize>,
}

/// What was found since the last time it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// Scans whose last MCU was coded.
    pub(crate) scans_done: u64,
    /// Width and height, in pixels, of the first frame header understood.
    pub(crate) frame: Option<(u16, u16)>,
    /// Why something was not modelled; bounded, see [`News::REASONS`].
    pub(crate) reasons: Vec<NotModelled>,
}

impl News {
    /// Most reasons kept.
    pub(crate) const REASONS: usize = 64;

    fn add_reason(&mut self, reason: NotModelled) {
        if self.reasons.len() < Self::REASONS {
            self.reasons.push(reason);
        }
    }
}

/// What the state of one direction may take beside the models.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryBudget {
    /// Bytes for rows.
    pub(crate) rows: usize,
    /// Bytes for an image of several scans: its file with the rows of both directions, or of the
    /// decoder alone.
    pub(crate) image: usize,
}

/// In how many segments a scan that was left is looked for in vain before it is given up.
const SEARCHES: u8 = 4;

/// A scan whose header has just been read, in the forms in which it can still be coded.
#[derive(Debug)]
struct Announced {
    alone: Option<Box<ScanLayout>>,
    /// As the first of an image of several scans.
    image: Option<AnnouncedImage>,
}

#[derive(Debug)]
enum AnnouncedImage {
    Header(Box<ScanHeader>),
    /// The encoder looks for its scans.
    Survey(Box<Survey>),
}

#[derive(Debug)]
enum AnyImage {
    Encoding(Box<ImageEncoder>),
    Decoding(Box<ImageDecoder>),
}

/// All JPEG state of one direction: header parser, tables, rows of coefficients, model.
#[derive(Debug)]
pub(crate) struct Jpeg {
    level: Level,
    budget: MemoryBudget,
    parser: HeaderParser,
    /// A scan that begins with the next byte, while nothing of it has been coded.
    announced: Option<Announced>,
    scan: Option<Scan>,
    /// Encoder: the same scan in models that have not started anew within it.
    unbroken: Option<Box<UnbrokenScan>>,
    /// The scan that was left last, in case it goes on somewhere.
    left: Option<Scan>,
    /// Encoder: how often it is still looked for.
    searches: u8,
    /// An image of several scans whose rows are being coded.
    image: Option<AnyImage>,
    /// Made when the first scan begins.
    models: Option<AnyModels>,
    experience: Experience,
    news: News,
    damage: PendingDamage,
}

impl Jpeg {
    /// A state that has seen nothing.
    pub(crate) fn new(level: Level, budget: MemoryBudget) -> Self {
        Self {
            level,
            budget,
            parser: HeaderParser::new(),
            announced: None,
            scan: None,
            unbroken: None,
            left: None,
            searches: 0,
            image: None,
            models: None,
            experience: Experience::default(),
            news: News::default(),
            damage: PendingDamage::default(),
        }
    }

    /// From now on images of several scans may take no more than this, file and rows, in bytes.
    pub(crate) fn limit_image_bytes(&mut self, most: usize) {
        self.budget.image = self.budget.image.min(most);
    }

    /// Damages one of the coming coefficients.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn inject(&mut self, damage: Damage) {
        self.damage.set(damage);
    }

    /// Goes back to the state of [`Jpeg::new`].
    pub(crate) fn reset(&mut self) {
        self.parser = HeaderParser::new();
        self.announced = None;
        self.scan = None;
        self.unbroken = None;
        self.left = None;
        self.image = None;
        self.forget();
    }

    /// Takes the scan and its models out of a state that is about to see nothing, if there is room for the
    /// rows of two scans, for [`Jpeg::go_on_beside`].
    pub(crate) fn take_unbroken(&mut self) -> Option<Box<UnbrokenScan>> {
        if let Some(unbroken) = self.unbroken.take() {
            return Some(unbroken);
        }
        let components = &self.scan.as_ref()?.layout().components;
        let needed = rows::bytes_needed(components.iter().map(ScanComponent::shape));
        if 2 * needed > self.budget.rows {
            return None;
        }
        let (scan, models) = (self.scan.take()?, self.models.take()?);
        Some(Box::new(UnbrokenScan::new(scan, models)))
    }

    /// Has the scan that is resumed next coded in other models too, to see what that takes.
    pub(crate) fn go_on_beside(&mut self, unbroken: Option<Box<UnbrokenScan>>) {
        self.unbroken = unbroken;
    }

    /// Whether that is done.
    pub(crate) fn goes_on_beside(&self) -> bool {
        self.unbroken.is_some()
    }

    /// Feeds bytes outside of scans; how many were taken: all, or up to the end of the header of
    /// a scan that can be coded, and then [`Jpeg::in_scan`] holds.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.parser.skip(&bytes[taken..]);
            let Some(&byte) = bytes.get(taken) else { break };
            taken += 1;
            match self.parser.push(byte) {
                None => {}
                Some(Found::Frame { width, height }) => {
                    self.news.frame.get_or_insert((width, height));
                }
                Some(Found::Refused(reason)) => self.news.add_reason(reason),
                Some(Found::Scan(found)) => {
                    let is_first = found.is_first;
                    match self.announce(found) {
                        Some(announced) => {
                            if is_first {
                                self.meet_image();
                            }
                            self.announced = Some(announced);
                            break;
                        }
                        None => {
                            self.news.add_reason(NotModelled::UnsupportedScan);
                            self.parser.scan_abandoned();
                        }
                    }
                }
            }
        }
        taken
    }

    /// Has the models start anew, if the image whose first scan was found is unlike the last.
    fn meet_image(&mut self) {
        if let Some(origin) = self.parser.origin()
            && self.experience.begin_image(origin)
        {
            self.models = None;
        }
    }

    /// Gives models back, and what they learned with them.
    fn forget(&mut self) {
        self.models = None;
        self.experience = Experience::default();
    }

    /// Whether the scan that has been announced can be coded by itself.
    pub(crate) fn can_code_alone(&self) -> bool {
        self.announced
            .as_ref()
            .is_some_and(|announced| announced.alone.is_some())
    }

    /// What a scan can be coded as; as one of several only if it is the first of its image.
    fn announce(&self, found: FoundScan) -> Option<Announced> {
        let frame = self.parser.frame()?;
        let is_one_of_several = |header: &ScanHeader| {
            found.is_first
                && (frame.progressive || header.components.len() < frame.components.len())
        };
        let together = found.together.filter(|header| is_one_of_several(header));
        (found.alone.is_some() || together.is_some()).then(|| Announced {
            alone: found.alone,
            image: together.map(AnnouncedImage::Header),
        })
    }

    /// Whether the next byte belongs to a scan that can be coded.
    pub(crate) fn in_scan(&self) -> bool {
        self.scan.is_some() || self.announced.is_some()
    }

    /// Whether the next byte belongs to no image, as far as is known.
    pub(crate) fn is_between_images(&self) -> bool {
        !self.in_scan() && self.image.is_none() && self.parser.is_between_images()
    }

    /// Codes MCUs from the start of `input`, whose first byte may be partly used already, until
    /// the scan ends or turns odd, or `input` or `limit` bytes of it are used up.
    pub(crate) fn encode_mcus(
        &mut self,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        limit: usize,
        end_of_input: bool,
    ) -> McuRun {
        if let Err(reason) = self.begin_scan() {
            self.news.add_reason(reason);
            return McuRun {
                mcus: 0,
                consumed: 0,
                end: RunEnd::Odd(reason),
                unbroken_size: None,
            };
        }
        let Some(scan) = &mut self.scan else {
            return McuRun {
                mcus: 0,
                consumed: 0,
                end: RunEnd::Odd(NotModelled::UnsupportedScan),
                unbroken_size: None,
            };
        };
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        scan.damage_next(self.damage.take_coefficient());
        let mut run = models.encode(scan, coder, input, limit, end_of_input);
        if let Some(unbroken) = &mut self.unbroken {
            run.unbroken_size = Some(unbroken.encode(input, limit, end_of_input));
        }
        self.experience.add(run.mcus);
        self.parser.scan_bytes(run.consumed);
        match run.end {
            RunEnd::ScanDone => self.end_scan(),
            RunEnd::Odd(reason) => self.news.add_reason(reason),
            RunEnd::More => {}
        }
        run
    }

    /// Appends the bytes of `mcus` MCUs to `out`, which may grow to `limit` bytes in all.
    ///
    /// # Errors
    /// [`Error::BadScan`] where no encoder could have written this.
    pub(crate) fn decode_mcus(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        mcus: u32,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        self.open_scan()?;
        let scan = self.scan.as_mut().ok_or(Error::NotInScan)?;
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        let before = out.len();
        models.decode(scan, coder, mcus, out, limit)?;
        self.experience.add(mcus);
        self.parser.scan_bytes(out.len() - before);
        if scan.is_done() {
            self.end_scan();
        }
        Ok(())
    }

    /// Makes room for the rows of a scan that has been announced.
    fn begin_scan(&mut self) -> Result<(), NotModelled> {
        let Some(announced) = &mut self.announced else {
            return Ok(());
        };
        let layout = announced.alone.as_ref();
        let layout = layout.ok_or(NotModelled::UnsupportedScan)?;
        let shapes = layout.components.iter().map(ScanComponent::shape);
        let (needed, budget) = (rows::bytes_needed(shapes), self.budget.rows);
        if needed > budget {
            return Err(NotModelled::TooWide { needed, budget });
        }
        if let Some(layout) = announced.alone.take() {
            // There is room for the rows of one.
            self.left = None;
            self.scan = Some(Scan::new(*layout));
        }
        self.announced = None;
        Ok(())
    }

    /// The same with an error of the format.
    fn open_scan(&mut self) -> Result<(), Error> {
        match self.begin_scan() {
            Err(NotModelled::TooWide { needed, budget }) => {
                Err(Error::RowsTooWide { needed, budget })
            }
            _ => Ok(()),
        }
    }

    fn end_scan(&mut self) {
        self.scan = None;
        self.unbroken = None;
        self.parser.scan_ended();
        self.news.scans_done += 1;
    }

    /// Gives the scan up: pending bits, the start of the first byte not consumed, are dropped.
    pub(crate) fn leave_scan(&mut self) {
        // Of a scan whose first MCU cannot be coded an encoder alone knows that it has begun, but both
        // directions must be able to take it up.
        let _ = self.begin_scan();
        let scan = self.scan.take();
        self.unbroken = None;
        if self.announced.take().is_some() || scan.is_some() {
            // One that went on beyond its segment would take the image around with it.
            let may_go_on = !self.parser.is_inside_segment();
            self.parser.scan_abandoned();
            self.left = scan.filter(|_| may_go_on);
            self.searches = SEARCHES;
        }
    }

    /// Whether there is a scan that was left and may go on.
    pub(crate) fn may_reenter(&self) -> bool {
        self.left.is_some() && self.image.is_none() && self.searches > 0
    }

    /// Whether the open scan was taken up again, which may have been wrong.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.scan.as_ref().is_some_and(Scan::was_left)
    }

    /// Where the scan that was left goes on in `input`, which begins where it was left or later.
    /// `at_end`: where it was left.
    pub(crate) fn find_reentry(
        &mut self,
        input: &[u8],
        at_end: bool,
        budget: &mut SearchBudget,
    ) -> Option<FoundReentry> {
        let may_reenter = self.may_reenter();
        let scan = self.left.as_ref().filter(|_| may_reenter)?;
        let found = reentry::find(scan, input, at_end, budget);
        if found.is_none() {
            self.searches -= 1;
        }
        found
    }

    /// Takes up the scan that was left with the MCU `mcu`, from `found` for an encoder. An open scan
    /// or image has been left.
    ///
    /// # Errors
    /// [`Error::NotInScan`] if there is none, [`Error::BadScan`] if it has no such MCU.
    pub(crate) fn reenter<C: Coder>(
        &mut self,
        coder: &mut C,
        mcu: u32,
        found: Option<&FoundReentry>,
    ) -> Result<(), Error> {
        if self.image.is_some() {
            return Err(Error::NotInScan);
        }
        let mut scan = self.left.take().ok_or(Error::NotInScan)?;
        if mcu >= scan.layout().mcu_count {
            return Err(Error::BadScan);
        }
        let reentry = reentry::code(coder, &scan, mcu, found.map(|found| &found.reentry));
        scan.reenter(&reentry);
        self.scan = Some(scan);
        Ok(())
    }

    /// How the open scan goes on with `input`, which begins with the next byte, for a decoder that has
    /// seen nothing before; `None` if there is no scan, or what it depends on is too much.
    pub(crate) fn resumption(&self, input: &[u8]) -> Option<Resumption> {
        let scan = self.scan.as_ref()?;
        Some(Resumption {
            header: self.parser.scan_dependencies()?,
            position: scan.position(input),
        })
    }

    /// Goes on with a scan in a state that has seen nothing, behind a header of `length` bytes; `known`
    /// tells an encoder how. `byte` codes one byte.
    ///
    /// # Errors
    /// [`Error::ResumptionHeader`] if no scan that can be coded alone begins behind the header,
    /// [`Error::RowsTooWide`], and those of [`resumption::code`].
    pub(crate) fn resume<C: Coder>(
        &mut self,
        coder: &mut C,
        length: usize,
        known: Option<&Resumption>,
        mut byte: impl FnMut(&mut C, u8) -> u8,
    ) -> Result<(), Error> {
        let header = |index: usize| known.and_then(|known| known.header.get(index));
        let header: Vec<u8> = (0..length)
            .map(|index| byte(coder, header(index).copied().unwrap_or(0)))
            .collect();
        let taken = self.push_bytes(&header);
        if taken < length || !self.can_code_alone() || self.parser.is_inside_segment() {
            return Err(Error::ResumptionHeader((length - taken) as u32));
        }
        self.open_scan()?;
        let scan = self.scan.as_mut().ok_or(Error::NotInScan)?;
        let position = resumption::code(coder, scan, known.map(|known| &known.position))?;
        scan.resume(&position);
        Ok(())
    }

    /// Looks for the next image: an image of another kind begins.
    pub(crate) fn look_on(&mut self) {
        self.parser.scan_abandoned();
    }

    /// Takes note that so many bytes of such an image came by.
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        self.parser.scan_bytes(bytes);
    }

    /// Gives the memory of rows and models back, and what was learned with it.
    pub(crate) fn free(&mut self) {
        self.scan = None;
        self.unbroken = None;
        self.left = None;
        self.forget();
        self.parser.free();
    }

    /// Whether an image of several scans may begin with the next byte, which has yet to be found out.
    pub(crate) fn image_is_announced(&self) -> bool {
        self.announced
            .as_ref()
            .is_some_and(|announced| announced.image.is_some())
    }

    /// Looks for the scans of the image that has been announced. `input` begins with the first
    /// byte of its first scan. If more than that must be seen, returns how much may have to be, in
    /// bytes.
    pub(crate) fn survey(&mut self, input: &[u8], end_of_input: bool) -> Option<usize> {
        let announced = self.announced.as_mut()?;
        let mut survey = match announced.image.take()? {
            AnnouncedImage::Survey(survey) => survey,
            AnnouncedImage::Header(header) => {
                Box::new(Survey::new(&self.parser, *header, self.budget.image)?)
            }
        };
        let wanted = (!survey.advance(input, end_of_input)).then(|| survey.most_bytes() + 1);
        announced.image = Some(AnnouncedImage::Survey(survey));
        wanted
    }

    /// Has the image that has been announced coded scan by scan, or as bytes.
    pub(crate) fn decline_image(&mut self) {
        let Some(announced) = &mut self.announced else {
            return;
        };
        if announced.image.take().is_some() {
            self.news.add_reason(NotModelled::NotHeld);
            if announced.alone.is_none() {
                self.leave_scan();
            }
        }
    }

    /// Begins to encode the image that has been announced, if that can be done: codes its opening
    /// and returns the number of its scans. `input` begins with its first scan and goes to its end.
    pub(crate) fn begin_image(
        &mut self,
        coder: &mut RangeEncoder<'_>,
        input: &[u8],
        byte: impl FnMut(&mut RangeEncoder<'_>, u8) -> u8,
    ) -> Option<usize> {
        let announced = self.announced.as_mut()?;
        let found = match announced.image.take()? {
            AnnouncedImage::Survey(survey) => survey.finish(),
            AnnouncedImage::Header(_) => Err(NotModelled::UnsupportedScan),
        };
        match found {
            Ok(found) => {
                if let Some(reason) = found.left_out {
                    self.news.add_reason(reason);
                }
                let image = ImageEncoder::new(found);
                image.encode_opening(coder, input, byte);
                let scans = image.scans();
                self.announced = None;
                self.left = None;
                self.image = Some(AnyImage::Encoding(Box::new(image)));
                Some(scans)
            }
            Err(reason) => {
                self.news.add_reason(reason);
                None
            }
        }
    }

    /// The image that is being encoded.
    pub(crate) fn encoding(&mut self) -> Option<&mut ImageEncoder> {
        match &mut self.image {
            Some(AnyImage::Encoding(image)) => Some(image),
            _ => None,
        }
    }

    /// Notes why an image is coded as bytes from here on.
    pub(crate) fn add_reason(&mut self, reason: NotModelled) {
        self.news.add_reason(reason);
    }

    /// Codes the row that the image being encoded has read.
    pub(crate) fn encode_row(&mut self, coder: &mut RangeEncoder<'_>) {
        let Some(AnyImage::Encoding(image)) = &mut self.image else {
            return;
        };
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        models.encode_row(image, coder, self.damage.take_coefficient());
        self.experience.add(image.mcus_per_row());
        if image.is_whole() {
            self.news.scans_done += image.whole_scans() as u64;
        }
    }

    /// Reads the opening of the image that has been announced. `raw` are the bytes of the segment
    /// so far.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn open_image(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        scans: usize,
        raw: &[u8],
        original: Original<'_>,
        byte: impl FnMut(&mut RangeDecoder<'_>, u8) -> u8,
    ) -> Result<(), Error> {
        let announced = self.announced.take().and_then(|announced| announced.image);
        let Some(AnnouncedImage::Header(first)) = announced else {
            return Err(Error::NotInScan);
        };
        let source = ImageSource {
            parser: &self.parser,
            first: *first,
            scans,
            row_budget: self.budget.rows,
            budget: self.budget.image,
        };
        let image = ImageDecoder::open(source, coder, raw, original, byte)?;
        self.left = None;
        self.image = Some(AnyImage::Decoding(Box::new(image)));
        Ok(())
    }

    /// Decodes the next row of the image being decoded.
    ///
    /// # Errors
    /// [`Error::NotInScan`] if there is none, and those of [`ImageDecoder::decode_row`].
    pub(crate) fn decode_row(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        raw: &[u8],
        original: Original<'_>,
    ) -> Result<(), Error> {
        let Some(AnyImage::Decoding(image)) = &mut self.image else {
            return Err(Error::NotInScan);
        };
        let models = self
            .models
            .get_or_insert_with(|| AnyModels::new(self.level));
        models.decode_row(image, coder, raw, original)?;
        self.experience.add(image.mcus_per_row());
        Ok(())
    }

    /// The image that is being decoded.
    pub(crate) fn decoding(&mut self) -> Option<&mut ImageDecoder> {
        match &mut self.image {
            Some(AnyImage::Decoding(image)) => Some(image),
            _ => None,
        }
    }

    /// Leaves the image of several scans whose last byte is coded; what follows may be another.
    pub(crate) fn leave_image(&mut self) {
        self.image = None;
        self.parser.scan_abandoned();
    }

    /// What the models of coefficients have learned so far.
    #[cfg(feature = "training")]
    pub(crate) fn learned(&mut self) -> Vec<u8> {
        let models = self.models.as_mut();
        models.map_or_else(Vec::new, AnyModels::learned)
    }

    /// What was found since the last call.
    pub(crate) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }
}
