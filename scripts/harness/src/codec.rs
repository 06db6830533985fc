//! The codecs side by side, and how each is called.

use std::path::PathBuf;

use crate::arguments::Arguments;

/// One way to compress and restore a file: a program at a level.
#[derive(Clone, Debug)]
pub(crate) struct Codec {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) family: Family,
}

/// Whose codec it is, with what only that one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// `lepta-worker` at this `--level`.
    Lepta(&'static str),
    /// `lepton-peer`.
    Peer,
}

/// What is measured of each codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Encode,
    /// Encode, decode again and compare, on one thread.
    EncodeVerified,
    /// The same, verifying on a second thread.
    EncodeTwoThreads,
    Decode,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [
        Self::Encode,
        Self::EncodeVerified,
        Self::EncodeTwoThreads,
        Self::Decode,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::EncodeVerified => "encode_verified",
            Self::EncodeTwoThreads => "encode_two_threads",
            Self::Decode => "decode",
        }
    }

    /// Bytes from which on a file is worth this measurement.
    pub(crate) fn fewest_bytes(self) -> u64 {
        match self {
            Self::EncodeTwoThreads => 2_000_000,
            Self::Encode | Self::EncodeVerified | Self::Decode => 0,
        }
    }
}

impl Codec {
    /// The codecs that the command line names, ours first.
    pub(crate) fn list(arguments: &Arguments) -> Vec<Self> {
        let candidates = [
            ("lepta fast", &arguments.worker, Family::Lepta("fast")),
            ("lepta default", &arguments.worker, Family::Lepta("default")),
            ("lepta max", &arguments.worker, Family::Lepta("max")),
            (
                "lepton_jpeg portable",
                &arguments.peer_portable,
                Family::Peer,
            ),
            ("lepton_jpeg AVX2", &arguments.peer_avx2, Family::Peer),
        ];
        let named = candidates
            .into_iter()
            .filter_map(|(name, program, family)| {
                Some(Self {
                    name,
                    program: program.clone()?,
                    family,
                })
            });
        named.collect()
    }

    /// Arguments for one operation; `None` if the codec does not have it.
    pub(crate) fn arguments(&self, operation: Operation) -> Option<Vec<&'static str>> {
        let Family::Lepta(level) = self.family else {
            return match operation {
                Operation::Encode => Some(vec!["encode"]),
                Operation::EncodeVerified => Some(vec!["encode-verified"]),
                Operation::EncodeTwoThreads => None,
                Operation::Decode => Some(vec!["decode"]),
            };
        };
        let mut arguments = match operation {
            Operation::Decode => vec!["decompress"],
            _ => vec!["compress", "--level", level],
        };
        match operation {
            Operation::Encode => arguments.push("--no-verify"),
            Operation::EncodeTwoThreads => arguments.extend(["--threads", "2"]),
            Operation::EncodeVerified | Operation::Decode => {}
        }
        arguments.extend(["--report", "json"]);
        Some(arguments)
    }

    pub(crate) fn is_peer(&self) -> bool {
        self.family == Family::Peer
    }
}
