//! The two passes over 16-bit grey, in double precision.

use super::Rows;
use super::taps::Taps;

/// Every row at the output columns.
pub(super) fn horizontal(source: Rows<u16>, columns: &Taps<f64>) -> Vec<u16> {
    let mut output = Vec::with_capacity(source.count * columns.len());
    for row in (0..source.count).map(|index| source.row(index)) {
        output.extend(columns.iter().map(|(start, weights)| {
            let samples = row[start..].iter().zip(weights);
            rounded(samples.map(|(&sample, weight)| f64::from(sample) * weight).sum())
        }));
    }
    output
}

/// The output rows.
pub(super) fn vertical(source: Rows<u16>, rows: &Taps<f64>) -> Vec<u16> {
    let mut output = Vec::with_capacity(rows.len() * source.length);
    for (start, weights) in rows.iter() {
        output.extend((0..source.length).map(|column| {
            let samples = weights
                .iter()
                .enumerate()
                .map(|(offset, weight)| f64::from(source.row(start + offset)[column]) * weight);
            rounded(samples.sum())
        }));
    }
    output
}

/// The sample that a sum rounds to. Pillow clips the high byte alone: overshoot keeps its own low
/// byte.
fn rounded(sum: f64) -> u16 {
    let rounded = (sum.abs() + 0.5).floor().copysign(sum) as i32;
    let (high, low) = ((rounded >> 8).clamp(0, 255), (rounded % 256).max(0));
    (high << 8 | low) as u16
}
