//! Filters rows, written from the specification (clause 9) and not shared with the codec.

/// A filtered row behind the number of its filter type.
pub(super) fn filtered(number: u8, distance: usize, row: &[u8], above: &[u8]) -> Vec<u8> {
    let mut out = vec![number];
    for (index, &value) in row.iter().enumerate() {
        let (left, corner) = match index.checked_sub(distance) {
            Some(before) => (i32::from(row[before]), i32::from(above[before])),
            None => (0, 0),
        };
        let up = i32::from(above[index]);
        let estimate = left + up - corner;
        let prediction = match number {
            1 => left,
            2 => up,
            3 => (left + up) / 2,
            4 => *[left, up, corner]
                .iter()
                .min_by_key(|&&value| (estimate - value).abs())
                .unwrap_or(&0),
            _ => 0,
        };
        out.push(value.wrapping_sub(prediction.cast_unsigned() as u8));
    }
    out
}

/// The first type with the least sum of absolute differences.
pub(super) fn least_sum(distance: usize, row: &[u8], above: &[u8]) -> u8 {
    let sum = |number: &u8| -> u64 {
        let filtered = filtered(*number, distance, row, above);
        filtered[1..]
            .iter()
            .map(|&byte| u64::from(byte.min(byte.wrapping_neg())))
            .sum()
    };
    (0..5).min_by_key(sum).unwrap_or(0)
}
