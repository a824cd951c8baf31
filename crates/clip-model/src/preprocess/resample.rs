//! Pillow's resize (`Resample.c`, and `Geometry.c` for the nearest neighbour), for the part of the
//! result that is wanted.

use std::ops::Range;

use super::Interpolation;

/// Fixed-point fraction bits of the weights: 8 bits of value and 2 of headroom stay free in an i32.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// A resize of an image of which only a window is computed.
pub(super) struct Resize {
    /// Width and height of the source.
    pub from: (u32, u32),
    /// Width and height of the whole result.
    pub to: (u32, u32),
    /// The columns of the result that are wanted.
    pub columns: Range<u32>,
    /// The rows of the result that are wanted.
    pub rows: Range<u32>,
    /// The filter of [`convolve`](Self::convolve).
    pub interpolation: Interpolation,
}

impl Resize {
    /// The window of `source`, `[height, width, C]`, resized by convolution in two passes.
    pub fn convolve<S: Sample, const C: usize>(&self, source: &[S]) -> Vec<S> {
        let taps =
            |from, to, wanted: &Range<u32>| taps::<S>(from, to, wanted.clone(), self.interpolation);
        let columns = taps(self.from.0, self.to.0, &self.columns);
        let rows = taps(self.from.1, self.to.1, &self.rows);
        if source.is_empty() || columns.is_empty() {
            return vec![S::default(); columns.len() * rows.len() * C];
        }
        let stride = self.from.0 as usize * C;
        if self.vertical_first() {
            let short = vertical(source, stride, 0, &rows);
            return horizontal::<S, C>(&short, stride, &columns);
        }
        let first = rows.first().map_or(0, |taps| taps.start);
        let end = rows.last().map_or(0, |taps| taps.start + taps.weights.len());
        let narrow = horizontal::<S, C>(&source[first * stride..end * stride], stride, &columns);
        vertical(&narrow, columns.len() * C, first, &rows)
    }

    /// Pillow 13's choice of the cheaper order; it decides the last bits of the result.
    fn vertical_first(&self) -> bool {
        let shrinks_by = |from: u32, to: u32| i64::from(from) - i64::from(to);
        let height = shrinks_by(self.from.1, self.to.1);
        height > 0 && height > 2 * shrinks_by(self.from.0, self.to.0)
    }

    /// The window of `source`, one sample a pixel, resized to the nearest neighbours.
    pub fn nearest(&self, source: &[u8]) -> Vec<u8> {
        let columns = nearest_positions(self.from.0, self.to.0, &self.columns);
        let rows = nearest_positions(self.from.1, self.to.1, &self.rows);
        let stride = self.from.0 as usize;
        // Outside of the source, where rounding may lead at the last position, Pillow has zero.
        let sample = |row: usize, column: usize| {
            if column < stride {
                source.get(row * stride + column).copied().unwrap_or(0)
            } else {
                0
            }
        };
        rows.iter()
            .flat_map(|&row| columns.iter().map(move |&column| sample(row, column)))
            .collect()
    }
}

/// The nearest source position of each wanted position; added up as Pillow does, step by step.
fn nearest_positions(from: u32, to: u32, wanted: &Range<u32>) -> Vec<usize> {
    let step = f64::from(from) / f64::from(to);
    let mut position = step * 0.5;
    let mut positions = Vec::with_capacity(wanted.len());
    for index in 0..wanted.end {
        if index >= wanted.start {
            positions.push(position as usize);
        }
        position += step;
    }
    positions
}

/// How Pillow sums samples of a type: bytes in fixed point, 16 bits in double precision.
pub(super) trait Sample: Copy + Default {
    /// A weight, and a sum of weighted samples.
    type Sum: Copy;

    /// Where every sum starts.
    const START: Self::Sum;

    /// The weight that a tap gets, of weights that sum to one.
    fn weight(share: f64) -> Self::Sum;

    /// The sum with one more weighted sample.
    fn add(self, sum: Self::Sum, weight: Self::Sum) -> Self::Sum;

    /// The sample that a sum rounds to.
    fn round(sum: Self::Sum) -> Self;
}

impl Sample for u8 {
    type Sum = i32;

    /// Half, so that the shift at the end rounds.
    const START: i32 = 1 << (PRECISION_BITS - 1);

    /// In fixed point, rounded half away from zero.
    fn weight(share: f64) -> i32 {
        (share * f64::from(1 << PRECISION_BITS) + 0.5f64.copysign(share)) as i32
    }

    fn add(self, sum: i32, weight: i32) -> i32 {
        sum + i32::from(self) * weight
    }

    fn round(sum: i32) -> u8 {
        (sum >> PRECISION_BITS).clamp(0, 255) as u8
    }
}

impl Sample for u16 {
    type Sum = f64;

    const START: f64 = 0.0;

    fn weight(share: f64) -> f64 {
        share
    }

    fn add(self, sum: f64, weight: f64) -> f64 {
        sum + f64::from(self) * weight
    }

    /// Pillow clips the high byte alone: overshoot keeps its own low byte.
    fn round(sum: f64) -> u16 {
        let rounded = (sum.abs() + 0.5).floor().copysign(sum) as i32;
        let (high, low) = ((rounded >> 8).clamp(0, 255), (rounded % 256).max(0));
        (high << 8 | low) as u16
    }
}

/// The source positions that one output position reads, and their weights.
struct Taps<W> {
    start: usize,
    weights: Vec<W>,
}

/// The taps of the output positions in `wanted`, when `from` positions are resized to `to`.
fn taps<S: Sample>(
    from: u32,
    to: u32,
    wanted: Range<u32>,
    interpolation: Interpolation,
) -> Vec<Taps<S::Sum>> {
    let (kernel, support): (fn(f64) -> f64, f64) = match interpolation {
        Interpolation::Bicubic => (bicubic, 2.0),
        Interpolation::Bilinear => (triangle, 1.0),
    };
    if from == to {
        return wanted
            .map(|at| Taps { start: at as usize, weights: vec![S::weight(1.0)] })
            .collect();
    }
    let scale = f64::from(from) / f64::from(to);
    let widening = scale.max(1.0);
    let (support, narrowing) = (support * widening, 1.0 / widening);
    let at = |position: u32| {
        let centre = (f64::from(position) + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from as usize);
        // Pillow's order of operations: the last bit of a weight depends on it.
        let weight = |source: usize| kernel((source as f64 - centre + 0.5) * narrowing);
        Taps { start, weights: normalised::<S>((start..end).map(weight).collect()) }
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

/// The kernel of linear interpolation.
fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// The weights as shares of their sum.
fn normalised<S: Sample>(weights: Vec<f64>) -> Vec<S::Sum> {
    let sum: f64 = weights.iter().sum();
    let share = |weight: f64| if sum == 0.0 { weight } else { weight / sum };
    weights.into_iter().map(|weight| S::weight(share(weight))).collect()
}

/// Every row of `stride` samples at the output columns.
fn horizontal<S: Sample, const C: usize>(
    rows: &[S],
    stride: usize,
    columns: &[Taps<S::Sum>],
) -> Vec<S> {
    let mut output = Vec::with_capacity(rows.len() / stride * columns.len() * C);
    for row in rows.chunks_exact(stride) {
        output.extend(columns.iter().flat_map(|taps| output_pixel::<S, C>(row, taps)));
    }
    output
}

/// The output rows, from rows of `stride` samples of which the first is row `first` of the source.
fn vertical<S: Sample>(source: &[S], stride: usize, first: usize, rows: &[Taps<S::Sum>]) -> Vec<S> {
    let mut output = Vec::with_capacity(stride * rows.len());
    let mut sums = vec![S::START; stride];
    for taps in rows {
        sums.fill(S::START);
        let inputs = source.chunks_exact(stride).skip(taps.start - first);
        for (input, &weight) in inputs.zip(&taps.weights) {
            for (sum, sample) in sums.iter_mut().zip(input) {
                *sum = sample.add(*sum, weight);
            }
        }
        output.extend(sums.iter().map(|&sum| S::round(sum)));
    }
    output
}

fn output_pixel<S: Sample, const C: usize>(row: &[S], taps: &Taps<S::Sum>) -> [S; C] {
    let mut sums = [S::START; C];
    let (pixels, _) = row[taps.start * C..].as_chunks::<C>();
    for (pixel, &weight) in pixels.iter().zip(&taps.weights) {
        for (sum, sample) in sums.iter_mut().zip(pixel) {
            *sum = sample.add(*sum, weight);
        }
    }
    sums.map(S::round)
}
