//! Levels of effort.

/// How much work goes into compression; decompression takes as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Fewer contexts: about twice as fast.
    Fast,
    /// A good ratio.
    #[default]
    Default,
    /// The best ratio: more contexts, at about half of the default level's speed.
    Max,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Default, Self::Max];

    /// Its number in the format.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Fast => 0,
            Self::Default => 1,
            Self::Max => 2,
        }
    }

    /// The reverse of [`Level::number`].
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}
