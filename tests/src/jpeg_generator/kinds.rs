//! Named kinds of files; a kind and a seed make a file.
//!
//! Invariant: kinds in [`Kind::LEGAL`] follow T.81 in everything; the others
//! break it in the way that their name says.

use super::bit_writer::PadBits;
use super::content::Content;
use super::frame::{Component, Frame, Process};
use super::hostile;
use super::huffman::HuffmanChoice;
use super::parameters::{Defects, JpegParameters, ScanLayout};
use super::stream::JpegStream;
use fastrand::Rng;

macro_rules! kinds {
    ($($group:ident: $group_documentation:literal { $($(#[$documentation:meta])* $kind:ident = $name:literal,)* })*) => {
        /// A class of files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($($(#[$documentation])* $kind,)*)*
        }

        impl Kind {
            $(#[doc = $group_documentation]
            pub const $group: &[Self] = &[$(Self::$kind,)*];)*

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$kind => $name,)*)* }
            }

            /// All kinds.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$group),*].into_iter().flatten().copied()
            }
        }
    };
}

kinds! {
    LEGAL: "Files that follow the standard." {
        /// A rendered landscape, 4:2:0, as a camera would write it.
        Photo = "photo",
        /// Baseline with everything else random.
        Baseline = "baseline",
        /// SOF1 with up to four tables a class and 16-bit quantisers.
        Extended = "extended",
        /// One component, any sampling factors.
        Grayscale = "grayscale",
        /// Two components.
        TwoComponents = "two-components",
        /// Four components.
        Cmyk = "cmyk",
        /// Restart intervals from one MCU up.
        Restarts = "restarts",
        /// Fill bytes before markers, RST among them.
        FillBytes = "fill-bytes",
        /// Random Huffman tables, segments in any order.
        RandomTables = "random-tables",
        /// Several sequential scans.
        MultiScan = "multi-scan",
        /// SOF2: spectral selection and successive approximation.
        Progressive = "progressive",
        /// Height in a DNL segment.
        NumberOfLines = "number-of-lines",
        /// One row or one column of samples, up to 65,535 long.
        Thin = "thin",
        /// Random bytes after EOI.
        TrailingBytes = "trailing-bytes",
        /// Two files one after the other.
        TwoImages = "two-images",
    }
    NEARLY_LEGAL: "Files that decoders meet though the standard forbids them." {
        /// Cut anywhere.
        Truncated = "truncated",
        /// RST markers with wrong numbers.
        WrongRestarts = "wrong-restarts",
        /// RST markers left out.
        MissingRestarts = "missing-restarts",
        /// RST markers where none is due.
        ExtraRestarts = "extra-restarts",
        /// ZRL before EOB.
        ZeroRunBeforeEnd = "zero-run-before-end",
        /// Foreign bytes inside the scan.
        GarbageInScan = "garbage-in-scan",
        /// Symbols with two codes.
        DuplicateSymbols = "duplicate-symbols",
        /// Zeros in DQT.
        ZeroQuantizers = "zero-quantizers",
        /// Coefficients beyond the 8-bit range.
        OversizedCoefficients = "oversized-coefficients",
        /// More or fewer MCUs than the header says.
        WrongMcuCount = "wrong-mcu-count",
        /// No EOI.
        NoEndOfImage = "no-end-of-image",
        /// All of the above at random.
        ManyDefects = "many-defects",
    }
    NOT_MODELLED: "Processes of the standard that are recognised and stored." {
        /// SOF9, SOF10 headers.
        Arithmetic = "arithmetic",
        /// SOF3 header.
        Lossless = "lossless",
        /// SOF5 header.
        Hierarchical = "hierarchical",
        /// SOF1 with 12-bit samples.
        TwelveBit = "twelve-bit",
    }
    HOSTILE: "Streams made to hurt." {
        /// 65,500 × 65,500 samples in the header, a tiny scan.
        HugeHeader = "huge-header",
        /// Width or height zero.
        ZeroDimensions = "zero-dimensions",
        /// Thousands of DHT and DRI.
        TableFlood = "table-flood",
        /// Thousands of SOS.
        ScanFlood = "scan-flood",
        /// 0xFF without end.
        FillFlood = "fill-flood",
        /// Thousands of SOI or SOF.
        StartFlood = "start-flood",
        /// Scan data far beyond the last MCU.
        EndlessScan = "endless-scan",
        /// Empty, over-full and cut tables.
        BrokenTables = "broken-tables",
        /// Illegal factors, slots, component counts.
        BrokenHeaders = "broken-headers",
        /// Thumbnails within thumbnails.
        NestedImages = "nested-images",
        /// Random bytes.
        NoImage = "no-image",
    }
}

/// The file of a kind and a seed.
pub fn generate(kind: Kind, seed: u64) -> JpegStream {
    let mut random = Rng::with_seed(seed ^ 0x4B1D);
    if let Some(parameters) = parameters(kind, seed, &mut random) {
        return JpegStream::new(&parameters);
    }
    let pieces = match kind {
        Kind::TwoImages => {
            let mut bytes = Vec::new();
            for offset in 0..2 {
                let kind = Kind::LEGAL[random.usize(1..8)];
                bytes.extend(generate(kind, seed.wrapping_add(offset)).into_bytes());
            }
            vec![super::layout::Piece::Bytes(bytes, vec![])]
        }
        Kind::Arithmetic => hostile::other_process([0xC9, 0xCA][random.usize(..2)], 8, &mut random),
        Kind::Lossless => hostile::other_process(0xC3, 8, &mut random),
        Kind::Hierarchical => hostile::other_process(0xC5, 8, &mut random),
        Kind::TwelveBit => hostile::other_process(0xC1, 12, &mut random),
        Kind::TableFlood => hostile::table_flood(&mut random),
        Kind::ScanFlood => hostile::scan_flood(&mut random),
        Kind::FillFlood => hostile::fill_flood(&mut random),
        Kind::StartFlood => hostile::start_flood(&mut random),
        Kind::EndlessScan => hostile::endless_scan(&mut random),
        Kind::BrokenTables => hostile::broken_tables(&mut random),
        Kind::BrokenHeaders => hostile::broken_headers(&mut random),
        Kind::NestedImages => hostile::nested_images(&mut random),
        _ => hostile::no_image(&mut random),
    };
    JpegStream::of_pieces(pieces)
}

/// Parameters of the kinds that have a coded scan.
fn parameters(kind: Kind, seed: u64, random: &mut Rng) -> Option<JpegParameters> {
    let mut file = any_baseline(seed, random);
    match kind {
        Kind::Photo => file = photo(seed),
        Kind::Baseline => {}
        Kind::Extended => make_extended(&mut file, random),
        Kind::Grayscale => set_components(&mut file, 1, random),
        Kind::TwoComponents => set_components(&mut file, 2, random),
        Kind::Cmyk => set_components(&mut file, 4, random),
        Kind::Restarts => file.restart_interval = [1, 2, 7, 30][random.usize(..4)],
        Kind::FillBytes => {
            file.restart_interval = random.u16(1..40);
            file.fill_bytes = random.u8(1..5);
        }
        Kind::RandomTables => {
            file.huffman = HuffmanChoice::Random;
            file.shuffled_segments = true;
            file.application_segments = random.u8(..6);
        }
        Kind::MultiScan => {
            set_components(&mut file, random.usize(2..=4), random);
            file.scans =
                [ScanLayout::ComponentByComponent, ScanLayout::FirstThenRest][random.usize(..2)];
        }
        Kind::Progressive => make_progressive(&mut file, random),
        Kind::NumberOfLines => file.define_number_of_lines = true,
        Kind::Thin => make_thin(&mut file, random),
        Kind::TrailingBytes => file.trailing_bytes = random.u32(1..70_000),
        Kind::Truncated => {
            let length = JpegStream::new(&file).into_bytes().len() as u64;
            file.truncate_at = Some(random.u64(..length));
        }
        _ => return defective(kind, file, random),
    }
    Some(file)
}

/// Parameters of the kinds with a coded scan and something wrong.
fn defective(kind: Kind, mut file: JpegParameters, random: &mut Rng) -> Option<JpegParameters> {
    let defects = &mut file.defects;
    match kind {
        Kind::WrongRestarts => defects.wrong_restart_numbers = true,
        Kind::MissingRestarts => defects.missing_restarts = true,
        Kind::ExtraRestarts => defects.extra_restarts = true,
        Kind::ZeroRunBeforeEnd => defects.zero_run_before_end = true,
        Kind::GarbageInScan => defects.garbage_before_mcu = Some(random.u64(..60)),
        Kind::DuplicateSymbols => defects.duplicate_symbols = true,
        Kind::ZeroQuantizers => defects.zero_quantizers = true,
        Kind::OversizedCoefficients => defects.oversized_coefficients = true,
        Kind::WrongMcuCount => defects.mcu_count = Some(random.u64(..600)),
        Kind::NoEndOfImage => defects.no_end_of_image = true,
        Kind::ManyDefects => {
            *defects = Defects {
                wrong_restart_numbers: random.bool(),
                missing_restarts: random.bool(),
                extra_restarts: random.bool(),
                zero_run_before_end: random.bool(),
                garbage_before_mcu: random.bool().then(|| random.u64(..100)),
                duplicate_symbols: random.bool(),
                zero_quantizers: random.bool(),
                oversized_coefficients: random.bool(),
                mcu_count: random.bool().then(|| random.u64(..300)),
                no_end_of_image: random.bool(),
            };
        }
        Kind::HugeHeader => {
            (file.frame.width, file.frame.height) = (65_500, 65_500);
            defects.mcu_count = Some(random.u64(..300));
        }
        Kind::ZeroDimensions => {
            (file.frame.width, file.frame.height) = [(0, 0), (0, 40), (40, 0)][random.usize(..3)];
            defects.mcu_count = Some(random.u64(..30));
        }
        _ => return None,
    }
    if matches!(
        kind,
        Kind::WrongRestarts | Kind::MissingRestarts | Kind::ManyDefects
    ) {
        file.restart_interval = random.u16(1..20);
    }
    if file.defects.oversized_coefficients {
        file.huffman = [HuffmanChoice::Random, HuffmanChoice::Flat][random.usize(..2)];
    }
    Some(file)
}

fn photo(seed: u64) -> JpegParameters {
    let sampling = [(2, 2), (1, 1), (1, 1)];
    let mut file = JpegParameters::new(seed, Process::Baseline, 1024, 768, &sampling);
    file.content = Content::Scene;
    file.quality = 88;
    file
}

/// A small baseline file with everything legal at random.
fn any_baseline(seed: u64, random: &mut Rng) -> JpegParameters {
    let (width, height) = (random.u16(1..300), random.u16(1..200));
    let mut file = JpegParameters::new(seed, Process::Baseline, width, height, &[(1, 1)]);
    let components = [1, 3, 3, 3, 2, 4][random.usize(..6)];
    set_components(&mut file, components, random);
    file.content = any_content(random);
    file.quality = random.u8(1..=100);
    file.huffman = [
        HuffmanChoice::Standard,
        HuffmanChoice::Optimal,
        HuffmanChoice::Random,
        HuffmanChoice::Flat,
    ][random.usize(..4)];
    file.restart_interval = [0, 0, random.u16(1..40), random.u16(..)][random.usize(..4)];
    file.pad = [PadBits::Ones, PadBits::Zeros, PadBits::Mixed][random.usize(..3)];
    file.shuffled_segments = random.bool();
    file.application_segments = random.u8(..3);
    file
}

fn any_content(random: &mut Rng) -> Content {
    match random.u8(..8) {
        0 => Content::Flat,
        1 => Content::Noise {
            magnitude: 1i16 << random.u8(..10),
        },
        2 => Content::Extreme,
        3 => Content::Sparse,
        4 => Content::Scene,
        _ => Content::Natural {
            detail: random.f32() * 12.0,
        },
    }
}

/// Gives the frame new components with random legal factors and slots: at most
/// ten blocks in an MCU (T.81 B.2.3).
fn set_components(file: &mut JpegParameters, count: usize, random: &mut Rng) {
    let slots = file.frame.process.huffman_slots();
    let first = random.u8(..=251);
    loop {
        file.frame.components = (0..count as u8)
            .map(|index| Component {
                identifier: first + index,
                horizontal: random.u8(1..=4),
                vertical: random.u8(1..=4),
                quantization_slot: random.u8(..4),
                dc_slot: random.u8(..slots),
                ac_slot: random.u8(..slots),
            })
            .collect();
        if count == 1 || blocks_per_mcu(&file.frame) <= 10 {
            return;
        }
    }
}

fn blocks_per_mcu(frame: &Frame) -> u32 {
    frame
        .components
        .iter()
        .map(|c| u32::from(c.horizontal) * u32::from(c.vertical))
        .sum()
}

fn make_extended(file: &mut JpegParameters, random: &mut Rng) {
    file.frame.process = Process::ExtendedSequential;
    file.wide_quantizers = random.bool();
    set_components(file, random.usize(1..=4), random);
}

fn make_progressive(file: &mut JpegParameters, random: &mut Rng) {
    file.frame.process = Process::Progressive;
    set_components(file, [1, 3][random.usize(..2)], random);
    if file.huffman == HuffmanChoice::Standard {
        file.huffman = HuffmanChoice::Optimal;
    }
    file.scans = ScanLayout::SpectralSelection {
        split: random.u8(1..=63),
        approximation: random.u8(..=3),
    };
}

fn make_thin(file: &mut JpegParameters, random: &mut Rng) {
    let (long, short) = (random.u16(1..=65_535), random.u16(1..=9));
    (file.frame.width, file.frame.height) = if random.bool() {
        (long, short)
    } else {
        (short, long)
    };
    if !matches!(file.content, Content::Natural { .. }) {
        file.content = Content::Sparse;
    }
}
