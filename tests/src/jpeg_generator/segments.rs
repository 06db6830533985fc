//! Marker segments (T.81 annex B).
//!
//! Invariant: every length field is right; only the contents may be odd.

use super::frame::{Component, Frame};
use super::huffman::HuffmanTable;

/// Start of image.
pub(super) const SOI: [u8; 2] = [0xFF, 0xD8];
/// End of image.
pub(super) const EOI: [u8; 2] = [0xFF, 0xD9];

/// A segment of any marker with its length field.
///
/// # Panics
/// If the payload is longer than 65,533 bytes.
pub(super) fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a segment's length fits 16 bits");
    let mut bytes = vec![0xFF, marker];
    bytes.extend(length.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The payload of a frame header with 8-bit samples.
pub(super) fn frame_header(frame: &Frame, height: u16) -> Vec<u8> {
    let mut payload = vec![8];
    payload.extend(height.to_be_bytes());
    payload.extend(frame.width.to_be_bytes());
    payload.push(frame.components.len() as u8);
    for component in &frame.components {
        payload.push(component.identifier);
        payload.push(component.horizontal << 4 | component.vertical & 15);
        payload.push(component.quantization_slot);
    }
    segment(frame.process.marker(), &payload)
}

/// A scan header. `spectral` is (first, last), `approximation` (high, low).
pub(super) fn scan_header(
    components: &[Component],
    spectral: (u8, u8),
    approximation: (u8, u8),
) -> Vec<u8> {
    let mut payload = vec![components.len() as u8];
    for component in components {
        payload.push(component.identifier);
        payload.push(component.dc_slot << 4 | component.ac_slot);
    }
    payload.extend([
        spectral.0,
        spectral.1,
        approximation.0 << 4 | approximation.1,
    ]);
    segment(0xDA, &payload)
}

/// The payload part of one quantisation table; 16-bit entries if `wide`.
pub(super) fn quantization_table(slot: u8, table: &[u16; 64], wide: bool) -> Vec<u8> {
    let mut payload = vec![u8::from(wide) << 4 | slot];
    for &entry in table {
        if wide {
            payload.extend(entry.to_be_bytes());
        } else {
            payload.push(entry.min(255) as u8);
        }
    }
    payload
}

/// The payload part of one Huffman table.
pub(super) fn huffman_table(ac: bool, slot: u8, table: &HuffmanTable) -> Vec<u8> {
    let mut payload = vec![u8::from(ac) << 4 | slot];
    payload.extend(table.counts);
    payload.extend(&table.symbols);
    payload
}

/// Restart interval in MCUs.
pub(super) fn restart_interval(mcus: u16) -> Vec<u8> {
    segment(0xDD, &mcus.to_be_bytes())
}

/// Number of lines, after the first scan (T.81 B.2.5).
pub(super) fn number_of_lines(lines: u16) -> Vec<u8> {
    segment(0xDC, &lines.to_be_bytes())
}
