//! Going on with corrections where the exact replay of an image's zlib stream goes wrong.
//!
//! Invariant: that is said in front of the first strip whose stream is not as the replay would have it, when
//! both directions stand where all was right.

use super::{ImageData, InFile, Models, Remaking, SLOWEST};
use crate::entropy::Coder;
use crate::png::deflate::{
    Compressor, CorrectedReplay, Correcting, CorrectionModels, Flush, Handover, Parameters, Replay,
    Standing, Strategy,
};
use crate::png::framing::{ChunkWalk, code_number};
use crate::png::strips::Strip;

impl ImageData {
    /// Whether corrections may go on from its replay.
    pub(in crate::png) fn hands_over(&self) -> bool {
        Replay::hands_over(&self.parameters)
    }

    /// Where the replay stands, if corrections may go on from it.
    pub(in crate::png) fn standing(&self) -> Option<Standing<'_>> {
        match &self.remaking {
            Remaking::Replay(replay) if self.hands_over() => Some(replay.standing()),
            _ => None,
        }
    }

    /// Says where the replay stands, if corrections may go on from it.
    pub(in crate::png) fn hand_over(&self, to: &mut Handover) {
        if let Remaking::Replay(replay) = &self.remaking
            && self.hands_over()
        {
            replay.hand_over(to);
        }
    }

    /// Ends what a replay makes, behind the last strip.
    pub(in crate::png) fn finish_replay(&mut self, flush: Flush) {
        if let Remaking::Replay(replay) = &mut self.remaking {
            replay.finish(flush, &mut self.stream);
        }
    }

    /// Whether what waits for its chunks is in the file from `place` on, and sure to be right.
    pub(in crate::png) fn is_in_file(&self, file: &[u8], place: usize) -> bool {
        let equal = self.walk(place).count_equal(file, &self.stream);
        equal == self.stream.len() && !self.remaking.gave_up()
    }

    /// A walk over the file from `place` on, where the bytes that wait for their chunks stand.
    pub(in crate::png) fn walk(&self, place: usize) -> ChunkWalk {
        self.framing.walk(place)
    }

    /// Bytes that wait for their chunks.
    pub(in crate::png) fn waiting(&self) -> usize {
        self.stream.len()
    }

    /// Frees the memory of the replay, which went wrong, for corrections.
    pub(in crate::png) fn lose_replay(&mut self) {
        self.remaking = Remaking::Lost(self.remaking.gave_up());
    }

    /// Undoes the replay of a strip, in front of which `waiting` bytes waited; it is not to be used any more.
    pub(in crate::png) fn go_back(&mut self, strip: &Strip, waiting: usize) {
        self.stream.truncate(waiting);
        self.replayed -= strip.scanline_bytes() as u64;
    }

    /// Codes whether corrections go on from here, and with the search of which level; `None` if what is
    /// decoded cannot be. To be called in front of each strip of which a replay makes the stream.
    pub(in crate::png) fn code_takeover<C: Coder>(
        &self,
        models: &mut Models,
        coder: &mut C,
        level: Option<u8>,
    ) -> Option<Option<u8>> {
        if !models.taken_over.code(coder, level.is_some(), SLOWEST) {
            return Some(None);
        }
        let level = code_number(coder, 4, u32::from(level.unwrap_or(0)));
        let is_possible = (1..=9).contains(&level) && !self.is_held();
        is_possible.then_some(Some(level as u8))
    }

    /// Decodes whether corrections go on from the replay, in front of a strip, which they then do; `None` if
    /// that cannot be.
    pub(in crate::png) fn decode_takeover<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
    ) -> Option<()> {
        if !self.hands_over() {
            return Some(());
        }
        let Some(level) = self.code_takeover(models, coder, None)? else {
            return Some(());
        };
        let mut from = Handover::default();
        self.hand_over(&mut from);
        self.take_over(models, coder, (&from, level), &mut InFile::Nothing)
            .then_some(())
    }

    /// Goes on with corrections in front of a strip; `false` if there is no such stream.
    #[must_use]
    pub(in crate::png) fn take_over<C: Coder>(
        &mut self,
        models: &mut Models,
        coder: &mut C,
        (from, level): (&Handover, u8),
        in_file: &mut InFile<'_>,
    ) -> bool {
        self.lose_replay();
        let mut by = Correcting {
            models: models
                .corrections
                .get_or_insert_with(|| Box::new(CorrectionModels::new())),
            coder,
            written: in_file.stream(),
        };
        let replay = CorrectedReplay::take_over(&mut by, from, level, &mut self.stream);
        let Some(mut replay) = replay else {
            return false;
        };
        if let Some(reference) = &self.reference
            && reference.is_corrected()
        {
            replay.begin_reference(reference.next_token());
        }
        self.remaking = Remaking::Corrected(Box::new(replay), true);
        self.parameters = Parameters {
            compressor: Compressor::Unknown,
            ..Parameters::new(level, Strategy::Default)
        };
        true
    }
}
