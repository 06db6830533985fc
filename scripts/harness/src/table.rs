//! The report as text.

use std::fmt::{self, Display, Formatter};

use crate::codec::Operation;
use crate::goals::{Bound, Goal};
use crate::start::Start;
use crate::summary::{Memory, Peer, SPEED_BYTES, Saving, Summary};

/// Everything that was measured.
pub(crate) struct Report<'a> {
    /// Where and how it was measured, one line each.
    pub(crate) conditions: &'a [String],
    pub(crate) summaries: &'a [Summary],
    pub(crate) peer: Peer,
    pub(crate) starts: &'a [Start],
    pub(crate) goals: &'a [Goal],
}

impl Display for Report<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for line in self.conditions {
            writeln!(out, "{line}")?;
        }
        self.savings(out)?;
        self.speeds(out)?;
        self.memory(out)?;
        self.starts(out)?;
        self.goals(out)
    }
}

impl Report<'_> {
    fn savings(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nSaving of all bytes (refused files count as stored)")?;
        writeln!(
            out,
            "{:<22}{:>24}{:>24}{:>20}",
            "", "baseline % (points)", "progressive % (points)", "other %"
        )?;
        for summary in self.summaries {
            writeln!(
                out,
                "{:<22}{:>24}{:>24}{:>20}",
                summary.name,
                saving(summary.baseline, self.peer.saving),
                saving(summary.progressive, self.peer.progressive),
                saving(summary.other, None),
            )?;
        }
        let Some(first) = self.summaries.first() else {
            return Ok(());
        };
        let count =
            |saving: Saving| format!("{} of {:.1} MB", saving.files, saving.bytes as f64 / 1e6);
        writeln!(
            out,
            "{:<22}{:>24}{:>24}{:>20}",
            "files",
            count(first.baseline),
            count(first.progressive),
            count(first.other)
        )
    }

    fn speeds(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let kilobytes = SPEED_BYTES / 1000;
        writeln!(
            out,
            "\nMB of JPEG per second of user time (over the peer's best build); baseline files of \
             {kilobytes} KB and more"
        )?;
        writeln!(
            out,
            "{:<22}{:>18}{:>18}{:>18}{:>18}{:>20}",
            "", "encode", "encode verified", "decode", "verified/encode", "two threads' wall"
        )?;
        for summary in self.summaries {
            let speed = |operation| {
                let ours = summary.speed(operation);
                let ratio = ours
                    .zip(self.peer.speed(operation))
                    .map(|(ours, peer)| ours / peer);
                with_note(ours, 2, ratio.map(|ratio| format!("{ratio:.2} x")))
            };
            writeln!(
                out,
                "{:<22}{:>18}{:>18}{:>18}{:>18}{:>20}",
                summary.name,
                speed(Operation::Encode),
                speed(Operation::EncodeVerified),
                speed(Operation::Decode),
                with_note(summary.verified_cost, 2, None),
                with_note(summary.two_threads_cost, 2, None),
            )?;
        }
        Ok(())
    }

    fn memory(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "\nPeak resident memory (VmHWM), MB, median / most over all files"
        )?;
        writeln!(
            out,
            "{:<22}{:>18}{:>18}{:>18}{:>18}",
            "", "encode", "encode verified", "two threads", "decode"
        )?;
        for summary in self.summaries {
            let cell = |operation| memory(summary.memory(operation));
            writeln!(
                out,
                "{:<22}{:>18}{:>18}{:>18}{:>18}",
                summary.name,
                cell(Operation::Encode),
                cell(Operation::EncodeVerified),
                cell(Operation::EncodeTwoThreads),
                cell(Operation::Decode),
            )?;
        }
        Ok(())
    }

    fn starts(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.starts.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nStart: wall time of the whole process, ms")?;
        for start in self.starts {
            let input = match start.bytes {
                0 => "empty input".to_owned(),
                bytes => format!("photo of {:.1} KB", bytes as f64 / 1e3),
            };
            writeln!(
                out,
                "{:<22}{:<18}{:<20}{:>8.2}",
                start.codec,
                start.operation.name(),
                input,
                start.wall_milliseconds
            )?;
        }
        Ok(())
    }

    fn goals(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.goals.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nGoals")?;
        for goal in self.goals {
            let bound = match goal.bound {
                Bound::AtLeast(bound) => format!("at least {bound}"),
                Bound::AtMost(bound) => format!("at most {bound}"),
            };
            let verdict = if goal.met() { "met" } else { "MISSED" };
            writeln!(
                out,
                "{:<16}{:<64}{:>8.2}  {bound:<14} {verdict}",
                goal.codec, goal.what, goal.measured
            )?;
        }
        Ok(())
    }
}

fn saving(saving: Saving, peer: Option<f64>) -> String {
    let points = saving
        .percent()
        .zip(peer)
        .map(|(ours, peer)| format!("{:+.2}", ours - peer));
    let mut cell = with_note(saving.percent(), 2, points);
    if saving.refused > 0 {
        cell += &format!(" {} refused", saving.refused);
    }
    cell
}

fn memory(memory: Option<Memory>) -> String {
    memory.map_or("-".to_owned(), |memory| {
        format!("{:.1} / {:.1}", memory.median / 1e6, memory.most / 1e6)
    })
}

/// A figure, a dash if there is none, and a remark in parentheses.
fn with_note(figure: Option<f64>, decimals: usize, note: Option<String>) -> String {
    let cell = figure.map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"));
    note.map_or(cell.clone(), |note| format!("{cell} ({note})"))
}
