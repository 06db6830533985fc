//! Finds the scans of an image in its file, before any of them is coded.
//!
//! Invariant: what is found depends on the bytes alone, not on how many of them are shown at a time.

use super::super::frame::Frame;
use super::super::markers::{Found, HeaderParser};
use super::super::reason::NotModelled;
use super::grid::Grid;
use super::header::{Progression, ScanHeader};
use super::regions::Regions;
use super::{SCANS_MAX, state_bytes};

/// A survey under way, or done.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Stands behind what has been looked at.
    parser: HeaderParser,
    frame: Frame,
    progression: Progression,
    headers: Vec<ScanHeader>,
    regions: Regions,
    /// Bytes looked at.
    position: usize,
    /// Where the data of the last scan began, while its end has not been found.
    data_start: Option<usize>,
    /// Bytes for the file and the rows of both directions.
    budget: usize,
    /// Why a scan of the image is not among them.
    left_out: Option<NotModelled>,
    /// Whether the input ends within the last scan, or with its last byte.
    cut: bool,
    /// The bytes of the budget that are left, or why nothing is coded.
    outcome: Option<Result<usize, NotModelled>>,
}

/// The scans of an image that can be coded together: one at least.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) frame: Frame,
    pub(crate) headers: Vec<ScanHeader>,
    pub(crate) regions: Regions,
    /// Why a later scan of the image is not among them.
    pub(crate) left_out: Option<NotModelled>,
    /// Whether the input ends within the last scan, or with its last byte.
    pub(crate) cut: bool,
    /// Bytes of the budget that neither the file nor the rows take.
    pub(crate) spare: usize,
}

impl Survey {
    /// A survey that begins with the first byte of the image's first scan, whose header has just
    /// been read. `budget` is what the file and the rows of both directions may take.
    pub(crate) fn new(parser: &HeaderParser, first: ScanHeader, budget: usize) -> Option<Self> {
        let mut progression = Progression::new();
        progression.take(&first);
        Some(Self {
            frame: parser.frame()?.clone(),
            parser: parser.clone(),
            progression,
            headers: vec![first],
            regions: Regions::default(),
            position: 0,
            data_start: Some(0),
            budget,
            left_out: None,
            cut: false,
            outcome: None,
        })
    }

    /// Most bytes of the file that there is memory for.
    pub(crate) fn most_bytes(&self) -> usize {
        self.budget.saturating_sub(self.least_rows())
    }

    /// Bytes that the rows of both directions take at least.
    fn least_rows(&self) -> usize {
        2 * state_bytes(&Grid::largest(&self.frame), &[])
    }

    /// Looks at the bytes shown, from the first of the image's first scan on; whether that was
    /// enough to know.
    pub(crate) fn advance(&mut self, input: &[u8], end_of_input: bool) -> bool {
        if self.outcome.is_some() {
            return true;
        }
        let most = self.most_bytes();
        let found_end = self.look(&input[..input.len().min(most + 1)], end_of_input);
        let outcome = if found_end {
            self.conclude()
        } else if input.len() > most {
            Err(NotModelled::TooLong {
                needed: most + 1 + self.least_rows(),
                budget: self.budget,
            })
        } else if end_of_input {
            self.take_cut_scan(input);
            self.conclude()
        } else {
            return false;
        };
        self.outcome = Some(outcome);
        true
    }

    /// What was found, or why nothing was. To be asked once, when [`Survey::advance`] has said that
    /// it is known.
    pub(crate) fn finish(self) -> Result<Surveyed, NotModelled> {
        let spare = self.outcome.unwrap_or(Err(NotModelled::UnsupportedScan))?;
        Ok(Surveyed {
            spare,
            frame: self.frame,
            headers: self.headers,
            regions: self.regions,
            left_out: self.left_out,
            cut: self.cut,
        })
    }

    /// Looks for the ends and starts of scans; whether the last one was found.
    fn look(&mut self, input: &[u8], end_of_input: bool) -> bool {
        loop {
            if let Some(start) = self.data_start {
                let Some(end) = self.end_of_data(input, end_of_input) else {
                    return false;
                };
                self.regions.push(start, end - start);
                self.data_start = None;
                self.parser.scan_ended();
            }
            let header = loop {
                let Some(&byte) = input.get(self.position) else {
                    return false;
                };
                self.position += 1;
                match self.parser.push(byte) {
                    Some(Found::Scan(found)) => break found.together,
                    Some(Found::Refused(_) | Found::Frame { .. }) => break None,
                    None if self.parser.is_outside() => return true,
                    None => {}
                }
            };
            match header {
                Some(header)
                    if self.headers.len() < SCANS_MAX && self.progression.take(&header) =>
                {
                    self.headers.push(*header);
                    self.data_start = Some(self.position);
                }
                _ => {
                    self.left_out = Some(NotModelled::UnsupportedScan);
                    return true;
                }
            }
        }
    }

    /// The next marker in entropy-coded data that ends them. Others are damage: the scan is given up there,
    /// but it goes on, and those behind it are where they are.
    fn end_of_data(&mut self, input: &[u8], end_of_input: bool) -> Option<usize> {
        loop {
            let rest = input.get(self.position..)?;
            self.position += rest
                .iter()
                .position(|&byte| byte == 0xFF)
                .unwrap_or(rest.len());
            input.get(self.position + 1)?;
            match ends_data(&input[self.position + 1..]) {
                None if !end_of_input => return None,
                Some(true) | None => return Some(self.position),
                Some(false) => self.position += 2,
            }
        }
    }

    /// The input ends before the image does.
    fn take_cut_scan(&mut self, input: &[u8]) {
        match self.data_start.take() {
            Some(start) => {
                self.regions.push(start, input.len() - start);
                self.cut = true;
            }
            None => self.left_out = Some(NotModelled::Truncated),
        }
    }

    /// The bytes of the budget that are left.
    fn conclude(&mut self) -> Result<usize, NotModelled> {
        if self.headers.is_empty() {
            return Err(NotModelled::Truncated);
        }
        // A scan that was taken but whose end never came.
        self.headers.truncate(self.regions.count());
        let grid = Grid::new(&self.frame, &self.headers);
        let needed = self.regions.length() + 2 * state_bytes(&grid, &self.headers);
        let budget = self.budget;
        let spare = budget.checked_sub(needed);
        spare.ok_or(NotModelled::TooLong { needed, budget })
    }
}

/// Whether a marker may end the data of a scan (T.81, B.2.1): one of an end of image, or of a segment behind
/// which another marker comes. `input` begins with its code; `None`: more must be seen.
fn ends_data(input: &[u8]) -> Option<bool> {
    let fill = input.iter().take_while(|&&byte| byte == 0xFF).count();
    let (&code, segment) = input.get(fill..)?.split_first()?;
    match code {
        0xD9 => Some(true),
        0xC4 | 0xDA..=0xDD | 0xE0..=0xEF | 0xFE => {
            let length = u16::from_be_bytes([*segment.first()?, *segment.get(1)?]);
            let next = segment.get(usize::from(length));
            if length < 2 {
                return Some(false);
            }
            // What a scan header is followed by may be anything.
            next.map(|&next| next == 0xFF || code == 0xDA)
        }
        _ => Some(false),
    }
}
