//! The zigzag sequence (T.81, figure A.6).

/// By position in the zigzag sequence: row frequency × 8 + column frequency.
pub(crate) const ZIGZAG: [u8; 64] = sequence();

const fn sequence() -> [u8; 64] {
    let mut order = [0; 64];
    let mut index = 0;
    let mut diagonal = 0usize;
    while diagonal < 15 {
        let mut step = 0;
        while step <= diagonal {
            // Even diagonals run upwards, odd ones downwards.
            let row = if diagonal.is_multiple_of(2) {
                diagonal - step
            } else {
                step
            };
            let column = diagonal - row;
            if row < 8 && column < 8 {
                order[index] = (row * 8 + column) as u8;
                index += 1;
            }
            step += 1;
        }
        diagonal += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::ZIGZAG;

    #[test]
    fn begins_and_ends_as_figure_a6() {
        assert_eq!(ZIGZAG[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
        assert_eq!(ZIGZAG[58..], [61, 54, 47, 55, 62, 63]);
        let mut sorted = ZIGZAG;
        sorted.sort_unstable();
        assert!(
            sorted
                .iter()
                .enumerate()
                .all(|(index, &place)| index == usize::from(place))
        );
    }
}
