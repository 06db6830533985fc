//! Deliberate damage, so that tests can show that verification verifies.
//!
//! Invariant: without the feature `fault-injection` no [`Injection`] can exist, so that a product
//! build contains none of this.
//!
//! `--inject KIND:SEED` damages segment `SEED % 3`, counted from 0, once. Kinds:
//!
//! | kind | damage |
//! |---|---|
//! | `result` | one bit of the coded segment, before it is sealed |
//! | `result-twice` | the same, and again when the segment is stored instead: must end with 60 |
//! | `coefficient` | one coefficient of an MCU, between reading and coding it |
//! | `probability` | one probability of the encoder, when it is used |
//!
//! The segment is the same with one thread and with two: it is counted in the order of the output.

#[cfg(not(feature = "fault-injection"))]
pub(crate) use absent::Injection;
#[cfg(feature = "fault-injection")]
pub(crate) use present::Injection;

#[cfg(not(feature = "fault-injection"))]
mod absent {
    use lepta_codec::Encoder;

    /// No value of this type exists.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Injection {}

    impl Injection {
        pub(crate) fn damage_result(self, _coded: &mut [u8], _segment: u64, _stored_instead: bool) {
            match self {}
        }

        pub(crate) fn damage_encoder(self, _encoder: &mut Encoder, _segment: u64) {
            match self {}
        }
    }
}

#[cfg(feature = "fault-injection")]
mod present {
    use lepta_codec::{Damage, Encoder};

    /// How many segments from the first on a seed chooses from.
    const SEGMENTS: u64 = 3;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Kind {
        Result,
        ResultTwice,
        Coefficient,
        Probability,
    }

    /// One damage: of what, and a seed that chooses where.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Injection {
        kind: Kind,
        seed: u64,
    }

    impl Injection {
        /// Reads `KIND:SEED`.
        pub(crate) fn parse(text: &str) -> Option<Self> {
            let (kind, seed) = text.split_once(':')?;
            let kind = match kind {
                "result" => Kind::Result,
                "result-twice" => Kind::ResultTwice,
                "coefficient" => Kind::Coefficient,
                "probability" => Kind::Probability,
                _ => return None,
            };
            let seed = seed.parse().ok()?;
            Some(Self { kind, seed })
        }

        fn strikes(self, segment: u64) -> bool {
            segment == self.seed % SEGMENTS
        }

        /// Flips one bit of a coded segment.
        pub(crate) fn damage_result(self, coded: &mut [u8], segment: u64, stored_instead: bool) {
            let meant = match self.kind {
                Kind::Result => !stored_instead,
                Kind::ResultTwice => true,
                Kind::Coefficient | Kind::Probability => false,
            };
            if !meant || !self.strikes(segment) || coded.is_empty() {
                return;
            }
            let place = scatter(self.seed);
            let length = u64::try_from(coded.len()).unwrap_or(u64::MAX);
            let byte = usize::try_from((place >> 3) % length).unwrap_or(0);
            coded[byte] ^= 1 << (place & 7);
        }

        /// Has the encoder go wrong in the segment that it is about to code.
        pub(crate) fn damage_encoder(self, encoder: &mut Encoder, segment: u64) {
            if !self.strikes(segment) {
                return;
            }
            match self.kind {
                Kind::Result | Kind::ResultTwice => {}
                Kind::Coefficient => encoder.inject_damage(Damage::Coefficient(scatter(self.seed))),
                Kind::Probability => {
                    encoder.inject_damage(Damage::Probability(scatter(self.seed) % 100));
                }
            }
        }
    }

    /// The finalising step of splitmix64: neighbouring seeds strike far apart.
    fn scatter(seed: u64) -> u64 {
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
