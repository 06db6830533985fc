//! The frame: dimensions, components, and where their blocks lie.
//!
//! Invariant: block counts follow T.81 A.1 and A.2 exactly.

/// The coding process a frame header announces (T.81 table B.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// SOF0: Huffman, sequential, 8 bit, two Huffman tables a class.
    Baseline,
    /// SOF1: Huffman, sequential, up to four Huffman tables a class.
    ExtendedSequential,
    /// SOF2: Huffman, progressive.
    Progressive,
}

impl Process {
    /// The second byte of the SOF marker.
    pub(super) fn marker(self) -> u8 {
        match self {
            Self::Baseline => 0xC0,
            Self::ExtendedSequential => 0xC1,
            Self::Progressive => 0xC2,
        }
    }

    /// How many Huffman tables of each class may be defined at once.
    pub(super) fn huffman_slots(self) -> u8 {
        match self {
            Self::Baseline => 2,
            Self::ExtendedSequential | Self::Progressive => 4,
        }
    }
}

/// One colour component of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// Component identifier, any byte, unique in its frame.
    pub identifier: u8,
    /// Horizontal sampling factor, 1..=4.
    pub horizontal: u8,
    /// Vertical sampling factor, 1..=4.
    pub vertical: u8,
    /// Quantisation table, 0..=3.
    pub quantization_slot: u8,
    /// DC Huffman table, 0..=3 (baseline: 0..=1).
    pub dc_slot: u8,
    /// AC Huffman table, 0..=3 (baseline: 0..=1).
    pub ac_slot: u8,
}

impl Component {
    /// A component with sampling factors of one and all tables from `slot`.
    pub fn new(identifier: u8, horizontal: u8, vertical: u8, slot: u8) -> Self {
        Self {
            identifier,
            horizontal,
            vertical,
            quantization_slot: slot,
            dc_slot: slot,
            ac_slot: slot,
        }
    }
}

/// A frame header's contents. The sample precision is 8 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Coding process.
    pub process: Process,
    /// Width in samples, 0..=65,535 (0 is not legal).
    pub width: u16,
    /// Height in lines, 0..=65,535 (0 is not legal without a DNL segment).
    pub height: u16,
    /// One to four components (more are not legal in a scan).
    pub components: Vec<Component>,
}

impl Frame {
    fn largest(&self, factor: impl Fn(&Component) -> u8) -> u32 {
        let largest = self.components.iter().map(factor).max();
        u32::from(largest.unwrap_or(1).max(1))
    }

    /// MCUs in a row of an interleaved scan.
    pub fn mcu_columns(&self) -> u32 {
        u32::from(self.width).div_ceil(8 * self.largest(|c| c.horizontal))
    }

    /// Rows of MCUs in an interleaved scan.
    pub fn mcu_rows(&self) -> u32 {
        u32::from(self.height).div_ceil(8 * self.largest(|c| c.vertical))
    }

    /// Blocks (columns, rows) of a component in a scan of its own.
    pub fn blocks(&self, component: usize) -> (u32, u32) {
        let Component {
            horizontal,
            vertical,
            ..
        } = self.components[component];
        let samples = |size: u16, factor: u8, largest: u32| {
            (u32::from(size) * u32::from(factor)).div_ceil(largest)
        };
        (
            samples(self.width, horizontal, self.largest(|c| c.horizontal)).div_ceil(8),
            samples(self.height, vertical, self.largest(|c| c.vertical)).div_ceil(8),
        )
    }

    /// How many samples of the image one sample of the component covers,
    /// (horizontally, vertically).
    pub(super) fn sample_pitch(&self, component: usize) -> (f32, f32) {
        let component = &self.components[component];
        (
            self.largest(|c| c.horizontal) as f32 / f32::from(component.horizontal.max(1)),
            self.largest(|c| c.vertical) as f32 / f32::from(component.vertical.max(1)),
        )
    }
}
