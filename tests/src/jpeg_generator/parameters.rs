//! All choices that make a file.
//!
//! Invariant: [`JpegParameters::new`] with any size and components is legal;
//! only [`Defects`] (and illegal sizes or factors) make a file that is not.

use super::bit_writer::PadBits;
use super::content::Content;
use super::frame::{Component, Frame, Process};
use super::huffman::HuffmanChoice;

/// In which scans the coefficients are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanLayout {
    /// All components in one interleaved scan.
    Interleaved,
    /// One scan for each component.
    ComponentByComponent,
    /// The first component alone, the others interleaved.
    FirstThenRest,
    /// Progressive: DC, then bands of AC for each component, one pass of
    /// successive approximation (`approximation` low bits) refined in the end.
    SpectralSelection {
        /// Last index of the first AC band, 1..=63.
        split: u8,
        /// Bits left to refinement scans, 0..=3.
        approximation: u8,
    },
}

/// What is wrong with a file. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defects {
    /// Every fifth or so RST marker has a wrong number.
    pub wrong_restart_numbers: bool,
    /// Every fifth or so RST marker is left out.
    pub missing_restarts: bool,
    /// An RST marker stands where no interval ends, once in about 40 MCUs.
    pub extra_restarts: bool,
    /// Zero runs (ZRL) before EOB, which say nothing.
    pub zero_run_before_end: bool,
    /// Random bytes, markers among them, before this MCU of the first scan.
    pub garbage_before_mcu: Option<u64>,
    /// Huffman tables list some symbols twice, and either code is used.
    pub duplicate_symbols: bool,
    /// Some quantiser entries are zero.
    pub zero_quantizers: bool,
    /// Coefficients far beyond what 8-bit samples can give (up to ±32,736).
    pub oversized_coefficients: bool,
    /// The scans hold this many MCUs, whatever the frame header says.
    pub mcu_count: Option<u64>,
    /// The file ends after its last scan without EOI.
    pub no_end_of_image: bool,
}

/// The recipe of one JPEG file.
#[derive(Clone, Debug, PartialEq)]
pub struct JpegParameters {
    /// Decides everything that is not said here.
    pub seed: u64,
    /// Frame header.
    pub frame: Frame,
    /// What the coefficients look like.
    pub content: Content,
    /// IJG quality of the quantisation tables, 1..=100.
    pub quality: u8,
    /// Whether DQT entries have 16 bits.
    pub wide_quantizers: bool,
    /// Huffman tables.
    pub huffman: HuffmanChoice,
    /// Scans.
    pub scans: ScanLayout,
    /// Restart interval in MCUs; 0: none.
    pub restart_interval: u16,
    /// Last bits before markers.
    pub pad: PadBits,
    /// Marker segments come in random order, merged and repeated, with decoys
    /// that later ones replace; otherwise in the usual order.
    pub shuffled_segments: bool,
    /// APPn and COM segments with random contents, 0..=255.
    pub application_segments: u8,
    /// Up to this many fill bytes (0xFF) before each marker.
    pub fill_bytes: u8,
    /// The frame header's height is 0 and a DNL segment gives it.
    pub define_number_of_lines: bool,
    /// Random bytes after EOI.
    pub trailing_bytes: u32,
    /// The file is cut after this many bytes.
    pub truncate_at: Option<u64>,
    /// What is wrong with it.
    pub defects: Defects,
}

impl JpegParameters {
    /// A plain file: interleaved, standard tables, natural-like content,
    /// quality 85, no restarts.
    ///
    /// Progressive frames get their scans and tables likewise.
    pub fn new(
        seed: u64,
        process: Process,
        width: u16,
        height: u16,
        sampling: &[(u8, u8)],
    ) -> Self {
        let components = (0..)
            .zip(sampling)
            .map(|(index, &(horizontal, vertical))| {
                Component::new(index + 1, horizontal, vertical, index.min(1))
            })
            .collect();
        let progressive = process == Process::Progressive;
        Self {
            seed,
            frame: Frame {
                process,
                width,
                height,
                components,
            },
            content: Content::Natural { detail: 4.0 },
            quality: 85,
            wide_quantizers: false,
            huffman: if progressive {
                HuffmanChoice::Optimal
            } else {
                HuffmanChoice::Standard
            },
            scans: if progressive {
                ScanLayout::SpectralSelection {
                    split: 5,
                    approximation: 1,
                }
            } else {
                ScanLayout::Interleaved
            },
            restart_interval: 0,
            pad: PadBits::Ones,
            shuffled_segments: false,
            application_segments: 0,
            fill_bytes: 0,
            define_number_of_lines: false,
            trailing_bytes: 0,
            truncate_at: None,
            defects: Defects::default(),
        }
    }
}
