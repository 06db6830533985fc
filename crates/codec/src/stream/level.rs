//! Levels of effort.

/// How much work goes into compression; decompression takes as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Fewer contexts: about twice as fast.
    Fast,
    /// The best ratio.
    #[default]
    Default,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Default];
}
