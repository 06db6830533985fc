//! The figures as text and as CSV.

use crate::child::Cost;

/// What a method gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Every byte of the files.
    Files,
    /// The pixels.
    Pixels,
    /// Other PNG files with the same pixels.
    OtherFiles,
}

impl Keeps {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Pixels => "pixels",
            Self::OtherFiles => "other PNGs",
        }
    }
}

/// The figures of one method; `None` for what was not measured.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) keeps: Keeps,
    /// Frames that it was measured on.
    pub(crate) frames: usize,
    /// Percent of the bytes of these frames' files.
    pub(crate) saving: Option<f64>,
    /// All frames encoded, without a check of ours.
    pub(crate) unverified: Option<Cost>,
    /// The same, decoded and compared.
    pub(crate) verified: Option<Cost>,
    /// All frames decoded.
    pub(crate) out: Option<Cost>,
    pub(crate) note: &'static str,
}

impl Figures {
    /// Frames a second of user CPU time.
    pub(crate) fn speed(&self, cost: Option<Cost>) -> Option<f64> {
        let seconds = cost.map(|cost| cost.user).filter(|&user| user > 0.0)?;
        Some(self.frames as f64 / seconds)
    }

    fn cells(&self) -> [String; 9] {
        let number = |figure: Option<f64>, decimals: usize| {
            figure.map_or(String::new(), |figure| format!("{figure:.decimals$}"))
        };
        let memory = |cost: Option<Cost>| number(cost.map(|cost| cost.memory as f64 / 1e6), 1);
        [
            self.name.clone(),
            self.keeps.name().to_owned(),
            self.frames.to_string(),
            number(self.saving, 2),
            number(self.speed(self.unverified), 1),
            number(self.speed(self.verified), 1),
            number(self.speed(self.out), 1),
            memory(self.verified.or(self.unverified)),
            memory(self.out),
        ]
    }
}

const COLUMNS: [&str; 9] = [
    "method",
    "gives back",
    "frames",
    "saving %",
    "in, frames/s",
    "in, verified",
    "out, frames/s",
    "memory in, MB",
    "out, MB",
];

/// A table for people.
pub(crate) fn text(condition: &str, all: &[Figures]) -> String {
    let row = |cells: &[String]| {
        let mut line = format!("{:<34}{:<12}", cells[0], cells[1]);
        for cell in &cells[2..] {
            let cell = if cell.is_empty() { "-" } else { cell };
            line += &format!("{cell:>15}");
        }
        line
    };
    let mut text = format!("{condition}\n\n{}\n", row(&COLUMNS.map(str::to_owned)));
    for figures in all {
        let note = match figures.note {
            "" => String::new(),
            note => format!("  {note}"),
        };
        text += &format!("{}{note}\n", row(&figures.cells()));
    }
    text
}

/// The same for machines. No cell holds a quotation mark.
pub(crate) fn csv(all: &[Figures]) -> String {
    let mut csv = String::from(
        "method,gives_back,frames,saving_percent,in_frames_per_s,in_verified_frames_per_s,\
         out_frames_per_s,in_rss_MB,out_rss_MB\n",
    );
    for figures in all {
        let cells = figures.cells().map(|cell| cell.replace(',', ";"));
        csv += &format!("{}\n", cells.join(","));
    }
    csv
}
