//! The two passes of Pillow's resize (`Resample.c`), for the part of the result that is wanted.

use std::ops::Range;

/// Fixed-point fraction bits of the weights: 8 bits of value and 2 of headroom stay free in an i32.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Where every sum starts, so that the shift at its end rounds.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// The source positions that one output position reads, and their fixed-point weights.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// The taps of the output positions in `wanted`, when `from` positions are resized to `to`.
fn taps(from: u32, to: u32, wanted: Range<u32>) -> Vec<Taps> {
    let scale = f64::from(from) / f64::from(to);
    let widening = scale.max(1.0);
    let (support, narrowing) = (2.0 * widening, 1.0 / widening);
    let at = |position: u32| {
        let centre = (f64::from(position) + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from as usize);
        // Pillow's order of operations: the last bit of a weight depends on it.
        let weight = |source: usize| bicubic((source as f64 - centre + 0.5) * narrowing);
        Taps { start, weights: fixed_point((start..end).map(weight).collect()) }
    };
    wanted.map(at).collect()
}

/// Keys' cubic convolution kernel with a = -0.5.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Weights that sum to one, rounded half away from zero.
fn fixed_point(weights: Vec<f64>) -> Vec<i32> {
    let sum: f64 = weights.iter().sum();
    let scaled = |weight: f64| {
        let weight = if sum == 0.0 { weight } else { weight / sum };
        let one = f64::from(1 << PRECISION_BITS);
        (weight * one + 0.5f64.copysign(weight)) as i32
    };
    weights.into_iter().map(scaled).collect()
}

/// The part `crop` (columns, rows) of `source`, `[height, width, C]` bytes of size `from`
/// (width, height), resized to `to`. Only what the crop needs is computed.
pub(super) fn resample<const C: usize>(
    source: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    crop: (Range<u32>, Range<u32>),
) -> Vec<u8> {
    let (columns, rows) = (taps(from.0, to.0, crop.0), taps(from.1, to.1, crop.1));
    if source.is_empty() || columns.is_empty() {
        return vec![0; columns.len() * rows.len() * C];
    }
    // A pass that keeps the size has the weight one at one tap, so it needs no special case.
    let stride = from.0 as usize * C;
    if vertical_first(from, to) {
        let short = vertical(source, stride, 0, &rows);
        return horizontal::<C>(&short, stride, &columns);
    }
    let first = rows.first().map_or(0, |taps| taps.start);
    let end = rows.last().map_or(0, |taps| taps.start + taps.weights.len());
    let narrow = horizontal::<C>(&source[first * stride..end * stride], stride, &columns);
    vertical(&narrow, columns.len() * C, first, &rows)
}

/// Pillow 13's choice of the cheaper order; it decides the last bits of the result.
fn vertical_first(from: (u32, u32), to: (u32, u32)) -> bool {
    let shrinks_by = |from: u32, to: u32| i64::from(from) - i64::from(to);
    let height = shrinks_by(from.1, to.1);
    height > 0 && height > 2 * shrinks_by(from.0, to.0)
}

/// Every row of `stride` bytes at the output columns.
fn horizontal<const C: usize>(rows: &[u8], stride: usize, columns: &[Taps]) -> Vec<u8> {
    let mut output = Vec::with_capacity(rows.len() / stride * columns.len() * C);
    for row in rows.chunks_exact(stride) {
        output.extend(columns.iter().flat_map(|taps| output_pixel::<C>(row, taps)));
    }
    output
}

/// The output rows, from rows of `stride` bytes of which the first is row `first` of the source.
fn vertical(source: &[u8], stride: usize, first: usize, rows: &[Taps]) -> Vec<u8> {
    let mut output = Vec::with_capacity(stride * rows.len());
    let mut sums = vec![0; stride];
    for taps in rows {
        sums.fill(HALF);
        let inputs = source.chunks_exact(stride).skip(taps.start - first);
        for (input, weight) in inputs.zip(&taps.weights) {
            for (sum, &sample) in sums.iter_mut().zip(input) {
                *sum += i32::from(sample) * weight;
            }
        }
        output.extend(sums.iter().copied().map(to_byte));
    }
    output
}

fn output_pixel<const C: usize>(row: &[u8], taps: &Taps) -> [u8; C] {
    let mut sums = [HALF; C];
    let (pixels, _) = row[taps.start * C..].as_chunks::<C>();
    for (pixel, weight) in pixels.iter().zip(&taps.weights) {
        for (sum, &sample) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(sample) * weight;
        }
    }
    sums.map(to_byte)
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}
