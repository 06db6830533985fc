//! Deliberate damage to what the encoder does, so that tests can show that verification finds it.
//!
//! Invariant: without the feature `fault-injection` a [`Damage`] cannot exist, and all of this is
//! compiled to nothing.

/// What to damage in the next segment that is encoded; the seed chooses where.
#[cfg(feature = "fault-injection")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One coefficient of the first MCU that is coded, after it was read.
    Coefficient(u64),
    /// One probability, at the time it is used.
    Probability(u64),
}

/// No value of this type exists.
#[cfg(not(feature = "fault-injection"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {}

/// Damage that waits for its place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PendingDamage(Option<Damage>);

impl PendingDamage {
    #[cfg(feature = "fault-injection")]
    pub(crate) fn set(&mut self, damage: Damage) {
        self.0 = Some(damage);
    }

    /// The damage to a coefficient, if it is that; once.
    #[inline(always)]
    pub(crate) fn take_coefficient(&mut self) -> Option<u64> {
        #[cfg(feature = "fault-injection")]
        if let Some(Damage::Coefficient(seed)) = self.0 {
            self.0 = None;
            return Some(seed);
        }
        None
    }

    /// `probability`, or another one where the damage strikes.
    #[inline(always)]
    pub(crate) fn probability(&mut self, probability: u32) -> u32 {
        match self.strikes() {
            true if probability < 32768 => probability + 16384,
            true => probability - 16384,
            false => probability,
        }
    }

    /// `symbol`, or another one where the damage strikes, as a wrong probability would make of it.
    #[inline(always)]
    pub(crate) fn symbol(&mut self, symbol: usize) -> usize {
        match self.strikes() {
            true => symbol ^ 1,
            false => symbol,
        }
    }

    /// Whether the damage is to the probability that is used now; once.
    #[inline(always)]
    fn strikes(&mut self) -> bool {
        #[cfg(feature = "fault-injection")]
        if let Some(Damage::Probability(countdown)) = &mut self.0 {
            if *countdown == 0 {
                self.0 = None;
                return true;
            }
            *countdown -= 1;
        }
        false
    }
}
