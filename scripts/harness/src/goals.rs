//! What the measured figures must reach, and whether they do.

use crate::codec::Operation;
use crate::start::Start;
use crate::summary::{Peer, Summary};

/// One figure with its bound.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) codec: &'static str,
    pub(crate) what: &'static str,
    pub(crate) measured: f64,
    pub(crate) bound: Bound,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub(crate) fn met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.measured >= bound,
            Bound::AtMost(bound) => self.measured <= bound,
        }
    }
}

/// What one of our levels must reach against the peer.
struct Level {
    codec: &'static str,
    /// Percentage points of saving above the peer's.
    points: f64,
    /// Speed over the peer's.
    speed: f64,
}

const LEVELS: [Level; 3] = [
    Level {
        codec: "lepta fast",
        points: 0.8,
        speed: 1.15,
    },
    Level {
        codec: "lepta default",
        points: 2.1,
        speed: 0.5,
    },
    Level {
        codec: "lepta max",
        points: 2.9,
        speed: 0.3,
    },
];

const VERIFIED_COST: f64 = 2.3;
const TWO_THREADS_COST: f64 = 1.4;
const PEAK_RSS_MEGABYTES: f64 = 24.0;
const EMPTY_START_MILLISECONDS: f64 = 5.0;
const SMALL_START_MILLISECONDS: f64 = 30.0;

/// All goals for which there are figures.
pub(crate) fn judge(summaries: &[Summary], peer: &Peer, starts: &[Start]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for level in &LEVELS {
        if let Some(summary) = summaries.iter().find(|summary| summary.name == level.codec) {
            goals.extend(of_level(level, summary, peer));
        }
    }
    goals.extend(starts.iter().filter(|start| start.ours).map(of_start));
    goals
}

fn of_level(level: &Level, summary: &Summary, peer: &Peer) -> Vec<Goal> {
    let ratio = |operation| Some(summary.speed(operation)? / peer.speed(operation)?);
    let points = || Some(summary.baseline.percent()? - peer.saving?);
    let most_memory = summary
        .memory
        .iter()
        .flatten()
        .map(|memory| memory.most / 1e6);
    let at_least_speed = Bound::AtLeast(level.speed);
    let figures = [
        (
            "points of saving over the peer",
            points(),
            Bound::AtLeast(level.points),
        ),
        (
            "encode speed over the peer's",
            ratio(Operation::Encode),
            at_least_speed,
        ),
        (
            "decode speed over the peer's",
            ratio(Operation::Decode),
            at_least_speed,
        ),
        (
            "user time of verified encoding over encoding alone",
            summary.verified_cost,
            Bound::AtMost(VERIFIED_COST),
        ),
        (
            "wall time of encoding with a second thread over encoding alone",
            summary.two_threads_cost,
            Bound::AtMost(TWO_THREADS_COST),
        ),
        (
            "peak memory, MB",
            most_memory.max_by(f64::total_cmp),
            Bound::AtMost(PEAK_RSS_MEGABYTES),
        ),
    ];
    let goals = figures.into_iter().filter_map(|(what, measured, bound)| {
        Some(Goal {
            codec: level.codec,
            what,
            measured: measured?,
            bound,
        })
    });
    goals.collect()
}

fn of_start(start: &Start) -> Goal {
    let (what, milliseconds) = match (start.bytes, start.operation) {
        (0, Operation::Decode) => (
            "start: decode of the empty input, ms",
            EMPTY_START_MILLISECONDS,
        ),
        (0, _) => (
            "start: encode of the empty input, ms",
            EMPTY_START_MILLISECONDS,
        ),
        (_, Operation::Decode) => (
            "start: decode of a small photo, ms",
            SMALL_START_MILLISECONDS,
        ),
        (_, _) => (
            "start: encode of a small photo, ms",
            SMALL_START_MILLISECONDS,
        ),
    };
    Goal {
        codec: start.codec,
        what,
        measured: start.wall_milliseconds,
        bound: Bound::AtMost(milliseconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(measured: f64, bound: Bound) -> Goal {
        Goal {
            codec: "codec",
            what: "figure",
            measured,
            bound,
        }
    }

    #[test]
    fn bounds_hold_in_their_direction_and_never_for_nothing() {
        assert!(goal(2.1, Bound::AtLeast(2.1)).met());
        assert!(!goal(2.0, Bound::AtLeast(2.1)).met());
        assert!(goal(5.0, Bound::AtMost(5.0)).met());
        assert!(!goal(5.1, Bound::AtMost(5.0)).met());
        assert!(!goal(f64::NAN, Bound::AtLeast(0.0)).met());
        assert!(!goal(f64::NAN, Bound::AtMost(0.0)).met());
    }
}
