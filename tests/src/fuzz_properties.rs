//! What the fuzz targets assert, for any bytes.
//!
//! Invariant: a property panics if it does not hold, and does nothing else; the
//! targets in `fuzz/` and the replay of their seeds run the same functions.

use crate::container::repair_checksums;
use crate::in_process::{LEVELS, compress, decompress};
use crate::jpeg_generator::{Kind, generate};
use lepta_codec::Level;

/// Any bytes come back. The first byte chooses the level.
pub fn bytes_come_back(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else {
        return;
    };
    assert_comes_back(input, level(choice));
}

/// A generated JPEG comes back. The first byte chooses the level, the second the
/// kind, the next eight the seed.
pub fn generated_files_come_back(data: &[u8]) {
    let Some(([choice, kind], seed)) = data.split_first_chunk() else {
        return;
    };
    let kinds: Vec<Kind> = Kind::all().collect();
    let mut bytes = [0; 8];
    let length = seed.len().min(8);
    bytes[..length].copy_from_slice(&seed[..length]);
    let file = generate(
        kinds[usize::from(*kind) % kinds.len()],
        u64::from_le_bytes(bytes),
    );
    assert_comes_back(&file.into_bytes(), level(*choice));
}

/// The decoder takes any bytes, also behind right checksums, and gives an error
/// or bytes; it neither panics nor runs on.
pub fn decoder_takes_anything(data: &[u8]) {
    let mut forged = data.to_vec();
    repair_checksums(&mut forged);
    let plain = decompress(data);
    let repaired = decompress(&forged);
    // What decodes had the right checksums before.
    assert!(plain.is_err() || repaired == plain);
}

fn level(choice: u8) -> Level {
    LEVELS[usize::from(choice) % LEVELS.len()]
}

fn assert_comes_back(input: &[u8], level: Level) {
    let compressed = compress(input, level);
    assert!(
        decompress(&compressed).as_deref() == Ok(input),
        "other bytes come back at {level:?}"
    );
}
