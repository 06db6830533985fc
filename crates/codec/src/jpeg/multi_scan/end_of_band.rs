//! Runs of blocks that hold no further coefficient of a band (T.81, G.1.2.2 and G.1.2.3).
//!
//! A block whose first symbol would be EOB may join the run of the blocks before it or begin one of
//! its own. The usual encoders make runs as long as they can be, but for two limits; where a scan
//! does so, nothing needs to be said. Invariant: reader and writer count alike, so that both know
//! what is usual.

/// Longest run.
const LONGEST: u32 = 0x7FFF;

/// The usual encoders put a run out once it has more correction bits than this.
const USUAL_CORRECTIONS: u32 = 937;

/// Most correction bits in a run.
pub(crate) const CORRECTIONS_MAX: u32 = 8192;

/// A run as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Blocks in it; 0: there is none.
    pub(crate) blocks: u32,
    /// Correction bits in it.
    pub(crate) corrections: u32,
}

impl Run {
    pub(crate) const NONE: Self = Self {
        blocks: 0,
        corrections: 0,
    };

    /// Whether the usual encoders would not let another block join.
    #[inline(always)]
    pub(crate) fn usually_ends(self) -> bool {
        self.blocks >= LONGEST || self.corrections > USUAL_CORRECTIONS
    }

    /// Whether another block can join at all.
    pub(crate) fn is_full(self) -> bool {
        self.blocks >= LONGEST
    }
}
