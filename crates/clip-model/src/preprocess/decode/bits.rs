//! Samples of less than a byte.

/// One byte for each of the `width` samples of every packed row, the first sample in the high
/// bits; `rows` has `stride` bytes a row.
pub(super) fn unpacked(rows: &[u8], stride: usize, width: usize, depth: u8) -> Vec<u8> {
    if depth >= 8 {
        return rows.to_vec();
    }
    let per_byte = usize::from(8 / depth);
    let mask = (1u8 << depth) - 1;
    let sample = |row: &[u8], x: usize| {
        let place = (x % per_byte) as u8 + 1;
        row.get(x / per_byte).map_or(0, |byte| byte >> (8 - depth * place) & mask)
    };
    rows.chunks_exact(stride.max(1))
        .flat_map(|row| (0..width).map(move |x| sample(row, x)))
        .collect()
}

/// Stretches samples of `depth` bits over a byte's range.
pub(super) fn stretched(samples: Vec<u8>, depth: u8) -> Vec<u8> {
    let factor = match depth {
        1 => 255,
        2 => 85,
        4 => 17,
        _ => return samples,
    };
    samples.into_iter().map(|sample| sample.wrapping_mul(factor)).collect()
}

/// 16-bit samples from their bytes.
pub(super) fn words(bytes: &[u8], word: fn([u8; 2]) -> u16) -> Vec<u16> {
    bytes.as_chunks().0.iter().map(|&pair| word(pair)).collect()
}
