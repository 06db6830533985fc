//! The figures of each codec over all measured files.
//!
//! Saving counts every byte of every file of a kind; a refused file counts as stored. Speed is
//! the files' bytes by the sum of their median user times, over large baseline files that the
//! codec accepts. MB are 10^6 bytes.

use crate::codec::{Codec, Operation};
use crate::measure::{Coded, Measured, Timing};
use crate::photo::{Kind, Photo};
use crate::statistics::median;

/// Bytes from which on a file counts for speed: below, start-up would be measured.
pub(crate) const SPEED_BYTES: u64 = 500_000;

/// Whether a file is among those that speed is measured on.
pub(crate) fn counts_for_speed(photo: &Photo) -> bool {
    photo.kind == Kind::Baseline && photo.bytes >= SPEED_BYTES
}

/// One codec's figures.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) name: &'static str,
    pub(crate) ours: bool,
    pub(crate) baseline: Saving,
    pub(crate) progressive: Saving,
    pub(crate) other: Saving,
    /// In the order of [`Operation::ALL`].
    pub(crate) speeds: [Option<f64>; 4],
    /// In the order of [`Operation::ALL`], over all files that the codec accepts.
    pub(crate) memory: [Option<Memory>; 4],
    /// User time of verified encoding over encoding alone, over large baseline files.
    pub(crate) verified_cost: Option<f64>,
    /// Wall time of encoding with a second thread that verifies over encoding alone.
    pub(crate) two_threads_cost: Option<f64>,
}

/// Bytes before and after of all files of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Saving {
    pub(crate) files: usize,
    pub(crate) refused: usize,
    pub(crate) bytes: u64,
    pub(crate) coded_bytes: u64,
}

impl Saving {
    /// Bytes saved of 100; `None` without files.
    pub(crate) fn percent(self) -> Option<f64> {
        let kept = self.coded_bytes as f64 / self.bytes as f64;
        (self.bytes > 0).then_some(100.0 - 100.0 * kept)
    }
}

/// Peak resident bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Summary {
    /// One summary per codec, in their order.
    pub(crate) fn of_all(codecs: &[Codec], files: &[Measured]) -> Vec<Self> {
        let numbered = codecs.iter().enumerate();
        numbered
            .map(|(index, codec)| Self::of(codec, &View { files, index }))
            .collect()
    }

    fn of(codec: &Codec, view: &View<'_>) -> Self {
        Self {
            name: codec.name,
            ours: !codec.is_peer(),
            baseline: view.saving(Kind::Baseline),
            progressive: view.saving(Kind::Progressive),
            other: view.saving(Kind::Other),
            speeds: Operation::ALL.map(|operation| view.speed(operation)),
            memory: Operation::ALL.map(|operation| view.memory(operation)),
            verified_cost: view.cost(Operation::EncodeVerified, |timing| timing.user),
            two_threads_cost: view.cost(Operation::EncodeTwoThreads, |timing| timing.wall),
        }
    }

    /// Megabytes per second of user time.
    pub(crate) fn speed(&self, operation: Operation) -> Option<f64> {
        self.speeds[operation as usize]
    }

    pub(crate) fn memory(&self, operation: Operation) -> Option<Memory> {
        self.memory[operation as usize]
    }
}

/// The peer's best: of its builds, the better one for each figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) saving: Option<f64>,
    pub(crate) progressive: Option<f64>,
    /// In the order of [`Operation::ALL`].
    speeds: [Option<f64>; 4],
}

impl Peer {
    pub(crate) fn best(summaries: &[Summary]) -> Self {
        let best = |figure: &dyn Fn(&Summary) -> Option<f64>| {
            let peers = summaries.iter().filter(|summary| !summary.ours);
            peers.filter_map(figure).max_by(f64::total_cmp)
        };
        Self {
            saving: best(&|summary| summary.baseline.percent()),
            progressive: best(&|summary| summary.progressive.percent()),
            speeds: Operation::ALL.map(|operation| best(&|summary| summary.speed(operation))),
        }
    }

    /// Megabytes per second of user time.
    pub(crate) fn speed(&self, operation: Operation) -> Option<f64> {
        self.speeds[operation as usize]
    }
}

/// All files as one codec sees them.
struct View<'a> {
    files: &'a [Measured],
    index: usize,
}

impl View<'_> {
    fn saving(&self, kind: Kind) -> Saving {
        let mut saving = Saving::default();
        for file in self.files.iter().filter(|file| file.photo.kind == kind) {
            let coded = file.codecs[self.index].coded();
            saving.files += 1;
            saving.refused += usize::from(coded.is_none());
            saving.bytes += file.photo.bytes;
            saving.coded_bytes += coded.map_or(file.photo.bytes, |coded| coded.bytes);
        }
        saving
    }

    /// The accepted baseline files that count for speed, with their sizes.
    fn large(&self) -> impl Iterator<Item = (u64, &Coded)> {
        let large = self
            .files
            .iter()
            .filter(|file| counts_for_speed(&file.photo));
        large.filter_map(|file| Some((file.photo.bytes, file.codecs[self.index].coded()?)))
    }

    fn speed(&self, operation: Operation) -> Option<f64> {
        let (mut bytes, mut seconds) = (0, 0.0);
        for (size, coded) in self.large() {
            if let Some(timing) = coded.timing(operation) {
                bytes += size;
                seconds += timing.user;
            }
        }
        (seconds > 0.0).then(|| bytes as f64 / 1e6 / seconds)
    }

    /// Time of an operation over that of encoding the same files alone.
    fn cost(&self, operation: Operation, time: fn(Timing) -> f64) -> Option<f64> {
        let (mut total, mut alone) = (0.0, 0.0);
        for (_, coded) in self.large() {
            let encode = coded.timing(Operation::Encode);
            if let (Some(timing), Some(encode)) = (coded.timing(operation), encode) {
                total += time(timing);
                alone += time(encode);
            }
        }
        (alone > 0.0).then(|| total / alone)
    }

    fn memory(&self, operation: Operation) -> Option<Memory> {
        let coded = self
            .files
            .iter()
            .filter_map(|file| file.codecs[self.index].coded());
        let peaks = coded.filter_map(|coded| coded.timing(operation)?.peak_rss_bytes);
        let peaks: Vec<f64> = peaks.map(|peak| peak as f64).collect();
        Some(Memory {
            most: peaks.iter().copied().max_by(f64::total_cmp)?,
            median: median(peaks)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Family;
    use crate::measure::Outcome;

    fn file(kind: Kind, bytes: u64, codecs: Vec<Outcome>) -> Measured {
        let photo = Photo {
            path: "photo.jpg".into(),
            name: "photo.jpg".into(),
            bytes,
            kind,
        };
        Measured { photo, codecs }
    }

    fn coded(bytes: u64, user: f64) -> Outcome {
        let timing = |user| Timing {
            user,
            system: 0.0,
            wall: user,
            peak_rss_bytes: Some(bytes),
        };
        Outcome::Coded(Coded {
            bytes,
            timings: [
                Some(timing(user)),
                Some(timing(2.0 * user)),
                None,
                Some(timing(user)),
            ],
        })
    }

    fn peer(name: &'static str) -> Codec {
        Codec {
            name,
            program: "peer".into(),
            family: Family::Peer,
        }
    }

    #[test]
    fn refused_files_count_as_stored_and_not_for_speed() {
        let refused = || Outcome::Refused("no".into());
        let files = [
            file(
                Kind::Baseline,
                2_000_000,
                vec![coded(1_000_000, 0.5), refused()],
            ),
            file(
                Kind::Baseline,
                2_000_000,
                vec![coded(2_000_000, 0.5), coded(1_000_000, 0.25)],
            ),
            file(
                Kind::Baseline,
                400_000,
                vec![coded(400_000, 9.0), coded(400_000, 9.0)],
            ),
            file(
                Kind::Progressive,
                600_000,
                vec![coded(300_000, 9.0), refused()],
            ),
        ];
        let summaries = Summary::of_all(&[peer("portable"), peer("AVX2")], &files);
        assert_eq!(summaries[0].baseline.coded_bytes, 3_400_000);
        assert_eq!(summaries[1].baseline.coded_bytes, 3_400_000);
        assert_eq!(summaries[1].baseline.refused, 1);
        assert_eq!(summaries[0].progressive.percent(), Some(50.0));
        assert_eq!(summaries[1].progressive.percent(), Some(0.0));
        assert_eq!(summaries[0].other.percent(), None);
        assert_eq!(summaries[0].speed(Operation::Encode), Some(4.0));
        assert_eq!(summaries[1].speed(Operation::Encode), Some(8.0));
        assert_eq!(summaries[0].verified_cost, Some(2.0));
        assert_eq!(summaries[0].two_threads_cost, None);
        let best = Peer::best(&summaries);
        assert_eq!(best.speed(Operation::Encode), Some(8.0));
        assert_eq!(best.progressive, Some(50.0));
    }
}
